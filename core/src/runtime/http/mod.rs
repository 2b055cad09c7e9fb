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
