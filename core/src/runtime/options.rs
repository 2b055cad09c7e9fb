//! Which transports a server is served on, and how.

use super::stdio::Lines;
use super::transport::Transport;
use crate::error::Error;
use std::net::ToSocketAddrs;
use std::os::fd::OwnedFd;

/// The transports of one start. Any combination, and several of one kind, may run at once on one server.
#[derive(Debug, Default)]
pub struct ServeOptions {
    pub(super) transports: Vec<Box<dyn Transport>>,
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
    pub(crate) address: String,
    pub(crate) path: String,
    pub(crate) allowed_hosts: Vec<String>,
    pub(crate) allowed_origins: Vec<String>,
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

    /// Whether any transport was named.
    pub fn is_empty(&self) -> bool {
        self.transports.is_empty()
    }
}

impl HttpOptions {
    /// Listens on `address`: `"host:port"` or `"host:port/path"`, port 0 for a free one; a bare port means
    /// `127.0.0.1`. The default path is `/mcp`.
    pub fn new(address: &str) -> Result<HttpOptions, Error> {
        let wrong = |why: &str| Error::invalid(format!("http address {address:?}: {why}"));
        let (address_part, path) = match address.find('/') {
            Some(place) => address.split_at(place),
            None => (address, "/mcp"),
        };
        let address_part = match address_part.parse::<u16>() {
            Ok(port) => format!("127.0.0.1:{port}"),
            Err(_) => address_part.to_owned(),
        };
        if address_part
            .rsplit_once(':')
            .is_none_or(|(host, port)| host.is_empty() || port.parse::<u16>().is_err())
        {
            return Err(wrong("must be host:port, host:port/path or a port"));
        }
        if address_part.to_socket_addrs().is_err() {
            return Err(wrong("the host cannot be resolved"));
        }
        if path.len() > 1 && path.ends_with('/') || path.contains(['?', '#', ' ']) {
            return Err(wrong("the path must not end with / or hold ? # or a space"));
        }
        Ok(HttpOptions {
            address: address_part,
            path: path.to_owned(),
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
        })
    }

    /// Host names (without port) that requests may name besides the loopback ones. Off loopback binds accept any host
    /// unless some are named here. A start with one that is no host fails.
    pub fn allowed_hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> HttpOptions {
        self.allowed_hosts = hosts.into_iter().map(Into::into).collect();
        self
    }

    /// Origins (`scheme://host[:port]`) whose pages may call the server, besides those of loopback hosts on a loopback
    /// bind; `*` stands for every origin, `null` for pages that have none. A start with one that is no origin fails.
    pub fn allowed_origins(mut self, origins: impl IntoIterator<Item = impl Into<String>>) -> HttpOptions {
        self.allowed_origins = origins.into_iter().map(Into::into).collect();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        let read = |text: &str| HttpOptions::new(text).map(|options| (options.address, options.path));
        assert_eq!(read("127.0.0.1:8000").unwrap(), ("127.0.0.1:8000".into(), "/mcp".into()));
        assert_eq!(read("8000").unwrap(), ("127.0.0.1:8000".into(), "/mcp".into()));
        assert_eq!(read("[::1]:0/a/b").unwrap(), ("[::1]:0".into(), "/a/b".into()));
        for wrong in
            ["", "localhost", "127.0.0.1:x", ":80", "127.0.0.1:99999", "127.0.0.1:1/a/", "127.0.0.1:1/a?b"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
