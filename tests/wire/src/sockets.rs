//! Channels that are sockets: lines on a Unix socket, WebSocket, and HTTP+SSE of 2024-11-05. Each is made to look like two
//! pipes of lines, to a server that is there for all.

use crate::connection::{Connection, Ending};
use crate::http::client::{Address, Client};
use crate::http::data;
use crate::link::Line;
use std::io::{self, BufRead, BufReader, Error, PipeWriter, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A server that goes on when a client leaves.
struct Stays;

impl Ending for Stays {
    fn wait(&mut self, _: Duration) -> Result<(), String> {
        Ok(())
    }

    fn abandon(&mut self) -> String {
        String::new()
    }
}

/// Lines on the Unix socket at `path`.
pub fn unix(path: &str, patience: Duration) -> io::Result<Connection> {
    struct Half(UnixStream);
    impl Write for Half {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            self.0.flush()
        }
    }
    impl Drop for Half {
        fn drop(&mut self) {
            let _ = self.0.shutdown(Shutdown::Write);
        }
    }
    let stream = UnixStream::connect(path)?;
    Ok(Connection::new(Half(stream.try_clone()?), stream, Box::new(Stays), patience))
}

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// WebSocket at `url`: a message a frame.
pub fn websocket(url: &str, patience: Duration) -> io::Result<Connection> {
    let address = Address::parse(&url.replacen("ws://", "http://", 1)).map_err(Error::other)?;
    let mut stream = TcpStream::connect(&address.host)?;
    stream.set_nodelay(true)?;
    let Address { host, path } = &address;
    stream.write_all(
        format!(
            "GET {path} HTTP/1.1\r\nhost: {host}\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
             sec-websocket-protocol: mcp\r\n\r\n"
        )
        .as_bytes(),
    )?;
    let mut output = BufReader::new(stream.try_clone()?);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if output.read_until(b'\n', &mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    if !head.starts_with(b"HTTP/1.1 101 ") {
        return Err(Error::other(String::from_utf8_lossy(&head).into_owned()));
    }
    let socket = Arc::new(Mutex::new(stream));
    let input = Frames { socket: socket.clone(), line: Vec::new() };
    let output = Messages { output, socket, left: io::Cursor::default() };
    Ok(Connection::new(input, output, Box::new(Stays), patience))
}

/// What a client writes is masked, with any mask.
fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x5a, 1, 0xff, 0x80];
    let mut out = vec![0x80 | kind];
    match payload.len() {
        short @ 0..126 => out.push(0x80 | short as u8),
        middle @ 126..65536 => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(middle as u16).to_be_bytes());
        }
        long => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&MASK);
    out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    out
}

fn send(socket: &Mutex<TcpStream>, kind: u8, payload: &[u8]) -> io::Result<()> {
    socket.lock().unwrap_or_else(PoisonError::into_inner).write_all(&frame(kind, payload))
}

/// Takes lines and sends frames; says goodbye at the end.
struct Frames {
    socket: Arc<Mutex<TcpStream>>,
    line: Vec<u8>,
}

impl Write for Frames {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for byte in bytes {
            match byte {
                b'\n' => send(&self.socket, TEXT, &std::mem::take(&mut self.line))?,
                _ => self.line.push(*byte),
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        let _ = send(&self.socket, CLOSE, &1000_u16.to_be_bytes());
    }
}

/// Reads frames and gives lines.
struct Messages {
    output: BufReader<TcpStream>,
    socket: Arc<Mutex<TcpStream>>,
    left: io::Cursor<Vec<u8>>,
}

impl Messages {
    /// The next frame: its kind and its payload. None is split here, and none is masked.
    fn frame(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        self.output.read_exact(&mut head)?;
        if head[0] & 0xf0 != 0x80 || head[1] & 0x80 != 0 {
            return Err(Error::other("a frame of another form"));
        }
        let length = match head[1] {
            126 => {
                let mut length = [0; 2];
                self.output.read_exact(&mut length)?;
                u64::from(u16::from_be_bytes(length))
            }
            127 => {
                let mut length = [0; 8];
                self.output.read_exact(&mut length)?;
                u64::from_be_bytes(length)
            }
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(length).map_err(Error::other)?];
        self.output.read_exact(&mut payload)?;
        Ok((head[0] & 0xf, payload))
    }
}

impl Read for Messages {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.left.read(into)? {
                0 => {}
                count => return Ok(count),
            }
            match self.frame()? {
                (TEXT, mut text) => {
                    text.push(b'\n');
                    self.left = io::Cursor::new(text);
                }
                (PING, payload) => send(&self.socket, PONG, &payload)?,
                (PONG, _) => {}
                (CLOSE, _) => return Ok(0),
                (kind, _) => return Err(Error::other(format!("a frame of kind {kind}"))),
            }
        }
    }
}

/// HTTP+SSE with the event stream at `url`: what it says is a POST to the address that the stream begins with.
pub fn sse(url: &str, patience: Duration) -> io::Result<Connection> {
    let stream = Address::parse(url).map_err(Error::other)?;
    let mut client = Client::connect(&stream)?;
    let socket = client.socket()?;
    let (output, lines) = io::pipe()?;
    let (found, door) = std::sync::mpsc::channel();
    let (mut events, host) = (lines.try_clone()?, stream.host.clone());
    std::thread::spawn(move || {
        // It ends with the conversation, by a socket that is shut down.
        let _ = listen(&mut client, &stream, &mut events, &found);
    });
    let path = door.recv_timeout(patience).map_err(|_| Error::other("no endpoint event"))?;
    let door = Address { host, path };
    let input = Posts { client: Client::connect(&door)?, door, socket, lines, line: Vec::new() };
    Ok(Connection::new(input, output, Box::new(Stays), patience))
}

/// How a request begins by which a server asks what has been read.
const PINGS: &str = r#"{"jsonrpc":"2.0","id":"ping-"#;

/// Answers a ping, on a connection that is kept for further ones.
fn answer(door: &mut Option<(Option<Client>, Address)>, ping: &str) -> io::Result<()> {
    let (client, address) = door.as_mut().ok_or_else(|| Error::other("a ping before the endpoint event"))?;
    let client = match client {
        Some(client) => client,
        None => client.insert(Client::connect(address)?),
    };
    let (head, _) = ping.split_once(r#","method""#).ok_or_else(|| Error::other("no method in a ping"))?;
    let headers = [("content-type", "application/json".to_owned())];
    let (answered, body) =
        client.request("POST", address, &headers, format!(r#"{head},"result":{{}}}}"#).as_bytes())?;
    body.all()?;
    if answered.status == 202 { Ok(()) } else { Err(Error::other(format!("status {}", answered.status))) }
}

fn listen(
    client: &mut Client,
    stream: &Address,
    lines: &mut PipeWriter,
    found: &std::sync::mpsc::Sender<String>,
) -> io::Result<()> {
    let accepted = [("accept", "text/event-stream".to_owned())];
    let (head, mut body) = client.request("GET", stream, &accepted, b"")?;
    if head.status != 200 {
        return writeln!(lines, "status {}", head.status);
    }
    let (mut read, mut door) = (Vec::new(), None);
    while let Some(part) = body.part()? {
        read.extend_from_slice(&part);
        while let Some(end) = read.windows(2).position(|two| two == b"\n\n") {
            let event: Vec<u8> = read.drain(..end + 2).collect();
            if let Some(path) = event.strip_prefix(b"event: endpoint\ndata: ") {
                let path = String::from_utf8_lossy(path.trim_ascii_end()).into_owned();
                door = Some((None, Address { host: stream.host.clone(), path: path.clone() }));
                let _ = found.send(path);
                continue;
            }
            match data(&event, false) {
                // As over WebSocket, the driver answers pings by itself.
                Some(Line::Text(text)) if text.starts_with(PINGS) => answer(&mut door, &text)?,
                Some(Line::Text(text)) => writeln!(lines, "{text}")?,
                Some(other) => writeln!(lines, "{other:?}")?,
                None => {}
            }
        }
    }
    Ok(())
}

/// Takes lines and posts each; leaves at the end.
struct Posts {
    client: Client,
    door: Address,
    socket: TcpStream,
    /// For what should not have been answered here.
    lines: PipeWriter,
    line: Vec<u8>,
}

impl Write for Posts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for byte in bytes {
            if *byte != b'\n' {
                self.line.push(*byte);
                continue;
            }
            let headers = [("content-type", "application/json".to_owned())];
            let line = std::mem::take(&mut self.line);
            let (head, body) = self.client.request("POST", &self.door, &headers, &line)?;
            let body = body.all()?;
            if head.status != 202 {
                writeln!(self.lines, "status {}: {}", head.status, String::from_utf8_lossy(&body))?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Posts {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_masked_and_of_every_length() {
        for length in [0, 125, 126, 65535, 65536] {
            let framed = frame(TEXT, &vec![b'a'; length]);
            let head = framed.len() - length - 4;
            assert_eq!((framed[0], framed[1] & 0x80, framed[head]), (0x81, 0x80, 0x5a), "{length}");
            assert_eq!(
                head,
                if length < 126 {
                    2
                } else if length < 65536 {
                    4
                } else {
                    10
                }
            );
            assert!(framed[head + 4..].iter().step_by(4).all(|byte| byte ^ 0x5a == b'a'));
        }
    }
}
