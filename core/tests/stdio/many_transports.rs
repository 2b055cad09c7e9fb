//! Several transports of the same kind on one server.

use crate::client::{Client, TestServer, WAIT_LIMIT, text};
use serde_json::{Value, json};
use std::io::{Read, Write, pipe};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use tenon_mcp::{HttpOptions, Running, ServeOptions};

/// Serves this number of pairs of pipes, in addition to `options`.
fn serve(served: &TestServer, mut options: ServeOptions, pairs: usize) -> (Vec<Client>, Running) {
    let clients = (0..pairs).map(|_| {
        let (server_input, input) = pipe().unwrap();
        let (output, server_output) = pipe().unwrap();
        options = std::mem::take(&mut options).descriptors(server_input.into(), server_output.into());
        Client::on(output, input)
    });
    let clients = clients.collect();
    let _inside = served.runtime.enter();
    (clients, served.server.start(options).unwrap())
}

/// Sends a request. Returns the status, the session id if there is one, and the body.
fn http(address: SocketAddr, method: &str, session: &str, body: &str) -> (u16, Option<String>, String) {
    let session = if session.is_empty() { String::new() } else { format!("mcp-session-id: {session}\r\n") };
    let head = format!(
        "{method} /mcp HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\ncontent-length: {}\r\n{session}\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(WAIT_LIMIT)).unwrap();
    stream.write_all((head + body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let session = head.lines().find_map(|line| line.strip_prefix("mcp-session-id: ")).map(str::to_owned);
    (head[9..12].parse().unwrap(), session, body.to_owned())
}

fn ping() -> String {
    json!({ "jsonrpc": "2.0", "id": 7, "method": "ping" }).to_string()
}

/// Writes until the server no longer reads. Returns `false` if that does not happen in time.
fn is_let_go(client: &Client) -> bool {
    let end = Instant::now() + WAIT_LIMIT;
    while Instant::now() < end {
        if client.input().write_all(b"\n").is_err() {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

#[test]
fn two_listeners_and_two_pairs_of_descriptors_serve_at_once() {
    let served = TestServer::new();
    let any = || HttpOptions::new("127.0.0.1:0").unwrap();
    let (mut clients, running) = serve(&served, ServeOptions::new().http(any()).http(any()), 2);
    let addresses: Vec<_> = running.http_addresses().collect();
    assert_eq!(running.http_address(), Some(addresses[0]));
    let urls: Vec<_> = addresses.iter().map(|address| format!("http://{address}/mcp")).collect();
    assert_eq!(running.http_urls().collect::<Vec<_>>(), urls);
    assert_ne!(addresses[0], addresses[1]);
    // Each has a call in flight while the others are served.
    for client in &mut clients {
        client.call(1, "gate", json!({}));
    }
    for (id, client) in clients.iter_mut().enumerate() {
        client.call(2, "echo", json!({ "text": format!("client {id}") }));
        assert_eq!(text(&client.receive().unwrap()), format!("client {id}"));
    }
    let initialize = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "c", "version": "1" } } });
    let (status, session, _) = http(addresses[0], "POST", "", &initialize.to_string());
    let session = session.expect("a session");
    assert_eq!(status, 200);
    // One server, so one set of sessions, whichever address a client comes to (LH-8).
    for address in &addresses {
        assert_eq!(http(*address, "POST", &session, &ping()).0, 200);
    }
    assert_eq!(http(addresses[1], "DELETE", &session, "").0, 204);
    assert_eq!(http(addresses[0], "POST", &session, &ping()).0, 404);
    served.gate.add_permits(2);
    for client in &mut clients {
        assert_eq!(text(&client.receive().unwrap()), "through");
    }
    // All of them end together, with what was in flight answered.
    for client in &mut clients {
        client.call(3, "never", json!({}));
        client.call(4, "echo", json!({ "text": "in" }));
        assert_eq!(text(&client.receive().unwrap()), "in");
    }
    running.close_within(Duration::ZERO);
    assert!(running.wait_for(WAIT_LIMIT));
    for client in &mut clients {
        let rest = client.rest();
        assert_eq!(rest.len(), 1);
        assert_eq!(rest[0]["id"], 3);
        assert!(rest[0]["error"].is_object());
    }
    for address in addresses {
        assert!(TcpStream::connect(address).is_err(), "the port is free");
    }
}

#[test]
fn a_channel_that_ends_leaves_the_others() {
    let served = TestServer::with(|limits| limits.drain_timeout = WAIT_LIMIT);
    let (mut clients, running) = serve(&served, ServeOptions::new(), 3);
    let echo = |client: &mut Client| {
        client.call(9, "echo", json!({ "text": "still here" }));
        text(&client.receive().unwrap()) == "still here"
    };
    // The end of the input: what is in flight may finish, then the output ends too.
    let mut first = clients.remove(0);
    first.call(1, "gate", json!({}));
    assert!(echo(&mut first));
    first.end_input();
    served.gate.add_permits(1);
    let rest: Vec<Value> = first.rest();
    assert_eq!(rest.iter().map(text).collect::<Vec<_>>(), ["through"]);
    assert!(clients.iter_mut().all(echo) && !running.is_closed());
    // The end of the output, found by the next write: the input is let go of.
    let mut second = clients.remove(0);
    second.output = None;
    second.call(1, "echo", json!({ "text": "nobody reads" }));
    assert!(is_let_go(&second));
    assert!(clients.iter_mut().all(echo) && !running.is_closed());
    // The last one takes the server with it.
    clients[0].end_input();
    assert!(running.wait_for(WAIT_LIMIT));
    assert!(clients[0].rest().is_empty());
    assert_eq!(running.exit_code(), 0);
}

#[test]
fn a_channel_that_ends_waits_for_its_calls_no_longer_than_a_server_does() {
    let served = TestServer::with(|limits| limits.stdio_drain_timeout = Duration::from_millis(50));
    let (mut clients, running) = serve(&served, ServeOptions::new(), 2);
    let mut first = clients.remove(0);
    first.call(1, "never", json!({}));
    first.end_input();
    let rest = first.rest();
    assert_eq!((rest.len(), &rest[0]["id"]), (1, &json!(1)), "RPC-14");
    assert!(rest[0]["error"].is_object());
    assert!(!running.is_closed());
    running.close();
    assert!(running.wait_for(WAIT_LIMIT));
}

#[test]
fn descriptors_that_end_before_the_others_are_started_end_nothing_else() {
    let served = TestServer::new();
    for _ in 0..20 {
        let (input, ended) = pipe().unwrap();
        let (_output, output) = pipe().unwrap();
        drop(ended);
        let (mut clients, running) =
            serve(&served, ServeOptions::new().descriptors(input.into(), output.into()), 1);
        clients[0].call(1, "echo", json!({ "text": "here" }));
        assert_eq!(text(&clients[0].receive().unwrap()), "here");
        clients[0].end_input();
        assert!(running.wait_for(WAIT_LIMIT));
    }
}

#[test]
fn a_server_that_is_told_so_goes_on_when_its_input_has_ended() {
    let served = TestServer::with_builder(|_| (), |builder| builder.end_with_stdin(false));
    let http_options = || ServeOptions::new().http(HttpOptions::new("127.0.0.1:0").unwrap());
    let (mut clients, running) = serve(&served, http_options(), 2);
    let address = running.http_address().unwrap();
    for mut client in clients.drain(..) {
        client.end_input();
        assert!(client.rest().is_empty());
    }
    assert_ne!(http(address, "POST", "", &ping()).0, 0);
    assert!(!running.is_closed());
    running.close();
    assert!(running.wait_for(WAIT_LIMIT));
    // Without another transport nobody is left to serve.
    let (mut clients, running) = serve(&served, ServeOptions::new(), 1);
    clients[0].end_input();
    assert!(running.wait_for(WAIT_LIMIT));
}
