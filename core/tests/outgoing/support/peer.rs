//! Servers on 127.0.0.1 that treat each connection as a test says.

use crate::support::TEST_TIMEOUT;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

trait Stream: Read + Write + Send {}

impl<T: Read + Write + Send> Stream for T {}

/// A server. The handler runs on a thread for each connection, which ends when the handler returns.
pub struct Peer {
    pub address: SocketAddr,
    events: Receiver<Event>,
}

/// What happened at a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Accepted,
    /// The head and the body of a request.
    Request(String),
    /// The client has closed a connection.
    Closed,
}

pub struct Connection {
    stream: Box<dyn Stream>,
    /// The number of this connection, from 0.
    pub number: usize,
    events: Sender<Event>,
}

impl Peer {
    pub fn start(handler: impl Fn(&mut Connection) + Send + Sync + 'static) -> Peer {
        Peer::start_with(handler, |stream| Box::new(stream))
    }

    pub fn start_tls(
        config: Arc<ServerConfig>,
        handler: impl Fn(&mut Connection) + Send + Sync + 'static,
    ) -> Peer {
        Peer::start_with(handler, move |stream| {
            let session = ServerConnection::new(config.clone()).unwrap();
            Box::new(StreamOwned::new(session, stream))
        })
    }

    fn start_with(
        handler: impl Fn(&mut Connection) + Send + Sync + 'static,
        wrapped: impl Fn(TcpStream) -> Box<dyn Stream> + Send + 'static,
    ) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, events) = channel();
        let handler = Arc::new(handler);
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let Ok(stream) = stream else { return };
                stream.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
                let events = sender.clone();
                let _ = events.send(Event::Accepted);
                let (stream, handler) = (wrapped(stream), handler.clone());
                thread::spawn(move || handler(&mut Connection { stream, number, events }));
            }
        });
        Peer { address, events }
    }

    /// Answers each request of each connection with a response.
    pub fn answering(response: &'static str) -> Peer {
        Peer::start(|connection| connection.answer_all(response))
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The next event, which must come.
    pub fn event(&self) -> Event {
        self.events.recv_timeout(TEST_TIMEOUT).expect("an event must come")
    }

    /// The next request, after a connection was accepted if that comes first.
    pub fn request(&self) -> String {
        loop {
            match self.event() {
                Event::Request(request) => return request,
                Event::Accepted => {}
                Event::Closed => panic!("the connection was closed"),
            }
        }
    }

    /// Waits until the client has closed a connection.
    pub fn closed(&self) {
        while self.event() != Event::Closed {}
    }

    /// The events so far.
    pub fn events(&self) -> Vec<Event> {
        self.events.try_iter().collect()
    }

    /// How many connections were accepted so far.
    pub fn accepted(&self) -> usize {
        self.events().iter().filter(|event| **event == Event::Accepted).count()
    }
}

impl Connection {
    /// Reads a request with its body; `None` if the client closes the connection instead.
    pub fn request(&mut self) -> Option<String> {
        let mut text = Vec::new();
        let mut byte = [0];
        while !text.ends_with(b"\r\n\r\n") {
            match self.stream.read(&mut byte) {
                Ok(1) => text.push(byte[0]),
                _ => {
                    let _ = self.events.send(Event::Closed);
                    return None;
                }
            }
        }
        let head = String::from_utf8(text.clone()).unwrap().to_ascii_lowercase();
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")).map(|text| text.parse());
        let mut body = vec![0; length.map_or(0, Result::unwrap)];
        self.stream.read_exact(&mut body).unwrap();
        text.extend(body);
        let text = String::from_utf8(text).unwrap();
        let _ = self.events.send(Event::Request(text.clone()));
        Some(text)
    }

    /// Writes; an error means that the client has closed the connection.
    pub fn send(&mut self, text: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(text.as_ref())?;
        self.stream.flush()
    }

    /// Writes what the client must be able to read.
    pub fn say(&mut self, text: impl AsRef<[u8]>) {
        let _ = self.send(text);
    }

    /// Waits until the client closes the connection.
    pub fn closed(&mut self) {
        let mut waste = [0; 1024];
        while matches!(self.stream.read(&mut waste), Ok(1..)) {}
        let _ = self.events.send(Event::Closed);
    }

    /// Answers each request in the same way.
    pub fn answer_all(&mut self, response: &str) {
        while self.request().is_some() {
            self.say(response);
        }
    }
}

/// The bytes of the connection, for TLS within a tunnel.
impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// A complete response with this body.
pub fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// A redirect.
pub fn redirect(status: u16, location: &str) -> String {
    format!("HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 4\r\n\r\nbody")
}
