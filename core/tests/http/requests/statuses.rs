//! Refused requests and their status codes.

use crate::support::bench::{Bench, Chunks, Full};
use crate::{MODERN, envelope, initialize, notification, request};
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use tenon_mcp::{HostOp, Limits};

#[test]
fn statuses_of_sessions() {
    let bench = Bench::new();
    let session = bench.open();
    let s = ("mcp-session-id", session.as_str());
    let v = "mcp-protocol-version";
    let list = request(1, "tools/list", json!({}));
    let rows: &[(&str, Full, u16)] = &[
        ("LH-13", bench.post(&[s, (v, "2025-11-25")], &list).finish(), 200),
        ("LH-14", bench.post(&[s], &list).finish(), 200),
        ("LH-16", bench.post(&[s, (v, "2025-06-18")], &list).finish(), 400),
        ("LH-15", bench.post(&[s, (v, "1999-01-01")], &list).finish(), 400),
        ("LH-7", bench.post(&[], &list).finish(), 400),
        ("LH-8", bench.post(&[("mcp-session-id", "nope")], &list).finish(), 404),
        ("MH-35", bench.post(&[s], &request(1, "no/such", json!({}))).finish(), 200),
        ("MH-35", bench.post(&[s], &request(1, "tools/call", json!({ "name": "nope" }))).finish(), 200),
        ("VER-20", bench.post(&[s], &request(1, "ping", json!({}))).finish(), 200),
        ("LH-18", bench.bare("GET", &[s, ("accept", "application/json")]).finish(), 406),
        ("LH-34", bench.bare("GET", &[s, ("last-event-id", "7")]).finish(), 400),
        ("LH-16", bench.bare("GET", &[s, (v, "2025-06-18")]).finish(), 400),
        ("MH-6", bench.bare("GET", &[s, (v, MODERN)]).finish(), 405),
        ("MH-6", bench.bare("DELETE", &[s, (v, MODERN)]).finish(), 405),
        ("AMB-12", bench.bare("GET", &[]).finish(), 400),
        ("AMB-12", bench.bare("DELETE", &[]).finish(), 400),
        ("LH-8", bench.bare("GET", &[("mcp-session-id", "nope")]).finish(), 404),
    ];
    for (row, reply, status) in rows {
        assert_eq!(reply.status, *status, "{row}: {reply:?}");
        if *status >= 400 {
            assert!(reply.json()["error"]["code"] != -32601, "ERA-4: {row}");
        }
    }
}

#[test]
fn a_legacy_session_has_no_modern_methods() {
    let bench = Bench::new();
    let session = bench.open();
    for method in ["server/discover", "subscriptions/listen", "tasks/get"] {
        let reply = bench.post(&[("mcp-session-id", &session)], &request(7, method, json!({}))).finish();
        assert_eq!((reply.status, reply.code(), &reply.json()["id"]), (200, -32601, &json!(7)), "{method}");
    }
}

#[test]
fn a_session_that_posts_and_leaves_cannot_fill_a_lane() {
    let mut limits = Limits::default();
    limits.max_peer_calls = 2;
    let bench = Bench::with(limits, |builder| builder);
    let session = bench.open();
    for id in 1..=2 {
        drop(bench.session_call(&session, id));
    }
    let head = [("mcp-session-id", session.as_str())];
    let reply = bench.post(&head, &request(3, "tools/call", json!({ "name": "work" }))).finish();
    assert_eq!((reply.status, reply.code(), &reply.json()["id"]), (503, -32603, &json!(3)));
    assert_eq!(reply.headers["retry-after"], "1");
    // Others do not notice.
    let other = bench.open();
    let pending = bench.session_call(&other, 3);
    for op in bench.ops() {
        if let HostOp::Call(call) = op {
            bench.complete(call.id, "done");
        }
    }
    assert_eq!(pending.finish().status, 200);
    drop(bench.session_call(&session, 4));
}

#[test]
fn bodies_over_the_limit() {
    let mut limits = Limits::default();
    limits.max_message_bytes = 1000;
    let bench = Bench::with(limits, |builder| builder);
    let post = |pieces: usize, declared: bool| {
        let mut body = Chunks::of(std::iter::repeat_n(Bytes::from_static(&[b' '; 100]), pieces));
        body.declared = declared.then_some(pieces as u64 * 100);
        let taken = body.taken.clone();
        let reply = bench.submit("POST", &[("content-type", "application/json")], body).finish();
        let closes = reply.headers.get("connection").is_some_and(|value| value == "close");
        (reply.status, taken.load(Ordering::Relaxed), closes)
    };
    for declared in [false, true] {
        assert_eq!(post(10, declared), (400, 1000, false), "white space is no message");
        assert_eq!(post(11, declared), (413, 1100, false), "BAD-5");
        assert_eq!(post(40, declared), (413, 4000, false), "BAD-5");
    }
    assert_eq!(post(41, true), (413, 0, true), "more than is worth reading");
    assert_eq!(post(100, false), (413, 4100, true), "BAD-5");
}

#[test]
fn bad_messages() {
    let bench = Bench::new();
    let post = |text: &'static str| {
        let body = Chunks::of([Bytes::from_static(text.as_bytes())]);
        let reply = bench.submit("POST", &[("content-type", "application/json")], body).finish();
        (reply.status, reply.code(), reply.json().get("id").cloned())
    };
    assert_eq!(post("{\"jsonrpc\""), (400, -32700, None), "BAD-8");
    assert_eq!(post("17"), (400, -32600, None), "BAD-8");
    assert_eq!(post("[]"), (400, -32600, None), "BAD-9");
    assert_eq!(post(r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#), (400, -32600, None), "BAT-9");
    assert_eq!(post(r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#), (400, -32600, None), "RPC-4");
    assert_eq!(post(r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#), (400, -32600, Some(json!(1))), "RPC-1");
    assert_eq!(post(""), (400, -32700, None), "BAD-8");
    // BAD-7: the id is one of ours. An error under it would be taken for the answer to a request of the client's own.
    for response in [
        r#"{"id":1,"result":{},"error":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
        r#"{"jsonrpc":"1.0","id":1,"result":{}}"#,
        r#"{"jsonrpc":"1.0","id":"a","error":{}}"#,
        r#"{"jsonrpc":"2.0","result":{}}"#,
    ] {
        assert_eq!(post(response), (400, -32600, None), "{response}");
    }
    let body = Chunks::of([Bytes::from_static(b"{}")]);
    let reply = bench.submit("POST", &[("content-type", "text/plain")], body).finish();
    assert_eq!((reply.status, reply.code()), (415, -32600), "MH-12");
    for method in ["HEAD", "PUT", "PATCH"] {
        let reply = bench.bare(method, &[]).finish();
        assert_eq!(
            (reply.status, &reply.headers["allow"]),
            (405, &"GET, POST, DELETE, OPTIONS".parse().unwrap())
        );
    }
}

#[test]
fn modern_statuses() {
    let bench = Bench::new();
    let post = |method: &str, name: Option<&str>, params: Value| {
        let mut headers = vec![("mcp-protocol-version", MODERN), ("mcp-method", method)];
        headers.extend(name.map(|name| ("mcp-name", name)));
        let reply = bench.post(&headers, &request(7, method, params)).finish();
        let json = reply.json();
        assert_eq!(json["id"], 7, "MH-33");
        (reply.status, json["error"]["code"].as_i64())
    };
    assert_eq!(post("server/discover", None, envelope(json!({}))), (200, None));
    assert_eq!(post("tools/list", None, envelope(json!({}))), (200, None));
    for method in ["initialize", "ping", "logging/setLevel", "resources/subscribe", "no/such"] {
        assert_eq!(post(method, None, envelope(json!({}))), (404, Some(-32601)), "ERA-6: {method}");
    }
    assert_eq!(post("tools/list", None, json!({})), (400, Some(-32602)), "VER-3");
    let call = |name: &str| envelope(json!({ "name": name }));
    assert_eq!(post("tools/call", Some("nope"), call("nope")), (200, Some(-32602)), "MH-37");
    assert_eq!(post("tools/call", Some("other"), call("work")), (400, Some(-32020)), "MH-15");
    let mut unknown = envelope(json!({}));
    unknown["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2099-01-01");
    assert_eq!(post("tools/list", None, unknown), (400, Some(-32020)), "AMB-2");
    let list = envelope(json!({ "cursor": "x" }));
    assert_eq!(post("tools/list", None, list), (200, Some(-32602)), "AMB-5");
    let head = [("mcp-protocol-version", "2099-01-01")];
    let reply = bench.post(&head, &request(7, "tools/list", json!({}))).finish();
    assert_eq!((reply.status, reply.code()), (400, -32022), "ERA-13");
    let supported = &reply.json()["error"]["data"]["supported"];
    assert_eq!(supported[0], MODERN, "VER-23");
    // A modern notification is accepted; a modern response is not.
    let head = [("mcp-protocol-version", MODERN)];
    let reply =
        bench.post(&head, &notification("notifications/cancelled", json!({ "requestId": 7 }))).finish();
    assert_eq!((reply.status, reply.body.len()), (202, 0), "MH-31, MH-36");
    let reply = bench.post(&head, &json!({ "jsonrpc": "2.0", "id": 1, "result": {} })).finish();
    assert_eq!(reply.status, 400, "MH-32");
}

#[test]
fn a_server_at_its_limit_says_so() {
    let mut limits = Limits::default();
    limits.max_lane_calls = 1;
    let bench = Bench::with(limits, |builder| builder);
    let session = bench.open();
    let pending = bench.call();
    let head = [("mcp-protocol-version", MODERN), ("mcp-method", "tools/call"), ("mcp-name", "work")];
    let params = json!({ "name": "work" });
    for reply in [
        bench.post(&head, &request(2, "tools/call", envelope(params.clone()))).finish(),
        bench.post(&[("mcp-session-id", &session)], &request(2, "tools/call", params)).finish(),
    ] {
        assert_eq!((reply.status, reply.code()), (503, -32603));
        assert_eq!((&reply.json()["id"], &reply.headers["retry-after"]), (&json!(2), &"1".parse().unwrap()));
    }
    bench.complete(bench.take_call(), "done");
    assert_eq!(pending.finish().status, 200);
}

#[test]
fn pages_of_allowed_origins_may_read_the_answers() {
    let bench = Bench::new();
    let origin = ("origin", "http://localhost:3000");
    let reply = bench.post(&[origin], &initialize("2025-11-25")).finish();
    assert_eq!(reply.headers["access-control-allow-origin"], origin.1, "MH-8");
    assert_eq!(reply.headers["vary"], "Origin");
    let exposed = reply.headers["access-control-expose-headers"].to_str().unwrap();
    for name in ["WWW-Authenticate", "Mcp-Session-Id", "MCP-Protocol-Version"] {
        assert!(exposed.contains(name), "MH-8");
    }
    // Refusals too, or the page could not see why.
    let reply = bench.post(&[origin], &request(1, "tools/list", json!({}))).finish();
    assert_eq!(
        (reply.status, &reply.headers["access-control-allow-origin"]),
        (400, &origin.1.parse().unwrap())
    );
    let reply = bench.bare("OPTIONS", &[origin, ("access-control-request-method", "POST")]).finish();
    assert_eq!(
        (reply.status, &reply.headers["access-control-allow-origin"]),
        (204, &origin.1.parse().unwrap())
    );
    assert!(reply.headers.contains_key("access-control-allow-headers"));
    let evil = ("origin", "http://evil.example.com");
    for reply in [
        bench.post(&[evil], &initialize("2025-11-25")),
        bench.bare("OPTIONS", &[evil]),
        bench.bare("GET", &[evil]),
        bench.bare("DELETE", &[evil]),
    ] {
        let reply = reply.finish();
        assert_eq!(reply.status, 403, "MH-2");
        assert!(!reply.headers.contains_key("access-control-allow-origin"));
    }
    assert_eq!(bench.service.sessions(), 1);
}
