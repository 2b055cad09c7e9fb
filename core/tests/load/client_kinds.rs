//! The kinds of clients. Each kind runs until the measurement ends, and replaces connections that have ended.

use super::clients::{Session, call, connect, head, read};
use super::{Figures, count};
use serde_json::json;
use std::io::{BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use tokio::net::TcpSocket;

/// Sends calls and reads their responses on one connection.
pub fn work(address: SocketAddr, figures: &Figures) {
    let request = call("echo", json!({ "text": "x".repeat(500) }));
    let mut stream = BufReader::new(connect(address));
    while figures.are_wanted() {
        stream.get_mut().write_all(&request).expect("a working client is read");
        let (status, head, _) = read(&mut stream).expect("a working client is answered");
        count(if status == 200 { &figures.answered } else { &figures.refused });
        if head.contains("connection: close") {
            stream = BufReader::new(connect(address));
        }
    }
}

/// Sends one byte per second on each connection: half of them in a head, half in a body.
pub fn drip(address: SocketAddr, connections: usize, figures: &Figures) {
    let begin = |place: usize| {
        let mut stream = connect(address);
        stream.set_nonblocking(true).unwrap();
        let begun = match place.is_multiple_of(2) {
            true => "POST /mcp HTTP/1.1\r\nhost: localhost\r\nx-filler: ".to_owned(),
            false => head("", 1 << 20) + "[",
        };
        let _ = stream.write_all(begun.as_bytes());
        stream
    };
    let mut streams: Vec<TcpStream> = (0..connections).map(begin).collect();
    while figures.are_wanted() {
        let start = Instant::now();
        for (place, stream) in streams.iter_mut().enumerate() {
            match stream.write_all(b" ") {
                Ok(()) => count(&figures.bytes_dripped),
                Err(_) => {
                    count(&figures.drips_ended);
                    *stream = begin(place);
                }
            }
        }
        rest(start, figures);
    }
}

/// Requests large responses and never reads them, and sends more while the server accepts it.
pub fn never_read(address: SocketAddr, connections: usize, figures: &Figures) {
    let large = call("blow", json!({ "bytes": 2 << 20 }));
    let events = call("report", json!({ "times": 400 }));
    let upload = call("echo", json!({ "text": "x".repeat(1 << 20) }));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let begin = |place: usize| {
        // With little room in the system, so that it is the server that holds what is not read.
        let stream = runtime.block_on(async {
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_recv_buffer_size(4096).unwrap();
            socket.connect(address).await.expect("a connection").into_std().unwrap()
        });
        let request = [&large, &events, &upload][place % 3];
        (stream, request, 0)
    };
    let mut streams: Vec<_> = (0..connections).map(begin).collect();
    while figures.are_wanted() {
        let start = Instant::now();
        for (place, client) in streams.iter_mut().enumerate() {
            let (stream, request, sent) = client;
            match stream.write(&request[*sent..]) {
                Ok(bytes) => *sent += bytes,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => {
                    count(&figures.unread_cut);
                    *client = begin(place);
                }
            }
            if client.2 == client.1.len() {
                client.2 = 0;
                count(&figures.unread_sent);
            }
        }
        rest(start, figures);
    }
    // What they would have read first tells whether they were refused.
    for (stream, ..) in &mut streams {
        let mut answer = [0; 12];
        if stream.read(&mut answer).is_ok() && &answer[9..] == b"503" {
            count(&figures.unread_refused);
        }
    }
}

/// Opens event streams, sends pings, or does nothing.
pub fn keep_quiet(address: SocketAddr, session: &Session, connections: usize, figures: &Figures) {
    let begin = |place: usize| {
        let mut stream = connect(address);
        match place % 3 {
            0 => stream.write_all(&session.listen()).unwrap(),
            1 => stream.write_all(&session.ping()).unwrap(),
            _ => {}
        }
        stream.set_nonblocking(true).unwrap();
        stream
    };
    let mut streams: Vec<TcpStream> = (0..connections).map(begin).collect();
    while figures.are_wanted() {
        let start = Instant::now();
        for (place, stream) in streams.iter_mut().enumerate() {
            let mut waste = [0; 4096];
            match stream.read(&mut waste) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Ok(bytes) if bytes > 0 => {}
                Ok(_) | Err(_) => {
                    count(&figures.quiet_ended);
                    *stream = begin(place);
                }
            }
        }
        rest(start, figures);
    }
}

/// Sleeps until one second after `start`.
fn rest(start: Instant, figures: &Figures) {
    while start.elapsed() < Duration::from_secs(1) && figures.are_wanted() {
        std::thread::sleep(Duration::from_millis(50));
    }
}
