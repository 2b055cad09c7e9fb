//! The options of the Streamable HTTP transport.

use crate::error::Error;
use crate::runtime::options::unix::UnixOptions;
use crate::runtime::sockets::allowed::Allowed;
use crate::runtime::transport::table::HTTP;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// The options of the Streamable HTTP transport: HTTP/1.1 (RFC 9112) with keep-alive, for both eras on one URL. The
/// transport is the one of the MCP specification, "Transports", "Streamable HTTP".
///
/// The path is accepted with and without a slash at its end. The head of a request may have at most 64 KiB; a longer
/// head is answered with 431 (RFC 6585, section 5). The body may have at most
/// [`Limits::max_message_bytes`](crate::Limits::max_message_bytes); a longer body is answered with 413 (RFC 9110,
/// section 15.5.14). The server reads and discards up to four times that limit, so that the connection stays usable. If
/// the body is even longer, the connection is closed after the response.
///
/// A client that ends its side of the connection after its request still gets the response. While that response is
/// pending, it may become an event stream with comments. The server uses the comments to detect whether the client
/// still reads.
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
    /// Listens on `address`: `"host:port"`, `"host:port/path"` or a port. Port 0 means a free port, and a port alone
    /// means `127.0.0.1`. The address may also be a Unix socket: `"unix:/run/mcp.sock"` or
    /// `"unix:/run/mcp.sock:/path"`. The default path is `/mcp`. Fails if the address or the path is not valid, or if
    /// the host cannot be resolved.
    pub fn new(address: &str) -> Result<HttpOptions, Error> {
        if let Some(place) = address.strip_prefix("unix:") {
            let (file, path) = match place.rfind(":/") {
                Some(end) => (&place[..end], &place[end + 1..]),
                None => (place, HTTP.default_path),
            };
            return HttpOptions::at(ListenAddress::Unix(UnixOptions::new(file)?)).path(path);
        }
        let (address, path) = crate::runtime::sockets::address::read(&HTTP, address)?;
        HttpOptions::at(ListenAddress::Address(address)).path(&path)
    }

    /// Listens on a Unix socket. The permissions of its file decide who may connect, so the `Host` header may name any
    /// host. Requests from web pages are refused unless [`HttpOptions::allowed_origins`] allows them, because a page
    /// can reach the socket only through a proxy.
    pub fn unix(unix: UnixOptions) -> HttpOptions {
        HttpOptions::at(ListenAddress::Unix(unix))
    }

    /// Sets the permissions of the socket's file, as [`UnixOptions::mode`] does. Changes nothing if the address is not
    /// a Unix socket.
    pub fn mode(mut self, mode: u32) -> HttpOptions {
        if let ListenAddress::Unix(unix) = &mut self.place {
            unix.mode = mode;
        }
        self
    }

    /// Accepts connections from a listening socket of the program, TCP or Unix. The start fails for any other socket.
    /// The file of a Unix socket is not removed at the end. The socket becomes non-blocking, even for other processes
    /// that share it.
    pub fn socket(socket: impl Into<OwnedFd>) -> HttpOptions {
        HttpOptions::at(ListenAddress::Socket(Arc::new(socket.into())))
    }

    fn at(place: ListenAddress) -> HttpOptions {
        HttpOptions { place, path: HTTP.default_path.to_owned(), allowed: Allowed::default() }
    }

    /// Sets the path of the endpoint. The default is `/mcp`. Fails if the path does not begin with `/`, ends with `/`,
    /// or contains `?`, `#` or a space.
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

    /// Sets the host names (without port) that the `Host` header of a request may name besides loopback hosts. If no
    /// name is set and the address is not a loopback address, any host is accepted. The start fails if a name is not a
    /// valid host.
    pub fn allowed_hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> HttpOptions {
        self.allowed.hosts = hosts.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the origins (`scheme://host[:port]`) whose web pages may send requests. On a loopback address, pages of
    /// loopback hosts may always send requests. `*` means every origin, and `null` means pages that have no origin. The
    /// start fails if a text is not a valid origin.
    pub fn allowed_origins(mut self, origins: impl IntoIterator<Item = impl Into<String>>) -> HttpOptions {
        self.allowed.origins = origins.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the request headers that pages of allowed origins may send. The headers of the protocol, `Authorization`,
    /// `Content-Type` and `Accept` are always allowed. `*` means every header. A browser asks for these headers in a
    /// CORS preflight, and does not send a header that is not allowed. The start fails if a text is not a valid header
    /// name.
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
