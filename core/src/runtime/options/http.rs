//! The options of the Streamable HTTP transport.

use super::addresses::{from_address, own_address, path};
use super::table::{TransportOptions, access_options, file_options, header_options};
use super::transports::TransportKind;
use super::types::{Descriptor, UrlPath};
use super::unix::{UnixOptions, UnixTransport};
use crate::error::Error;
use crate::runtime::options::allowed::Allowed;
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
    options: TransportOptions,
}

/// Streamable HTTP on an address, as a transport.
#[derive(Debug)]
pub(in crate::runtime) struct HttpTransport {
    pub(in crate::runtime) place: ListenAddress,
    pub(in crate::runtime) path: String,
    pub(in crate::runtime) allowed: Allowed,
}

/// The address of an HTTP transport.
#[derive(Clone, Debug)]
pub(crate) enum ListenAddress {
    /// `host:port`.
    Address(String),
    Unix(UnixTransport),
    Socket(Arc<OwnedFd>),
}

impl HttpOptions {
    access_options!();
    header_options!();
    file_options!();

    fn options_mut(&mut self) -> &mut TransportOptions {
        &mut self.options
    }

    /// Listens on `address`: `"host:port"`, `"host:port/path"` or a port. Port 0 means a free port, and a port alone
    /// means `127.0.0.1`. The address may also be a Unix socket: `"unix:/run/mcp.sock"` or
    /// `"unix:/run/mcp.sock:/path"`. The default path is `/mcp`. Fails if the address or the path is not valid, or if
    /// the host cannot be resolved.
    pub fn new(address: &str) -> Result<HttpOptions, Error> {
        Ok(HttpOptions { options: from_address(TransportKind::Http, address)? })
    }

    /// Listens on a Unix socket. The permissions of its file decide who may connect, so the `Host` header may name any
    /// host. Requests from web pages are refused unless [`HttpOptions::allowed_origins`] allows them, because a page
    /// can reach the socket only through a proxy.
    pub fn unix(unix: UnixOptions) -> HttpOptions {
        let TransportOptions { file, mode, .. } = unix.into_options();
        HttpOptions { options: TransportOptions { unix: file, mode, ..TransportOptions::default() } }
    }

    /// Accepts connections from a listening socket of the program, TCP or Unix. The start fails for any other socket.
    /// The file of a Unix socket is not removed at the end. The socket becomes non-blocking, even for other processes
    /// that share it.
    pub fn socket(socket: impl Into<OwnedFd>) -> HttpOptions {
        let socket = Some(Descriptor::from(socket.into()));
        HttpOptions { options: TransportOptions { socket, ..TransportOptions::default() } }
    }

    /// Sets the path of the endpoint, percent-encoded as in a request. The default is `/mcp`. Fails if the path does not
    /// begin with `/`, ends with `/`, or contains what no request can contain, such as a space.
    pub fn path(mut self, path: &str) -> Result<HttpOptions, Error> {
        let problem =
            if path.starts_with('/') { UrlPath::problem(path) } else { Some("must begin with /".into()) };
        if let Some(problem) = problem {
            return Err(Error::invalid(format!("http: the path {problem}: {path:?}")));
        }
        self.options.path = Some(UrlPath(path.to_owned()));
        Ok(self)
    }

    pub(in crate::runtime) fn into_options(self) -> TransportOptions {
        self.options
    }
}

impl HttpTransport {
    pub(in crate::runtime) fn new(options: &TransportOptions) -> HttpTransport {
        let unix = options.unix.as_ref().map(|unix| UnixTransport::new(unix, options.mode));
        let place = match (&options.socket, unix) {
            (Some(Descriptor::Owned(socket)), _) => ListenAddress::Socket(socket.clone()),
            (_, Some(unix)) => ListenAddress::Unix(unix),
            (_, None) => ListenAddress::Address(own_address(options).unwrap_or_default()),
        };
        let path = path(TransportKind::Http, options);
        HttpTransport { place, path, allowed: Allowed::of(options) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        let read = |text: &str| {
            HttpOptions::new(text).map(|options| {
                let HttpTransport { place, path, .. } = HttpTransport::new(&options.options);
                match place {
                    ListenAddress::Address(address) => (address, path),
                    ListenAddress::Unix(unix) => (unix.path.display().to_string(), path),
                    ListenAddress::Socket(_) => unreachable!("none is named"),
                }
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
