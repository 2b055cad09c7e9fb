//! Settings that are read again, and keys in files.

use crate::{Folder, error, get};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tenon_mcp::testing::Client;
use tenon_mcp::{ErrorKind, ServeOptions, Server, Tool, VisibilityQuestion};

#[test]
fn keys_are_secret_and_may_be_in_a_file() {
    let folder = Folder::new();
    let (one, other) = ("0f".repeat(32), "Dw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8=");
    let file = folder.file("keys", &format!("{one}\n{other}\n"));
    for toml in [
        format!("state_keys = [\"{one}\", \"{other}\"]"),
        format!("state_keys_file = {:?}", file.to_str().unwrap()),
    ] {
        let settings = folder.settings(&format!("[server]\nname = \"demo\"\n{toml}"), "").load().unwrap();
        assert_eq!(get(&settings, "server.state_keys"), true);
        assert!(Server::from_settings(&settings).unwrap().build().is_ok());
    }
    let both = format!("TENON_TEST_SERVER__STATE_KEYS={one},{other}\n");
    assert_eq!(get(&folder.settings("", &both).load().unwrap(), "server.state_keys"), true);
    let short = "0f".repeat(31);
    for (toml, expected) in [
        (
            format!("[\"{one}\", \"{short}\"]"),
            "app.toml, line 2: server.state_keys[1] must have 32 bytes, as hex or base64 text",
        ),
        (
            "5".to_owned(),
            "app.toml, line 2: server.state_keys must be a JSON array of strings, each with 32 bytes",
        ),
        (
            "[5]".to_owned(),
            "app.toml, line 2: server.state_keys must be a JSON array of strings, each with 32 bytes",
        ),
    ] {
        let text = error(&folder, folder.settings(&format!("[server]\nstate_keys = {toml}"), ""));
        assert!(text.starts_with(expected) && !text.contains("0f0f"), "{text}");
    }
}

#[test]
fn a_reload_that_a_server_refuses_changes_nothing() {
    let folder = Folder::new();
    let toml = |limits: &str| format!("[server]\nname = \"demo\"\n[limits]\n{limits}");
    let settings = folder.settings(&toml("max_calls = 1\ncall_timeout = 1"), "").load().unwrap();
    let server = Server::from_settings(&settings).unwrap().build().unwrap();
    folder.file("app.toml", &toml("max_calls = 2\ncall_timeout = 2"));
    let refused = settings.reload().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::State);
    assert!(refused.message().contains("app.toml, line 4: limits.max_calls: it differs"), "{refused}");
    assert_eq!(get(&settings, "limits.call_timeout"), 1.0, "the settings keep their values too");
    assert_eq!(server.engine().limits().call_timeout.as_secs(), 1);
    folder.file("app.toml", &toml("max_calls = 1\ncall_timeout = 2"));
    settings.reload().unwrap();
    assert_eq!(get(&settings, "limits.call_timeout"), 2.0);
    assert_eq!(server.engine().limits().call_timeout.as_secs(), 2);
}

#[test]
fn a_server_that_was_removed_refuses_no_reload() {
    let folder = Folder::new();
    let toml = |limits: &str| format!("[server]\nname = \"demo\"\n[limits]\n{limits}");
    let built = || {
        let settings = folder.settings(&toml("max_calls = 1\ncall_timeout = 1"), "").load().unwrap();
        let server = Server::from_settings(&settings).unwrap().build().unwrap();
        (settings, server)
    };
    let (settings, server) = built();
    let (_others, other) = built();
    folder.file("app.toml", &toml("max_calls = 2\ncall_timeout = 2"));
    settings.remove_server(&other);
    assert!(settings.reload().is_err(), "the other server was not built from these settings");
    settings.remove_server(&server.clone());
    settings.reload().unwrap();
    assert_eq!(get(&settings, "limits.max_calls"), 2);
    assert_eq!(server.engine().limits().call_timeout.as_secs(), 1);
}

#[test]
fn refused_reloads_use_up_no_sets_of_limits() {
    let folder = Folder::new();
    let toml = |pages: u32, issuer: &str| {
        let verifier = format!("type = \"jwt\"\naudience = \"a\"\nsecret = \"{}\"\n{issuer}", "s".repeat(32));
        format!("[server]\nname = \"demo\"\n[[server.auth]]\n{verifier}\n[limits]\npage_size = {pages}\n")
    };
    let settings = folder.settings(&toml(1, "issuer = \"i\""), "").load().unwrap();
    let _server = Server::from_settings(&settings).unwrap().build().unwrap();
    for pages in 2..1100 {
        folder.file("app.toml", &toml(pages, ""));
        assert!(settings.reload().unwrap_err().message().contains("needs the option issuer"));
    }
    folder.file("app.toml", &toml(1100, "issuer = \"i\""));
    settings.reload().unwrap();
    assert_eq!(get(&settings, "limits.page_size"), 1100);
}

#[test]
fn transports_that_are_served_cannot_change() {
    let folder = Folder::new();
    let toml = |path: &str| format!("[server]\nname = \"demo\"\n[serve.http]\nport = 0\npath = \"{path}\"\n");
    let settings = folder.settings(&toml("/one"), "").load().unwrap();
    let server = Server::from_settings(&settings).unwrap().build().unwrap();
    folder.file("app.toml", &toml("/two"));
    settings.reload().unwrap();
    let running = server.start(ServeOptions::from_settings(&settings).unwrap()).unwrap();
    assert!(running.http_url().unwrap().ends_with("/two"));
    folder.file("app.toml", &toml("/three"));
    let refused = settings.reload().unwrap_err();
    assert!(refused.message().contains("app.toml, line 5: serve.http.path: it differs"), "{refused}");
    running.close();
    running.wait();
    settings.reload().unwrap();
}

#[test]
fn a_wrong_new_file_changes_nothing() {
    let folder = Folder::new();
    let settings = folder.settings("[limits]\nmax_calls = 1\nmax_peer_calls = 1\n", "").load().unwrap();
    folder.file("app.toml", "[limits]\nmax_calls = 2\nmax_peer_calls = \"x\"\n");
    assert!(settings.reload().unwrap_err().message().contains("app.toml, line 3: limits.max_peer_calls"));
    assert_eq!(
        (get(&settings, "limits.max_calls"), get(&settings, "limits.max_peer_calls")),
        (json!(1), json!(1))
    );
    folder.file("app.toml", "[limits]\nmax_calls = 2\n");
    settings.reload().unwrap();
    assert_eq!(get(&settings, "limits.max_calls"), 2);
}

/// A program that changes who sees what can make that count at once.
#[tokio::test]
async fn a_reload_forgets_what_functions_have_decided() {
    let folder = Folder::new();
    let settings = folder.settings("[server]\nname = \"demo\"", "").load().unwrap();
    let server = Server::from_settings(&settings).unwrap().build().unwrap();
    for number in 0..200 {
        server.tool(Tool::new(format!("tool{number}")), || async { "called" }).unwrap();
    }
    let (asked, from) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(100)));
    let (counted, least) = (asked.clone(), from.clone());
    let visible = move |question: VisibilityQuestion| {
        counted.fetch_add(1, Ordering::SeqCst);
        assert_eq!((question.kind.as_str(), question.principal), ("tool", None));
        let shown = question.name["tool".len()..].parse::<usize>().unwrap() >= least.load(Ordering::SeqCst);
        async move { shown }
    };
    server.visible(visible).unwrap();
    let client = Client::new(&server).unwrap();
    let listed = || async { client.list_tools().await.unwrap().len() };
    assert_eq!((listed().await, listed().await, asked.load(Ordering::SeqCst)), (100, 100, 200));
    assert!(client.call_tool("tool7", json!({})).await.is_err());
    from.store(150, Ordering::SeqCst);
    assert_eq!(listed().await, 100, "the decisions are kept");
    settings.reload().unwrap();
    assert_eq!((listed().await, asked.load(Ordering::SeqCst)), (50, 400));
}
