//! Fair shares: if one address uses its share, the shares of other addresses stay.

use crate::support::bench::{Bench, Chunks};
use crate::support::client::{Client, Reply};
use crate::support::server::{StartedServer, call};
use crate::{MODERN, envelope, request, text};
use bytes::Bytes;
use serde_json::json;
use std::io::Write;
use std::time::{Duration, Instant};
use tenon_mcp::{HostOp, Limits};

/// Another client address than 127.0.0.1.
const OTHER: [u8; 4] = [127, 0, 0, 2];

fn up(change: impl FnOnce(&mut Limits)) -> StartedServer {
    let mut limits = Limits::default();
    change(&mut limits);
    StartedServer::with(limits, "127.0.0.1:0")
}

fn list() -> serde_json::Value {
    request(1, "tools/list", envelope(json!({})))
}

fn works(client: &mut Client) {
    assert_eq!(client.modern(&list()).status, 200);
}

fn is_refused(reply: &Reply, limit: &str) {
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("1")), "{reply:?}");
    let error = reply.json()["error"].clone();
    assert_eq!(error["code"], -32603);
    assert!(error["message"].as_str().unwrap().contains(limit), "{error}");
}

/// Opens a GET stream in a new session.
fn listening(mut client: Client) -> Client {
    let session = client.open("2025-11-25");
    client.listen(&[("mcp-session-id", &session)]);
    client
}

/// Retries until `works` succeeds, because the server may take a moment to notice an end.
fn soon(works: impl Fn() -> bool) {
    let start = Instant::now();
    while !works() {
        assert!(start.elapsed() < Duration::from_secs(30), "it never works");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn one_address_cannot_have_all_connections() {
    // Three quarters of them.
    let up = up(|limits| limits.max_connections = 4);
    let held: Vec<_> = (0..3).map(|_| listening(up.client())).collect();
    let mut fourth = up.client();
    is_refused(&fourth.reply(), "max_address_connections");
    assert!(fourth.is_ended());
    works(&mut Client::from(OTHER, up.address));
    drop(held);
    soon(|| {
        let mut client = up.client();
        client.send_modern(&list());
        client.try_reply().is_some_and(|reply| reply.status == 200)
    });
}

/// Whether the server still reads from and answers on the client's connection.
fn is_served(client: &mut Client) -> bool {
    let message = list().to_string();
    let headers = [
        ("content-type", "application/json"),
        ("mcp-protocol-version", MODERN),
        ("mcp-method", "tools/list"),
    ];
    let head = client.head("POST", &headers, Some(message.len()));
    client.stream.get_mut().write_all(format!("{head}{message}").as_bytes()).is_ok()
        && client.try_reply().is_some_and(|reply| reply.status == 200)
}

#[test]
fn a_full_table_closes_idle_connections() {
    let up = up(|limits| limits.max_connections = 3);
    let mut busy = up.client();
    works(&mut busy);
    let mut idle: Vec<_> = (0..2).map(|_| up.client()).collect();
    idle.iter_mut().for_each(works);
    busy.send_modern(&call(1, "gate", json!({})));
    assert_eq!(up.next(), "started");
    let mut next = Client::from(OTHER, up.address);
    works(&mut next);
    assert_eq!(idle.iter_mut().filter_map(|client| is_served(client).then_some(())).count(), 1);
    // One that has sent nothing at all is idle too.
    let mut silent = up.client();
    // They stay, so each of them needs the place of another one.
    let mut others: Vec<_> = (0..2).map(|_| Client::from(OTHER, up.address)).collect();
    let began = Instant::now();
    others.iter_mut().for_each(works);
    assert!(silent.is_ended());
    // Not by the timeout of a head, which is ten times as long.
    assert!(began.elapsed() < Limits::default().header_timeout / 10);
    up.gate.add_permits(1);
    assert_eq!(busy.reply().status, 200);
}

#[test]
fn an_address_with_its_share_makes_room_for_itself() {
    let up = up(|limits| limits.max_address_connections = 2);
    let mut other = Client::from(OTHER, up.address);
    works(&mut other);
    let mut first: Vec<_> = (0..2).map(|_| up.client()).collect();
    first.iter_mut().for_each(works);
    // Until its others are seen to be idle it is refused.
    soon(|| is_served(&mut up.client()));
    assert!(!first.iter_mut().all(is_served));
    works(&mut other);
    // Many of them do no harm to others.
    let many: Vec<_> = (0..500).map(|_| up.client()).collect();
    works(&mut other);
    works(&mut Client::from(OTHER, up.address));
    drop(many);
}

/// Sends a body except for its last byte.
fn upload(mut client: Client, size: usize) -> Client {
    let head = client.head("POST", &[("content-type", "application/json")], Some(size));
    client.send_raw(head.as_bytes());
    client.send_raw(&vec![b' '; size - 1]);
    client
}

#[test]
fn unfinished_uploads_of_one_address_leave_room_for_others() {
    let up = up(|limits| limits.max_buffered_bytes = 2 << 20);
    let padded = || format!("{}{}", list(), " ".repeat(150_000));
    let send = |client: &mut Client| {
        let headers = [
            ("content-type", "application/json"),
            ("mcp-protocol-version", MODERN),
            ("mcp-method", "tools/list"),
        ];
        client.send("POST", &headers, padded().as_bytes());
        client.reply()
    };
    let held: Vec<_> = (0..60).map(|_| upload(up.client(), 60_000)).collect();
    soon(|| send(&mut up.client()).status == 429);
    is_refused(&send(&mut up.client()), "max_address_buffered_bytes");
    assert_eq!(send(&mut Client::from(OTHER, up.address)).status, 200);
    works(&mut up.client());
    drop(held);
    soon(|| send(&mut up.client()).status == 200);
}

#[test]
fn streams_of_one_address_are_bounded() {
    let up = up(|limits| limits.max_address_streams = 2);
    let first = listening(up.client());
    let params = envelope(json!({ "notifications": { "toolsListChanged": true } }));
    let listen = request(2, "subscriptions/listen", params);
    let mut second = up.client();
    second.send_modern(&listen);
    assert_eq!(second.read_head().unwrap().0, 200);
    let mut third = up.client();
    let session = third.open("2025-11-25");
    third.send("GET", &[("mcp-session-id", &session)], b"");
    is_refused(&third.reply(), "max_address_streams");
    is_refused(&third.modern(&listen), "max_address_streams");
    // What is no stream is answered, and so are others.
    works(&mut third);
    listening(Client::from(OTHER, up.address));
    drop(first);
    soon(|| {
        let mut client = up.client();
        client.send("GET", &[("mcp-session-id", &session)], b"");
        client.read_head().unwrap().0 == 200
    });
}

#[test]
fn get_streams_of_one_session_are_bounded() {
    let up = up(|limits| limits.max_session_listens = 2);
    let session = up.client().open("2025-11-25");
    let head = [("mcp-session-id", session.as_str())];
    let mut open: Vec<_> = (0..2).map(|_| up.client()).collect();
    open.iter_mut().for_each(|client| client.listen(&head));
    let mut third = up.client();
    third.send("GET", &head, b"");
    is_refused(&third.reply(), "max_session_listens");
    let other = listening(up.client());
    open.pop();
    soon(|| {
        let mut client = up.client();
        client.send("GET", &head, b"");
        client.read_head().unwrap().0 == 200
    });
    drop((open, other));
}

#[test]
fn calls_of_one_address_are_bounded() {
    let up = up(|limits| limits.max_address_calls = 2);
    let session = up.client().open("2025-11-25");
    let mut modern = up.client();
    modern.send_modern(&call(1, "gate", json!({})));
    let mut legacy = up.client();
    let params = json!({ "name": "gate", "arguments": {} });
    legacy.send_post(&[("mcp-session-id", &session)], &request(7, "tools/call", params.clone()));
    assert_eq!((up.next(), up.next()), ("started", "started"));
    let mut third = up.client();
    let reply = third.modern(&call(3, "add", json!({ "a": 1, "b": 2 })));
    is_refused(&reply, "max_address_calls");
    assert_eq!(reply.json()["id"], 3);
    is_refused(
        &third.post(&[("mcp-session-id", &session)], &request(4, "tools/call", params)),
        "max_address_calls",
    );
    // What is no call is answered, and so are others.
    works(&mut third);
    let mut other = Client::from(OTHER, up.address);
    assert_eq!(other.modern(&call(1, "add", json!({ "a": 1, "b": 2 }))).status, 200);
    up.gate.add_permits(1);
    assert_eq!(up.next(), "finished");
    soon(|| up.client().modern(&call(5, "add", json!({ "a": 1, "b": 2 }))).status == 200);
}

/// A program that knows the addresses of its clients reports them. Without an address, only the total limits apply.
#[test]
fn requests_that_are_handed_over_count_to_the_address_that_is_named() {
    let mut limits = Limits::default();
    (limits.max_address_calls, limits.max_address_buffered_bytes) = (1, 500_000);
    let bench = Bench::with(limits, |builder| builder);
    let from = |address: &str| bench.address.set(Some(address.parse().unwrap()));
    let refused = |limit: &str| {
        let reply = bench.post(&MODERN_CALL, &call(1, "work", json!({}))).finish();
        assert_eq!((reply.status, &reply.headers["retry-after"]), (429, &"1".parse().unwrap()));
        assert!(reply.json()["error"]["message"].as_str().unwrap().contains(limit), "{reply:?}");
    };
    from("2001:db8:1:2::1");
    let first = bench.call();
    refused("max_address_calls");
    // The same network is the same client, another is not.
    from("2001:db8:1:2:3::4");
    refused("max_address_calls");
    from("2001:db8:1:3::1");
    drop(bench.call());
    bench.ops();
    bench.address.set(None);
    drop((bench.call(), bench.call()));
    bench.ops();
    // Who has an answer may call again at once (RPC-7).
    from("2001:db8:1:2::1");
    drop(first);
    for _ in 0..3 {
        let pending = bench.call();
        refused("max_address_calls");
        let id = bench.ops().into_iter().find_map(|op| match op {
            HostOp::Call(call) => Some(call.id),
            _ => None,
        });
        bench.complete(id.unwrap(), "done");
        assert_eq!(pending.finish().status, 200);
    }
    // An upload that goes on, and another from there and from elsewhere.
    let upload = |stalls: bool| {
        let piece = || Bytes::from(vec![b' '; 150_000]);
        let mut body = Chunks::of([piece(), piece()]);
        (body.declared, body.stalls) = (Some(400_000), stalls);
        bench.submit("POST", &[("content-type", "application/json")], body)
    };
    let mut held = upload(true);
    assert!(held.poll().is_none());
    let reply = upload(false).finish();
    assert_eq!((reply.status, &reply.headers["connection"]), (429, &"close".parse().unwrap()));
    from("10.0.0.1");
    assert_eq!(upload(false).finish().status, 400, "white space is no message");
    from("2001:db8:1:2::1");
    drop(held);
    assert_eq!(upload(false).finish().status, 400);
}

const MODERN_CALL: [(&str, &str); 3] =
    [("mcp-protocol-version", MODERN), ("mcp-method", "tools/call"), ("mcp-name", "work")];

/// The text of a call whose arguments take long to check.
fn costly(client: &Client) -> String {
    let numbers = vec!["1"; 250_000].join(",");
    let message = call(1, "costly", json!({ "numbers": [] })).to_string();
    let message = message.replace(r#""numbers":[]"#, &format!(r#""numbers":[{numbers}]"#));
    let headers = [
        ("content-type", "application/json"),
        ("mcp-protocol-version", MODERN),
        ("mcp-method", "tools/call"),
        ("mcp-name", "costly"),
    ];
    client.head("POST", &headers, Some(message.len())) + &message
}

/// Whether the server has not answered yet.
fn waits(client: &Client) -> bool {
    let stream = client.stream.get_ref();
    stream.set_nonblocking(true).unwrap();
    let waits = stream.peek(&mut [0]).is_err();
    stream.set_nonblocking(false).unwrap();
    waits
}

#[test]
fn long_checks_of_one_address_hold_up_no_other() {
    let up = StartedServer::on_one_thread();
    let (mut greedy, mut other): (Vec<_>, _) =
        ((0..40).map(|_| up.client()).collect(), Client::from(OTHER, up.address));
    // Together they take more than ten times what those of the other client take.
    let costly = costly(&other);
    greedy.iter_mut().for_each(|client| client.send_raw(costly.as_bytes()));
    works(&mut other);
    assert!(waits(&greedy[39]), "a message without a check waited for the checks of others");
    other.send_raw(costly.as_bytes());
    assert_eq!(text(&other.reply().json()), "checked");
    assert!(greedy.iter().any(waits), "a check waited for all those of another address");
    for client in &mut greedy {
        assert_eq!(text(&client.reply().json()), "checked");
    }
}
