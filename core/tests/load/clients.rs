//! The messages that the clients send and read.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// The resource that clients subscribe to.
pub const WATCHED: &str = "load://watched";
const MODERN: &str = "2026-07-28";

/// A POST with the headers that every client sends, and `headers`.
pub fn post(headers: &str, message: &Value) -> Vec<u8> {
    let body = message.to_string();
    let length = body.len();
    let mut text = head(headers, length).into_bytes();
    text.extend_from_slice(body.as_bytes());
    text
}

pub fn head(headers: &str, length: usize) -> String {
    format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\ncontent-length: {length}\r\n{headers}\r\n"
    )
}

/// A modern call.
pub fn call(name: &str, arguments: Value) -> Vec<u8> {
    let mut meta = meta();
    meta["progressToken"] = json!(1);
    let params = json!({ "name": name, "arguments": arguments, "_meta": meta });
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let headers = format!("mcp-protocol-version: {MODERN}\r\nmcp-method: tools/call\r\nmcp-name: {name}\r\n");
    post(&headers, &message)
}

fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

/// The status, the headers and the body of a response that is not a stream.
pub fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<(u16, String, String)> {
    let (mut head, mut line) = (String::new(), String::new());
    while line != "\r\n" {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        head.push_str(&line);
    }
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body)?;
    Ok((status, head, String::from_utf8(body).unwrap()))
}

pub fn initialize() -> Value {
    let params = json!({
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "load", "version": "1" },
    });
    json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params })
}

pub fn initialized() -> Value {
    json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })
}

/// The request to subscribe, in a legacy session.
pub fn subscribe() -> Value {
    json!({ "jsonrpc": "2.0", "id": 9, "method": "resources/subscribe", "params": { "uri": WATCHED } })
}

/// The request for a modern stream of changes of the list of tools. If `subscribes` is set, also of changes of the
/// resource.
pub fn listen(subscribes: bool) -> Vec<u8> {
    let watched: &[&str] = if subscribes { &[WATCHED] } else { &[] };
    let notifications = json!({ "toolsListChanged": true, "resourceSubscriptions": watched });
    let params = json!({ "notifications": notifications, "_meta": meta() });
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": params });
    post(&format!("mcp-protocol-version: {MODERN}\r\nmcp-method: subscriptions/listen\r\n"), &message)
}

/// One request on a new connection.
pub fn exchange(address: SocketAddr, request: &[u8]) -> (u16, String) {
    let mut stream = connect(address);
    stream.write_all(request).expect("the request is taken");
    let (status, _, body) = read(&mut BufReader::new(stream)).expect("the request is answered");
    (status, body)
}

/// A legacy session.
pub struct Session(String);

impl Session {
    pub fn open(address: SocketAddr) -> Session {
        Session::open_on(&mut BufReader::new(connect(address)))
    }

    /// Opens a session on an existing connection.
    pub fn open_on(stream: &mut BufReader<TcpStream>) -> Session {
        stream.get_mut().write_all(&post("", &initialize())).unwrap();
        let (_, head, _) = read(stream).unwrap();
        let id = head.lines().find_map(|line| line.strip_prefix("mcp-session-id: ")).expect("a session");
        let session = Session(format!("mcp-session-id: {id}\r\n"));
        stream.get_mut().write_all(&post(&session.0, &initialized())).unwrap();
        assert_eq!(read(stream).unwrap().0, 202);
        session
    }

    pub fn subscribe(&self) -> Vec<u8> {
        post(&self.0, &subscribe())
    }

    /// The request that ends the session.
    pub fn delete(&self) -> Vec<u8> {
        format!("DELETE /mcp HTTP/1.1\r\nhost: localhost\r\n{}\r\n", self.0).into_bytes()
    }

    pub fn list(&self) -> Vec<u8> {
        post(&self.0, &json!({ "jsonrpc": "2.0", "id": 9, "method": "tools/list" }))
    }

    pub fn ping(&self) -> Vec<u8> {
        post(&self.0, &json!({ "jsonrpc": "2.0", "id": 9, "method": "ping" }))
    }

    pub fn listen(&self) -> Vec<u8> {
        let head = "GET /mcp HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n";
        format!("{head}{}\r\n", self.0).into_bytes()
    }
}
