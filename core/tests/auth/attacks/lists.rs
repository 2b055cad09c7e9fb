//! Attempts to see or use more than the caller's scopes permit.

use crate::helpers::door::*;
use crate::support::bench::{Full, whole};
use crate::{envelope, initialize, notification, request, schema};
use serde_json::{Value, json};
use std::sync::Arc;
use tenon_mcp::{Capability, Entry, Kind, Limits, Outcome, Server, TaskSupport, Tool};

/// A server with an entry of each kind that needs the scope `pay`, which Bob does not have.
fn fixture() -> Door {
    let door =
        Door::with(Limits::default(), everybody(), |builder| builder.capability(Capability::Completions));
    let rule = || json!({ "scopes": ["pay"] });
    door.add(Kind::Resource, "a://secret", rule());
    door.add(Kind::ResourceTemplate, "b://{id}", rule());
    door.add(Kind::Prompt, "ask", rule());
    door.add(Kind::Method, "shop/close", rule());
    door.add(Kind::Resource, "a://open", json!({}));
    door
}

fn text(full: &Full) -> String {
    String::from_utf8_lossy(&full.body).into_owned()
}

#[test]
fn a_call_of_what_no_list_shows() {
    let door = fixture();
    for (method, params) in [
        ("tools/call", json!({ "name": "pay" })),
        ("resources/read", json!({ "uri": "a://secret" })),
        ("resources/read", json!({ "uri": "b://7" })),
        ("prompts/get", json!({ "name": "ask" })),
        ("shop/close", json!({})),
    ] {
        let refused = door.modern(Some(BOB), method, params.clone());
        assert_eq!(refused.status, 403, "{method} {params}");
        assert!(challenge(&refused).contains("scope=\"pay\""), "{method}");
        assert_eq!(door.modern(Some(ANN), method, params).status, 200, "{method}");
    }
}

#[test]
fn names_that_are_nearly_those_of_an_entry() {
    let door = fixture();
    for name in ["PAY", "pay ", " pay", "pay\u{0}", "pay/", "./pay", "p\u{0430}y", "pay\u{200b}", ""] {
        let message = json!({ "name": name });
        let asked = door.bench.post(
            &[
                ("mcp-protocol-version", crate::MODERN),
                ("mcp-method", "tools/call"),
                ("mcp-name", "pay"),
                ("authorization", &format!("Bearer {BOB}")),
            ],
            &request(1, "tools/call", envelope(message)),
        );
        let answer = whole(door.finish(asked));
        assert_eq!(answer.status, 400, "{name:?}: {}", text(&answer));
        assert_eq!(door.run_handlers(), 0);
    }
    for uri in [
        "A://secret",
        "a://secret/",
        "a://secret#x",
        "a://%73ecret",
        "a://secret?x",
        "a:///secret",
        "a://x/../secret",
    ] {
        let answer = door.modern(Some(BOB), "resources/read", json!({ "uri": uri }));
        assert!(answer.json()["error"].is_object(), "{uri}");
    }
    assert!(door.callers.borrow().is_empty());
}

/// The header and the body name different tools, so that a check of one and a use of the other would let the call in.
#[test]
fn a_header_that_names_another_tool() {
    let door = fixture();
    let (name, value) = bearer(BOB);
    for (header, body) in [("work", "pay"), ("pay", "work")] {
        let headers = [
            ("mcp-protocol-version", crate::MODERN),
            ("mcp-method", "tools/call"),
            ("mcp-name", header),
            (name, &value),
        ];
        let message = request(1, "tools/call", envelope(json!({ "name": body })));
        let answer = whole(door.send("POST", &headers, Some(&message)));
        assert!(answer.status >= 400, "{header} {body}: {}", text(&answer));
    }
    assert!(door.callers.borrow().is_empty());
}

#[test]
fn lists_in_both_eras() {
    let door = fixture();
    let session = door.session(BOB);
    let lists = ["tools/list", "resources/list", "resources/templates/list", "prompts/list"];
    for method in lists {
        for listed in
            [door.modern(Some(BOB), method, json!({})), door.in_session(BOB, &session, method, json!({}))]
        {
            let all = text(&listed);
            for secret in ["pay", "a://secret", "b://", "ask"] {
                assert!(!all.contains(&format!("\"{secret}")), "{method}: {all}");
            }
        }
        let private = door.modern(Some(BOB), method, json!({})).json();
        assert_eq!(private["result"]["cacheScope"], "private", "{method}");
    }
}

/// The list of the caller who was there before is in a cache.
#[test]
fn a_list_after_that_of_a_richer_caller() {
    let door = fixture();
    for _ in 0..3 {
        assert!(text(&door.modern(Some(ANN), "tools/list", json!({}))).contains("\"pay\""));
        assert!(!text(&door.modern(Some(ANN_READS), "tools/list", json!({}))).contains("\"pay\""));
        assert!(!text(&door.modern(Some(BOB), "tools/list", json!({}))).contains("\"pay\""));
    }
}

fn paged() -> Door {
    let mut limits = Limits::default();
    limits.page_size = 1;
    let door = Door::with(limits, everybody(), |builder| builder);
    for name in ["secret_b", "secret_c"] {
        door.add(Kind::Tool, name, json!({ "scopes": ["pay"] }));
    }
    door.add(Kind::Tool, "zoo", json!({}));
    door
}

#[test]
fn the_cursor_of_another_caller() {
    let door = paged();
    let first = door.modern(Some(ANN), "tools/list", json!({})).json();
    let cursor = first["result"]["nextCursor"].clone();
    for token in [BOB, OTHER_ANN] {
        let next = door.modern(Some(token), "tools/list", json!({ "cursor": cursor })).json();
        assert_eq!(next["error"]["code"], -32602, "{token}: {next}");
    }
}

/// The identity is the same, but the token is a poorer one.
#[test]
fn ones_own_cursor_with_a_poorer_token() {
    let door = paged();
    let mut cursor = Value::Null;
    loop {
        let params = if cursor.is_null() { json!({}) } else { json!({ "cursor": cursor }) };
        let page = door.modern(Some(ANN), "tools/list", params.clone()).json();
        let poor = text(&door.modern(Some(ANN_READS), "tools/list", params));
        assert!(!poor.contains("secret_") && !poor.contains("\"pay\""), "{poor}");
        cursor = page["result"]["nextCursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
}

#[test]
fn a_cursor_that_was_changed() {
    let door = paged();
    let first = door.modern(Some(BOB), "tools/list", json!({})).json();
    let cursor = first["result"]["nextCursor"].as_str().unwrap().to_owned();
    for place in 0..cursor.len() {
        let mut bytes = cursor.clone().into_bytes();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        let next = door.modern(Some(BOB), "tools/list", json!({ "cursor": changed })).json();
        let same = next["result"]["tools"][0]["name"] == "zoo";
        assert!(next["error"]["code"] == -32602 || same, "{place}: {next}");
    }
}

#[test]
fn completions_of_a_hidden_prompt_and_template() {
    let door = fixture();
    let prompt = json!({ "type": "ref/prompt", "name": "ask" });
    let template = json!({ "type": "ref/resource", "uri": "b://{id}" });
    for of in [prompt, template] {
        let params = json!({ "ref": of, "argument": { "name": "id", "value": "" } });
        assert_eq!(door.modern(Some(BOB), "completion/complete", params.clone()).status, 403, "{of}");
        assert_eq!(door.modern(None, "completion/complete", params).status, 401, "{of}");
    }
}

#[test]
fn subscriptions_to_a_hidden_resource() {
    let door = fixture();
    let session = door.session(BOB);
    for uri in ["a://secret", "b://7"] {
        let refused = door.in_session(BOB, &session, "resources/subscribe", json!({ "uri": uri }));
        assert_eq!(refused.status, 403, "{uri}");
    }
    let mut stream = door.listen(BOB, &session, &[]).into_body();
    door.bench.server.resource_updated("a://secret");
    door.pass(1);
    assert!(!said(&mut stream).0.contains("a://secret"));
}

/// Scopes come from each request, not from the first one of the session.
#[test]
fn a_session_that_a_richer_token_has_opened() {
    let door = fixture();
    let session = door.session(ANN);
    let ask = |token, method, params| door.in_session(token, &session, method, params).status;
    assert_eq!(ask(ANN_READS, "tools/call", json!({ "name": "pay" })), 403);
    assert_eq!(ask(ANN_READS, "resources/subscribe", json!({ "uri": "a://secret" })), 403);
    assert_eq!(ask(ANN, "tools/call", json!({ "name": "pay" })), 200);
}

#[test]
fn a_listen_stream_for_a_hidden_resource() {
    let door = fixture();
    let params = json!({ "notifications": { "resourceSubscriptions": ["a://open", "a://secret", "b://7"] } });
    let (name, value) = bearer(BOB);
    let mut stream = door.open_modern(&[(name, &value)], "subscriptions/listen", params).into_body();
    let first = said(&mut stream).0;
    assert!(
        first.contains("a://open") && !first.contains("a://secret") && !first.contains("b://7"),
        "{first}"
    );
    for uri in ["a://secret", "b://7", "a://open"] {
        door.bench.server.resource_updated(uri);
    }
    door.pass(1);
    let next = said(&mut stream).0;
    assert!(next.contains("a://open") && !next.contains("a://secret") && !next.contains("b://7"), "{next}");
}

/// Errors about arguments would describe an entry that the caller may not use.
#[test]
fn errors_about_the_arguments_of_a_hidden_tool() {
    let door = fixture();
    let mut tool = entry(Kind::Tool, "sum", &json!({ "scopes": ["pay"] }));
    tool = tool.set("inputSchema", schema(json!({ "type": "object", "required": ["secret_member"] })));
    door.bench.server.add(tool, LANE).unwrap();
    let refused = door.modern(Some(BOB), "tools/call", json!({ "name": "sum", "arguments": { "x": 1 } }));
    assert_eq!(refused.status, 403);
    assert!(!text(&refused).contains("secret_member"));
}

#[test]
fn a_notification_for_a_hidden_handler() {
    let door = fixture();
    door.add(Kind::Notification, "notifications/shop", json!({ "scopes": ["pay"] }));
    let session = door.session(BOB);
    let said = notification("notifications/shop", json!({}));
    let post = |token: &str, session: &str| {
        let (name, value) = bearer(token);
        let headers = [(name, value.as_str()), ("mcp-session-id", session)];
        door.send("POST", &headers, Some(&said)).status().as_u16()
    };
    assert_eq!(post(BOB, &session), 202);
    assert_eq!(door.run_handlers(), 0, "the handler does not run");
    let own = door.session(ANN);
    assert_eq!((post(ANN, &own), door.run_handlers()), (202, 1));
}

/// Each member of a batch is a request of its own.
#[test]
fn a_batch_with_a_forbidden_member() {
    let door = fixture();
    let (name, value) = bearer(BOB);
    let opened = door.send("POST", &[(name, &value)], Some(&initialize("2025-03-26")));
    let session = opened.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    let headers = [
        (name, value.as_str()),
        ("mcp-session-id", &session),
        ("accept", "application/json, text/event-stream"),
    ];
    door.send("POST", &headers, Some(&notification("notifications/initialized", json!({}))));
    let batch = json!([
        request(1, "ping", json!({})),
        request(2, "tools/call", json!({ "name": "pay" })),
        request(3, "resources/read", json!({ "uri": "a://secret" })),
        notification("notifications/shop", json!({})),
        request(4, "tools/list", json!({})),
    ]);
    let answer = text(&whole(door.send("POST", &headers, Some(&batch))));
    assert_eq!(answer.matches("Forbidden").count(), 2, "{answer}");
    assert!(door.callers.borrow().is_empty(), "no handler has run");
    assert!(!answer.contains("\"name\":\"pay\""), "{answer}");
    // Without credentials, nothing of a batch is read.
    assert_eq!(door.send("POST", &headers[1..], Some(&batch)).status(), 401);
}

#[test]
fn the_entries_of_a_mounted_server() {
    let door = fixture();
    let inner = Server::builder("inner", "1").scopes(["inner"]).build().unwrap();
    inner.add(entry(Kind::Tool, "deep", &json!({})), LANE).unwrap();
    inner.add(entry(Kind::Tool, "paid", &json!({ "scopes": ["pay"] })), LANE).unwrap();
    door.bench.server.mount(&inner, "in").unwrap();
    inner.add(entry(Kind::Tool, "late", &json!({ "scopes": ["pay"] })), LANE).unwrap();
    for tool in ["in_deep", "in_paid", "in_late"] {
        assert_eq!((door.call(Some(BOB), tool), door.call(None, tool)), (403, 401), "{tool}");
    }
    assert_eq!(door.call(Some(ANN), "in_late"), 200);
    assert_eq!(door.call(Some(ANN), "in_deep"), 403, "the default of the inner server stays");
    let listed = text(&door.modern(Some(BOB), "tools/list", json!({})));
    assert!(!listed.contains("in_"), "{listed}");
}

/// A server that refuses strangers is mounted in one that does not.
#[test]
fn a_closed_server_within_an_open_one() {
    let door = Door::with(Limits::default(), everybody(), |b| b.anonymous(tenon_mcp::Anonymous::Allow));
    let inner = Server::builder("inner", "1").anonymous(tenon_mcp::Anonymous::Refuse).build().unwrap();
    inner.add(entry(Kind::Tool, "deep", &json!({})), LANE).unwrap();
    door.bench.server.mount(&inner, "in").unwrap();
    assert_eq!((door.call(None, "work"), door.call(None, "in_deep")), (200, 401));
    assert_eq!(door.call(Some(BOB), "in_deep"), 200);
}

/// The rules are those of the method that the program has replaced.
#[test]
fn a_method_that_the_program_has_replaced() {
    let door = Door::with(Limits::default(), everybody(), |builder| builder.scopes(["read"]));
    door.add(Kind::Resource, "a://open", json!({}));
    for method in ["tools/list", "resources/read"] {
        let entry: Entry = Entry::new(Kind::Method, method).replacing();
        door.bench.server.add(entry, LANE).unwrap();
        let params = if method == "tools/list" { json!({}) } else { json!({ "uri": "x://y" }) };
        assert_eq!(door.modern(Some(BOB), method, params.clone()).status, 403, "{method}");
        assert_eq!(door.modern(None, method, params).status, 401, "{method}");
    }
    let session = door.session(BOB);
    let subscribed = door.in_session(BOB, &session, "resources/subscribe", json!({ "uri": "x://y" }));
    assert_eq!(subscribed.status, 403, "{}", text(&subscribed));
    assert!(door.callers.borrow().is_empty());
}

/// Two entries answer for one address: the exact one has the rule.
#[test]
fn an_open_template_over_a_hidden_resource() {
    let door = fixture();
    door.add(Kind::ResourceTemplate, "a://{name}", json!({}));
    assert_eq!(door.modern(Some(BOB), "resources/read", json!({ "uri": "a://secret" })).status, 403);
    assert_eq!(door.modern(Some(BOB), "resources/read", json!({ "uri": "a://other" })).status, 200);
    let session = door.session(BOB);
    let subscribed = door.in_session(BOB, &session, "resources/subscribe", json!({ "uri": "a://secret" }));
    assert_eq!(subscribed.status, 403);
}

/// The roles are not scopes, and the reverse.
#[test]
fn a_scope_that_is_named_like_a_role() {
    let keys = json!([{ "type": "api_keys", "keys": [
        { "subject": "s", "value": "scope-admin-0123456789", "scopes": ["admin", "user"] },
        { "subject": "r", "value": "role-admin-0123456789", "roles": ["pay", "admin"] },
    ] }]);
    let door = Door::new(json!({ "auth": keys }));
    door.add(Kind::Tool, "ban", json!({ "roles": ["admin"] }));
    assert_eq!(door.call(Some("scope-admin-0123456789"), "ban"), 403);
    assert_eq!(door.call(Some("role-admin-0123456789"), "ban"), 200);
    assert_eq!(door.call(Some("role-admin-0123456789"), "pay"), 403);
}

/// A narrow scope must not become a broad one.
#[test]
fn a_hierarchy_from_below() {
    let keys = json!([{ "type": "api_keys", "keys": [
        { "subject": "n", "value": "narrow-0123456789abc", "scopes": ["read"] },
        { "subject": "w", "value": "broad-0123456789abcd", "scopes": ["all"] },
    ] }]);
    let door = Door::new(
        json!({ "auth": keys, "scope_hierarchy": { "all": ["write"], "write": ["read", "all2"] } }),
    );
    for (name, scope) in [("r", "read"), ("w", "write"), ("a", "all")] {
        door.add(Kind::Tool, name, json!({ "scopes": [scope] }));
    }
    let statuses = |key: &str| ["r", "w", "a"].map(|tool| door.call(Some(key), tool));
    assert_eq!(statuses("narrow-0123456789abc"), [200, 403, 403]);
    assert_eq!(statuses("broad-0123456789abcd"), [200, 200, 200]);
}

/// A task outlives its request, but not the right to use its tool.
#[test]
fn the_task_of_a_tool_that_one_may_not_use_any_more() {
    let door = fixture();
    let tool = Tool::new("job").input_schema(schema(json!({ "type": "object" })));
    door.bench.server.add(tool.task_support(TaskSupport::Optional).scopes(["pay"]), LANE).unwrap();
    let created = door.modern(Some(ANN), "tools/call", json!({ "name": "job" })).json();
    let task = created["result"]["taskId"].as_str().unwrap_or_else(|| panic!("{created}")).to_owned();
    let ask = |token, method: &str| {
        let mut params = json!({ "taskId": task });
        if method == "tasks/update" {
            params["inputResponses"] = json!({});
        }
        door.modern(Some(token), method, params)
    };
    for running in [true, false] {
        for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
            let refused = ask(ANN_READS, method);
            assert_eq!(refused.status, 403, "{method} {running}: {}", text(&refused));
        }
        assert_eq!(ask(ANN, "tasks/get").status, 200);
        door.run_handlers();
    }
    let done = ask(ANN, "tasks/get").json();
    assert_eq!(done["result"]["status"], "completed", "{done}");
}

/// What needs credentials must not be in a cache that serves others.
#[test]
fn a_shared_cache_of_what_needs_credentials() {
    let door = fixture();
    door.bench.server.add(Entry::new(Kind::Method, "prompts/list").replacing(), LANE).unwrap();
    let listed = json!({ "prompts": [] }).to_string();
    for (method, params) in [
        ("resources/read", json!({ "uri": "a://open" })),
        ("resources/list", json!({})),
        ("tools/list", json!({})),
        ("prompts/list", json!({})),
        ("server/discover", json!({})),
    ] {
        let (name, value) = bearer(ANN);
        let mut asked = door.begin_modern(&[(name, &value)], method, params);
        let answer = match asked.poll() {
            Some(answer) => whole(answer),
            None => {
                let result = match method {
                    "prompts/list" => Outcome::Json(schema(serde_json::from_str(&listed).unwrap())),
                    _ => Outcome::Text("done".into()),
                };
                door.bench.server.port().complete(door.bench.take_call(), result).unwrap();
                asked.finish()
            }
        };
        assert_eq!(answer.json()["result"]["cacheScope"], "private", "{method}: {}", text(&answer));
    }
}

/// A program's middleware runs only for callers who may use the entry.
#[test]
fn middleware_before_the_check() {
    struct Counts(std::sync::atomic::AtomicUsize);
    impl tenon_mcp::LocalMiddleware for Counts {
        fn call(&self, _: tenon_mcp::Context, _: tenon_mcp::Next) -> tenon_mcp::LocalFuture {
            self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            Box::pin(async { tenon_mcp::Outcome::Text("from the middleware".into()) })
        }
    }
    let counts = Arc::new(Counts(Default::default()));
    let door = fixture();
    door.bench.server.add_middleware(&["tools/call"], tenon_mcp::Layer::Local(counts.clone())).unwrap();
    assert_eq!((door.call(Some(BOB), "pay"), door.call(None, "pay")), (403, 401));
    assert_eq!(counts.0.load(std::sync::atomic::Ordering::SeqCst), 0);
}
