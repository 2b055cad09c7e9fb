//! The options of WebSocket and HTTP+SSE: their addresses and paths, and the hosts and origins that are accepted.

use crate::error::Error;
use crate::runtime::sockets::address;
use crate::runtime::sockets::allowed::Allowed;
use crate::runtime::transport::table::{SSE, TransportKind, WEBSOCKET};

/// The options of the WebSocket transport (RFC 6455): one message per text frame, for both eras on one connection.
///
/// If a client offers sub-protocols, the server accepts `mcp`; a client need not offer it. The server closes the
/// connection with these codes (RFC 6455, section 7.4.1):
///
/// - 1001: the server ends;
/// - 1002: the client violated the framing of RFC 6455;
/// - 1003: the client sent a binary frame;
/// - 1007: a text is not UTF-8;
/// - 1008: a message was not complete within [`Limits::request_timeout`](crate::Limits::request_timeout);
/// - 1009: a message is longer than [`Limits::max_message_bytes`](crate::Limits::max_message_bytes);
/// - 1013: the server has no memory for the message.
///
/// The server pings a client that sends nothing ([`Limits::ping_interval`](crate::Limits::ping_interval)). When a
/// connection ends, its client's calls are cancelled, and its subscriptions and its legacy session end. Compression is
/// not supported.
#[derive(Clone, Debug)]
pub struct WebSocketOptions {
    pub(in crate::runtime) endpoint: EndpointAddress,
}

/// The options of the transport HTTP+SSE of revision 2024-11-05, for clients that support no other transport. The
/// client opens an event stream with a GET on one path. It posts its messages to a second path, whose last part is
/// `messages`.
///
/// Each stream is one session. Any legacy revision may be negotiated, and requests of 2026-07-28 are refused.
#[derive(Clone, Debug)]
pub struct SseOptions {
    pub(in crate::runtime) endpoint: EndpointAddress,
}

/// An address, a path, and the settings that say which clients are accepted there.
#[derive(Clone, Debug)]
pub(in crate::runtime) struct EndpointAddress {
    /// `None` means the first HTTP address of the server.
    pub(in crate::runtime) address: Option<String>,
    pub(in crate::runtime) path: String,
    pub(in crate::runtime) allowed: Allowed,
}

impl EndpointAddress {
    fn new(kind: &TransportKind, text: &str) -> Result<EndpointAddress, Error> {
        let (address, path) = if text.starts_with('/') {
            (None, address::path(kind, text, text)?)
        } else {
            let (address, path) = address::read(kind, text)?;
            (Some(address), path)
        };
        Ok(EndpointAddress { address, path, allowed: Allowed::default() })
    }
}

impl WebSocketOptions {
    /// Listens on `address`: `"host:port"`, `"host:port/path"` or a port. Port 0 means a free port, and a port alone
    /// means `127.0.0.1`. The default path is `/ws`. If HTTP is served on the same address, both transports share it. A
    /// path alone, such as `"/ws"`, is a path on the first HTTP address. Fails if the address or the path is not valid,
    /// or if the host cannot be resolved.
    pub fn new(address: &str) -> Result<WebSocketOptions, Error> {
        Ok(WebSocketOptions { endpoint: EndpointAddress::new(&WEBSOCKET, address)? })
    }

    /// Sets the host names (without port) that requests may name besides loopback hosts, like
    /// [`HttpOptions::allowed_hosts`](crate::HttpOptions::allowed_hosts). If the address is shared and neither hosts
    /// nor origins are set here, the settings of HTTP apply.
    pub fn allowed_hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> WebSocketOptions {
        self.endpoint.allowed.hosts = hosts.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the origins (`scheme://host[:port]`) whose web pages may connect, like
    /// [`HttpOptions::allowed_origins`](crate::HttpOptions::allowed_origins). Pages of other origins are answered with
    /// 403.
    pub fn allowed_origins(
        mut self,
        origins: impl IntoIterator<Item = impl Into<String>>,
    ) -> WebSocketOptions {
        self.endpoint.allowed.origins = origins.into_iter().map(Into::into).collect();
        self
    }
}

impl SseOptions {
    /// Listens on `address`, in the form of [`WebSocketOptions::new`]. The default path is `/sse`. Clients post
    /// messages to the same path with `messages` as its last part, which is `/messages` by default. Fails like
    /// [`WebSocketOptions::new`], or if the last part of the path is `messages`.
    pub fn new(address: &str) -> Result<SseOptions, Error> {
        let options = SseOptions { endpoint: EndpointAddress::new(&SSE, address)? };
        if options.messages_path() == options.endpoint.path {
            return Err(Error::invalid(format!(
                "sse address {address:?}: the path must not end in \"messages\", because clients post their messages there"
            )));
        }
        Ok(options)
    }

    /// Sets the host names (without port) that requests may name besides loopback hosts, like
    /// [`HttpOptions::allowed_hosts`](crate::HttpOptions::allowed_hosts). If the address is shared and neither hosts
    /// nor origins are set here, the settings of HTTP apply.
    pub fn allowed_hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> SseOptions {
        self.endpoint.allowed.hosts = hosts.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the origins (`scheme://host[:port]`) whose web pages may send requests, like
    /// [`HttpOptions::allowed_origins`](crate::HttpOptions::allowed_origins). Pages of other origins are answered with
    /// 403.
    pub fn allowed_origins(mut self, origins: impl IntoIterator<Item = impl Into<String>>) -> SseOptions {
        self.endpoint.allowed.origins = origins.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the request headers that pages of allowed origins may send, like
    /// [`HttpOptions::allowed_headers`](crate::HttpOptions::allowed_headers). On a shared address they are added to the
    /// headers of HTTP. If hosts or origins are set here, the headers of HTTP do not apply.
    pub fn allowed_headers(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> SseOptions {
        self.endpoint.allowed.headers = names.into_iter().map(Into::into).collect();
        self
    }

    pub(in crate::runtime) fn messages_path(&self) -> String {
        let parent = self.endpoint.path.rsplit_once('/').map_or("", |(parent, _)| parent);
        format!("{parent}/messages")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_people_write_them() {
        let websocket =
            |text: &str| WebSocketOptions::new(text).map(|o| (o.endpoint.address, o.endpoint.path));
        let own = |address: &str, path: &str| (Some(address.to_owned()), path.to_owned());
        assert_eq!(websocket("8000").unwrap(), own("127.0.0.1:8000", "/ws"));
        assert_eq!(websocket("[::1]:1/a/b").unwrap(), own("[::1]:1", "/a/b"));
        assert_eq!(websocket("/chat").unwrap(), (None, "/chat".to_owned()));
        let messages = |text: &str| SseOptions::new(text).map(|options| options.messages_path());
        assert_eq!(messages("8000").unwrap(), "/messages");
        assert_eq!(messages("127.0.0.1:0/v1/events").unwrap(), "/v1/messages");
        for wrong in ["", "localhost", "/a?b", "/a/", "127.0.0.1:1/ws#"] {
            assert!(WebSocketOptions::new(wrong).is_err(), "{wrong}");
        }
        let said = SseOptions::new("/v1/messages").unwrap_err().to_string();
        assert!(said.contains("post their messages"), "{said}");
    }
}
