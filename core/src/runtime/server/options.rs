//! The options for serving: which transports a server uses, and how.

use crate::error::Error;
use crate::runtime::in_process::InProcess;
use crate::runtime::lines::{Socket, Stream};
use crate::runtime::server::transport::Transport;
use crate::runtime::sockets::allowed::Allowed;
use crate::runtime::sockets::unix;
use crate::runtime::stdio::StdioTransport;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};

/// The transports of one start. A server may use any combination, and several of one kind, at the same time.
#[derive(Debug, Default)]
pub struct ServeOptions {
    pub(in crate::runtime) transports: Vec<Box<dyn Transport>>,
    /// Whether the process's standard descriptors are among them.
    standard: bool,
}

/// The Streamable HTTP transport: HTTP/1.1 with keep-alive, both eras on one URL.
///
/// The path is accepted with and without a slash at its end. A request's head may have 64 KiB; a longer one gets 431.
/// Its body may have [`Limits::max_message_bytes`](crate::Limits::max_message_bytes); a longer one gets 413. Up to
/// four times that limit is read and discarded, so that the connection stays usable. For more, the connection is
/// closed after the response. A client that ends its side of the connection after its request still gets the
/// response. While it waits, the response may become an event stream with comments, from which the server learns
/// whether the client still reads.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    pub(crate) place: ListenAddress,
    pub(crate) path: String,
    pub(in crate::runtime) allowed: Allowed,
}

/// The address of an HTTP transport.
#[derive(Clone, Debug)]
pub(crate) enum ListenAddress {
    /// `host:port`.
    Address(String),
    Unix(UnixOptions),
    Socket(Arc<OwnedFd>),
}

/// A Unix socket to listen on, by the path of its file.
///
/// An existing socket file on which no process listens is replaced. The start fails if a process listens there, if
/// the file is not a socket, or if the directory does not allow it. When the server ends, the file is removed if it
/// is still the same.
#[derive(Clone, Debug)]
pub struct UnixOptions {
    pub(crate) path: PathBuf,
    pub(crate) mode: u32,
}

impl UnixOptions {
    /// A path of at most 107 bytes.
    pub fn new(path: impl AsRef<Path>) -> Result<UnixOptions, Error> {
        let path = path.as_ref().to_owned();
        unix::check_path(&path)?;
        Ok(UnixOptions { path, mode: unix::MODE })
    }

    /// The permissions of the file, independent of the process's umask. Users that may write to it may connect.
    /// Default `0o600`: only the user that the server runs as. A start with more than `0o777` fails.
    pub fn mode(mut self, mode: u32) -> UnixOptions {
        self.mode = mode;
        self
    }
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

    /// Serves lines on a socket of the program's, TCP or Unix. A listening socket is served like
    /// [`ServeOptions::unix`]; its file, if it has one, is kept. A connected socket is served as one more client. If
    /// it is the last one, the server ends with it, as with [`ServeOptions::descriptors`]. The start fails for any
    /// other socket. The socket becomes non-blocking, also for other processes that share it.
    ///
    /// TCP has no permissions: everyone who reaches the address may call. Only a page in a browser is refused: if the
    /// first line of a connection cannot be a message, the connection is closed.
    pub fn socket(mut self, socket: impl Into<OwnedFd>) -> ServeOptions {
        self.transports.push(Box::new(Socket(socket.into())));
        self
    }

    /// Serves lines on a stream of the program's, for one more client. If it is the last one, the server ends with
    /// it. Tasks on the executor of the start poll it, or else engine threads.
    pub fn stream(mut self, stream: impl AsyncRead + AsyncWrite + Send + 'static) -> ServeOptions {
        self.transports.push(Box::new(Stream::new(stream)));
        self
    }

    /// Whether any transport was named.
    pub fn is_empty(&self) -> bool {
        self.transports.is_empty()
    }
}

impl HttpOptions {
    /// Listens on `address`: `"host:port"` or `"host:port/path"`, port 0 for a free one; a bare port means
    /// `127.0.0.1`. It may also be a Unix socket: `"unix:/run/mcp.sock"`, `"unix:/run/mcp.sock:/path"`. The default
    /// path is `/mcp`.
    pub fn new(address: &str) -> Result<HttpOptions, Error> {
        if let Some(place) = address.strip_prefix("unix:") {
            let (file, path) = match place.rfind(":/") {
                Some(end) => (&place[..end], &place[end + 1..]),
                None => (place, "/mcp"),
            };
            return HttpOptions::at(ListenAddress::Unix(UnixOptions::new(file)?)).path(path);
        }
        let (address, path) = crate::runtime::sockets::address::read("http", address, "/mcp")?;
        HttpOptions::at(ListenAddress::Address(address)).path(&path)
    }

    /// Listens on a Unix socket. The permissions of its file decide who may connect, so requests may name any host.
    /// Pages may not call: a page can only come through a proxy, and then [`HttpOptions::allowed_origins`] must allow
    /// it.
    pub fn unix(unix: UnixOptions) -> HttpOptions {
        HttpOptions::at(ListenAddress::Unix(unix))
    }

    /// The permissions of the socket's file, if it is a Unix socket; see [`UnixOptions::mode`].
    pub fn mode(mut self, mode: u32) -> HttpOptions {
        if let ListenAddress::Unix(unix) = &mut self.place {
            unix.mode = mode;
        }
        self
    }

    /// Accepts connections from a listening socket of the program's, TCP or Unix; the start fails for any other. A
    /// Unix socket's file is kept. The socket becomes non-blocking, also for other processes that share it.
    pub fn socket(socket: impl Into<OwnedFd>) -> HttpOptions {
        HttpOptions::at(ListenAddress::Socket(Arc::new(socket.into())))
    }

    fn at(place: ListenAddress) -> HttpOptions {
        HttpOptions { place, path: "/mcp".to_owned(), allowed: Allowed::default() }
    }

    /// The path of the endpoint. Default `/mcp`.
    pub fn path(mut self, path: &str) -> Result<HttpOptions, Error> {
        let wrong = |why: &str| Err(Error::invalid(format!("http: the path must {why}: {path:?}")));
        if !path.starts_with('/') {
            return wrong("begin with /");
        }
        if path.len() > 1 && path.ends_with('/') || path.contains(['?', '#', ' ']) {
            return wrong("not end with / or hold ? # or a space");
        }
        self.path = path.to_owned();
        Ok(self)
    }

    /// Host names (without port) that requests may name besides the loopback ones. If the address is not a loopback
    /// one, any host is accepted unless some are named here. A start with a name that is not a host fails.
    pub fn allowed_hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> HttpOptions {
        self.allowed.hosts = hosts.into_iter().map(Into::into).collect();
        self
    }

    /// Origins (`scheme://host[:port]`) whose pages may call the server, besides those of loopback hosts on a
    /// loopback address. `*` means every origin, `null` means pages that have none. A start with a text that is not
    /// an origin fails.
    pub fn allowed_origins(mut self, origins: impl IntoIterator<Item = impl Into<String>>) -> HttpOptions {
        self.allowed.origins = origins.into_iter().map(Into::into).collect();
        self
    }

    /// Request headers that pages of allowed origins may send, besides those of the protocol, `Authorization`,
    /// `Content-Type` and `Accept`. `*` means every header. A browser asks for them in a preflight, and does not send
    /// a header that is not allowed. A start with a text that is not a header name fails.
    pub fn allowed_headers(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> HttpOptions {
        self.allowed.headers = names.into_iter().map(Into::into).collect();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        let read = |text: &str| {
            HttpOptions::new(text).map(|options| match options.place {
                ListenAddress::Address(address) => (address, options.path),
                ListenAddress::Unix(unix) => (unix.path.display().to_string(), options.path),
                ListenAddress::Socket(_) => unreachable!("none is named"),
            })
        };
        assert_eq!(read("127.0.0.1:8000").unwrap(), ("127.0.0.1:8000".into(), "/mcp".into()));
        assert_eq!(read("8000").unwrap(), ("127.0.0.1:8000".into(), "/mcp".into()));
        assert_eq!(read("[::1]:0/a/b").unwrap(), ("[::1]:0".into(), "/a/b".into()));
        assert_eq!(read("unix:/run/a.sock").unwrap(), ("/run/a.sock".into(), "/mcp".into()));
        assert_eq!(read("unix:a:b.sock:/x/y").unwrap(), ("a:b.sock".into(), "/x/y".into()));
        let long = format!("unix:/{}", "x".repeat(107));
        assert!(read(&long).unwrap_err().to_string().contains("108 bytes"));
        for wrong in ["unix:", "unix::/mcp", "unix:a:/b/"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        for wrong in
            ["", "localhost", "127.0.0.1:x", ":80", "127.0.0.1:99999", "127.0.0.1:1/a/", "127.0.0.1:1/a?b"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
