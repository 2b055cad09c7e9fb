//! The listener: connections, limits, malformed requests and shutdown.

use crate::support::client::Client;
use crate::support::server::{StartedServer, call, legacy_call};
use crate::{TestEnvironment, envelope, initialize, request, text};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tenon_mcp::{
    ErrorKind, HandlerId, HostOp, HttpOptions, LaneId, Limits, Outcome, Parker, ServeOptions, Server, Target,
    Tool,
};

fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

fn list() -> serde_json::Value {
    request(1, "tools/list", envelope(json!({})))
}

#[test]
fn a_port_in_use_is_an_error_that_names_it() {
    let up = StartedServer::new();
    let server = Server::new("second", "1");
    let address = up.address.to_string();
    let options = || ServeOptions::new().http(HttpOptions::new(&address).unwrap());
    let error = server.start(options()).err().expect("the port is in use");
    assert_eq!(error.kind(), ErrorKind::Address);
    assert!(error.message().contains(&address), "{error}");
    // Once it is free it can be had, right after connections were open on it.
    let mut client = up.client();
    client.modern(&list());
    up.close();
    let running = server.start(options()).unwrap();
    assert_eq!(Client::new(up.address).modern(&list()).status, 200);
    running.close();
    running.wait();
}

#[test]
fn strangers_are_refused() {
    let up = StartedServer::new();
    for headers in [("host", "evil.example.com"), ("origin", "http://evil.example.com")] {
        let mut client = up.client();
        let reply = client.post(&[headers], &initialize("2025-11-25"));
        assert_eq!(reply.status, 403, "MH-2, MH-3: {headers:?}");
        assert_eq!(reply.header("mcp-session-id"), None);
        // The connection is still good.
        client.open("2025-11-25");
    }
    for host in ["localhost", "127.0.0.1:1", "[::1]"] {
        assert_eq!(up.client().post(&[("host", host)], &initialize("2025-11-25")).status, 200);
    }
}

#[test]
fn a_user_name_before_the_host_does_not_make_an_origin_local() {
    let up = StartedServer::new();
    let origin = format!("http://{}@evil.example", up.address);
    let reply = up.client().post(&[("origin", &origin)], &initialize("2025-11-25"));
    assert_eq!((reply.status, reply.header("mcp-session-id")), (403, None), "MH-2");
    let said = reply.json()["error"]["message"].to_string();
    assert!(said.contains("allowed origins"), "{said}");
    let reply = up.client().post(&[("host", "localhost.")], &initialize("2025-11-25"));
    let said = reply.json()["error"]["message"].to_string();
    assert!(reply.status == 403 && said.contains("allowed hosts"), "MH-3: {said}");
    // Local under any spelling of the same origin.
    let origin = format!("HTTP://{}", up.address);
    assert_eq!(up.client().post(&[("origin", &origin)], &initialize("2025-11-25")).status, 200);
}

#[test]
fn allowed_hosts_origins_and_headers_are_checked_at_the_start() {
    let start = |options: HttpOptions| {
        let server = Server::new("wrong", "1");
        let error = server.start(ServeOptions::new().http(options)).err().expect("a wrong option");
        assert_eq!(error.kind(), ErrorKind::Invalid);
        error.message().to_owned()
    };
    let http = || HttpOptions::new("0").unwrap();
    let said = start(http().allowed_origins(["https://app.example.com/"]));
    assert!(said.contains("allowed origins") && said.contains("https://app.example.com/"), "{said}");
    let said = start(http().allowed_hosts(["mcp.example.com:8080"]));
    assert!(said.contains("allowed hosts") && said.contains("mcp.example.com:8080"), "{said}");
    let said = start(http().allowed_headers(["x custom"]));
    assert!(said.contains("http allowed headers: \"x custom\" is not a header name"), "{said}");
}

#[test]
fn a_body_over_the_limit_leaves_the_connection_usable() {
    let up = StartedServer::with(limits(|limits| limits.max_message_bytes = 100_000), "127.0.0.1:0");
    let mut client = up.client();
    let headers = [("content-type", "application/json")];
    client.send("POST", &headers, &vec![b' '; 300_000]);
    let reply = client.reply();
    assert_eq!((reply.status, reply.header("connection")), (413, None), "BAD-5");
    // The same connection, in chunks.
    let mut text_of = client.head("POST", &[headers[0], ("transfer-encoding", "chunked")], None);
    for _ in 0..30 {
        text_of.push_str(&format!("2710\r\n{}\r\n", " ".repeat(10_000)));
    }
    text_of.push_str("0\r\n\r\n");
    client.send_raw(text_of.as_bytes());
    assert_eq!(client.reply().status, 413, "BAD-5");
    assert_eq!(client.modern(&list()).status, 200);
    // Exactly at the limit.
    let mut message = call(1, "echo", json!({ "text": "" })).to_string();
    let fill = 100_000 - message.len();
    message = call(1, "echo", json!({ "text": "x".repeat(fill) })).to_string();
    assert_eq!(message.len(), 100_000);
    assert_eq!(client.modern(&serde_json::from_str(&message).unwrap()).status, 200);
    // What is far over is not read: the answer comes, then the end of the connection.
    let mut client = up.client();
    let head = client.head("POST", &headers, Some(1 << 40));
    client.send_raw(head.as_bytes());
    let reply = client.reply();
    assert_eq!((reply.status, reply.header("connection")), (413, Some("close")));
    assert!(client.is_ended());
    // A client that asks first is told before it sends anything.
    let mut client = up.client();
    let head = client.head("POST", &[headers[0], ("expect", "100-continue")], Some(1 << 20));
    client.send_raw(head.as_bytes());
    assert_eq!(client.reply().status, 413);
    assert_eq!(up.client().modern(&list()).status, 200);
}

#[test]
fn chunked_and_pipelined_requests() {
    let up = StartedServer::new();
    let mut client = up.client();
    let message = call(1, "add", json!({ "a": 1, "b": 2 })).to_string();
    let headers = [
        ("content-type", "application/json"),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "add"),
        ("transfer-encoding", "chunked"),
    ];
    let mut chunked = client.head("POST", &headers, None);
    for piece in message.as_bytes().chunks(7) {
        chunked.push_str(&format!("{:x}\r\n{}\r\n", piece.len(), std::str::from_utf8(piece).unwrap()));
    }
    chunked.push_str("0\r\n\r\n");
    client.send_raw(chunked.as_bytes());
    assert_eq!(text(&client.reply().json()), "3");
    // Several requests at once are answered in their order.
    let mut plain = client.head("POST", &headers[..4], Some(message.len()));
    plain.push_str(&message);
    client.send_raw(plain.repeat(5).as_bytes());
    for _ in 0..5 {
        assert_eq!(text(&client.reply().json()), "3");
    }
    // A body that comes byte by byte.
    for byte in plain.as_bytes() {
        client.send_raw(&[*byte]);
    }
    assert_eq!(text(&client.reply().json()), "3");
}

#[test]
fn heads_are_bounded_in_size_and_time() {
    let up = StartedServer::with(
        limits(|limits| limits.header_timeout = Duration::from_millis(200)),
        "127.0.0.1:0",
    );
    let mut client = up.client();
    let long = "x".repeat(100_000);
    // The server may answer before it has been sent whole.
    let head = client.head("GET", &[("x-long", &long)], None);
    let _ = client.stream.get_mut().write_all(head.as_bytes());
    assert_eq!(client.reply().status, 431, "BAD-5");
    let mut client = up.client();
    client.send_raw(b"POST /mcp HTTP/1.1\r\nhost: ");
    assert!(client.is_ended(), "a head that does not come to its end");
    let mut client = up.client();
    let head = client.head("POST", &[("content-type", "application/json")], Some(100));
    client.send_raw(head.as_bytes());
    let reply = client.reply();
    assert_eq!((reply.status, reply.header("connection")), (408, Some("close")));
    assert!(client.is_ended());
    let mut client = up.client();
    client.send_raw(b"no http at all\r\n\r\n");
    assert_eq!(client.reply().status, 400);
}

#[test]
fn clients_that_vanish_do_no_harm() {
    let up = StartedServer::new();
    // More than the buffers of a connection hold.
    let big = call(1, "blow", json!({ "bytes": 4 << 20 }));
    // Never reads its answer.
    let mut client = up.client();
    client.send_modern(&big);
    drop(client);
    // Goes in the middle of a request.
    let mut client = up.client();
    let head = client.head("POST", &[("content-type", "application/json")], Some(1000));
    client.send_raw(head.as_bytes());
    drop(client);
    // Goes in the middle of an answer.
    let mut client = up.client();
    client.send_modern(&big);
    client.stream.read_exact(&mut [0; 1000]).unwrap();
    drop(client);
    assert!(up.client().modern(&big).body.len() > 4 << 20);
}

#[test]
fn connections_are_bounded() {
    let up = StartedServer::with(limits(|limits| limits.max_connections = 2), "127.0.0.1:0");
    let (mut first, mut second) = (up.client(), up.client());
    assert_eq!(first.modern(&list()).status, 200);
    assert_eq!(second.modern(&list()).status, 200);
    first.send_modern(&call(1, "gate", json!({})));
    second.send_modern(&call(1, "gate", json!({})));
    assert_eq!((up.next(), up.next()), ("started", "started"));
    // The third waits, since nobody is idle, and is served as soon as there is room.
    let mut third = up.client();
    third.send_modern(&list());
    third.stream.get_ref().set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    assert!(third.stream.get_mut().read(&mut [0; 1]).is_err(), "nobody answers yet");
    third.stream.get_ref().set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    drop(first);
    assert_eq!(third.reply().status, 200);
}

#[test]
fn close_lets_requests_finish_and_ends_what_is_idle() {
    let up = StartedServer::new();
    let mut idle = up.client();
    let session = idle.open("2025-11-25");
    let head = [("mcp-session-id", session.as_str())];
    let mut listening = up.client();
    listening.listen(&head);
    let mut modern = up.client();
    modern.send_modern(&call(1, "gate", json!({})));
    assert_eq!(up.next(), "started");
    let mut legacy = up.client();
    legacy.send_post(&head, &legacy_call(1, "gate", json!({ "report": true })));
    assert_eq!(up.next(), "started");
    legacy.read_head().unwrap();
    up.running.close();
    assert!(idle.is_ended());
    assert_eq!(listening.read_chunk(), None);
    assert!(!up.running.is_closed());
    up.gate.add_permits(2);
    let reply = modern.reply();
    assert_eq!(text(&reply.json()), "through the gate");
    assert!(modern.is_ended());
    let mut rest = Vec::new();
    while let Some(chunk) = legacy.read_chunk() {
        rest.extend(chunk);
    }
    assert_eq!(text(crate::events(&rest).last().unwrap()), "through the gate");
    up.close();
    assert!(TcpStream::connect(up.address).is_err());
}

#[test]
fn close_ends_what_does_not_finish() {
    let up = StartedServer::with(
        limits(|limits| limits.drain_timeout = Duration::from_millis(100)),
        "127.0.0.1:0",
    );
    let session = up.client().open("2025-11-25");
    let mut modern = up.client();
    modern.send_modern(&call(1, "gate", json!({})));
    assert_eq!(up.next(), "started");
    let mut legacy = up.client();
    legacy.send_post(&[("mcp-session-id", &session)], &legacy_call(1, "gate", json!({})));
    assert_eq!(up.next(), "started");
    let start = Instant::now();
    up.close();
    assert!(start.elapsed() < Duration::from_secs(5));
    // Each gets an end that its era understands, then the connection ends.
    assert_eq!(modern.reply().status, 503);
    assert_eq!(legacy.reply().status, 503);
    assert!(modern.is_ended() && legacy.is_ended());
    assert_eq!((up.next(), up.next()), ("dropped", "dropped"));
}

#[test]
fn a_call_that_shutdown_cuts_off_gets_its_error_with_its_id() {
    // RPC-14.
    let up = StartedServer::with(
        limits(|limits| limits.drain_timeout = Duration::from_millis(100)),
        "127.0.0.1:0",
    );
    let session = up.client().open("2025-06-18");
    let head = [("mcp-session-id", session.as_str())];
    let mut clients: Vec<_> = (0..4).map(|_| up.client()).collect();
    // Modern and legacy, each before and after the head of its answer is out.
    let mut reports = call(11, "gate", json!({ "report": true }));
    reports["params"]["_meta"]["progressToken"] = json!(1);
    clients[0].send_modern(&call(10, "gate", json!({})));
    clients[1].send_modern(&reports);
    clients[2].send_post(&head, &legacy_call(12, "gate", json!({})));
    clients[3].send_post(&head, &legacy_call(13, "gate", json!({ "report": true })));
    for _ in 0..4 {
        assert_eq!(up.next(), "started");
    }
    // The rest of this request comes in once the server is closing.
    let late = call(14, "gate", json!({})).to_string();
    let mut sender = up.client();
    let fields = [
        ("content-type", "application/json"),
        ("mcp-protocol-version", crate::MODERN),
        ("mcp-method", "tools/call"),
        ("mcp-name", "gate"),
        ("expect", "100-continue"),
    ];
    let late_head = sender.head("POST", &fields, Some(late.len()));
    sender.send_raw(late_head.as_bytes());
    assert_eq!(sender.read_head().unwrap().0, 100);
    let mut idle = up.client();
    assert_eq!(idle.modern(&list()).status, 200);
    up.running.close();
    assert!(idle.is_ended(), "once the server is closing");
    sender.send_raw(late.as_bytes());
    let refused = |message: &serde_json::Value, id: u64| {
        assert_eq!((&message["id"], &message["error"]["code"]), (&json!(id), &json!(-32603)), "{message}");
        assert!(message["error"]["message"].as_str().unwrap().contains("shutting down"), "{message}");
    };
    for (place, id) in [(0, 10), (2, 12)] {
        let reply = clients[place].reply();
        assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")));
        refused(&reply.json(), id);
    }
    for (place, id) in [(1, 11), (3, 13)] {
        let reply = clients[place].reply();
        assert_eq!(reply.status, 200);
        refused(crate::events(&reply.body).last().unwrap(), id);
    }
    let reply = sender.reply();
    assert_eq!(reply.status, 503);
    refused(&reply.json(), 14);
    up.close();
    // What was refused never ran.
    for _ in 0..4 {
        assert_eq!(up.next(), "dropped");
    }
    assert!(up.seen.try_recv().is_err());
}

#[test]
fn without_a_runtime_of_its_callers_it_brings_one() {
    let server = Server::builder("own", "1").environment(TestEnvironment::new()).build().unwrap();
    let target = Target::Lane { lane: LaneId(1), handler: HandlerId(1) };
    server.add(Tool::new("work"), target).unwrap();
    let parker = Arc::new(Parker::new());
    let lane = server.port().lane(LaneId(1), parker.clone());
    let (port, host) = (server.port(), parker.clone());
    let host = std::thread::spawn(move || {
        while host.park() {
            let mut ops = Vec::new();
            lane.drain(64, Duration::from_millis(2), &mut ops);
            for op in ops {
                if let HostOp::Call(call) = op {
                    port.complete(call.id, Outcome::Text("done".into())).unwrap();
                }
            }
        }
    });
    let running = server.start(ServeOptions::new().http(HttpOptions::new("0").unwrap())).unwrap();
    let mut client = Client::new(running.http_address().unwrap());
    for id in 0..100 {
        assert_eq!(text(&client.modern(&call(id, "work", json!({}))).json()), "done");
    }
    running.close();
    running.wait();
    assert!(client.is_ended());
    parker.close();
    host.join().unwrap();
}
