//! One client for each transport, all with the same functions.

use crate::recording::WAIT_LIMIT;
use crate::server::{StartedServer, initialize, modern, notification};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write, pipe};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use tenon_mcp::testing::Exchange;
use tenon_mcp::{HttpOptions, Limits, Parker, ServeOptions, SseOptions, WebSocketOptions};
use tungstenite::{Message, WebSocket};

/// A transport, with the era that its client uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Stdio,
    StdioLegacy,
    Lines,
    WebSocket,
    Sse,
    InProcess,
    HttpModern,
    HttpLegacy,
}

pub const WAYS: [Way; 8] = [
    Way::Stdio,
    Way::StdioLegacy,
    Way::Lines,
    Way::WebSocket,
    Way::Sse,
    Way::InProcess,
    Way::HttpModern,
    Way::HttpLegacy,
];

/// A client of one transport.
pub trait Client {
    fn send(&mut self, message: &Value);

    /// The next message of the server. Over HTTP, it is the response to the oldest request without one.
    fn receive(&mut self) -> Value;
}

impl Way {
    pub fn is_modern(self) -> bool {
        !matches!(self, Way::StdioLegacy | Way::Sse | Way::HttpLegacy)
    }

    /// The revision that observers are told.
    pub fn revision(self) -> &'static str {
        if self.is_modern() { "2026-07-28" } else { "2025-11-25" }
    }

    /// The message in the form of the client's era.
    pub fn message(self, message: Value) -> Value {
        if self.is_modern() { modern(message) } else { message }
    }

    pub fn open(self) -> (StartedServer, Box<dyn Client>) {
        self.limited(|_| ())
    }

    /// A server and its client, after the handshake. The events until then are dropped.
    pub fn limited(self, change: impl FnOnce(&mut Limits)) -> (StartedServer, Box<dyn Client>) {
        self.open_with("2025-11-25", change)
    }

    /// The same, with a legacy session of this revision.
    pub fn open_with(
        self,
        revision: &str,
        change: impl FnOnce(&mut Limits),
    ) -> (StartedServer, Box<dyn Client>) {
        let (server, mut client) = self.connect(change);
        if !self.is_modern() {
            client.send(&initialize(revision));
            assert!(client.receive()["result"].is_object());
            client.send(&notification("notifications/initialized", json!({})));
            server.recording.wait_for_ends(2);
        }
        (server, client)
    }

    fn connect(self, change: impl FnOnce(&mut Limits)) -> (StartedServer, Box<dyn Client>) {
        let options = ServeOptions::new();
        let http = |options: ServeOptions| options.http(HttpOptions::new("127.0.0.1:0").unwrap());
        match self {
            Way::Stdio | Way::StdioLegacy => {
                let ((server_input, input), (output, server_output)) = (pipe().unwrap(), pipe().unwrap());
                let options = options.descriptors(server_input.into(), server_output.into());
                let server = StartedServer::limited(options, change);
                (server, Box::new(Lines { input, output: BufReader::new(output) }))
            }
            Way::Lines => {
                let (own, given) = UnixStream::pair().unwrap();
                own.set_read_timeout(Some(WAIT_LIMIT)).unwrap();
                let server = StartedServer::limited(options.socket(given), change);
                let output = BufReader::new(own.try_clone().unwrap());
                (server, Box::new(Lines { input: own, output }))
            }
            Way::WebSocket => {
                let options = options.websocket(WebSocketOptions::new("127.0.0.1:0").unwrap());
                let server = StartedServer::limited(options, change);
                let url = server.running.websocket_url().unwrap();
                let stream = connect(url.split('/').nth(2).unwrap());
                (server, Box::new(tungstenite::client(url, stream).unwrap().0))
            }
            Way::Sse => {
                let options = options.sse(SseOptions::new("127.0.0.1:0").unwrap());
                let server = StartedServer::limited(options, change);
                let url = server.running.sse_url().unwrap();
                (server, Box::new(Sse::open(&url)))
            }
            Way::InProcess => {
                let server = StartedServer::limited(options.in_process(), change);
                let exchange = Exchange::open(&server.server, None).unwrap();
                let parker = Arc::new(Parker::new());
                exchange.on_message(parker.clone());
                (server, Box::new(InProcess { exchange, parker }))
            }
            Way::HttpModern | Way::HttpLegacy => {
                let server = StartedServer::limited(http(options), change);
                let authority = server.running.http_address().unwrap().to_string();
                (
                    server,
                    Box::new(Http {
                        authority,
                        session: None,
                        revision: String::new(),
                        pending: VecDeque::new(),
                    }),
                )
            }
        }
    }
}

fn connect(authority: &str) -> TcpStream {
    let stream = TcpStream::connect(authority).unwrap();
    stream.set_read_timeout(Some(WAIT_LIMIT)).unwrap();
    stream
}

struct Lines<I, O> {
    input: I,
    output: BufReader<O>,
}

impl<I: Write, O: Read> Client for Lines<I, O> {
    fn send(&mut self, message: &Value) {
        self.input.write_all(format!("{message}\n").as_bytes()).unwrap();
    }

    fn receive(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("no message: {line:?}"))
    }
}

impl Client for WebSocket<TcpStream> {
    fn send(&mut self, message: &Value) {
        WebSocket::send(self, Message::text(message.to_string())).unwrap();
    }

    fn receive(&mut self) -> Value {
        loop {
            match self.read().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("no text: {other:?}"),
            }
        }
    }
}

struct InProcess {
    exchange: Exchange,
    parker: Arc<Parker>,
}

impl Client for InProcess {
    fn send(&mut self, message: &Value) {
        self.exchange.send(message.to_string());
    }

    fn receive(&mut self) -> Value {
        loop {
            if let Some(message) = self.exchange.receive() {
                return serde_json::from_slice(&message).unwrap();
            }
            assert!(self.parker.park());
        }
    }
}

/// A response whose head has been read.
pub struct Response {
    pub status: u16,
    pub head: String,
    pub body: BufReader<TcpStream>,
}

/// Sends a request on a new connection, which ends with the response.
pub fn send_request(authority: &str, method: &str, path: &str, headers: &str, body: &str) -> TcpStream {
    let mut stream = connect(authority);
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    stream
}

pub fn read_response(stream: TcpStream) -> Response {
    let (mut body, mut head) = (BufReader::new(stream), String::new());
    while !head.ends_with("\r\n\r\n") {
        assert!(body.read_line(&mut head).unwrap() > 0, "the connection ended: {head}");
    }
    Response { status: head.split(' ').nth(1).unwrap().parse().unwrap(), head, body }
}

impl Response {
    /// The next event of a stream.
    pub fn event(&mut self) -> Value {
        let mut line = String::new();
        loop {
            line.clear();
            assert!(self.body.read_line(&mut line).unwrap() > 0, "the stream has ended");
            if let Some(data) = line.strip_prefix("data: ")
                && !data.trim().is_empty()
            {
                return serde_json::from_str(data).unwrap();
            }
        }
    }

    pub fn message(&mut self) -> Value {
        if self.head.contains("text/event-stream") {
            return self.event();
        }
        let mut text = String::new();
        self.body.read_to_string(&mut text).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{} {text:?}", self.status))
    }
}

struct Http {
    authority: String,
    session: Option<String>,
    /// The revision of the session.
    revision: String,
    /// The connections of requests without a response.
    pending: VecDeque<TcpStream>,
}

impl Http {
    fn headers(&self, message: &Value) -> String {
        let mut headers =
            String::from("content-type: application/json\r\naccept: application/json, text/event-stream\r\n");
        if let Some(session) = &self.session {
            headers += &format!("mcp-session-id: {session}\r\nmcp-protocol-version: {}\r\n", self.revision);
        }
        if message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"].is_string() {
            headers +=
                &format!("mcp-protocol-version: 2026-07-28\r\nmcp-method: {}\r\n", text(&message["method"]));
            if message["params"]["name"].is_string() {
                headers += &format!("mcp-name: {}\r\n", text(&message["params"]["name"]));
            }
        }
        headers
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

impl Client for Http {
    fn send(&mut self, message: &Value) {
        let headers = self.headers(message);
        let body = match message {
            // A text that is no message.
            Value::String(text) => text.clone(),
            message => message.to_string(),
        };
        let stream = send_request(&self.authority, "POST", "/mcp", &headers, &body);
        match message.get("id") {
            Some(_) => self.pending.push_back(stream),
            None if message.is_array() || message.is_string() => self.pending.push_back(stream),
            None => assert_eq!(read_response(stream).status, 202),
        }
    }

    fn receive(&mut self) -> Value {
        let mut response = read_response(self.pending.pop_front().unwrap());
        let session = response.head.lines().find_map(|line| line.strip_prefix("mcp-session-id: "));
        self.session = session.map(str::to_owned).or(self.session.take());
        let message = response.message();
        if let Some(revision) = message["result"]["protocolVersion"].as_str() {
            self.revision = revision.to_owned();
        }
        message
    }
}

struct Sse {
    authority: String,
    messages: String,
    stream: Response,
}

impl Sse {
    fn open(url: &str) -> Sse {
        let authority = url.split('/').nth(2).unwrap().to_owned();
        let path = url.splitn(4, '/').nth(3).unwrap();
        let stream =
            send_request(&authority, "GET", &format!("/{path}"), "accept: text/event-stream\r\n", "");
        let mut stream = read_response(stream);
        let mut line = String::new();
        while !line.starts_with("data: ") {
            line.clear();
            stream.body.read_line(&mut line).unwrap();
        }
        Sse { authority, messages: line["data: ".len()..].trim().to_owned(), stream }
    }
}

impl Client for Sse {
    fn send(&mut self, message: &Value) {
        let headers = "content-type: application/json\r\n";
        let stream = send_request(&self.authority, "POST", &self.messages, headers, &message.to_string());
        assert_eq!(read_response(stream).status, 202);
    }

    fn receive(&mut self) -> Value {
        self.stream.event()
    }
}
