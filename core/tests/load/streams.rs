//! Idle event streams, and one client that holds all of them.

use super::clients::{Session, call, connect, initialize, initialized, listen, read, subscribe};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;
use serde_json::{Value, json};
use std::io::{BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The event stream of a legacy session, which is resumable.
    Get,
    /// `subscriptions/listen` of 2026-07-28.
    Listen,
    /// A legacy session on a WebSocket.
    WebSocket,
}

pub const KINDS: [Kind; 3] = [Kind::Get, Kind::Listen, Kind::WebSocket];

/// The kinds of notifications.
#[derive(Clone, Copy, Debug)]
pub enum Update {
    Updated,
    ListChanged,
}

impl Update {
    /// The tool that makes the server send the notification.
    pub fn tool(self) -> &'static str {
        match self {
            Update::Updated => "update",
            Update::ListChanged => "change",
        }
    }

    fn method(self) -> &'static [u8] {
        match self {
            Update::Updated => b"notifications/resources/updated",
            Update::ListChanged => b"notifications/tools/list_changed",
        }
    }
}

struct Stream {
    kind: Kind,
    socket: TcpStream,
    /// The session of a GET stream.
    session: Option<Session>,
    subscribed: bool,
    /// The input of an incomplete message.
    input: Vec<u8>,
    /// How often the stream was notified of each [`Update`].
    told: [usize; 2],
    /// Whether the stream ended correctly; `None` while it is open.
    ended: Option<bool>,
}

pub struct StreamClients {
    address: SocketAddr,
    /// The connection for requests that are not streams.
    posts: BufReader<TcpStream>,
    streams: Vec<Stream>,
    poll: OwnedFd,
}

impl StreamClients {
    pub fn new(address: SocketAddr) -> StreamClients {
        let poll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
        StreamClients { address, posts: BufReader::new(connect(address)), streams: Vec::new(), poll }
    }

    pub fn len(&self) -> usize {
        self.streams.len()
    }

    /// The number of streams that are notified of updates.
    pub fn subscribers(&self) -> usize {
        self.streams.iter().filter(|stream| stream.subscribed).count()
    }

    /// Reconnects, because the server closes a connection that is not used for long.
    fn reconnect(&mut self) {
        self.posts = BufReader::new(connect(self.address));
    }

    fn post(&mut self, request: &[u8]) -> (u16, String) {
        self.posts.get_mut().write_all(request).unwrap();
        let (status, _, body) = read(&mut self.posts).expect("a request is answered");
        (status, body)
    }

    /// Opens `count` streams; the first `subscribed` of them ask for updates.
    pub fn open(&mut self, kind: Kind, count: usize, subscribed: usize) {
        for place in 0..count {
            let subscribed = place < subscribed;
            let (socket, session) = match kind {
                Kind::Get => {
                    let session = Session::open_on(&mut self.posts);
                    if subscribed {
                        let (status, body) = self.post(&session.subscribe());
                        assert!(status == 200 && body.contains("\"result\""), "{status} {body}");
                    }
                    // The first event, which has an id to come back with.
                    (begin(self.address, &session.listen(), b"retry: "), Some(session))
                }
                Kind::Listen => (begin(self.address, &listen(subscribed), b"/acknowledged"), None),
                Kind::WebSocket => (websocket(self.address, subscribed), None),
            };
            socket.set_nonblocking(true).unwrap();
            let data = epoll::EventData::new_u64(self.streams.len() as u64);
            epoll::add(&self.poll, &socket, data, epoll::EventFlags::IN).unwrap();
            let (input, told) = (Vec::new(), [0; 2]);
            self.streams.push(Stream { kind, socket, session, subscribed, input, told, ended: None });
        }
    }

    /// Reads the available input, and waits for input if there is none. Answers pings. Returns the number of
    /// notifications of this kind.
    fn read(&mut self, news: Update, wait: Duration) -> usize {
        let wait = Timespec { tv_sec: 0, tv_nsec: wait.as_nanos().min(999_999_999) as i64 };
        let mut events = Vec::with_capacity(256);
        epoll::wait(&self.poll, spare_capacity(&mut events), Some(&wait)).expect("epoll");
        let mut heard = 0;
        for event in events {
            let stream = &mut self.streams[event.data.u64() as usize];
            let before = stream.told[news as usize];
            stream.read();
            heard += stream.told[news as usize] - before;
            if stream.ended.is_some() {
                epoll::delete(&self.poll, &stream.socket).unwrap();
            }
        }
        heard
    }

    /// Reads for a time.
    pub fn look(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while let left = end.saturating_duration_since(Instant::now())
            && !left.is_zero()
        {
            self.read(Update::Updated, left);
        }
    }

    /// Makes the server send the notification, and waits until all streams that should get it have got it. Returns the
    /// latency of each, in order.
    pub fn tell(&mut self, news: Update, patience: Duration) -> Vec<Duration> {
        self.look(Duration::from_millis(1));
        self.reconnect();
        let expected = match news {
            Update::Updated => self.subscribers(),
            Update::ListChanged => self.len(),
        };
        let request = call(news.tool(), json!({}));
        let (start, mut waits) = (Instant::now(), Vec::with_capacity(expected));
        self.posts.get_mut().write_all(&request).unwrap();
        while waits.len() < expected && start.elapsed() < patience {
            let heard = self.read(news, Duration::from_millis(100));
            waits.resize(waits.len() + heard, start.elapsed());
        }
        let (status, _, body) = read(&mut self.posts).unwrap();
        assert!(status == 200 && !body.contains("\"isError\":true"), "{status} {body}");
        assert_eq!(waits.len(), expected, "streams that were told within {patience:?}: {news:?}");
        waits
    }

    /// Checks that each stream was notified as often as expected, and that none has ended.
    pub fn check(&self, updates: usize, lists: usize) {
        for (place, stream) in self.streams.iter().enumerate() {
            let told = [if stream.subscribed { updates } else { 0 }, lists];
            assert_eq!((stream.told, stream.ended), (told, None), "stream {place}, {:?}", stream.kind);
        }
    }

    /// Reads until the server has correctly ended all streams.
    pub fn see_the_end(&mut self, patience: Duration) {
        let start = Instant::now();
        while let open = self.streams.iter().filter(|stream| stream.ended.is_none()).count()
            && open > 0
        {
            assert!(start.elapsed() < patience, "{open} streams have not ended");
            // A look at all of them is not worth one event.
            self.look(Duration::from_millis(20));
        }
        for (place, stream) in self.streams.iter().enumerate() {
            assert_eq!(
                stream.ended,
                Some(true),
                "stream {place}, {:?}: it ended without a word",
                stream.kind
            );
        }
    }

    /// Ends all streams in all possible ways: sessions before or after their streams, WebSockets with or without a
    /// close frame.
    pub fn end(mut self) {
        self.reconnect();
        for (place, mut stream) in std::mem::take(&mut self.streams).into_iter().enumerate() {
            let (odd, session) = (place % 2 == 1, stream.session.take());
            if stream.kind == Kind::WebSocket && odd {
                stream.socket.write_all(&frame(0x8, &[0x03, 0xe8])).unwrap();
            }
            if let Some(session) = session {
                if odd {
                    let _ = stream.socket.shutdown(Shutdown::Both);
                }
                assert_eq!(self.post(&session.delete()).0, 204);
                if !odd {
                    stream.socket.set_nonblocking(false).unwrap();
                    let mut rest = Vec::new();
                    while !rest.ends_with(b"0\r\n\r\n") {
                        let mut room = [0; 512];
                        let count = stream.socket.read(&mut room).expect("the stream ends");
                        assert!(count > 0, "the stream ends, and not its connection");
                        rest.extend_from_slice(&room[..count]);
                    }
                }
            }
        }
    }
}

impl Stream {
    /// Reads the available input.
    fn read(&mut self) {
        let mut room = [0; 4096];
        let mut gone = false;
        loop {
            match self.socket.read(&mut room) {
                Ok(0) => gone = true,
                Ok(count) => {
                    self.input.extend_from_slice(&room[..count]);
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => gone = true,
            }
            break;
        }
        let mut input = std::mem::take(&mut self.input);
        let mut taken = 0;
        while let Some(length) = self.take(&input[taken..]) {
            taken += length;
        }
        input.drain(..taken);
        if self.kind != Kind::WebSocket && input.ends_with(b"0\r\n\r\n") {
            self.ended = Some(true);
        }
        if gone {
            self.ended.get_or_insert(false);
        }
        // Most have nothing left over.
        if !input.is_empty() {
            self.input = input;
        }
    }

    /// Handles the first message if it is complete. Returns its length.
    fn take(&mut self, input: &[u8]) -> Option<usize> {
        if self.kind != Kind::WebSocket {
            let length = input.windows(2).position(|end| end == b"\n\n")? + 2;
            self.hear(&input[..length]);
            return Some(length);
        }
        let (head, length) = match *input {
            [_, 126, high, low, ..] => (4, usize::from(u16::from_be_bytes([high, low]))),
            [_, length @ ..126, ..] => (2, usize::from(length)),
            _ => return None,
        };
        let payload = input.get(head..head + length)?;
        match input[0] & 0xf {
            0x1 => self.hear(payload),
            0x8 => {
                // The server goes away, and waits for an answer.
                self.ended = Some(payload.starts_with(&1001u16.to_be_bytes()));
                // It does not wait for long.
                let _ = self.socket.write_all(&frame(0x8, payload));
            }
            0x9 => self.socket.write_all(&frame(0xa, payload)).expect("a pong is taken"),
            other => panic!("a frame of kind {other}"),
        }
        Some(head + length)
    }

    fn hear(&mut self, message: &[u8]) {
        for news in [Update::Updated, Update::ListChanged] {
            let method = news.method();
            self.told[news as usize] += usize::from(message.windows(method.len()).any(|part| part == method));
        }
    }
}

/// A client's frame with a mask that changes nothing.
fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | kind];
    match u8::try_from(payload.len()) {
        Ok(length) if length < 126 => frame.push(0x80 | length),
        _ => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&u16::try_from(payload.len()).unwrap().to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

fn text(message: &Value) -> Vec<u8> {
    frame(0x1, message.to_string().as_bytes())
}

/// Opens a connection, sends the request, and reads the response up to `until`.
fn begin(address: SocketAddr, request: &[u8], until: &[u8]) -> TcpStream {
    let mut socket = connect(address);
    socket.write_all(request).unwrap();
    read_until(&mut socket, until);
    socket
}

fn websocket(address: SocketAddr, subscribed: bool) -> TcpStream {
    let request = b"GET /ws HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let mut socket = begin(address, request, b"\r\n\r\n");
    let mut ask = |message: &Value| {
        socket.write_all(&text(message)).unwrap();
        let answer = read_frame(&mut socket);
        assert!(answer.contains("\"result\""), "{answer}");
    };
    ask(&initialize());
    if subscribed {
        ask(&subscribe());
    }
    socket.write_all(&text(&initialized())).unwrap();
    socket
}

/// Reads a whole frame whose length fits in two bytes.
fn read_frame(socket: &mut TcpStream) -> String {
    let mut head = [0; 2];
    socket.read_exact(&mut head).unwrap();
    let mut length = usize::from(head[1]);
    if length == 126 {
        socket.read_exact(&mut head).unwrap();
        length = usize::from(u16::from_be_bytes(head));
    }
    let mut payload = vec![0; length];
    socket.read_exact(&mut payload).unwrap();
    String::from_utf8(payload).unwrap()
}

/// Reads up to and including `end`.
fn read_until(socket: &mut TcpStream, end: &[u8]) {
    let mut seen = Vec::new();
    while !seen.windows(end.len()).any(|part| part == end) {
        let mut room = [0; 1024];
        let count = socket.read(&mut room).expect("the server answers");
        assert!(count > 0, "the connection ended after {:?}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&room[..count]);
    }
}
