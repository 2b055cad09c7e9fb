//! The Streamable HTTP transport, with one URL for both eras.
//!
//! [`Embedded`] is for programs that have their own HTTP server. It is built on [`HttpService`], which answers requests
//! and needs no server. A listener, such as the one of [`HttpOptions`](crate::HttpOptions), uses that service with
//! hyper on its own connections.
//!
//! The sub-modules: `server` starts the transport. `service` answers requests, without access to connections.
//! `listener` accepts connections and passes their requests to its `routes`, one of which is `service`. `embedded` passes
//! the requests of a program's own HTTP server to `service`. `websocket` and `legacy_sse` are further transports, whose
//! routes may be on the same listener. A client half would be a file `client.rs` beside each `server.rs`.

mod connection;
mod embedded;
mod legacy_sse;
mod listener;
#[cfg(test)]
mod memory_tests;
mod request_headers;
mod response;
mod resumption;
mod routes;
mod server;
mod service;
mod session;
pub(crate) mod websocket;

/// Whether a request for `path` asks for the metadata of the endpoint at `endpoint` (RFC 9728, section 3.1), for programs
/// that pass on requests by their path. `path` may have more before the endpoint's path, which proxies and mounts add.
pub fn is_metadata_path(path: &str, endpoint: &str) -> bool {
    let named = path.strip_prefix(tenon_tokens::WELL_KNOWN).map(|named| named.trim_end_matches('/'));
    named.is_some_and(|named| named.is_empty() || named.starts_with('/') && named.ends_with(endpoint))
}

/// Checks the texts of the setting `trusted_proxies`.
pub(crate) fn check_proxies(texts: &[String]) -> Result<(), String> {
    connection::forwarded::Proxies::parse(texts).map(drop)
}

pub use crate::proto::http::Access;
pub(super) use crate::runtime::http::connection::budget::{Budget, Reservation};
pub use crate::runtime::http::connection::caller::RemoteAddress;
pub use crate::runtime::http::connection::request_extensions::Principal;
pub(crate) use crate::runtime::http::listener::http_listener::Listener;
pub use crate::runtime::http::response::body::ResponseBody;
pub use crate::runtime::http::service::http_service::HttpService;
pub(super) use embedded::EmbeddedTransport;
pub use embedded::{EmbedOptions, Embedded, EmbeddedBody, Exchange, Ready, RequestHead, Step};
