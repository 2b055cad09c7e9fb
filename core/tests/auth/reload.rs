//! Keys that a reload of a settings file changes. `attacks::removals` has what ends with a key that is removed.

use crate::helpers::door::{ANN, BOB, bearer};
use crate::helpers::issuer::{Answer, Issuer};
use crate::helpers::reloading::{Reloading, keys};
use crate::support::client::Client;
use crate::support::server::call;
use serde_json::json;
use tenon_mcp::ErrorKind;

/// The key that takes the place of [`ANN`].
const NEW: &str = "new-key-of-ann-0123456789";

/// A key in a header of its own.
fn in_header(key: &str) -> String {
    keys(&[("ann", key)]).replace("keys = [", "header = \"x-api-key\"\nkeys = [")
}

/// Settings with a verifier and the size of pages.
fn with_pages(auth: &str, size: u32) -> String {
    format!("{auth}[limits]\npage_size = {size}\n")
}

#[test]
fn a_bearer_key_that_a_new_file_replaces() {
    let up = Reloading::new(&keys(&[("ann", ANN), ("bob", BOB)]), &[]);
    assert_eq!((up.status(ANN), up.status(NEW), up.status(BOB)), (200, 401, 200));
    up.reload(&keys(&[("ann", NEW), ("bob", BOB)])).unwrap();
    assert_eq!((up.status(ANN), up.status(NEW), up.status(BOB)), (401, 200, 200));
    // It is refused as a key that was never there, and may come back.
    up.reload(&keys(&[("ann", ANN)])).unwrap();
    assert_eq!((up.status(ANN), up.status(NEW), up.status(BOB)), (200, 401, 401));
}

#[test]
fn a_key_in_a_header_that_a_new_file_replaces() {
    let up = Reloading::new(&in_header(ANN), &[]);
    let knock = |key| up.knock("x-api-key", key);
    assert_eq!((knock(ANN), knock(NEW)), (200, 401));
    up.reload(&in_header(NEW)).unwrap();
    assert_eq!((knock(ANN), knock(NEW)), (401, 200));
    // The same key is a bearer token from now on.
    up.reload(&keys(&[("ann", NEW)])).unwrap();
    assert_eq!((knock(NEW), up.status(NEW)), (401, 200));
}

/// The settings file stays, and what it refers to changes.
#[test]
fn a_key_in_another_file_or_in_a_variable_that_changes() {
    let own = keys(&[("ann", "${KEY}")]);
    let in_file = own.replace("value = \"${KEY}\"", "file = \"FOLDER/key\"");
    for (text, name, before, after) in [
        (&in_file, "key", ANN.to_owned(), NEW.to_owned()),
        (&own, ".env", format!("KEY={ANN}\n"), format!("KEY={NEW}\n")),
    ] {
        let up = Reloading::new(text, &[(name, &before)]);
        assert_eq!((up.status(ANN), up.status(NEW)), (200, 401), "{name}");
        up.file(name, &after);
        assert_eq!((up.status(ANN), up.status(NEW)), (200, 401), "{name}: nothing changes before the reload");
        up.settings.reload().unwrap();
        assert_eq!((up.status(ANN), up.status(NEW)), (401, 200), "{name}");
    }
}

/// A connection that knows its credentials asks again after a reload.
#[test]
fn a_connection_with_a_key_that_a_new_file_replaces() {
    let up = Reloading::new(&keys(&[("ann", ANN)]), &[]);
    let status = |client: &mut Client, key: &str| {
        let (name, value) = bearer(key);
        let headers = [
            ("mcp-protocol-version", crate::MODERN),
            ("mcp-method", "tools/call"),
            ("mcp-name", "work"),
            (name, &*value),
        ];
        client.post(&headers, &call(1, "work", json!({}))).status
    };
    let (mut one, mut two) = (up.served.client(), up.served.client());
    for client in [&mut one, &mut two] {
        assert!((0..3).all(|_| status(client, ANN) == 200));
    }
    up.reload(&keys(&[("ann", NEW)])).unwrap();
    // A refused request ends its connection, because its body is not read.
    assert_eq!((status(&mut one, ANN), status(&mut two, NEW), status(&mut two, ANN)), (401, 200, 401));
}

#[test]
fn wrong_verifiers_in_a_new_file_change_neither_keys_nor_limits() {
    let up = Reloading::new(&with_pages(&keys(&[("ann", ANN)]), 1), &[]);
    let has_next = || up.tools(ANN)["nextCursor"].is_string();
    assert!(has_next());
    let good = keys(&[("ann", NEW)]);
    let jwt = "[[server.auth]]\ntype = \"jwt\"\nissuer = \"https://login.example\"\n";
    let short = keys(&[("ann", NEW), ("bob", "hunter2")]);
    let no_file = good.replace("value = ", "file = ");
    for (wrong, expected) in [
        (good.replace("keys =", "kees ="), "app.toml, line 3: server.auth[0]: there is no option \"kees\""),
        (short, "app.toml, line 7: server.auth: auth[0].keys[1]: "),
        (no_file, "app.toml, line 6: server.auth: auth[0].keys[0].file: cannot read "),
        // The first verifier is right.
        (
            format!("{good}{jwt}"),
            "app.toml, line 8: server.auth: auth[1]: a verifier of JWT needs the option audience",
        ),
        (
            format!("{good}{jwt}audience = \"https://up.example\"\nsecret = \"hunter2\"\n"),
            "app.toml, line 12: server.auth: auth[1].secret: ",
        ),
    ] {
        let refused = up.reload(&with_pages(&wrong, 0)).unwrap_err();
        let said = up.message(&refused);
        assert!(said.starts_with(expected), "{said}");
        assert!(!said.contains("hunter2") && !said.contains("new-key-of-ann\""), "{said}");
        assert!(matches!(refused.kind(), ErrorKind::Invalid | ErrorKind::State), "{refused:?}");
        assert_eq!((up.status(ANN), up.status(NEW), has_next()), (200, 401, true), "{said}");
        assert_eq!(up.settings.get("limits.page_size").unwrap().unwrap().deserialize::<u32>().unwrap(), 1);
    }
    // The limit is one that a right file changes.
    up.reload(&with_pages(&good, 0)).unwrap();
    assert_eq!((up.status(ANN), up.status(NEW)), (401, 200));
    assert!(up.tools(NEW)["nextCursor"].is_null());
}

/// The time for a question to an authorization server is a limit that a reload can change.
#[test]
fn a_longer_time_for_questions_about_tokens() {
    let issuer = Issuer::new();
    issuer.set(
        "/introspect",
        Answer::Held(json!({ "active": true, "sub": "ann", "aud": "https://up.example" })),
    );
    let settings = |seconds: f64| {
        let url = issuer.url("/introspect");
        format!(
            "[[server.auth]]\ntype = \"introspection\"\nurl = \"{url}\"\naudience = \"https://up.example\"\n[limits]\n\
             store_timeout = {seconds}\n"
        )
    };
    let (patient, hasty) = (Reloading::new(&settings(0.3), &[]), Reloading::new(&settings(0.3), &[]));
    patient.reload(&settings(600.0)).unwrap();
    let mut client = patient.served.client();
    let (name, value) = bearer("opaque");
    let headers = [
        ("mcp-protocol-version", crate::MODERN),
        ("mcp-method", "tools/call"),
        ("mcp-name", "work"),
        (name, &*value),
    ];
    client.send_post(&headers, &call(1, "work", json!({})));
    issuer.wait_for("/introspect", 1);
    // This request begins later, so the time before the reload is over for the other one, too.
    assert_eq!(hasty.status("opaque"), 503);
    issuer.release();
    assert_eq!(client.reply().status, 200);
}
