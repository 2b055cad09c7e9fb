//! Two clients: tungstenite's, and a raw socket.

use crate::server::{WAIT_LIMIT, initialize, initialized};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use tungstenite::client::IntoClientRequest;
use tungstenite::handshake::client::Request;
use tungstenite::{Message, WebSocket};

pub struct Client(pub WebSocket<TcpStream>);

pub fn connect(url: &str) -> TcpStream {
    let authority = url.strip_prefix("ws://").unwrap().split('/').next().unwrap();
    let stream = TcpStream::connect(authority).unwrap();
    stream.set_read_timeout(Some(WAIT_LIMIT)).unwrap();
    stream
}

impl Client {
    pub fn new(url: &str) -> Client {
        Client::with(url, |_| ())
    }

    pub fn with(url: &str, change: impl FnOnce(&mut Request)) -> Client {
        let mut request = url.into_client_request().unwrap();
        change(&mut request);
        let (socket, response) = tungstenite::client(request, connect(url)).unwrap();
        assert_eq!(response.status(), 101);
        Client(socket)
    }

    pub fn send(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).unwrap();
    }

    /// The next text message.
    pub fn next(&mut self) -> Value {
        loop {
            match self.0.read().expect("the connection is open") {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("no text: {other:?}"),
            }
        }
    }

    pub fn ask(&mut self, message: &Value) -> Value {
        self.send(message);
        self.next()
    }

    /// Begins a legacy session.
    pub fn open(&mut self, version: &str) {
        let answer = self.ask(&initialize(version));
        assert_eq!(answer["result"]["protocolVersion"], version, "{answer}");
        self.send(&initialized());
    }

    /// The code of the next close frame. Then waits for the end of the connection.
    pub fn closed(&mut self) -> u16 {
        loop {
            match self.0.read() {
                Ok(Message::Close(frame)) => {
                    // Answers the server's, after which that ends the connection.
                    while self.0.read().is_ok() {}
                    return frame.map_or(0, |frame| frame.code.into());
                }
                Ok(_) => {}
                Err(error) => panic!("no close frame: {error}"),
            }
        }
    }
}

/// A connection on which the test reads and writes bytes.
pub struct Raw(pub TcpStream);

/// The headers that an upgrade needs.
pub const UPGRADE: &str = "connection: keep-alive, Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
     sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

impl Raw {
    pub fn new(url: &str) -> Raw {
        Raw(connect(url))
    }

    /// A connection that has become a WebSocket.
    pub fn open(url: &str) -> Raw {
        let mut raw = Raw::new(url);
        let head = raw.head("GET", "/ws", &format!("host: localhost\r\n{UPGRADE}"));
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        raw
    }

    /// Sends the head of a request, and reads the head of the response.
    pub fn head(&mut self, method: &str, path: &str, headers: &str) -> String {
        self.0.write_all(format!("{method} {path} HTTP/1.1\r\n{headers}\r\n").as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            assert_eq!(self.0.read(&mut byte).unwrap(), 1, "the connection ended");
            head.push(byte[0]);
        }
        String::from_utf8(head).unwrap()
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    /// The next frame: its first byte and its payload; `None` at the end.
    pub fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).ok()?;
        let mut length = u64::from(head[1]);
        if length >= 126 {
            let mut more = [0; 8];
            let size = if length == 126 { 2 } else { 8 };
            self.0.read_exact(&mut more[8 - size..]).ok()?;
            length = u64::from_be_bytes(more);
        }
        let mut payload = vec![0; length as usize];
        self.0.read_exact(&mut payload).ok()?;
        Some((head[0], payload))
    }
}

/// A frame with a mask that changes nothing.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    match payload.len() {
        length @ 0..126 => out.push(0x80 | length as u8),
        length @ 126..65536 => {
            out.push(0x80 | 126);
            out.extend((length as u16).to_be_bytes());
        }
        length => {
            out.push(0x80 | 127);
            out.extend((length as u64).to_be_bytes());
        }
    }
    out.extend([0; 4]);
    out.extend(payload);
    out
}
