//! Attempts without credentials against a server that has one public entry, so that strangers reach the engine.

use crate::helpers::door::*;
use crate::support::bench::{Full, whole};
use crate::{initialize, notification, request};
use serde_json::{Value, json};
use tenon_mcp::{Capability, Kind, Limits};

fn fixture() -> Door {
    let door =
        Door::with(Limits::default(), everybody(), |builder| builder.capability(Capability::Completions));
    door.add(Kind::Tool, "help", json!({ "public": true }));
    door.add(Kind::Resource, "a://x", json!({}));
    door.add(Kind::ResourceTemplate, "b://{id}", json!({}));
    door.add(Kind::Prompt, "ask", json!({}));
    door.add(Kind::Method, "shop/close", json!({}));
    door.add(Kind::Notification, "notifications/shop", json!({}));
    assert_eq!(door.call(None, "help"), 200);
    door
}

fn session(door: &Door) -> String {
    let opened = door.send("POST", &[], Some(&initialize("2025-11-25")));
    opened.headers()["mcp-session-id"].to_str().unwrap().to_owned()
}

fn in_session(door: &Door, session: &str, message: &Value) -> Full {
    whole(door.send("POST", &[("mcp-session-id", session)], Some(message)))
}

#[test]
fn everything_that_is_not_public() {
    let door = fixture();
    let prompt =
        json!({ "ref": { "type": "ref/prompt", "name": "ask" }, "argument": { "name": "n", "value": "" } });
    for (method, params) in [
        ("tools/call", json!({ "name": "work" })),
        ("resources/read", json!({ "uri": "a://x" })),
        ("resources/read", json!({ "uri": "b://7" })),
        ("prompts/get", json!({ "name": "ask" })),
        ("completion/complete", prompt),
        ("shop/close", json!({})),
    ] {
        let session = session(&door);
        assert_eq!(door.modern(None, method, params.clone()).status, 401, "{method}");
        assert_eq!(in_session(&door, &session, &request(1, method, params)).status, 401, "{method}");
    }
    assert_eq!(door.callers.borrow().len(), 1, "only help has run");
}

#[test]
fn the_lists() {
    let door = fixture();
    for (method, member, count) in [
        ("tools/list", "tools", 1),
        ("resources/list", "resources", 0),
        ("resources/templates/list", "resourceTemplates", 0),
        ("prompts/list", "prompts", 0),
    ] {
        let listed = door.modern(None, method, json!({})).json();
        assert_eq!(listed["result"][member].as_array().unwrap().len(), count, "{listed}");
        assert_eq!(listed["result"]["cacheScope"], "private");
    }
}

#[test]
fn subscriptions_and_listen_streams() {
    let door = fixture();
    let session = session(&door);
    for uri in ["a://x", "b://7"] {
        let refused = in_session(&door, &session, &request(2, "resources/subscribe", json!({ "uri": uri })));
        assert_eq!(refused.status, 401, "{uri}");
    }
    let params = json!({ "notifications": { "resourceSubscriptions": ["a://x", "b://7"] } });
    let mut stream = door.open_modern(&[], "subscriptions/listen", params).into_body();
    let first = said(&mut stream).0;
    door.bench.server.resource_updated("a://x");
    door.pass(1);
    let next = said(&mut stream).0;
    assert!(!first.contains("a://x") && !next.contains("a://x"), "{first} {next}");
}

#[test]
fn a_notification_of_the_program() {
    let door = fixture();
    let session = session(&door);
    let before = door.callers.borrow().len();
    in_session(&door, &session, &notification("notifications/shop", json!({})));
    door.run_handlers();
    assert_eq!(door.callers.borrow().len(), before);
}

#[test]
fn a_task_of_somebody() {
    let door = fixture();
    for id in ["", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        for method in ["tasks/get", "tasks/cancel", "tasks/result"] {
            let refused = door.modern(None, method, json!({ "taskId": id })).json();
            assert!(refused["error"].is_object(), "{method} {id}: {refused}");
        }
    }
    assert!(door.modern(None, "tasks/list", json!({})).json()["error"].is_object());
}

/// Wrong credentials must not make a client a stranger, who may use what is public.
#[test]
fn wrong_credentials_for_a_public_entry() {
    let door = fixture();
    for (value, status) in [("Bearer key-of-nobody-0123456789", 401), ("Bearer", 400), ("Basic YTpi", 401)] {
        let headers = [("authorization", value)];
        let refused = whole(door.open_modern(&headers, "tools/call", json!({ "name": "help" })));
        assert_eq!(refused.status, status, "{value}");
    }
}

/// A public entry with a tag that is not public.
#[test]
fn a_public_entry_with_a_rule_of_its_tag() {
    let mut settings = everybody();
    settings["access_of_tags"] = json!({ "admin": { "scopes": ["pay"] } });
    let door = Door::new(settings);
    door.add(Kind::Tool, "help", json!({ "public": true, "tags": ["admin"] }));
    assert_eq!(
        (door.call(None, "help"), door.call(Some(BOB), "help"), door.call(Some(ANN), "help")),
        (401, 403, 200)
    );
}

/// Handshakes of strangers are bounded, and displace nobody who has a session.
#[test]
fn handshakes_without_an_end() {
    let mut limits = Limits::default();
    limits.max_sessions = 5;
    let door = Door::with(limits, everybody(), |builder| builder);
    door.add(Kind::Tool, "help", json!({ "public": true }));
    let own = door.session(ANN);
    for _ in 0..20 {
        session(&door);
    }
    assert_eq!(door.bench.service.sessions(), 5);
    assert_eq!(door.in_session(ANN, &own, "ping", json!({})).status, 200);
}
