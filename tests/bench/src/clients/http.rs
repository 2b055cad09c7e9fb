//! Load over Streamable HTTP: one thread, a fixed number of keep-alive connections, one call in flight on each.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::clients::http_parser::{Parser, Response, sse_data};
use crate::clients::message::{self, Era, Work};
use crate::meter::{Goal, Meter, Sample};
use crate::process::WAIT_LIMIT;

/// All connections to one HTTP server.
pub struct HttpLoad {
    connections: Vec<Connection>,
    next_id: u64,
    buffer: Vec<u8>,
    body: Vec<u8>,
    /// The bearer tokens of the next requests, see [`HttpLoad::present`].
    tokens: Tokens,
}

/// Bearer tokens, one for each request. The last one is used again.
#[derive(Default)]
struct Tokens {
    all: Vec<String>,
    used: usize,
}

impl Tokens {
    fn next(&mut self) -> Option<&str> {
        let place = self.used.min(self.all.len().checked_sub(1)?);
        self.used += 1;
        Some(&self.all[place])
    }
}

struct Connection {
    stream: TcpStream,
    era: Era,
    work: Work,
    /// The request's head up to the value of Content-Length.
    head: Vec<u8>,
    parser: Parser,
    output: Vec<u8>,
    written: usize,
    /// The call in flight and when it was sent.
    pending: Option<(u64, Instant)>,
}

impl HttpLoad {
    /// Opens keep-alive connections; in the legacy era each is a client with a session of its own.
    pub fn connect(address: SocketAddr, era: Era, work: Work, count: usize) -> Result<Self, String> {
        HttpLoad::connect_as(None, address, era, work, count)
    }

    /// The same, with a bearer token in each request.
    pub fn connect_as(
        token: Option<&str>,
        address: SocketAddr,
        era: Era,
        work: Work,
        count: usize,
    ) -> Result<Self, String> {
        let mut tokens = Tokens::default();
        tokens.all.extend(token.map(str::to_owned));
        let mut next_id = 1;
        let mut connections = Vec::with_capacity(count);
        for _ in 0..count {
            connections.push(Connection::open(address, era, work, next_id, token)?);
            next_id += 1;
        }
        Ok(HttpLoad { connections, next_id, buffer: vec![0; 64 * 1024], body: Vec::new(), tokens })
    }

    /// Has the next requests carry these tokens, in their order.
    pub fn present(&mut self, tokens: Vec<String>) {
        self.tokens = Tokens { all: tokens, used: 0 };
    }

    /// Opens sessions with an event stream each, one after the other, as clients come.
    pub fn listening(address: SocketAddr, count: usize) -> Result<Self, String> {
        let mut load = HttpLoad::connect(address, Era::Legacy, Work::Echo, 0)?;
        for _ in 0..count {
            let mut connection = Connection::open(address, Era::Legacy, Work::Echo, load.next_id, None)?;
            connection.listen()?;
            load.next_id += 1;
            load.connections.push(connection);
        }
        Ok(load)
    }

    /// Sends calls until `goal` is met and every one of them is answered. `cpu` reads the server's CPU time.
    pub fn run(&mut self, goal: Goal, cpu: impl Fn() -> Result<Duration, String>) -> Result<Sample, String> {
        let before = cpu()?;
        let mut meter = Meter::start(goal);
        let patience = Timespec { tv_sec: WAIT_LIMIT.as_secs() as i64, tv_nsec: 0 };
        loop {
            for connection in self.connections.iter_mut().filter(|c| c.pending.is_none()) {
                let now = Instant::now();
                if !meter.take(now) {
                    break;
                }
                self.body.clear();
                message::push_request(connection.era, connection.work, self.next_id, &mut self.body);
                connection.send(&self.body, self.tokens.next());
                connection.pending = Some((self.next_id, now));
                connection.write()?;
                self.next_id += 1;
            }
            let mut fds: Vec<PollFd> = self.connections.iter().map(Connection::interest).collect();
            if self.connections.iter().all(|connection| connection.pending.is_none()) {
                return meter.finish(before, cpu);
            }
            if poll(&mut fds, Some(&patience)).map_err(|e| format!("poll: {e}"))? == 0 {
                return Err(format!("no answer for {WAIT_LIMIT:?}"));
            }
            let ready: Vec<PollFlags> = fds.iter().map(PollFd::revents).collect();
            for (connection, ready) in self.connections.iter_mut().zip(ready) {
                if ready.contains(PollFlags::OUT) {
                    connection.write()?;
                }
                if ready.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR)
                    && let Some(sent_at) = connection.read(&mut self.buffer)?
                {
                    meter.answered(sent_at, Instant::now());
                }
            }
        }
    }
}

impl Connection {
    fn open(
        address: SocketAddr,
        era: Era,
        work: Work,
        id: u64,
        token: Option<&str>,
    ) -> Result<Connection, String> {
        let stream = TcpStream::connect(address).map_err(|e| format!("cannot connect to {address}: {e}"))?;
        let prepared = stream.set_nodelay(true).and_then(|()| stream.set_read_timeout(Some(WAIT_LIMIT)));
        prepared.map_err(|e| format!("socket: {e}"))?;
        let mut connection = Connection {
            stream,
            era,
            work,
            head: head(address, ""),
            parser: Parser::new(),
            output: Vec::new(),
            written: 0,
            pending: None,
        };
        let version = era.version();
        connection.head = match era {
            Era::Legacy => {
                let session = connection.shake_hands(address, id, token)?;
                head(address, &format!("MCP-Protocol-Version: {version}\r\n{session}"))
            }
            Era::Modern => {
                let method = work.method();
                let name = work.tool().map(|tool| format!("Mcp-Name: {tool}\r\n")).unwrap_or_default();
                head(address, &format!("MCP-Protocol-Version: {version}\r\nMcp-Method: {method}\r\n{name}"))
            }
        };
        connection.parser.reset();
        connection.stream.set_nonblocking(true).map_err(|e| format!("socket: {e}"))?;
        Ok(connection)
    }

    /// Gives the header line that names the session; empty if the server keeps none.
    fn shake_hands(&mut self, address: SocketAddr, id: u64, token: Option<&str>) -> Result<String, String> {
        let response = self.blocking(message::initialize(id).as_bytes(), token)?;
        message::check_initialize(&message_in(response)?, id)?;
        let session =
            response.session.as_ref().map(|id| format!("Mcp-Session-Id: {id}\r\n")).unwrap_or_default();
        self.head = head(address, &format!("MCP-Protocol-Version: {}\r\n{session}", self.era.version()));
        let response = self.blocking(message::INITIALIZED.as_bytes(), token)?;
        if response.status == 202 {
            Ok(session)
        } else {
            Err(format!("initialized: status {}", response.status))
        }
    }

    /// Has the server open the session's event stream on this connection, and leaves it open.
    fn listen(&mut self) -> Result<(), String> {
        let post = String::from_utf8_lossy(&self.head);
        let fields: Vec<&str> = post.lines().filter(|line| !line.starts_with("Content-")).skip(1).collect();
        let fields = fields.join("\r\n").replace("application/json, ", "");
        let request = format!("GET /mcp HTTP/1.1\r\n{fields}\r\n\r\n");
        self.stream.set_nonblocking(false).map_err(|e| format!("socket: {e}"))?;
        self.stream.write_all(request.as_bytes()).map_err(|e| format!("the stream's request: {e}"))?;
        let mut head = Vec::new();
        while !head.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
            let mut buffer = [0; 1024];
            match self.stream.read(&mut buffer).map_err(|e| format!("the stream: {e}"))? {
                0 => return Err("the server closed the stream".into()),
                count => head.extend_from_slice(&buffer[..count]),
            }
        }
        let opened = head.starts_with(b"HTTP/1.1 200 ");
        if opened { Ok(()) } else { Err(format!("no stream: {}", message::excerpt(&head))) }
    }

    fn blocking(&mut self, body: &[u8], token: Option<&str>) -> Result<&Response, String> {
        self.send(body, token);
        self.stream.write_all(&self.output).map_err(|e| format!("handshake: {e}"))?;
        self.written = self.output.len();
        self.parser.reset();
        let mut buffer = [0; 4096];
        loop {
            let count = self.stream.read(&mut buffer).map_err(|e| format!("handshake: {e}"))?;
            if count == 0 {
                return Err("the server closed the connection during the handshake".into());
            }
            if self.parser.push(&buffer[..count])? {
                return Ok(self.parser.response());
            }
        }
    }

    fn send(&mut self, body: &[u8], token: Option<&str>) {
        self.output.clear();
        self.written = 0;
        self.output.extend_from_slice(&self.head);
        let length = body.len();
        let written = match token {
            Some(token) => write!(self.output, "{length}\r\nAuthorization: Bearer {token}\r\n\r\n"),
            None => write!(self.output, "{length}\r\n\r\n"),
        };
        written.expect("writing to a Vec cannot fail");
        self.output.extend_from_slice(body);
    }

    fn interest(&self) -> PollFd<'_> {
        let blocked = self.written < self.output.len();
        let flags = if blocked { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
        PollFd::from_borrowed_fd(self.stream.as_fd(), flags)
    }

    fn write(&mut self) -> Result<(), String> {
        while self.written < self.output.len() {
            match self.stream.write(&self.output[self.written..]) {
                Ok(count) => self.written += count,
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(e) => return Err(format!("the connection: {e}")),
            }
        }
        Ok(())
    }

    /// Takes what has arrived; when that completes the answer, says when its call was sent.
    fn read(&mut self, buffer: &mut [u8]) -> Result<Option<Instant>, String> {
        let count = match self.stream.read(buffer) {
            Ok(0) => return Err("the server closed a keep-alive connection".into()),
            Ok(count) => count,
            Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(e) => return Err(format!("the connection: {e}")),
        };
        if !self.parser.push(&buffer[..count])? {
            return Ok(None);
        }
        let answered = match self.parser.response() {
            json if json.content_type == "application/json" => checked(self.work, json.status, &json.body)?,
            other => checked(self.work, other.status, &message_in(other)?)?,
        };
        self.parser.reset();
        match self.pending.take() {
            Some((id, sent_at)) if answered == Some(id) => Ok(Some(sent_at)),
            other => Err(format!("an answer to {answered:?} while {other:?} is in flight")),
        }
    }
}

fn head(address: SocketAddr, extra: &str) -> Vec<u8> {
    format!(
        "POST /mcp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\n{extra}Content-Length: "
    )
    .into_bytes()
}

fn checked(work: Work, status: u16, message: &[u8]) -> Result<Option<u64>, String> {
    if status == 200 {
        message::check_reply(work, message)
    } else {
        Err(format!("status {status}: {}", message::excerpt(message)))
    }
}

/// The last message of a response: its JSON body, or the data of its last event.
fn message_in(response: &Response) -> Result<Vec<u8>, String> {
    match response.content_type.as_str() {
        "text/event-stream" => {
            let last = sse_data(&response.body)?.pop();
            last.map(String::into_bytes).ok_or_else(|| "an event stream without a message".into())
        }
        "application/json" => Ok(response.body.clone()),
        other => {
            let (status, body) = (response.status, message::excerpt(&response.body));
            Err(format!("status {status}, content type {other:?}: {body}"))
        }
    }
}
