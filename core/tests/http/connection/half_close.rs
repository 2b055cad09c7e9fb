//! Clients that close their sending side, and responses to clients that are still sending.

use crate::support::server::{StartedServer, call, legacy_call};
use crate::{envelope, initialize, request, text};
use serde_json::json;
use std::net::Shutdown;
use tenon_mcp::Limits;

fn half_close(client: &crate::support::client::Client) {
    client.stream.get_ref().shutdown(Shutdown::Write).unwrap();
}

#[test]
fn a_client_that_half_closes_gets_its_answer() {
    let up = StartedServer::new();
    let mut client = up.client();
    client.send_modern(&call(1, "add", json!({ "a": 1, "b": 2 })));
    half_close(&client);
    assert_eq!(text(&client.reply().json()), "3");
    assert!(client.is_ended());
    let session = up.client().open("2025-11-25");
    let mut client = up.client();
    client.send_post(&[("mcp-session-id", &session)], &request(1, "ping", json!({})));
    half_close(&client);
    assert_eq!(client.reply().status, 200);
    assert!(client.is_ended());
}

#[test]
fn a_client_that_half_closes_while_its_call_runs_gets_a_stream_and_its_answer() {
    let up = StartedServer::new();
    let session = up.client().open("2025-11-25");
    let legacy = [("mcp-session-id", session.as_str())];
    for modern in [true, false] {
        let mut client = up.client();
        match modern {
            true => client.send_modern(&call(1, "gate", json!({}))),
            false => client.send_post(&legacy, &legacy_call(1, "gate", json!({}))),
        }
        assert_eq!(up.next(), "started");
        half_close(&client);
        // The server asks whether it still reads, by writing.
        let (status, headers) = client.read_head().unwrap();
        assert_eq!((status, headers["content-type"].as_str()), (200, "text/event-stream"));
        // The first is more than a comment where the client may come back (LH-30).
        let first = client.read_chunk().unwrap();
        assert!(first == b": \n\n" || !modern && first.starts_with(b"id: "), "{first:?}");
        assert_eq!(client.read_chunk().unwrap(), b": \n\n");
        up.gate.add_permits(1);
        assert_eq!(up.next(), "finished");
        let rest = client.read_chunk().unwrap();
        assert_eq!(text(&crate::events(&rest)[0]), "through the gate");
        assert_eq!(client.read_chunk(), None);
        assert!(client.is_ended());
    }
}

#[test]
fn a_client_that_half_closes_and_takes_no_stream_gets_its_answer() {
    let up = StartedServer::new();
    let mut client = up.client();
    let message = call(1, "gate", json!({}));
    let headers = [
        ("content-type", "application/json"),
        ("accept", "application/json"),
        ("mcp-protocol-version", crate::MODERN),
        ("mcp-method", "tools/call"),
        ("mcp-name", "gate"),
    ];
    client.send("POST", &headers, message.to_string().as_bytes());
    assert_eq!(up.next(), "started");
    half_close(&client);
    // The server has seen the end no later than it serves this.
    assert_eq!(up.client().modern(&request(1, "tools/list", envelope(json!({})))).status, 200);
    up.gate.add_permits(1);
    assert_eq!(up.next(), "finished");
    assert_eq!(text(&client.reply().json()), "through the gate");
}

#[test]
fn a_listening_stream_whose_client_is_gone_ends() {
    let mut limits = Limits::default();
    limits.max_connections = 2;
    let up = StartedServer::with(limits, "127.0.0.1:0");
    let mut client = up.client();
    let session = client.open("2025-11-25");
    for _ in 0..3 {
        // There is room for the next one only because the one before has ended.
        let mut listener = up.client();
        listener.send("GET", &[("mcp-session-id", &session), ("accept", "text/event-stream")], b"");
        assert_eq!(listener.read_head().unwrap().0, 200);
    }
}

#[test]
fn a_forbidden_origin_is_refused_before_its_body_is_read() {
    let up = StartedServer::new();
    let origin = ("origin", "http://evil.example.com");
    let mut client = up.client();
    let head = client.head("POST", &[("content-type", "application/json"), origin], Some(4 << 20));
    client.send_raw(head.as_bytes());
    let reply = client.reply();
    assert_eq!((reply.status, reply.header("connection")), (403, Some("close")), "MH-2");
    assert!(client.is_ended());
    // One that sends all the same before it reads gets the answer too.
    let mut client = up.client();
    client.send("POST", &[("content-type", "application/json"), origin], &vec![b' '; 500_000]);
    let reply = client.reply();
    assert_eq!((reply.status, reply.header("connection")), (403, Some("close")));
    // A small body leaves the connection usable.
    let mut client = up.client();
    assert_eq!(client.post(&[origin], &initialize("2025-11-25")).status, 403);
    client.open("2025-11-25");
    // One that asks before it sends is not told to go on.
    let head = client.head("POST", &[origin, ("expect", "100-continue")], Some(1000));
    client.send_raw(head.as_bytes());
    let reply = client.reply();
    assert_eq!((reply.status, reply.header("connection")), (403, Some("close")));
    // So does a path that is nobody's.
    let mut client = up.client();
    client.path = "/elsewhere".into();
    client.send("POST", &[], &vec![b' '; 500_000]);
    let reply = client.reply();
    assert_eq!((reply.status, reply.header("connection")), (404, Some("close")));
}

#[test]
fn an_answer_to_an_unreadable_head_is_not_lost() {
    let up = StartedServer::new();
    let mut client = up.client();
    let long = "x".repeat(900_000);
    let head = client.head("GET", &[("x-long", &long)], None);
    client.send_raw(head.as_bytes());
    assert_eq!(client.reply().status, 431, "BAD-5");
}
