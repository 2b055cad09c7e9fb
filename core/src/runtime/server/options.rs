//! The options for serving: which transports a server uses, and how.

use crate::runtime::http::{EmbedOptions, EmbeddedTransport};
use crate::runtime::in_process::InProcess;
use crate::runtime::lines::{Socket, Stream};
use crate::runtime::options::http::HttpOptions;
use crate::runtime::options::unix::UnixOptions;
use crate::runtime::options::web::{SseOptions, WebSocketOptions};
use crate::runtime::stdio::StdioTransport;
use crate::runtime::transport::interface::Transport;
use std::os::fd::OwnedFd;
use tokio::io::{AsyncRead, AsyncWrite};

/// The transports of one start. A server may use any combination, and several of one kind, at the same time.
#[derive(Debug, Default)]
pub struct ServeOptions {
    pub(in crate::runtime) transports: Vec<Box<dyn Transport>>,
    /// Whether the process's standard descriptors are among them.
    standard: bool,
}

impl ServeOptions {
    /// Options without a transport.
    pub fn new() -> ServeOptions {
        ServeOptions::default()
    }

    /// Serves the process's standard input and output; repeating this changes nothing. The server ends when they end,
    /// whatever its other transports are. While it runs, descriptor 1 points to descriptor 2, so that output that a
    /// handler prints does not reach the client. If 2 is a pipe or a socket, both lead to it through a thread with a
    /// buffer of [`Limits::max_stderr_bytes`](crate::Limits::max_stderr_bytes). So a client that does not read it
    /// blocks no code that prints. Output beyond the buffer is dropped, and a line reports how much.
    pub fn stdio(mut self) -> ServeOptions {
        if !std::mem::replace(&mut self.standard, true) {
            self.transports.push(Box::new(StdioTransport::Standard));
        }
        self
    }

    /// Serves only in-process clients, [`testing::Link`](crate::testing::Link) and what is built on it. Nothing is
    /// opened, and the server ends only when it is closed. Such clients may also join a server on other transports.
    pub fn in_process(mut self) -> ServeOptions {
        self.transports.push(Box::new(InProcess));
        self
    }

    /// Serves these descriptors like standard input and output, for one more client. Descriptor 1 is not changed. The
    /// server ends when the last pair ends, even if it also serves HTTP.
    pub fn descriptors(mut self, input: OwnedFd, output: OwnedFd) -> ServeOptions {
        self.transports.push(Box::new(StdioTransport::Descriptors(input, output)));
        self
    }

    /// Serves Streamable HTTP on one more address. A session that was opened on one address is valid on all of them.
    pub fn http(mut self, http: HttpOptions) -> ServeOptions {
        self.transports.push(Box::new(http));
        self
    }

    /// Serves lines on a Unix socket, framed as on standard input and output. It serves any number of clients at
    /// once, at most [`Limits::max_connections`](crate::Limits::max_connections). The end of a client does not end
    /// the server.
    ///
    /// A client that ends its side still gets the responses of its calls in flight, within the time that a closing
    /// server gives them. If a client disconnects, its calls are cancelled. If a client does not read, the server
    /// does not read from it, and closes its connection after
    /// [`Limits::write_timeout`](crate::Limits::write_timeout). A line must be complete within
    /// [`Limits::request_timeout`](crate::Limits::request_timeout) of its first byte. A client that sends nothing and
    /// waits for nothing is disconnected after [`Limits::connection_idle`](crate::Limits::connection_idle).
    pub fn unix(mut self, unix: UnixOptions) -> ServeOptions {
        self.transports.push(Box::new(unix));
        self
    }

    /// Serves lines on a socket of the program, TCP or Unix. A listening socket is served like
    /// [`ServeOptions::unix`]; its file, if it has one, is kept. A connected socket is served as one more
    /// client. If it is the last one, the server ends with it, as with [`ServeOptions::descriptors`]. The start
    /// fails for any other socket. The socket becomes non-blocking, also for other processes that share it.
    ///
    /// TCP has no permissions: everyone who reaches the address may call. Only a page in a browser is refused: if the
    /// first line of a connection cannot be a message, the connection is closed.
    pub fn socket(mut self, socket: impl Into<OwnedFd>) -> ServeOptions {
        self.transports.push(Box::new(Socket(socket.into())));
        self
    }

    /// Serves lines on a stream of the program, for one more client. If it is the last one, the server ends
    /// with it. Tasks on the executor of the start poll it, or else engine threads.
    pub fn stream(mut self, stream: impl AsyncRead + AsyncWrite + Send + 'static) -> ServeOptions {
        self.transports.push(Box::new(Stream::new(stream)));
        self
    }

    /// Whether any transport was named.
    pub fn is_empty(&self) -> bool {
        self.transports.is_empty()
    }

    /// Serves WebSocket on one more address, or on a path of an HTTP address.
    pub fn websocket(mut self, websocket: WebSocketOptions) -> ServeOptions {
        self.transports.push(Box::new(websocket));
        self
    }

    /// Serves HTTP+SSE of 2024-11-05 on one more address, or on a path of an HTTP address.
    pub fn sse(mut self, sse: SseOptions) -> ServeOptions {
        self.transports.push(Box::new(sse));
        self
    }

    /// Serves requests that the program passes in, see [`Running::embedded`](crate::Running::embedded). Repeating
    /// this changes only the options.
    pub fn embedded(mut self, options: EmbedOptions) -> ServeOptions {
        self.transports.retain(|transport| !transport.is_embedded());
        self.transports.push(Box::new(EmbeddedTransport(options)));
        self
    }
}
