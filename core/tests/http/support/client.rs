//! A small HTTP/1.1 client on a blocking socket.

use serde_json::Value;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub struct Client {
    pub stream: BufReader<TcpStream>,
    pub path: String,
    host: String,
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{}: {:?}", self.status, String::from_utf8_lossy(&self.body)))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub fn is_stream(&self) -> bool {
        self.header("content-type") == Some("text/event-stream")
    }
}

const JSON_HEADERS: [(&str, &str); 2] =
    [("content-type", "application/json"), ("accept", "application/json, text/event-stream")];

impl Client {
    pub fn new(address: SocketAddr) -> Client {
        Client::on(TcpStream::connect(address).unwrap(), address)
    }

    /// Connects from another address of this machine.
    pub fn from(own: [u8; 4], address: SocketAddr) -> Client {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let stream = runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind((own, 0).into()).unwrap();
            socket.connect(address).await.unwrap().into_std().unwrap()
        });
        stream.set_nonblocking(false).unwrap();
        Client::on(stream, address)
    }

    fn on(stream: TcpStream, address: SocketAddr) -> Client {
        // No test waits for as long as this; without it a broken one would hang.
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Client { stream: BufReader::new(stream), path: "/mcp".into(), host: address.to_string() }
    }

    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).unwrap();
    }

    pub fn head(&self, method: &str, headers: &[(&str, &str)], length: Option<usize>) -> String {
        let mut head = format!("{method} {} HTTP/1.1\r\n", self.path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            head.push_str(&format!("host: {}\r\n", self.host));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(length) = length {
            head.push_str(&format!("content-length: {length}\r\n"));
        }
        head.push_str("\r\n");
        head
    }

    pub fn send(&mut self, method: &str, headers: &[(&str, &str)], body: &[u8]) {
        let length = (method == "POST" || !body.is_empty()).then_some(body.len());
        let mut text = self.head(method, headers, length).into_bytes();
        text.extend_from_slice(body);
        self.send_raw(&text);
    }

    /// Sends a message with the headers that every client sends, and `headers`.
    pub fn send_post(&mut self, headers: &[(&str, &str)], message: &Value) {
        let all: Vec<_> = JSON_HEADERS.iter().chain(headers).copied().collect();
        self.send("POST", &all, message.to_string().as_bytes());
    }

    pub fn post(&mut self, headers: &[(&str, &str)], message: &Value) -> Reply {
        self.send_post(headers, message);
        self.reply()
    }

    /// Sends a modern request with the headers that it needs.
    pub fn send_modern(&mut self, message: &Value) {
        let method = message["method"].as_str().unwrap().to_owned();
        let name = message["params"]["name"].as_str().map(str::to_owned);
        let mut headers = vec![("mcp-protocol-version", crate::MODERN), ("mcp-method", &method)];
        headers.extend(name.as_deref().map(|name| ("mcp-name", name)));
        self.send_post(&headers, message);
    }

    pub fn modern(&mut self, message: &Value) -> Reply {
        self.send_modern(message);
        self.reply()
    }

    /// Reads the status line and the headers; `None` at the end of the connection.
    pub fn read_head(&mut self) -> Option<(u16, HashMap<String, String>)> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).unwrap_or(0) == 0 {
            return None;
        }
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status line: {line:?}"));
        let mut headers = HashMap::new();
        loop {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        Some((status, headers))
    }

    /// Reads one chunk of a chunked body; `None` after the last chunk.
    pub fn read_chunk(&mut self) -> Option<Vec<u8>> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).unwrap() == 0 {
            return None;
        }
        let size = usize::from_str_radix(line.trim(), 16).unwrap_or_else(|_| panic!("no chunk: {line:?}"));
        let mut chunk = vec![0; size + 2];
        self.stream.read_exact(&mut chunk).unwrap();
        chunk.truncate(size);
        (size > 0).then_some(chunk)
    }

    pub fn try_reply(&mut self) -> Option<Reply> {
        let (status, headers) = self.read_head()?;
        let mut body = Vec::new();
        if headers.get("transfer-encoding").is_some_and(|encoding| encoding == "chunked") {
            while let Some(chunk) = self.read_chunk() {
                body.extend(chunk);
            }
        } else if let Some(length) = headers.get("content-length") {
            body.resize(length.parse().unwrap(), 0);
            self.stream.read_exact(&mut body).unwrap();
        }
        Some(Reply { status, headers, body })
    }

    pub fn reply(&mut self) -> Reply {
        self.try_reply().expect("the connection ended without a response")
    }

    /// Waits for the next byte. Returns whether the server has ended the connection.
    pub fn is_ended(&mut self) -> bool {
        let mut byte = [0];
        matches!(self.stream.read(&mut byte), Ok(0) | Err(_))
    }

    /// Opens a GET stream in a session of 2025-11-25, and reads its first event, which has only an id.
    pub fn listen(&mut self, headers: &[(&str, &str)]) {
        self.send("GET", headers, b"");
        assert_eq!(self.read_head().unwrap().0, 200);
        let first = self.read_chunk().unwrap();
        assert!(first.starts_with(b"id: ") && crate::events(&first).is_empty(), "LH-30: {first:?}");
    }

    /// Opens a legacy session and returns its id.
    pub fn open(&mut self, version: &str) -> String {
        let reply = self.post(&[], &crate::initialize(version));
        assert_eq!(reply.status, 200, "{reply:?}");
        let session = reply.header("mcp-session-id").expect("a session").to_owned();
        let initialized = crate::notification("notifications/initialized", serde_json::json!({}));
        let reply = self.post(&[("mcp-session-id", &session)], &initialized);
        assert_eq!((reply.status, reply.body.len()), (202, 0), "VER-14");
        session
    }
}
