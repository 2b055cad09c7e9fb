//! Streamable HTTP over a Unix socket.

use crate::client::{Stream, TestServer, WAIT_LIMIT, close, initialize};
use serde_json::{Value, json};
use std::os::unix::net::UnixStream;
use tenon_mcp::{HttpOptions, ServeOptions};

/// Sends one request on a new connection. Returns the status, and the response with its head.
pub fn exchange(mut stream: impl Stream, method: &str, path: &str, head: &str, body: &str) -> (u16, String) {
    stream.patience();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\ncontent-length: {length}\r\n{head}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    (answer[9..12].parse().unwrap(), answer)
}

/// Opens a session.
pub fn post(stream: impl Stream, path: &str, host: &str, head: &str) -> (u16, String) {
    let body = initialize("2025-11-25").to_string();
    exchange(stream, "POST", path, &format!("host: {host}\r\n{head}"), &body)
}

fn session(answer: &str) -> String {
    answer
        .lines()
        .find_map(|line| line.strip_prefix("mcp-session-id: "))
        .expect("a session")
        .trim()
        .to_owned()
}

fn body(answer: &str) -> Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn up(
    served: &TestServer,
    change: impl FnOnce(HttpOptions) -> HttpOptions,
) -> (tenon_mcp::Running, impl Fn() -> UnixStream) {
    let address = format!("unix:{}", served.path().display());
    let http = change(HttpOptions::new(&address).unwrap());
    let running = served.start(ServeOptions::new().http(http));
    assert_eq!(running.http_url(), Some(format!("{address}:/mcp")));
    assert_eq!(running.http_address(), None);
    let path = served.path();
    (running, move || UnixStream::connect(&path).unwrap())
}

#[test]
fn both_eras_are_served() {
    for served in [TestServer::new(), TestServer::new().apart()] {
        let (running, connect) = up(&served, |http| http);
        let (status, answer) = post(connect(), "/mcp", "localhost", "");
        assert_eq!(status, 200);
        let head = format!("host: localhost\r\nmcp-session-id: {}\r\n", session(&answer));
        let ping = json!({ "jsonrpc": "2.0", "id": 7, "method": "ping" }).to_string();
        let (status, answer) = exchange(connect(), "POST", "/mcp", &head, &ping);
        assert_eq!((status, &body(&answer)["id"]), (200, &json!(7)));
        let call = crate::client::call(8, "echo", json!({ "text": "modern" })).to_string();
        let head = "host: localhost\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: echo\r\n";
        let (status, answer) = exchange(connect(), "POST", "/mcp", head, &call);
        assert_eq!((status, crate::client::text(&body(&answer))), (200, "modern"));
        assert_eq!(exchange(connect(), "GET", "/other", "host: localhost\r\n", "").0, 404);
        close(&running);
        assert!(!served.path().exists());
    }
}

#[test]
fn any_host_may_be_named_and_no_page_may_call() {
    // MH-2, MH-3: no page reaches a Unix socket but through a proxy, which names whom it likes.
    let served = TestServer::new();
    let (running, connect) = up(&served, |http| http);
    for host in ["localhost", "mcp.example.com", "[::1]:80", "unix"] {
        assert_eq!(post(connect(), "/mcp", host, "").0, 200, "{host}");
    }
    for origin in ["http://localhost", "https://mcp.example.com", "null"] {
        assert_eq!(post(connect(), "/mcp", "localhost", &format!("origin: {origin}\r\n")).0, 403, "{origin}");
    }
    close(&running);
    let (running, connect) = up(&served, |http| {
        http.allowed_hosts(["mcp.example.com"]).allowed_origins(["https://mcp.example.com"])
    });
    let origin = "origin: https://mcp.example.com\r\n";
    assert_eq!(post(connect(), "/mcp", "mcp.example.com", origin).0, 200);
    assert_eq!(post(connect(), "/mcp", "other.example.com", "").0, 403);
    close(&running);
}

#[test]
fn a_client_that_is_gone_has_its_modern_call_cancelled() {
    for served in [TestServer::new(), TestServer::new().apart()] {
        let (running, connect) = up(&served, |http| http);
        let call = crate::client::call(1, "never", json!({})).to_string();
        let head = format!(
            "POST /mcp HTTP/1.1\r\nhost: localhost\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\n\
             mcp-name: never\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\n\
             content-length: {}\r\n\r\n{call}",
            call.len()
        );
        let mut stream = connect();
        std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
        assert_eq!(served.next(), "started");
        drop(stream);
        // MH-34: found by what is written to it, so within its time.
        assert_eq!(served.seen.recv_timeout(WAIT_LIMIT), Ok("dropped"));
        close(&running);
    }
}
