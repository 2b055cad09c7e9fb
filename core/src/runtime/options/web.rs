//! The options for WebSocket and HTTP+SSE: where they are served, and which clients they answer.

use crate::error::Error;
use crate::runtime::sockets::address;
use crate::runtime::sockets::allowed::Allowed;

/// The WebSocket transport: one message per text frame, both eras on one connection.
///
/// The sub-protocol `mcp` is accepted if a client offers sub-protocols, and is not required. The connection is closed
/// with code 1003 for a binary frame, 1007 for text that is not UTF-8, and 1009 for a message over
/// [`Limits::max_message_bytes`](crate::Limits::max_message_bytes). At the end of the server the code is 1001. A
/// client that sends nothing is pinged ([`Limits::ping_interval`](crate::Limits::ping_interval)). When a connection
/// ends, its client's calls are cancelled, and its subscriptions and its legacy session end. There is no compression.
#[derive(Clone, Debug)]
pub struct WebSocketOptions {
    pub(in crate::runtime) endpoint: EndpointAddress,
}

/// The transport HTTP+SSE of revision 2024-11-05, for clients that support no other. An event stream on one path is
/// opened with GET. The client's messages are posted to the path `messages` beside it.
///
/// The stream is the session. Any legacy revision may be negotiated; requests of 2026-07-28 are refused.
#[derive(Clone, Debug)]
pub struct SseOptions {
    pub(in crate::runtime) endpoint: EndpointAddress,
}

/// An address, a path, and the clients that both answer.
#[derive(Clone, Debug)]
pub(in crate::runtime) struct EndpointAddress {
    /// `None` means the first HTTP address of the server.
    pub(in crate::runtime) address: Option<String>,
    pub(in crate::runtime) path: String,
    pub(in crate::runtime) allowed: Allowed,
}

impl EndpointAddress {
    fn new(what: &str, text: &str, default_path: &str) -> Result<EndpointAddress, Error> {
        let (address, path) = if text.starts_with('/') {
            (None, address::path(what, text, text)?)
        } else {
            let (address, path) = address::read(what, text, default_path)?;
            (Some(address), path)
        };
        Ok(EndpointAddress { address, path, allowed: Allowed::default() })
    }
}

impl WebSocketOptions {
    /// Listens on `address`: `"host:port"` or `"host:port/path"`, port 0 for a free one; a bare port means
    /// `127.0.0.1`. The default path is `/ws`. If HTTP is served on the same address, both share it. A path alone,
    /// `"/ws"`, is a path of the first HTTP address.
    pub fn new(address: &str) -> Result<WebSocketOptions, Error> {
        Ok(WebSocketOptions { endpoint: EndpointAddress::new("websocket", address, "/ws")? })
    }

    /// Host names (without port) that requests may name besides the loopback ones, as
    /// [`HttpOptions::allowed_hosts`](crate::HttpOptions::allowed_hosts). If the address is shared and neither hosts
    /// nor origins are set, the settings of HTTP apply.
    pub fn allowed_hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> WebSocketOptions {
        self.endpoint.allowed.hosts = hosts.into_iter().map(Into::into).collect();
        self
    }

    /// Origins (`scheme://host[:port]`) whose pages may call the server, as
    /// [`HttpOptions::allowed_origins`](crate::HttpOptions::allowed_origins). Others are answered with 403.
    pub fn allowed_origins(
        mut self,
        origins: impl IntoIterator<Item = impl Into<String>>,
    ) -> WebSocketOptions {
        self.endpoint.allowed.origins = origins.into_iter().map(Into::into).collect();
        self
    }
}

impl SseOptions {
    /// Listens on `address`, in the form of [`WebSocketOptions::new`]. The default path is `/sse`. Messages are
    /// posted to the same path with `messages` as its last part, `/messages` by default.
    pub fn new(address: &str) -> Result<SseOptions, Error> {
        let options = SseOptions { endpoint: EndpointAddress::new("sse", address, "/sse")? };
        if options.messages_path() == options.endpoint.path {
            return Err(Error::invalid(format!(
                "sse address {address:?}: the path must not end in \"messages\", because clients post their messages there"
            )));
        }
        Ok(options)
    }

    /// Host names (without port) that requests may name besides the loopback ones, as
    /// [`HttpOptions::allowed_hosts`](crate::HttpOptions::allowed_hosts). If the address is shared and neither hosts
    /// nor origins are set, the settings of HTTP apply.
    pub fn allowed_hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> SseOptions {
        self.endpoint.allowed.hosts = hosts.into_iter().map(Into::into).collect();
        self
    }

    /// Origins (`scheme://host[:port]`) whose pages may call the server, as
    /// [`HttpOptions::allowed_origins`](crate::HttpOptions::allowed_origins). Others are answered with 403.
    pub fn allowed_origins(mut self, origins: impl IntoIterator<Item = impl Into<String>>) -> SseOptions {
        self.endpoint.allowed.origins = origins.into_iter().map(Into::into).collect();
        self
    }

    /// Request headers that pages of allowed origins may send, as
    /// [`HttpOptions::allowed_headers`](crate::HttpOptions::allowed_headers). On a shared address they are allowed besides
    /// those of HTTP, unless hosts or origins are named here.
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
