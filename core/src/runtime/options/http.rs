//! The options of the Streamable HTTP transport.

use crate::error::Error;
use crate::runtime::options::unix::UnixOptions;
use crate::runtime::sockets::allowed::Allowed;
use std::os::fd::OwnedFd;
use std::sync::Arc;

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
            return wrong("not end with / or contain ? # or a space");
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
