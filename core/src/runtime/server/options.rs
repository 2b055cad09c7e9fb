//! The options for serving: which transports a server uses, and how.

use crate::runtime::http::{EmbedOptions, EmbeddedTransport};
use crate::runtime::in_process::InProcess;
use crate::runtime::lines::{Socket, Stream};
use crate::runtime::options::http::HttpOptions;
use crate::runtime::options::unix::UnixOptions;
use crate::runtime::options::web::{SseOptions, WebSocketOptions};
use crate::runtime::stdio::StdioTransport;
use crate::runtime::transport::interface::ServerTransport;
use crate::runtime::transport::table::Repeated;
use std::os::fd::OwnedFd;
use tokio::io::{AsyncRead, AsyncWrite};

/// The transports of one start. A server may use any combination of transports, and several of one kind.
#[derive(Debug, Default)]
pub struct ServeOptions {
    pub(in crate::runtime) transports: Vec<Box<dyn ServerTransport>>,
}

impl ServeOptions {
    /// Options without a transport.
    pub fn new() -> ServeOptions {
        ServeOptions::default()
    }

    /// Adds a transport. Its row in the table says what happens if the same transport was added before.
    fn add(mut self, transport: impl ServerTransport + 'static) -> ServeOptions {
        let kind = transport.kind();
        let is_present = self.transports.iter().any(|present| present.kind() == kind);
        match kind.repeated {
            Repeated::Ignored if is_present => return self,
            Repeated::Replaces => self.transports.retain(|present| present.kind() != kind),
            Repeated::Ignored | Repeated::Added => {}
        }
        self.transports.push(Box::new(transport));
        self
    }

    /// Serves the process's standard input and output. Repeated calls change nothing. When standard input ends, the
    /// server ends, even if it has other transports;
    /// [`ServerBuilder::end_with_stdin`](crate::ServerBuilder::end_with_stdin) can change that.
    ///
    /// While the server runs, descriptor 1 points to descriptor 2, so that the output of a handler does not reach the
    /// client. If descriptor 2 is a pipe or a socket, a thread copies the output of both descriptors to it. The
    /// thread's buffer holds [`Limits::max_stderr_bytes`](crate::Limits::max_stderr_bytes), so a client that does not
    /// read the output does not block the handlers. Output beyond the buffer is dropped, and a line reports how much.
    pub fn stdio(self) -> ServeOptions {
        self.add(StdioTransport::Standard)
    }

    /// Serves only in-process clients: [`testing::Link`](crate::testing::Link) and what is built on it. The server
    /// opens nothing, and ends only when it is closed. In-process clients may also join a server that has other
    /// transports.
    pub fn in_process(self) -> ServeOptions {
        self.add(InProcess)
    }

    /// Serves one more client on these descriptors, like standard input and output. Descriptor 1 is not changed. When
    /// the last channel with one client ends, the server ends, even if it has other transports;
    /// [`ServerBuilder::end_with_stdin`](crate::ServerBuilder::end_with_stdin) can change that.
    pub fn descriptors(self, input: OwnedFd, output: OwnedFd) -> ServeOptions {
        self.add(StdioTransport::Descriptors(input, output))
    }

    /// Serves Streamable HTTP on one more address. A session that was opened on one address is valid on all addresses
    /// of the server.
    pub fn http(self, http: HttpOptions) -> ServeOptions {
        self.add(http)
    }

    /// Serves messages as lines on a Unix socket, with the framing of standard input and output. The transport serves
    /// any number of clients at once, up to [`Limits::max_connections`](crate::Limits::max_connections). When a client
    /// disconnects, the server continues.
    ///
    /// A client that ends its output still gets the responses of its calls in flight, within the time that
    /// [`Running::close`](crate::Running::close) allows. If a client disconnects, its calls are cancelled. If a client
    /// does not read, the server does not read from it either, and closes its connection after
    /// [`Limits::write_timeout`](crate::Limits::write_timeout). A line must be complete within
    /// [`Limits::request_timeout`](crate::Limits::request_timeout) of its first byte. A client that sends nothing and
    /// waits for no response is disconnected after [`Limits::connection_idle`](crate::Limits::connection_idle).
    pub fn unix(self, unix: UnixOptions) -> ServeOptions {
        self.add(unix)
    }

    /// Serves messages as lines on a socket of the program, TCP or Unix. A listening socket is served like
    /// [`ServeOptions::unix`], but its file is not removed. A connected socket is served as one more client, and its
    /// end can end the server, as with [`ServeOptions::descriptors`]. The start fails for any other socket. The socket
    /// becomes non-blocking, even for other processes that share it.
    ///
    /// TCP has no permissions: everyone who reaches the address may call. Only web pages are refused: if the first line
    /// of a connection cannot be a message, the connection is closed.
    pub fn socket(self, socket: impl Into<OwnedFd>) -> ServeOptions {
        self.add(Socket(socket.into()))
    }

    /// Serves messages as lines on a stream of the program, for one more client. The end of the stream can end the
    /// server, as with [`ServeOptions::descriptors`]. The stream is polled on the tokio runtime in which the server was
    /// started, or on engine threads if the server was started outside of a runtime.
    pub fn stream(self, stream: impl AsyncRead + AsyncWrite + Send + 'static) -> ServeOptions {
        self.add(Stream::new(stream))
    }

    /// Whether the options contain no transport.
    pub fn is_empty(&self) -> bool {
        self.transports.is_empty()
    }

    /// Serves WebSocket on one more address, or on a path of an HTTP address that is served.
    pub fn websocket(self, websocket: WebSocketOptions) -> ServeOptions {
        self.add(websocket)
    }

    /// Serves HTTP+SSE of revision 2024-11-05 on one more address, or on a path of an HTTP address that is served.
    pub fn sse(self, sse: SseOptions) -> ServeOptions {
        self.add(sse)
    }

    /// Serves requests that the program passes to [`Running::embedded`](crate::Running::embedded). A repeated call
    /// replaces the options.
    pub fn embedded(self, options: EmbedOptions) -> ServeOptions {
        self.add(EmbeddedTransport(options))
    }
}
