//! Tests of the connection code over memory instead of a socket.

use crate::runtime::http::listener::config::ListenerConfig;
use crate::runtime::http::listener::http_listener::{BoundAddress, Listener};
use crate::runtime::http::routes::route::{RouteConfig, RouteTarget};
use crate::runtime::memory_tests::{Shared, context};
use crate::runtime::options::allowed::Allowed;
use crate::runtime::options::http::ListenAddress;
use crate::runtime::options::transports::TransportKind;
use crate::runtime::sockets::io::{Accept, Io, Movable, Sent};
use crate::server::Server;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The server's end of a connection in memory.
struct Duplex {
    input: Shared,
    output: Shared,
}

impl AsyncRead for Duplex {
    fn poll_read(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.input.poll_sent(task));
        // Returns a few bytes at a time, as a socket may do.
        buffer.put_slice(&self.input.take(buffer.remaining().min(100)));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Duplex {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let part = &bytes[..bytes.len().min(50)];
        self.output.write(part);
        Poll::Ready(Ok(part.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.output.end();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Duplex {
    fn drop(&mut self) {
        self.output.end();
    }
}

impl Io for Duplex {
    fn poll_sent(&mut self, task: &mut Context<'_>) -> Poll<io::Result<Sent>> {
        let bytes = ready!(self.input.poll_sent(task));
        Poll::Ready(Ok(if bytes { Sent::Bytes } else { Sent::End }))
    }

    fn abandon(&self) {}
}

impl Movable for Duplex {
    type Detached = Duplex;

    fn detach(self) -> io::Result<Duplex> {
        Ok(self)
    }

    fn attach(detached: Duplex) -> io::Result<Duplex> {
        Ok(detached)
    }
}

/// The connections of a test, in the order in which they are accepted.
struct These(VecDeque<Duplex>);

impl Accept for These {
    type Io = Duplex;

    fn poll_accept(&mut self, _: &mut Context<'_>) -> Poll<io::Result<(Duplex, Option<std::net::IpAddr>)>> {
        self.0.pop_front().map_or(Poll::Pending, |next| Poll::Ready(Ok((next, None))))
    }
}

fn post(body: &str) -> String {
    format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn requests_are_answered_over_memory() {
    let server = Server::new("memory", "1");
    let context = context(&server);
    let reactors = context.executor.reactors().unwrap();
    let pipes: Vec<(Shared, Shared)> = (0..2).map(|_| Default::default()).collect();
    let ends = pipes.iter().cloned().map(|(input, output)| Duplex { input, output });
    let service = context.http().clone();
    let endpoint = RouteConfig {
        name: TransportKind::Http.row().title,
        path: "/mcp".into(),
        methods: None,
        handler: Box::new(move |access| RouteTarget::Mcp(service.with_access(access))),
    };
    let place = ListenAddress::Address(String::new());
    let config = ListenerConfig::new(&context, place, Allowed::default(), vec![endpoint]);
    let acceptor = These(ends.collect());
    let listener = Listener::new(&context, reactors, acceptor, BoundAddress::Unknown, config).unwrap();
    assert!(listener.address().is_none() && listener.url("http", "/mcp").is_none());
    listener.start_accepting();
    // MH-1: two requests on one connection that stays open, and one request on another connection at the same time.
    let discover = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25",
        "capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
    let (input, output) = &pipes[0];
    let answered = |bytes: &[u8]| bytes.ends_with(b"}}");
    for _ in 0..2 {
        input.write(post(discover).as_bytes());
        output.wait_for(answered);
        let answer = String::from_utf8(output.take(usize::MAX)).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("mcp-session-id: ") && answer.contains(r#""name":"memory""#), "{answer}");
    }
    let (other, said) = &pipes[1];
    other.write(post("{").as_bytes());
    // The client sends no more, so the connection ends with the response.
    other.end();
    let answer = String::from_utf8(said.rest()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("-32700"), "{answer}");
    // A connection with no request in flight ends when the server ends.
    context.lifecycle.close();
    listener.begin_end();
    assert!(output.rest().is_empty());
    listener.connections.drain();
    listener.connections.flush();
    listener.connections.close();
}
