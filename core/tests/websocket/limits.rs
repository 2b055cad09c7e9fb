//! Limits and malformed frames.

use crate::client::{Client, Raw, frame};
use crate::server::{WAIT_LIMIT, enveloped, limits, modern, text};
use crate::up;
use serde_json::json;
use std::io::{Read, Write};
use std::time::Duration;
use tenon_mcp::Limits;
use tungstenite::Message;

fn code(frame: Option<(u8, Vec<u8>)>) -> u16 {
    let (first, payload) = frame.expect("a close frame");
    assert_eq!(first, 0x88);
    u16::from_be_bytes([payload[0], payload[1]])
}

/// WS-3: each kind of invalid frame ends the connection with its close code. Other connections continue.
#[test]
fn wrong_frames_end_the_connection_with_their_code() {
    let (_up, url) = up(limits(|limits| limits.max_message_bytes = 1000));
    let mut good = Client::new(&url);
    let cases: &[(Vec<u8>, u16)] = &[
        (frame(0x82, b"{}"), 1003),
        (frame(0x81, &[0xFF]), 1007),
        (frame(0x81, &[b' '; 1001]), 1009),
        (vec![0x81, 0x02, b'{', b'}'], 1002),
        (frame(0x80, b"{}"), 1002),
    ];
    for (bytes, expected) in cases {
        let mut raw = Raw::open(&url);
        raw.send(bytes);
        assert_eq!(code(raw.frame()), *expected);
        raw.send(&frame(0x88, &[0x03, 0xE8]));
        drop(raw.0.shutdown(std::net::Shutdown::Write));
        assert_eq!(raw.frame(), None, "the server ends the connection");
    }
    let mut client = Client::new(&url);
    client.0.send(Message::binary(vec![1, 2, 3])).unwrap();
    assert_eq!(client.closed(), 1003);
    assert_eq!(text(&good.ask(&modern(1, "add", json!({ "a": 1, "b": 2 })))), "3");
}

/// WS-10: a client that does not answer a ping counts as disconnected, and its calls are cancelled.
#[test]
fn a_client_that_is_not_there_any_more_is_found_out() {
    let short = Duration::from_millis(50);
    let (up, url) = up(limits(|limits| (limits.ping_interval, limits.ping_timeout) = (short, short)));
    let mut raw = Raw::open(&url);
    raw.send(&frame(0x81, modern(1, "gate", json!({})).to_string().as_bytes()));
    assert_eq!(up.next(), "started");
    assert_eq!(raw.frame(), Some((0x89, Vec::new())), "it is asked");
    assert_eq!(raw.frame(), None, "and closed without an answer");
    assert_eq!(up.next(), "dropped");
}

/// A client that answers pings stays connected, even if it sends nothing else for long.
#[test]
fn a_client_that_answers_pings_stays() {
    let interval = Duration::from_millis(20);
    let (_up, url) = up(limits(|limits| limits.ping_interval = interval));
    let mut raw = Raw::open(&url);
    for _ in 0..5 {
        assert_eq!(raw.frame(), Some((0x89, Vec::new())));
        raw.send(&frame(0x8A, b""));
    }
    raw.send(&frame(0x81, modern(1, "add", json!({ "a": 1, "b": 2 })).to_string().as_bytes()));
    let answered = std::iter::from_fn(|| raw.frame()).find(|(first, _)| *first == 0x81);
    assert!(answered.is_some());
}

/// A message that has begun must be complete in time.
#[test]
fn a_message_may_not_take_for_ever() {
    let (_up, url) = up(limits(|limits| limits.request_timeout = Duration::from_millis(50)));
    let mut raw = Raw::open(&url);
    raw.send(&[0x81]);
    assert_eq!(code(raw.frame()), 1008);
}

/// A client that does not read is disconnected. Its buffer never exceeds the limit.
#[test]
fn a_client_that_does_not_read_is_cut_off() {
    let (up, url) = up(limits(|limits| {
        limits.write_timeout = Duration::from_millis(100);
        limits.max_outbound_bytes = 100_000;
    }));
    let mut raw = Raw::open(&url);
    raw.send(&frame(0x81, modern(1, "gate", json!({})).to_string().as_bytes()));
    assert_eq!(up.next(), "started");
    raw.0.set_write_timeout(Some(WAIT_LIMIT)).unwrap();
    let blow = frame(0x81, modern(2, "blow", json!({ "bytes": 4 << 20 })).to_string().as_bytes());
    // Until its connection is closed under its hands.
    while raw.0.write_all(&blow).is_ok() {}
    assert_eq!(up.next(), "dropped");
    let mut rest = Vec::new();
    let _ = raw.0.read_to_end(&mut rest);
    assert_eq!(text(&Client::new(&url).ask(&modern(1, "add", json!({ "a": 1, "b": 2 })))), "3");
}

/// `max_buffered_bytes` applies to all transports of the server together: one more message is refused.
#[test]
fn all_clients_share_one_account() {
    let (_up, url) = up(limits(|limits| limits.max_buffered_bytes = 300_000));
    let mut first = Raw::open(&url);
    first.send(&[frame(0x01, &[b' '; 200_000]), frame(0x89, b"read?")].concat());
    assert_eq!(first.frame(), Some((0x8A, b"read?".to_vec())), "the first part is held");
    let mut second = Raw::open(&url);
    second.send(&frame(0x81, &[b' '; 200_000]));
    assert_eq!(code(second.frame()), 1013);
    drop(second);
    first.send(&frame(0x80, b" "));
    let (kind, payload) = first.frame().unwrap();
    assert!(kind == 0x81 && String::from_utf8(payload).unwrap().contains("-32700"));
}

/// A WebSocket counts as a connection of its address.
#[test]
fn connections_are_counted() {
    let (_up, url) = up(limits(|limits| limits.max_connections = 1));
    let mut first = Client::new(&url);
    let mut second = crate::client::connect(&url);
    let upgrade = format!("GET /ws HTTP/1.1\r\nhost: localhost\r\n{}\r\n", crate::client::UPGRADE);
    second.write_all(upgrade.as_bytes()).unwrap();
    assert_eq!(text(&first.ask(&modern(1, "add", json!({ "a": 1, "b": 2 })))), "3");
    second.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let mut byte = [0];
    assert!(second.read(&mut byte).is_err(), "it waits to be accepted");
    first.0.close(None).unwrap();
    while first.0.read().is_ok() {}
    second.set_read_timeout(Some(WAIT_LIMIT)).unwrap();
    assert_eq!(second.read(&mut byte).unwrap(), 1);
}

/// A WebSocket counts as a connection and a stream of its address. Its calls count together with those of the address's
/// other clients.
#[test]
fn an_address_has_a_share() {
    let (_up, url) = up(limits(|limits| limits.max_address_streams = 1));
    let first = Client::new(&url);
    let mut second = Raw::new(&url);
    let head = second.head("GET", "/ws", &format!("host: localhost\r\n{}", crate::client::UPGRADE));
    assert!(head.starts_with("HTTP/1.1 429 ") && head.contains("retry-after: 1"), "{head}");
    drop(first);
    // So is each listen stream on it.
    let (_up, url) = up(limits(|limits| limits.max_address_streams = 2));
    let mut client = Client::new(&url);
    let listen = |id: u64| {
        let params = json!({ "notifications": { "toolsListChanged": true } });
        enveloped(json!({ "jsonrpc": "2.0", "id": id, "method": "subscriptions/listen", "params": params }))
    };
    let first = client.ask(&listen(1));
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged", "{first}");
    let refused = client.ask(&listen(2));
    assert_eq!(refused["id"], 2, "{refused}");
    assert!(refused["error"]["message"].as_str().unwrap().contains("max_address_streams"), "{refused}");
    let cancelled = json!({ "requestId": 1 });
    client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled }));
    assert_eq!(client.ask(&listen(3))["method"], first["method"]);
    let (up, url) = up(limits(|limits| limits.max_address_calls = 1));
    let (mut one, mut two) = (Client::new(&url), Client::new(&url));
    one.send(&modern(1, "gate", json!({})));
    assert_eq!(up.next(), "started");
    let refused = two.ask(&modern(2, "add", json!({ "a": 1, "b": 2 })));
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(2), &json!(-32603)), "{refused}");
    assert!(refused["error"]["message"].as_str().unwrap().contains("max_address_calls"), "{refused}");
    up.gate.add_permits(1);
    // Who has an answer may call again at once (RPC-7).
    assert_eq!(text(&one.next()), "through the gate");
    assert_eq!(text(&two.ask(&modern(3, "add", json!({ "a": 1, "b": 2 })))), "3");
}

/// Of many pings, only the newest is answered.
#[test]
fn pings_do_not_pile_up() {
    let (_up, url) = up(Limits::default());
    let mut raw = Raw::open(&url);
    raw.send(&frame(0x89, b"x").repeat(10_000));
    raw.send(&frame(0x89, b"last"));
    let mut count = 0;
    loop {
        let (kind, payload) = raw.frame().unwrap();
        assert_eq!(kind, 0x8A);
        count += 1;
        if payload == b"last" {
            break;
        }
    }
    assert!(count < 10_001, "{count}");
}
