//! Messages on a connection: calls, questions, notifications and long messages.

use crate::client::{Client, Raw, frame};
use crate::server::{call, modern, request, text};
use crate::up;
use serde_json::{Value, json};
use tenon_mcp::Limits;

/// ERA-14, WS-7: each message has its own era. The legacy session belongs to the connection.
#[test]
fn both_eras_share_a_connection() {
    let (_up, url) = up(Limits::default());
    let mut client = Client::new(&url);
    assert_eq!(text(&client.ask(&modern(1, "add", json!({ "a": 1, "b": 2 })))), "3");
    let early = client.ask(&call(2, "add", json!({ "a": 1, "b": 2 })));
    assert!(early["error"].is_object(), "{early}");
    client.open("2025-06-18");
    assert_eq!(text(&client.ask(&call(3, "add", json!({ "a": 3, "b": 4 })))), "7");
    assert_eq!(text(&client.ask(&modern(4, "add", json!({ "a": 5, "b": 6 })))), "11");
    // WS-10, VER-21: the ping of MCP is legacy only.
    assert_eq!(client.ask(&request(5, "ping", json!({})))["result"], json!({}));
    // Another connection has no session.
    let other = Client::new(&url).ask(&call(6, "add", json!({ "a": 1, "b": 2 })));
    assert!(other["error"].is_object(), "{other}");
    // RPC-8: one id is in flight once.
    client.send(&modern(7, "gate", json!({})));
    let again = client.ask(&modern(7, "gate", json!({})));
    assert_eq!((again["id"].clone(), again["error"]["code"].clone()), (json!(7), json!(-32600)), "{again}");
}

/// WS-7: MCP headers of the upgrade request are ignored.
#[test]
fn headers_of_the_upgrade_say_nothing_of_messages() {
    let (_up, url) = up(Limits::default());
    for version in ["2025-03-26", "2026-07-28", "nonsense"] {
        let mut client = Client::with(&url, |request| {
            for (name, value) in
                [("mcp-protocol-version", version), ("mcp-method", "ping"), ("mcp-session-id", "none")]
            {
                request.headers_mut().insert(name, value.parse().unwrap());
            }
        });
        assert_eq!(text(&client.ask(&modern(1, "add", json!({ "a": 1, "b": 2 })))), "3");
        client.open("2025-06-18");
        assert_eq!(text(&client.ask(&call(2, "add", json!({ "a": 3, "b": 4 })))), "7");
    }
}

/// WS-11, BAD-1: an invalid message is answered with an error, and the next message is served.
#[test]
fn nonsense_is_answered_and_the_connection_goes_on() {
    let (_up, url) = up(Limits::default());
    let mut client = Client::new(&url);
    for (nonsense, code) in [("{", -32700), ("", -32700), ("7", -32600), ("[]", -32600)] {
        client.0.send(tungstenite::Message::text(nonsense)).unwrap();
        let answer = client.next();
        assert_eq!(answer["error"]["code"], code, "{nonsense}: {answer}");
        assert!(answer.get("id").is_none(), "BAD-2: {answer}");
    }
    assert_eq!(text(&client.ask(&modern(1, "add", json!({ "a": 1, "b": 2 })))), "3");
}

/// BAT-7, BAT-9, BAT-10: a batch of a 2025-03-26 session gets one array. Other sessions have no batches.
#[test]
fn batches_get_one_array_where_they_exist() {
    let (_up, url) = up(Limits::default());
    let batch = json!([
        call(1, "add", json!({ "a": 1, "b": 2 })),
        { "jsonrpc": "2.0", "method": "notifications/other" },
        call(2, "add", json!({ "a": 3, "b": 4 })),
        7,
    ]);
    let mut client = Client::new(&url);
    client.open("2025-03-26");
    let answers = client.ask(&batch);
    let answers = answers.as_array().expect("one array");
    assert_eq!(answers.len(), 3, "{answers:?}");
    let of = |id: u64| answers.iter().find(|answer| answer["id"] == id).expect("an answer");
    assert_eq!((text(of(1)), text(of(2))), ("3", "7"));
    assert_eq!(answers.iter().filter(|answer| answer["error"]["code"] == -32600).count(), 1);
    for version in [None, Some("2024-11-05"), Some("2025-06-18"), Some("2025-11-25")] {
        let mut client = Client::new(&url);
        if let Some(version) = version {
            client.open(version);
        }
        assert_eq!(client.ask(&batch)["error"]["code"], -32600, "{version:?}");
        assert_eq!(text(&client.ask(&modern(1, "add", json!({ "a": 1, "b": 2 })))), "3");
    }
}

/// WS-3: a message is assembled from its frames, in any division.
#[test]
fn messages_come_in_frames_and_in_pieces() {
    let (_up, url) = up(Limits::default());
    let mut raw = Raw::open(&url);
    let message = modern(1, "add", json!({ "a": 20, "b": 22 })).to_string();
    let (first, rest) = message.as_bytes().split_at(10);
    let frames = [frame(0x01, first), frame(0x89, b"there?"), frame(0x00, b""), frame(0x80, rest)].concat();
    for byte in frames.chunks(1) {
        raw.send(byte);
    }
    assert_eq!(raw.frame(), Some((0x8A, b"there?".to_vec())));
    let (kind, payload) = raw.frame().unwrap();
    assert_eq!(kind, 0x81);
    assert_eq!(text(&serde_json::from_slice(&payload).unwrap()), "42");
}

/// A question to the user is sent on the connection, and its answer comes back on it.
#[test]
fn questions_are_asked_on_the_connection() {
    let (_up, url) = up(Limits::default());
    let mut client = Client::new(&url);
    client.open("2025-11-25");
    let question = client.ask(&call(1, "ask_name", json!({})));
    assert_eq!(question["method"], "elicitation/create", "{question}");
    let answer: Value = json!({
        "jsonrpc": "2.0", "id": question["id"], "result": { "action": "accept", "content": { "name": "Ada" } },
    });
    assert_eq!(text(&client.ask(&answer)), "Ada");
}

/// WS-8: a notification cancels one call, which gets no response.
#[test]
fn calls_are_cancelled_by_notification() {
    let (up, url) = up(Limits::default());
    let mut client = Client::new(&url);
    client.send(&modern(1, "gate", json!({})));
    assert_eq!(up.next(), "started");
    client.send(
        &json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } }),
    );
    assert_eq!(up.next(), "dropped");
    assert_eq!(client.ask(&modern(2, "add", json!({ "a": 1, "b": 2 })))["id"], 2);
}

/// Long messages in both directions.
#[test]
fn long_messages_pass() {
    let (_up, url) = up(Limits::default());
    let mut client = Client::new(&url);
    for bytes in [5_000, 70_000, 3 << 20] {
        assert_eq!(text(&client.ask(&modern(1, "blow", json!({ "bytes": bytes })))).len(), bytes);
    }
    let mut long = modern(2, "add", json!({ "a": 1, "b": 2 }));
    long["params"]["arguments"]["more"] = json!("y".repeat(3 << 20));
    assert_eq!(text(&client.ask(&long)), "3");
}

#[test]
fn a_panic_ends_one_call_and_no_connection() {
    let (up, url) = up(Limits::default());
    up.add_bad();
    let mut client = Client::new(&url);
    client.open("2025-03-26");
    for id in [1, 2] {
        let answer = client.ask(&call(id, "bad", json!({})));
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(id), &json!(-32603)));
    }
    assert_eq!(text(&client.ask(&call(3, "add", json!({ "a": 1, "b": 2 })))), "3");
}
