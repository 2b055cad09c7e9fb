//! The responses are the same for each division of the client's bytes into reads.

use crate::client::{Client, call, initialize, ping};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};
use tenon_mcp::{HttpOptions, Limits, Running, ServeOptions, Server};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream as Writes;

/// A stream whose input arrives in the parts of a test. Its output goes to a socket.
struct Parts {
    parts: VecDeque<Vec<u8>>,
    output: Writes,
    /// `true` if the last read returned nothing.
    paused: bool,
}

impl AsyncRead for Parts {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.paused = !self.paused;
        if self.paused {
            task.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Some(part) = self.parts.pop_front() {
            buffer.put_slice(&part);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Parts {
    fn poll_write(mut self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.output).poll_write(task, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.output).poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.output).poll_shutdown(task)
    }
}

/// Cuts the text at these places. No part is empty, because an empty part would be the end of the input.
fn cut(text: &[u8], places: &[prop::sample::Index]) -> VecDeque<Vec<u8>> {
    let mut places: Vec<usize> = places.iter().map(|place| place.index(text.len() + 1)).collect();
    places.extend([0, text.len()]);
    places.sort_unstable();
    let parts = places.windows(2).map(|ends| text[ends[0]..ends[1]].to_vec());
    parts.filter(|part| !part.is_empty()).collect()
}

static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
});

fn server() -> Server {
    let mut limits = Limits::default();
    limits.max_message_bytes = 400;
    Server::builder("splits", "1").limits(limits).build().unwrap()
}

/// All messages that a server sends for this input.
fn said(parts: VecDeque<Vec<u8>>) -> Vec<Value> {
    let _inside = RUNTIME.enter();
    let (client, output) = UnixStream::pair().unwrap();
    output.set_nonblocking(true).unwrap();
    let output = Writes::from_std(output).unwrap();
    let stream = Parts { parts, output, paused: false };
    let running = server().start(ServeOptions::new().stream(stream)).unwrap();
    let said = Client::on(client).rest();
    running.wait();
    said
}

fn lines() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        (0..9u64).prop_map(|id| ping(id).to_string()),
        Just(json!({ "jsonrpc": "2.0", "id": "t", "method": "tools/list", "params": {} }).to_string()),
        Just(call(7, "nope", json!({})).to_string()),
        Just(initialize("2025-03-26").to_string()),
        Just(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string()),
        Just(json!([ping(1), ping(2)]).to_string()),
        Just(format!("[{}]", "1,".repeat(300))),
        Just("{\"half".to_owned()),
        Just(String::new()),
    ];
    let end = prop_oneof![Just("\n"), Just("\r\n")];
    prop::collection::vec((line, end), 0..12)
        .prop_map(|lines| lines.into_iter().map(|(line, end)| line + end).collect())
}

/// An HTTP server, and its address for posting.
struct HttpServer(Running, std::net::SocketAddr);

static UP: LazyLock<HttpServer> = LazyLock::new(|| {
    let running = server().start(ServeOptions::new().http(HttpOptions::new("0").unwrap())).unwrap();
    let address = running.http_address().unwrap();
    HttpServer(running, address)
});

/// The response to a request whose bytes arrive in parts, without the fields that differ each time.
fn posted(parts: VecDeque<Vec<u8>>) -> String {
    use std::io::{Read, Write};
    assert!(!UP.0.is_closed());
    let mut stream = TcpStream::connect(UP.1).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(crate::client::WAIT_LIMIT)).unwrap();
    for part in parts {
        stream.write_all(&part).unwrap();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let same = |line: &&str| !line.starts_with("date:") && !line.starts_with("mcp-session-id:");
    answer.lines().filter(same).collect::<Vec<_>>().join("\n")
}

fn request(body: &str, chunked: bool) -> Vec<u8> {
    let head = "POST /mcp HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
        accept: application/json, text/event-stream\r\n";
    if !chunked {
        return format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes();
    }
    let half = body.len() / 2;
    let chunk =
        |part: &str| if part.is_empty() { String::new() } else { format!("{:x}\r\n{part}\r\n", part.len()) };
    let (first, second) = (chunk(&body[..half]), chunk(&body[half..]));
    format!("{head}transfer-encoding: chunked\r\n\r\n{first}{second}0\r\n\r\n").into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lines_in_any_parts_come_to_the_same(
        text in lines(), places in prop::collection::vec(any::<prop::sample::Index>(), 0..40)
    ) {
        let whole = said(cut(text.as_bytes(), &[]));
        prop_assert_eq!(said(cut(text.as_bytes(), &places)), whole);
    }

    #[test]
    fn a_request_in_any_parts_comes_to_the_same(
        text in lines(), chunked: bool, places in prop::collection::vec(any::<prop::sample::Index>(), 0..20)
    ) {
        let text = request(text.trim_end(), chunked);
        let whole = posted(cut(&text, &[]));
        prop_assert_eq!(posted(cut(&text, &places)), whole);
    }
}

#[test]
fn byte_by_byte() {
    let text = [initialize("2025-03-26").to_string(), json!([ping(1), ping(2)]).to_string(), "{".into()]
        .join("\r\n");
    let bytes: VecDeque<_> = text.bytes().map(|byte| vec![byte]).collect();
    let answers = said(bytes);
    assert_eq!(answers, said(cut(text.as_bytes(), &[])));
    assert_eq!(answers.len(), 3);
}
