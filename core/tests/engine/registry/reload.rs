//! Settings that change while a server runs: all of them, or none.

use crate::sessions::logs::RecordingLog;
use crate::support::*;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tenon_mcp::{ErrorKind, JsonSlice, Kind, LogLevel, Outcome, Server, Settings, Tool};

/// Settings of code, which reload without a file.
fn settings(values: Value) -> Settings {
    let settings = Settings::builder().prefix("").load().unwrap();
    set(&settings, "server.name", json!("demo"));
    for (key, value) in values.as_object().unwrap() {
        set(&settings, key, value.clone());
    }
    settings
}

fn set(settings: &Settings, key: &str, value: Value) {
    settings.set(key, &JsonSlice::from_value(&value)).unwrap();
}

fn shown(server: &Server) -> Vec<String> {
    let names = server.names(Kind::Tool).into_iter();
    names.filter(|name| server.registered(Kind::Tool, name).is_some_and(|(_, shown)| shown)).collect()
}

#[test]
fn a_limit_that_changes_counts_from_the_next_call() {
    let settings = settings(json!({ "limits.call_timeout": 10, "limits.max_peer_calls": 1 }));
    let bench = Bench::with_settings(&settings, |builder| builder);
    bench.initialize(LEGACY);
    bench.call(1, "slow");
    bench.call(2, "slow");
    assert!(error_of(&bench.sink.one()).1.contains("max_peer_calls"));
    set(&settings, "limits.call_timeout", json!(1));
    set(&settings, "limits.max_peer_calls", json!(2));
    bench.call(3, "slow");
    assert!(error_of(&bench.sink.one()).1.contains("max_peer_calls"), "nothing changes before the reload");
    settings.reload().unwrap();
    bench.call(4, "slow");
    bench.advance(Duration::from_secs(1));
    let ended = bench.sink.one();
    assert_eq!(ended["id"], 4, "the earlier call keeps its deadline: {ended}");
    bench.advance(Duration::from_secs(9));
    assert_eq!(bench.sink.one()["id"], 1);
}

#[test]
fn one_setting_that_cannot_change_holds_back_all_others() {
    let settings = settings(json!({ "limits.call_timeout": 10, "server.title": "One" }));
    let server = Server::from_settings(&settings).unwrap().build().unwrap();
    server.tool(Tool::new("a"), || async { "" }).unwrap();
    set(&settings, "server.disabled", json!({ "tools": ["*"] }));
    set(&settings, "limits.call_timeout", json!(1));
    for (key, value, before) in [
        ("limits.max_calls", json!(7), Value::Null),
        ("server.title", json!("Two"), json!("One")),
        ("server.name", json!("other"), json!("demo")),
        ("server.version", json!("2"), Value::Null),
        ("server.store", json!("memory:"), Value::Null),
        ("server.state_keys", json!(["00".repeat(32)]), Value::Null),
    ] {
        set(&settings, key, value);
        let expected = format!(
            "code: {key}: it differs from what the server was built with, and cannot change while the server runs; \
             restart the server"
        );
        for refused in [settings.reload().unwrap_err(), server.apply_settings(&settings).unwrap_err()] {
            assert_eq!((refused.kind(), refused.message()), (ErrorKind::State, &*expected));
        }
        assert_eq!(server.engine().limits().call_timeout, Duration::from_secs(10), "{key}");
        assert_eq!(shown(&server), ["a"], "{key}");
        set(&settings, key, before);
    }
    settings.reload().unwrap();
    assert_eq!(server.engine().limits().call_timeout, Duration::from_secs(1));
    assert!(shown(&server).is_empty());
}

#[test]
fn all_servers_of_the_settings_change_or_none() {
    let settings = settings(json!({ "limits.call_timeout": 10 }));
    let build = || Server::from_settings(&settings).unwrap().build().unwrap();
    let first = build();
    set(&settings, "server.title", json!("Two"));
    let second = build();
    set(&settings, "limits.call_timeout", json!(1));
    let refused = settings.reload().unwrap_err();
    assert!(refused.message().contains("server.title"), "{refused}");
    let timeout = |server: &Server| server.engine().limits().call_timeout.as_secs();
    assert_eq!((timeout(&first), timeout(&second)), (10, 10));
    second.apply_settings(&settings).unwrap();
    assert_eq!((timeout(&first), timeout(&second)), (10, 1));
    drop(first);
    settings.reload().unwrap();
}

#[test]
fn what_code_has_set_stays() {
    let settings =
        settings(json!({ "limits.call_timeout": 10, "limits.ask_timeout": 10, "server.log_level": "error" }));
    let log = Arc::new(RecordingLog::default());
    let mut builder = Server::from_settings(&settings).unwrap().log_level(LogLevel::Error).log(log);
    let timeout = tenon_mcp::Limits::named("call_timeout").unwrap();
    builder.set_limit(timeout, tenon_mcp::LimitValue::Time(Duration::from_secs(10))).unwrap();
    let server = builder.build().unwrap();
    set(&settings, "limits.call_timeout", json!(1));
    set(&settings, "limits.ask_timeout", json!(1));
    set(&settings, "server.log_level", json!("debug"));
    settings.reload().unwrap();
    let limits = server.engine().limits();
    assert_eq!((limits.call_timeout.as_secs(), limits.ask_timeout.as_secs()), (10, 1));
    assert_eq!(server.port().log_level(), LogLevel::Error);
}

#[test]
fn a_server_that_was_not_built_from_settings_refuses_them() {
    let server = Server::new("demo", "1");
    let refused = server.apply_settings(&settings(json!({}))).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::State);
    assert!(refused.message().starts_with("the server was not built from settings"), "{refused}");
}

#[test]
fn the_log_level_and_the_masking_of_errors_change() {
    let settings = settings(json!({ "server.log_level": "error" }));
    let log = Arc::new(RecordingLog::default());
    let server = Server::from_settings(&settings).unwrap().log(log.clone()).build().unwrap();
    let port = server.port();
    assert!(!port.logs(LogLevel::Warn, "x"));
    set(&settings, "server.log_level", json!("info"));
    settings.reload().unwrap();
    assert!(port.logs(LogLevel::Info, "x") && !port.logs(LogLevel::Debug, "x"));
    set(&settings, "server.log_level", Value::Null);
    settings.reload().unwrap();
    assert!(port.logs(LogLevel::Debug, "x"), "the default");

    let bench = Bench::with_settings(&settings, |builder| builder.log(log));
    bench.initialize(LEGACY);
    let fail = |id| {
        bench.call(id, "slow");
        let call = bench.drain_call();
        bench.port.complete(call.id, Outcome::Exception("hunter2".into())).unwrap();
        result_text(&bench.sink.one()).to_owned()
    };
    assert!(fail(1).contains("hunter2"));
    set(&settings, "server.mask_errors", json!(true));
    settings.reload().unwrap();
    assert!(!fail(2).contains("hunter2"));
    set(&settings, "server.mask_errors", Value::Null);
    settings.reload().unwrap();
    assert!(fail(3).contains("hunter2"));
}

#[test]
fn entries_are_hidden_and_clients_are_notified() {
    let settings = settings(json!({ "server.disabled": { "tools": ["slo*"] } }));
    let bench = Bench::with_settings(&settings, |builder| builder);
    let sink: Arc<dyn tenon_mcp::transport::Sink> = bench.sink.clone();
    bench.peer.set_sink(sink);
    bench.initialize(LEGACY);
    assert_eq!(shown(&bench.server), ["fast", "other"]);
    bench.advance(Duration::from_secs(1));
    bench.sink.take();
    set(&settings, "server.disabled", json!({ "tools": ["f*t", "slow"], "tags": ["admin"] }));
    settings.reload().unwrap();
    bench.advance(Duration::from_secs(1));
    assert_eq!(bench.sink.one()["method"], "notifications/tools/list_changed");
    assert_eq!(shown(&bench.server), ["other"]);
    bench.call(1, "fast");
    assert!(bench.sink.one().to_string().contains("fast"), "it is unknown");
    // Entries that come later are hidden too.
    bench.server.tool(Tool::new("later").tags(["admin"]), || async { "" }).unwrap();
    assert_eq!(shown(&bench.server), ["other"]);
    // What code has disabled stays disabled, and what code enables stays hidden.
    bench.server.disable(Kind::Tool, "slow");
    bench.server.enable(Kind::Tool, "fast");
    assert_eq!(shown(&bench.server), ["other"]);
    bench.advance(Duration::from_secs(1));
    bench.sink.take();
    set(&settings, "server.disabled", Value::Null);
    settings.reload().unwrap();
    assert_eq!(shown(&bench.server), ["fast", "other", "later"]);
    bench.advance(Duration::from_secs(1));
    assert_eq!(bench.sink.one()["method"], "notifications/tools/list_changed");
    // A reload that changes nothing notifies nobody.
    settings.reload().unwrap();
    bench.advance(Duration::from_secs(1));
    bench.sink.nothing();
}

#[test]
fn a_mounted_server_hides_its_entries_where_it_is_mounted() {
    let settings = settings(json!({}));
    let inner = Server::from_settings(&settings).unwrap().build().unwrap();
    inner.tool(Tool::new("a"), || async { "" }).unwrap();
    let outer = Server::new("outer", "1");
    outer.mount(&inner, "in").unwrap();
    assert_eq!(shown(&outer), ["in_a"]);
    set(&settings, "server.disabled", json!({ "tools": ["a"] }));
    settings.reload().unwrap();
    assert!(shown(&outer).is_empty());
}

#[test]
fn wrong_names_of_hidden_entries_are_refused() {
    let settings = settings(json!({}));
    for (value, expected) in [
        (json!(5), "code: server.disabled must be a JSON object, not 5"),
        (
            json!({ "tool": [] }),
            "code: server.disabled: there is no member \"tool\"; the members are tools, ",
        ),
        (json!({ "tools": "a" }), "code: server.disabled.tools must be a JSON array of strings, not \"a\""),
        (json!({ "tags": [""] }), "code: server.disabled.tags: \"\" must have 1 to 1024 bytes"),
        (
            json!({ "tools": vec!["a"; 1025] }),
            "code: server.disabled.tools: 1025 names exceed the limit of 1024",
        ),
    ] {
        let refused = settings.set("server.disabled", &JsonSlice::from_value(&value)).unwrap_err();
        assert!(refused.message().starts_with(expected), "{refused}");
    }
}

#[test]
fn more_than_1024_different_limits_are_refused() {
    let settings = settings(json!({ "limits.max_asks": 1 }));
    let server = Server::from_settings(&settings).unwrap().build().unwrap();
    for most in 2..=1024 {
        set(&settings, "limits.max_asks", json!(most));
        settings.reload().unwrap();
    }
    set(&settings, "limits.max_asks", json!(1025));
    let refused = settings.reload().unwrap_err();
    assert!(
        refused.message().starts_with("code: limits: the limits have changed to 1024 different sets"),
        "{refused}"
    );
    assert_eq!(server.engine().limits().max_asks, 1024);
    set(&settings, "limits.max_asks", json!(5));
    settings.reload().unwrap();
    assert_eq!(server.engine().limits().max_asks, 5);
}
