//! Clients that send or read slowly.

use crate::support::client::Client;
use crate::support::server::{StartedServer, call};
use crate::{envelope, request, text};
use serde_json::json;
use std::io::Write;
use std::net::Shutdown;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tenon_mcp::Limits;

fn up(change: impl FnOnce(&mut Limits)) -> StartedServer {
    let mut limits = Limits::default();
    change(&mut limits);
    StartedServer::with(limits, "127.0.0.1:0")
}

fn list() -> serde_json::Value {
    request(1, "tools/list", envelope(json!({})))
}

/// Sends a byte at intervals until the connection ends.
fn drip(client: &Client) -> JoinHandle<()> {
    let mut stream = client.stream.get_ref().try_clone().unwrap();
    std::thread::spawn(move || {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(20) && stream.write_all(b" ").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
    })
}

#[test]
fn a_request_that_comes_byte_by_byte_has_a_deadline() {
    let up = up(|limits| limits.request_timeout = Duration::from_millis(300));
    let start = Instant::now();
    let mut client = up.client();
    let head = client.head("POST", &[("content-type", "application/json")], Some(10_000));
    client.send_raw(head.as_bytes());
    let dripping = drip(&client);
    let reply = client.reply();
    assert_eq!((reply.status, reply.header("connection")), (408, Some("close")));
    assert!(client.is_ended());
    dripping.join().unwrap();
    // The head counts.
    let mut client = up.client();
    client.send_raw(b"POST /mcp HTTP/1.1\r\nhost: ");
    let dripping = drip(&client);
    assert!(client.is_ended());
    dripping.join().unwrap();
    // One that is refused and goes on sending for as long as it may.
    let mut client = up.client();
    let headers = [("origin", "http://evil.example.com"), ("transfer-encoding", "chunked")];
    let head = client.head("POST", &headers, None);
    client.send_raw(head.as_bytes());
    let reply = client.reply();
    assert_eq!((reply.status, reply.header("connection")), (403, Some("close")));
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
}

#[test]
fn a_call_may_last_longer_than_its_request() {
    let up = up(|limits| {
        limits.request_timeout = Duration::from_millis(50);
        limits.write_timeout = Duration::from_millis(50);
    });
    let mut client = up.client();
    // In two pieces, so that the request has a deadline.
    let message = call(1, "gate", json!({})).to_string();
    let headers = [
        ("content-type", "application/json"),
        ("mcp-protocol-version", crate::MODERN),
        ("mcp-method", "tools/call"),
        ("mcp-name", "gate"),
    ];
    let head = client.head("POST", &headers, Some(message.len()));
    client.send_raw(head.as_bytes());
    client.send_raw(message.as_bytes());
    assert_eq!(up.next(), "started");
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(200) {
        assert_eq!(up.client().modern(&list()).status, 200);
    }
    up.gate.add_permits(1);
    assert_eq!(text(&client.reply().json()), "through the gate");
    // And the connection is good for another request.
    assert_eq!(client.modern(&list()).status, 200);
}

/// Checks that the server closes the connection `unread`. Only one connection is allowed, so the next client is served
/// after that.
fn cuts(up: &StartedServer, mut unread: Client) {
    assert_eq!(up.client().modern(&list()).status, 200);
    // What was left is not sent any more either.
    assert!(unread.stream.get_mut().write_all(b"x").is_err());
}

#[test]
fn a_client_that_does_not_read_its_answer_is_cut() {
    let up = up(|limits| {
        limits.max_connections = 1;
        limits.write_timeout = Duration::from_millis(300);
    });
    let mut client = up.client();
    client.send_modern(&call(1, "blow", json!({ "bytes": 15 << 20 })));
    cuts(&up, client);
    let mut client = up.client();
    let mut message = call(2, "count", json!({ "to": 200_000 }));
    message["params"]["_meta"]["progressToken"] = json!("x".repeat(200));
    client.send_modern(&message);
    cuts(&up, client);
    // A client that ends its side and does not read either.
    let mut client = up.client();
    client.send_modern(&call(3, "blow", json!({ "bytes": 15 << 20 })));
    client.stream.get_ref().shutdown(Shutdown::Write).unwrap();
    // There is room for one connection: that this is answered shows that the other was cut.
    assert_eq!(up.client().modern(&list()).status, 200);
}

#[test]
fn a_client_that_reads_its_answer_gets_all_of_it() {
    // As long as a busy machine may keep the client from reading.
    let up = up(|limits| limits.write_timeout = Duration::from_secs(20));
    let mut client = up.client();
    assert!(client.modern(&call(4, "blow", json!({ "bytes": 15 << 20 }))).body.len() > 15 << 20);
}

#[test]
fn a_stream_with_nothing_to_write_is_left_alone() {
    let up = up(|limits| limits.write_timeout = Duration::from_millis(1));
    let session = up.client().open("2025-11-25");
    let head = [("mcp-session-id", session.as_str()), ("accept", "text/event-stream")];
    let mut listener = up.client();
    listener.listen(&head);
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(100) {
        assert_eq!(up.client().modern(&list()).status, 200);
    }
    let mut client = up.client();
    client.send("DELETE", &head, b"");
    assert_eq!(client.reply().status, 204);
    // The proper end of a stream, not of a connection.
    let mut last = String::new();
    std::io::BufRead::read_line(&mut listener.stream, &mut last).unwrap();
    assert_eq!(last, "0\r\n");
}

#[test]
fn a_connection_stays_while_requests_come_and_ends_when_none_does() {
    let up = up(|limits| limits.header_timeout = Duration::from_secs(1));
    let mut client = up.client();
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(2100) {
        assert_eq!(client.modern(&list()).status, 200);
        std::thread::sleep(Duration::from_millis(20));
    }
    let quiet = Instant::now();
    assert!(client.is_ended());
    assert!(quiet.elapsed() >= Duration::from_millis(900), "{:?}", quiet.elapsed());
    // The time of a stream counts for nothing, but that after it does.
    let session = up.client().open("2025-11-25");
    let head = [("mcp-session-id", session.as_str()), ("accept", "text/event-stream")];
    let mut listener = up.client();
    listener.listen(&head);
    std::thread::sleep(Duration::from_millis(2100));
    up.client().send("DELETE", &head, b"");
    assert_eq!(listener.read_chunk(), None);
    assert_eq!(listener.modern(&list()).status, 200);
    assert!(listener.is_ended());
}
