//! A client of HTTP+SSE over blocking sockets.

use crate::server::{WAIT_LIMIT, initialize, initialized};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// The event stream, and the address for messages.
pub struct Client {
    stream: BufReader<TcpStream>,
    authority: String,
    /// The address from the first event.
    pub messages: String,
    /// The bytes of an incomplete event.
    rest: Vec<u8>,
}

/// A response without a stream.
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

pub fn connect(authority: &str) -> TcpStream {
    let stream = TcpStream::connect(authority).unwrap();
    stream.set_read_timeout(Some(WAIT_LIMIT)).unwrap();
    stream
}

/// Splits `http://authority/path`.
pub fn parts(url: &str) -> (String, String) {
    let rest = url.strip_prefix("http://").unwrap();
    let place = rest.find('/').unwrap();
    (rest[..place].to_owned(), rest[place..].to_owned())
}

fn read_head(stream: &mut BufReader<TcpStream>) -> (u16, String) {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(stream.read_line(&mut head).unwrap() > 0, "the connection ended: {head}");
    }
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_lowercase())
}

/// Sends one request on a new connection.
pub fn request(authority: &str, method: &str, path: &str, headers: &str, body: &[u8]) -> Reply {
    let mut stream = BufReader::new(connect(authority));
    let host = if headers.contains("host:") { "" } else { "host: localhost\r\n" };
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\n{host}{headers}content-length: {length}\r\n\r\n");
    stream.get_mut().write_all(&[head.as_bytes(), body].concat()).unwrap();
    let (status, head) = read_head(&mut stream);
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).unwrap();
    Reply { status, head, body }
}

pub const JSON: &str = "content-type: application/json\r\n";

impl Client {
    pub fn new(url: &str) -> Client {
        let (authority, path) = parts(url);
        let mut stream = BufReader::new(connect(&authority));
        let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n");
        stream.get_mut().write_all(head.as_bytes()).unwrap();
        let (status, head) = read_head(&mut stream);
        assert!(status == 200 && head.contains("content-type: text/event-stream"), "{head}");
        let mut client = Client { stream, authority, messages: String::new(), rest: Vec::new() };
        let (event, data) = client.event().expect("a first event");
        assert_eq!(event, "endpoint", "SSE-2");
        client.messages = data;
        client
    }

    /// The next event: its type and its data; `None` at the end of the stream.
    pub fn event(&mut self) -> Option<(String, String)> {
        loop {
            if let Some(place) = self.rest.windows(2).position(|pair| pair == b"\n\n") {
                let event: Vec<u8> = self.rest.drain(..place + 2).collect();
                let text = String::from_utf8(event).unwrap();
                let of =
                    |name: &str| text.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned));
                match (of("event: "), of("data: ")) {
                    (Some(event), Some(data)) => return Some((event, data)),
                    (None, None) => assert!(text.starts_with(':'), "a comment: {text:?}"),
                    _ => panic!("half an event: {text:?}"),
                }
                continue;
            }
            let mut size = String::new();
            if self.stream.read_line(&mut size).unwrap_or(0) == 0 {
                return None;
            }
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            let mut chunk = vec![0; size + 2];
            self.stream.read_exact(&mut chunk).unwrap();
            if size == 0 {
                return None;
            }
            chunk.truncate(size);
            self.rest.extend(chunk);
        }
    }

    /// The next message on the stream.
    pub fn next(&mut self) -> Value {
        let (event, data) = self.event().expect("the stream is open");
        assert_eq!(event, "message", "SSE-4");
        serde_json::from_str(&data).unwrap()
    }

    pub fn post(&self, body: &[u8]) -> Reply {
        request(&self.authority, "POST", &self.messages, JSON, body)
    }

    pub fn send(&self, message: &Value) {
        let reply = self.post(message.to_string().as_bytes());
        assert_eq!((reply.status, reply.body.len()), (202, 0), "SSE-5: {}", reply.head);
    }

    pub fn ask(&mut self, message: &Value) -> Value {
        self.send(message);
        self.next()
    }

    /// Begins a session.
    pub fn open(&mut self, version: &str) {
        let answer = self.ask(&initialize(version));
        assert_eq!(answer["result"]["protocolVersion"], version, "{answer}");
        self.send(&initialized());
    }
}
