//! The options for serving: which transports a server uses, and how.

use crate::error::Error;
use crate::runtime::in_process::InProcess;
use crate::runtime::lines::{Socket, Stream};
use crate::runtime::server::transport::Transport;
use crate::runtime::sockets::allowed::Allowed;
use crate::runtime::sockets::unix;
use crate::runtime::stdio::Lines;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};

/// The transports of one start. Any combination, and several of one kind, may run at once on one server.
#[derive(Debug, Default)]
pub struct ServeOptions {
    pub(in crate::runtime) transports: Vec<Box<dyn Transport>>,
    /// The process's standard descriptors are among them.
    standard: bool,
}

/// The Streamable HTTP transport: HTTP/1.1 with keep-alive, both eras on one URL.
///
/// The path answers with and without a slash at its end. A request's head may have 64 KiB (431 beyond), its body
/// [`Limits::max_message_bytes`](crate::Limits::max_message_bytes) (413 beyond; up to four times the limit is read and
/// thrown away so that the connection stays usable, for more the connection is closed after the answer). A client that
/// ends its side of the connection after its request still gets the answer; while it waits, the answer may become an
/// event stream with comments in it, from which the server learns whether anybody reads.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    pub(crate) place: Place,
    pub(crate) path: String,
    pub(in crate::runtime) allowed: Allowed,
}

/// Where HTTP is served.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// `host:port`.
    Address(String),
    Unix(UnixOptions),
    Socket(Arc<OwnedFd>),
}

/// A Unix socket to listen on, by the path of its file.
///
/// A file there on which nobody listens any more is replaced; a start fails where somebody listens, where the file is no
/// socket, and where the directory does not take it. It is removed when the server ends, if it still is the same.
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

    /// The permissions of the file, whatever the process's umask is: who may write to it may connect. Default `0o600`, the
    /// user whom the server runs as. A start with more than `0o777` fails.
    pub fn mode(mut self, mode: u32) -> UnixOptions {
        self.mode = mode;
        self
    }
}

impl ServeOptions {
    /// No transport yet.
    pub fn new() -> ServeOptions {
        ServeOptions::default()
    }

    /// Serves the process's standard input and output; naming them again changes nothing. The server ends with them,
    /// whatever else it is served on. While it runs, descriptor 1 points at descriptor 2, so that
    /// nothing a handler prints reaches the client. If 2 is a pipe or a socket, both lead to it through a thread with a
    /// backlog of [`Limits::max_stderr_bytes`](crate::Limits::max_stderr_bytes), so that a client that does not read it
    /// blocks nothing that prints; what is printed beyond is dropped, and a line says how much.
    pub fn stdio(mut self) -> ServeOptions {
        if !std::mem::replace(&mut self.standard, true) {
            self.transports.push(Box::new(Lines::Standard));
        }
        self
    }

    /// Serves clients in this process alone, [`testing::Link`](crate::testing::Link) and what is made of it: nothing is
    /// opened, and the server ends only when it is closed. Such clients may join a server on other transports as well.
    pub fn in_process(mut self) -> ServeOptions {
        self.transports.push(Box::new(InProcess));
        self
    }

    /// Serves these descriptors as standard input and output are served, for one client more; descriptor 1 is left
    /// alone. The server ends with the last pair, also if it is served over HTTP besides.
    pub fn descriptors(mut self, input: OwnedFd, output: OwnedFd) -> ServeOptions {
        self.transports.push(Box::new(Lines::Descriptors(input, output)));
        self
    }

    /// Serves Streamable HTTP on one address more. A session that was opened on one address is good for all of them.
    pub fn http(mut self, http: HttpOptions) -> ServeOptions {
        self.transports.push(Box::new(http));
        self
    }

    /// Serves lines, framed as on standard input and output, on a Unix socket: for any number of clients at once, each a
    /// client of its own, at most [`Limits::max_connections`](crate::Limits::max_connections). The server does not end with
    /// any of them.
    ///
    /// A client that ends its side still gets the answers of its calls in flight, for as long as a server that is closed
    /// gives them; one that is gone has them cancelled. One that does not read is not read from, and its connection is closed
    /// after [`Limits::write_timeout`](crate::Limits::write_timeout). A line must be complete within
    /// [`Limits::request_timeout`](crate::Limits::request_timeout) of its first byte, and a client that says nothing and
    /// waits for nothing is let go of after [`Limits::connection_idle`](crate::Limits::connection_idle).
    pub fn unix(mut self, unix: UnixOptions) -> ServeOptions {
        self.transports.push(Box::new(unix));
        self
    }

    /// Serves lines on a socket of the program's, TCP or Unix. One that listens is served like [`ServeOptions::unix`]; its
    /// file, if it has one, stays. One that is connected is served as one client more, with which the server ends if it
    /// is the last, as with [`ServeOptions::descriptors`]. The start fails for any other. The socket no longer blocks
    /// then, which whoever shares it sees too.
    ///
    /// TCP has no permissions: whoever reaches the address may call. The least that is refused is a page in a browser: a
    /// connection whose first line cannot be a message is closed.
    pub fn socket(mut self, socket: impl Into<OwnedFd>) -> ServeOptions {
        self.transports.push(Box::new(Socket(socket.into())));
        self
    }

    /// Serves lines on a stream of the program's, for one client more, with which the server ends if it is the last. It is
    /// polled by tasks on the executor of the start, or else on engine threads.
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
    /// `127.0.0.1`. Or on a Unix socket: `"unix:/run/mcp.sock"`, `"unix:/run/mcp.sock:/path"`. The default path is `/mcp`.
    pub fn new(address: &str) -> Result<HttpOptions, Error> {
        if let Some(place) = address.strip_prefix("unix:") {
            let (file, path) = match place.rfind(":/") {
                Some(end) => (&place[..end], &place[end + 1..]),
                None => (place, "/mcp"),
            };
            return HttpOptions::at(Place::Unix(UnixOptions::new(file)?)).path(path);
        }
        let (address, path) = crate::runtime::sockets::address::read("http", address, "/mcp")?;
        HttpOptions::at(Place::Address(address)).path(&path)
    }

    /// Listens on a Unix socket. Who may connect is said by the permissions of its file, so any host may be named, but no
    /// page may call: a page can only come through a proxy, and then it is for [`HttpOptions::allowed_origins`] to say.
    pub fn unix(unix: UnixOptions) -> HttpOptions {
        HttpOptions::at(Place::Unix(unix))
    }

    /// The permissions of the socket's file, where it is a Unix socket; see [`UnixOptions::mode`].
    pub fn mode(mut self, mode: u32) -> HttpOptions {
        if let Place::Unix(unix) = &mut self.place {
            unix.mode = mode;
        }
        self
    }

    /// Accepts from a listening socket of the program's, TCP or Unix; the start fails for any other. A Unix socket's file
    /// stays. The socket no longer blocks then, which whoever shares it sees too.
    pub fn socket(socket: impl Into<OwnedFd>) -> HttpOptions {
        HttpOptions::at(Place::Socket(Arc::new(socket.into())))
    }

    fn at(place: Place) -> HttpOptions {
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

    /// Host names (without port) that requests may name besides the loopback ones. Off loopback binds accept any host
    /// unless some are named here. A start with one that is no host fails.
    pub fn allowed_hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> HttpOptions {
        self.allowed.hosts = hosts.into_iter().map(Into::into).collect();
        self
    }

    /// Origins (`scheme://host[:port]`) whose pages may call the server, besides those of loopback hosts on a loopback
    /// bind; `*` stands for every origin, `null` for pages that have none. A start with one that is no origin fails.
    pub fn allowed_origins(mut self, origins: impl IntoIterator<Item = impl Into<String>>) -> HttpOptions {
        self.allowed.origins = origins.into_iter().map(Into::into).collect();
        self
    }

    /// Request headers that pages of allowed origins may send besides those of the protocol, `Authorization`, `Content-Type`
    /// and `Accept`; `*` stands for every header. A browser asks for them in a preflight and does not send a header that is
    /// not allowed. A start with a text that is no header name fails.
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
                Place::Address(address) => (address, options.path),
                Place::Unix(unix) => (unix.path.display().to_string(), options.path),
                Place::Socket(_) => unreachable!("none is named"),
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
