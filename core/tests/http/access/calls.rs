//! Calls, reads, completions and subscriptions of entries with rules.

use super::*;
use crate::initialize;
use tenon_mcp::Capability;

#[test]
fn a_caller_without_the_scopes_learns_which_ones_are_needed() {
    let bench = bench(|builder| builder);
    add(&bench, Kind::Tool, "pay", &json!({ "scopes": ["pay", "read"] }));
    let refused =
        modern(&bench, Some(&caller(&["read"], &[])), "tools/call", json!({ "name": "pay" })).unwrap();
    assert_eq!(refused.status, 403);
    // AU-9: all scopes of the operation.
    let challenge = refused.headers["www-authenticate"].to_str().unwrap();
    assert!(
        challenge.starts_with("Bearer ") && challenge.contains("error=\"insufficient_scope\""),
        "{challenge}"
    );
    assert!(challenge.contains("scope=\"pay read\""), "{challenge}");
    assert_eq!(refused.json()["error"]["message"], "Forbidden: the request needs the scopes pay read");
    assert_eq!(status(&bench, Some(&caller(&["read", "pay", "more"], &[])), "pay"), 200);
}

/// The id of a new session of this caller.
fn initialize_as(bench: &Bench, caller: &str) -> String {
    let opened = send(bench, Some(caller), &[], &initialize("2025-11-25")).unwrap();
    opened.headers()["mcp-session-id"].to_str().unwrap().to_owned()
}

/// AU-10: a client up to 2025-11-25 asks for exactly the scopes of the challenge. Without those that it has, it would lose
/// them. A client of 2026-07-28 adds them itself.
#[test]
fn a_challenge_repeats_the_scopes_of_the_token_up_to_2025_11_25() {
    let bench = bench(|builder| builder);
    add(&bench, Kind::Tool, "pay", &json!({ "scopes": ["pay", "read"] }));
    let challenge = |granted: &[&str]| {
        let caller = caller(granted, &[]);
        let session = initialize_as(&bench, &caller);
        let headers = [("mcp-session-id", &*session), ("mcp-protocol-version", "2025-11-25")];
        let refused =
            send(&bench, Some(&caller), &headers, &request(2, "tools/call", json!({ "name": "pay" })));
        let refused = whole(refused.unwrap());
        assert_eq!(refused.status, 403);
        let error = refused.json()["error"].clone();
        assert_eq!(
            error["message"], "Forbidden: the request needs the scopes pay read",
            "only what is needed"
        );
        assert_eq!(error["data"], Value::Null);
        refused.headers["www-authenticate"].to_str().unwrap().to_owned()
    };
    let scope = |challenge: &str| {
        let (_, rest) = challenge.split_once("scope=\"").unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    };
    assert_eq!(scope(&challenge(&[])), "pay read");
    assert_eq!(scope(&challenge(&["read", "more", "other"])), "pay read more other");
    // Not in a challenge: what is no scope of OAuth, and what asks for a refresh token.
    assert_eq!(scope(&challenge(&["é", "offline_access", "more"])), "pay read more");
    // Only what fits. The scopes of the operation always do.
    let long: Vec<String> = (0..100).map(|number| format!("{number:0>100}")).collect();
    let long: Vec<&str> = long.iter().map(String::as_str).collect();
    let whole = challenge(&long);
    assert!((4000..=4096).contains(&whole.len()), "{}", whole.len());
    let named = scope(&whole);
    assert!(named.starts_with(&format!("pay read {} ", long[0])), "{named}");
    assert!(named.split(' ').skip(2).eq(long.iter().copied().take(named.split(' ').count() - 2)), "{named}");
    let short_after_long: Vec<&str> = long.iter().copied().chain(["more"]).collect();
    assert!(scope(&challenge(&short_after_long)).ends_with(" more"), "the next one may still fit");

    let modern =
        modern(&bench, Some(&caller(&["read", "more"], &[])), "tools/call", json!({ "name": "pay" }));
    assert_eq!(scope(modern.unwrap().headers["www-authenticate"].to_str().unwrap()), "pay read");
}

/// If no client can ask for what is missing, the scopes that a token has must not look like the remedy.
#[test]
fn granted_scopes_alone_are_not_named() {
    let bench = bench(|builder| builder);
    add(&bench, Kind::Tool, "odd", &json!({ "scopes": ["é"] }));
    let caller = caller(&["read"], &[]);
    let session = initialize_as(&bench, &caller);
    let headers = [("mcp-session-id", &*session), ("mcp-protocol-version", "2025-11-25")];
    let refused = send(&bench, Some(&caller), &headers, &request(2, "tools/call", json!({ "name": "odd" })));
    let refused = whole(refused.unwrap());
    assert_eq!(refused.headers["www-authenticate"], "Bearer error=\"insufficient_scope\"");
}

/// AU-13: without credentials the challenge names no error.
#[test]
fn a_caller_without_credentials_is_asked_for_them() {
    let bench = bench(|builder| builder);
    add(&bench, Kind::Tool, "pay", &json!({ "scopes": ["pay"] }));
    let refused = modern(&bench, None, "tools/call", json!({ "name": "pay" })).unwrap();
    assert_eq!(refused.status, 401);
    let challenge = refused.headers["www-authenticate"].to_str().unwrap();
    assert!(challenge.starts_with("Bearer") && challenge.contains("scope=\"pay\""), "{challenge}");
    assert!(!challenge.contains("error="), "{challenge}");
    assert_eq!(status(&bench, None, "work"), 200, "an entry without rules");
}

#[test]
fn a_caller_without_the_role_is_refused_without_a_challenge() {
    let bench = bench(|builder| builder);
    add(&bench, Kind::Tool, "ban", &json!({ "roles": ["admin", "owner"] }));
    let refused =
        modern(&bench, Some(&caller(&[], &["user"])), "tools/call", json!({ "name": "ban" })).unwrap();
    assert_eq!(refused.status, 403);
    assert!(!refused.headers.contains_key("www-authenticate"));
    assert_eq!(status(&bench, Some(&caller(&[], &["owner"])), "ban"), 200);
}

/// The arguments of a caller who may not use the entry are not examined.
#[test]
fn rules_are_checked_before_arguments() {
    let bench = bench(|builder| builder);
    let mut entry = Entry::new(Kind::Tool, "sum").set("inputSchema", schema(json!({
        "type": "object", "properties": { "secret_name": { "type": "integer" } }, "required": ["secret_name"],
    })));
    entry.set_policies(&JsonSlice::from_value(&json!({ "scopes": ["sum"] })), Spelling::Rust).unwrap();
    bench.server.add(entry, LANE).unwrap();
    let refused = modern(&bench, Some(&caller(&[], &[])), "tools/call", json!({ "name": "sum" })).unwrap();
    assert_eq!(refused.status, 403);
    assert!(!String::from_utf8_lossy(&refused.body).contains("secret_name"));
}

#[test]
fn a_server_that_refuses_anonymous_callers_reads_nothing_of_their_requests() {
    let bench = bench(|builder| builder.anonymous(tenon_mcp::Anonymous::Refuse));
    for method in ["tools/list", "tools/call", "ping", "server/discover"] {
        let refused = modern(&bench, None, method, json!({ "name": "work" })).unwrap();
        assert_eq!(
            (refused.status, refused.headers.contains_key("www-authenticate")),
            (401, true),
            "{method}"
        );
        // AU-15: the id is not known, because the body was not read.
        assert!(refused.json().get("id").is_none());
    }
    let invalid = modern(&bench, Some("invalid"), "tools/list", json!({})).unwrap();
    assert_eq!(invalid.status, 401);
    assert!(invalid.headers["www-authenticate"].to_str().unwrap().contains("error=\"invalid_token\""));
    assert_eq!(status(&bench, Some(&caller(&[], &[])), "work"), 200);
}

#[test]
fn public_entries_are_open_although_the_server_refuses_anonymous_callers() {
    let bench = bench(|builder| builder.anonymous(tenon_mcp::Anonymous::Refuse));
    add(&bench, Kind::Tool, "help", &json!({ "public": true }));
    assert_eq!(status(&bench, None, "help"), 200);
    assert_eq!(status(&bench, None, "work"), 401);
    let listed = modern(&bench, None, "tools/list", json!({})).unwrap().json();
    assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), 1, "{listed}");
}

#[test]
fn every_kind_of_entry_has_rules() {
    let bench = bench(|builder| builder.capability(Capability::Completions));
    let rule = json!({ "scopes": ["x"] });
    add(&bench, Kind::Resource, "a://secret", &rule);
    add(&bench, Kind::ResourceTemplate, "b://{id}", &rule);
    add(&bench, Kind::Prompt, "ask", &rule);
    add(&bench, Kind::Method, "shop/close", &rule);
    let completed =
        json!({ "ref": { "type": "ref/prompt", "name": "ask" }, "argument": { "name": "n", "value": "" } });
    let all = [
        ("resources/read", json!({ "uri": "a://secret" })),
        ("resources/read", json!({ "uri": "b://7" })),
        ("prompts/get", json!({ "name": "ask" })),
        ("completion/complete", completed),
        ("shop/close", json!({})),
    ];
    for (method, params) in all {
        let status = |caller: Option<&str>| {
            modern(&bench, caller, method, params.clone()).map_or(200, |got| got.status)
        };
        let (without, with) = (caller(&[], &[]), caller(&["x"], &[]));
        assert_eq!((status(None), status(Some(&without))), (401, 403), "{method} {params}");
        assert!(!matches!(status(Some(&with)), 401 | 403), "{method} {params}");
    }
}

#[test]
fn a_session_gets_the_statuses_as_well_and_each_request_counts_by_its_own_scopes() {
    let bench = bench(|builder| builder);
    add(&bench, Kind::Tool, "pay", &json!({ "scopes": ["pay"] }));
    add(&bench, Kind::Resource, "a://secret", &json!({ "scopes": ["read"] }));
    let (rich, poor) = (caller(&["pay", "read"], &[]), caller(&[], &[]));
    let opened = send(&bench, Some(&rich), &[], &initialize("2025-11-25")).unwrap();
    let session = opened.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    let ids = std::cell::Cell::new(5);
    let asks = |caller: &str, method: &str, params: Value| {
        let headers = [("mcp-session-id", &*session), ("mcp-protocol-version", "2025-11-25")];
        send(&bench, Some(caller), &headers, &request(ids.replace(ids.get() + 1), method, params))
            .map_or(200, |got| got.status().as_u16())
    };
    assert_eq!(asks(&poor, "tools/call", json!({ "name": "pay" })), 403);
    assert_eq!(asks(&rich, "tools/call", json!({ "name": "pay" })), 200);
    assert_eq!(asks(&poor, "resources/subscribe", json!({ "uri": "a://secret" })), 403);
    assert_eq!(asks(&rich, "resources/subscribe", json!({ "uri": "a://secret" })), 200);
}

#[test]
fn a_listen_stream_leaves_out_what_its_caller_may_not_read() {
    let bench = bench(|builder| builder);
    add(&bench, Kind::Resource, "a://open", &json!({}));
    add(&bench, Kind::Resource, "a://secret", &json!({ "scopes": ["read"] }));
    let listens = |caller: &str| {
        let params = json!({ "notifications": { "resourceSubscriptions": ["a://open", "a://secret"] } });
        let message = request(1, "subscriptions/listen", envelope(params));
        let headers = [("mcp-protocol-version", MODERN), ("mcp-method", "subscriptions/listen")];
        let mut stream = send(&bench, Some(caller), &headers, &message).unwrap().into_body();
        match crate::support::bench::poll_body(&mut stream, &Arc::default()) {
            crate::support::bench::Part::Data(data) => String::from_utf8_lossy(&data).into_owned(),
            _ => panic!("an acknowledgement"),
        }
    };
    let poor = listens(&caller(&[], &[]));
    assert!(poor.contains("a://open") && !poor.contains("a://secret"), "{poor}");
    assert!(listens(&caller(&["read"], &[])).contains("a://secret"));
}

#[test]
fn settings_give_defaults_rules_of_tags_and_a_hierarchy() {
    let settings = json!({
        "scopes": ["use"],
        "access_of_tags": { "admin": { "roles": ["root"] } },
        "scope_hierarchy": { "all": ["use"] },
    });
    let bench = bench(|mut builder| {
        builder.set_settings(&JsonSlice::from_value(&settings), Spelling::Rust).unwrap();
        builder
    });
    add(&bench, Kind::Tool, "plain", &json!({}));
    add(&bench, Kind::Tool, "ban", &json!({ "tags": ["admin"] }));
    add(&bench, Kind::Tool, "free", &json!({ "public": true }));
    for (scopes, roles, tool, expected) in [
        (&[][..], &[][..], "plain", 403),
        (&["use"], &[], "plain", 200),
        (&["all"], &[], "plain", 200),
        (&["use"], &[], "ban", 403),
        (&["use"], &["root"], "ban", 200),
        (&[], &["root"], "ban", 403),
        (&[], &[], "free", 200),
    ] {
        assert_eq!(
            status(&bench, Some(&caller(scopes, roles)), tool),
            expected,
            "{scopes:?} {roles:?} {tool}"
        );
    }
}

#[test]
fn a_mounted_server_keeps_its_rules() {
    let outer = bench(|builder| builder);
    let inner = Bench::with(Limits::default(), |builder| builder.scopes(["inner"]));
    outer.server.mount(&inner.server, "in").unwrap();
    assert_eq!(status(&outer, Some(&caller(&[], &[])), "in_work"), 403);
    assert_eq!(status(&outer, Some(&caller(&["inner"], &[])), "in_work"), 200);
    let listed = modern(&outer, Some(&caller(&[], &[])), "tools/list", json!({})).unwrap().json();
    assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), 1, "{listed}");
}

#[test]
fn a_contradiction_is_refused_at_registration() {
    let bench = bench(|builder| builder);
    let mut entry = Entry::new(Kind::Tool, "x").set("inputSchema", schema(json!({ "type": "object" })));
    let policies = json!({ "public": true, "scopes": ["a"] });
    entry.set_policies(&JsonSlice::from_value(&policies), Spelling::Rust).unwrap();
    let said = bench.server.add(entry, LANE).unwrap_err().to_string();
    assert!(said.contains("tool \"x\"") && said.contains("public"), "{said}");
    let mut entry = Entry::new(Kind::Tool, "y");
    let wrong = entry.set_policies(&JsonSlice::from_value(&json!({ "scopes": ["a b"] })), Spelling::Rust);
    assert!(wrong.unwrap_err().text.contains("\"a b\""));
}
