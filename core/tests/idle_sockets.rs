//! Memory of an idle WebSocket and an idle HTTP+SSE stream. The test is a separate program, so that nothing else
//! allocates.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use tenon_mcp::{HttpOptions, ServeOptions, Server, SseOptions, WebSocketOptions};

/// The number of open streams. Each one uses two descriptors, because client and server are one process.
const STREAMS: usize = 1_000;
/// The maximum memory of one stream in bytes.
const MOST: usize = 12 << 10;

/// The memory of this process in bytes. The clients are blocking sockets, which use almost none of it.
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

fn read_until(stream: &mut TcpStream, end: &[u8]) {
    let mut seen = Vec::new();
    while !seen.windows(end.len()).any(|part| part == end) {
        let mut room = [0; 512];
        let count = stream.read(&mut room).expect("the server answers");
        assert!(count > 0, "the connection ended");
        seen.extend_from_slice(&room[..count]);
    }
}

fn connect(address: SocketAddr, head: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    read_until(&mut stream, b"\r\n\r\n");
    stream
}

/// A WebSocket client with a legacy session, which waits.
fn websocket(address: SocketAddr) -> TcpStream {
    let head = "GET /ws HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let mut stream = connect(address, head);
    let params = json!({
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params }).to_string();
    let length = u16::try_from(hello.len()).unwrap().to_be_bytes();
    let frame = [&[0x81, 0x80 | 126, length[0], length[1], 0, 0, 0, 0], hello.as_bytes()].concat();
    stream.write_all(&frame).unwrap();
    read_until(&mut stream, b"serverInfo");
    stream
}

fn sse(address: SocketAddr) -> TcpStream {
    connect(address, "GET /sse HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n")
}

#[test]
fn idle_streams_take_little() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: limit.maximum, maximum: limit.maximum };
    setrlimit(Resource::Nofile, wanted).unwrap();
    let server = Server::new("idle", "1");
    let options = ServeOptions::new()
        .http(HttpOptions::new("0").unwrap())
        .websocket(WebSocketOptions::new("/ws").unwrap())
        .sse(SseOptions::new("/sse").unwrap());
    let running = server.start(options).unwrap();
    let address = running.http_address().unwrap();
    // Kept to the end: what one kind gave back would be had for nothing by the next.
    let mut kept = Vec::new();
    for (what, open) in [("WebSocket", websocket as fn(SocketAddr) -> TcpStream), ("HTTP+SSE", sse)] {
        // What the first ones cost, threads and tables, is not theirs.
        let first: Vec<_> = (0..100).map(|_| open(address)).collect();
        let before = memory();
        let streams: Vec<_> = (0..STREAMS).map(|_| open(address)).collect();
        let each = memory().saturating_sub(before) / STREAMS;
        println!("{what}: {each} bytes each");
        assert!(each <= MOST, "{what}: {each} bytes each");
        kept.push((first, streams));
    }
    drop(kept);
    running.close();
    assert!(running.wait_for(Duration::from_secs(30)));
}
