//! The options of WebSocket and HTTP+SSE: their addresses and paths, and the hosts and origins that are accepted.

use super::addresses::{from_address, own_address, path};
use super::table::{TransportOptions, access_options, header_options};
use super::transports::TransportKind;
use crate::error::Error;
use crate::runtime::options::allowed::Allowed;

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
    options: TransportOptions,
}

/// The options of the transport HTTP+SSE of revision 2024-11-05, for clients that support no other transport. The
/// client opens an event stream with a GET on one path. It posts its messages to a second path, whose last part is
/// `messages`.
///
/// Each stream is one session. Any legacy revision may be negotiated, and requests of 2026-07-28 are refused.
#[derive(Clone, Debug)]
pub struct SseOptions {
    options: TransportOptions,
}

/// WebSocket, as a transport.
#[derive(Debug)]
pub(in crate::runtime) struct WebSocketTransport {
    pub(in crate::runtime) endpoint: EndpointAddress,
}

/// HTTP+SSE, as a transport.
#[derive(Debug)]
pub(in crate::runtime) struct SseTransport {
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
    fn new(kind: TransportKind, options: &TransportOptions) -> EndpointAddress {
        let (address, path) = (own_address(options), path(kind, options));
        EndpointAddress { address, path, allowed: Allowed::of(options) }
    }
}

impl WebSocketOptions {
    access_options!();

    fn options_mut(&mut self) -> &mut TransportOptions {
        &mut self.options
    }

    /// Listens on `address`: `"host:port"`, `"host:port/path"` or a port. Port 0 means a free port, and a port alone
    /// means `127.0.0.1`. The default path is `/ws`. If HTTP is served on the same address, both transports share it. A
    /// path alone, such as `"/ws"`, is a path on the first HTTP address. Fails if the address or the path is not valid,
    /// or if the host cannot be resolved.
    pub fn new(address: &str) -> Result<WebSocketOptions, Error> {
        Ok(WebSocketOptions { options: from_address(TransportKind::WebSocket, address)? })
    }

    pub(in crate::runtime) fn into_options(self) -> TransportOptions {
        self.options
    }
}

impl SseOptions {
    access_options!();
    header_options!();

    fn options_mut(&mut self) -> &mut TransportOptions {
        &mut self.options
    }

    /// Listens on `address`, in the form of [`WebSocketOptions::new`]. The default path is `/sse`. Clients post
    /// messages to the same path with `messages` as its last part, which is `/messages` by default. Fails like
    /// [`WebSocketOptions::new`], or if the last part of the path is `messages`.
    pub fn new(address: &str) -> Result<SseOptions, Error> {
        Ok(SseOptions { options: from_address(TransportKind::Sse, address)? })
    }

    pub(in crate::runtime) fn into_options(self) -> TransportOptions {
        self.options
    }
}

impl WebSocketTransport {
    pub(in crate::runtime) fn new(options: &TransportOptions) -> WebSocketTransport {
        WebSocketTransport { endpoint: EndpointAddress::new(TransportKind::WebSocket, options) }
    }
}

/// The path to which clients of HTTP+SSE post their messages, beside the path of the stream.
pub(super) fn messages_path(path: &str) -> String {
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    format!("{parent}/messages")
}

impl SseTransport {
    pub(in crate::runtime) fn new(options: &TransportOptions) -> SseTransport {
        SseTransport { endpoint: EndpointAddress::new(TransportKind::Sse, options) }
    }

    pub(in crate::runtime) fn messages_path(&self) -> String {
        messages_path(&self.endpoint.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_people_write_them() {
        let websocket = |text: &str| {
            let endpoint = |o: WebSocketOptions| WebSocketTransport::new(&o.options).endpoint;
            WebSocketOptions::new(text).map(endpoint).map(|endpoint| (endpoint.address, endpoint.path))
        };
        let own = |address: &str, path: &str| (Some(address.to_owned()), path.to_owned());
        assert_eq!(websocket("8000").unwrap(), own("127.0.0.1:8000", "/ws"));
        assert_eq!(websocket("[::1]:1/a/b").unwrap(), own("[::1]:1", "/a/b"));
        assert_eq!(websocket("/chat").unwrap(), (None, "/chat".to_owned()));
        let messages = |text: &str| {
            SseOptions::new(text).map(|options| SseTransport::new(&options.options).messages_path())
        };
        assert_eq!(messages("8000").unwrap(), "/messages");
        assert_eq!(messages("127.0.0.1:0/v1/events").unwrap(), "/v1/messages");
        for wrong in ["", "localhost", "/a?b", "/a/", "127.0.0.1:1/ws#"] {
            assert!(WebSocketOptions::new(wrong).is_err(), "{wrong}");
        }
        let said = SseOptions::new("/v1/messages").unwrap_err().to_string();
        assert!(said.contains("post their messages"), "{said}");
    }
}
