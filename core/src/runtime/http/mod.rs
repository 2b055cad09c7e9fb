//! Streamable HTTP: one URL for both eras.
//!
//! `service` answers requests, and knows no connection. `listener` accepts connections and gives `service` their
//! requests; `embedded` does so for a program's own HTTP server. `websocket` and `legacy_sse` are transports of their own
//! on paths of a listener. All of this folder is the server half. A client half would be a folder `client` here, and
//! `client.rs` in `websocket` and `legacy_sse`.
//!
//! [`Embedded`] is for programs that have their own HTTP server. It is built on [`HttpService`], which answers
//! requests and knows no server. A listener, such as the one of [`HttpOptions`](crate::HttpOptions), runs hyper
//! around that service, on connections of any kind.

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
mod service;
mod session;
pub(crate) mod websocket;

pub use crate::proto::http::Access;
pub(super) use crate::runtime::http::connection::budget::{Budget, Reservation};
pub use crate::runtime::http::connection::caller::RemoteAddress;
pub use crate::runtime::http::connection::request_extensions::Principal;
pub(crate) use crate::runtime::http::listener::http_listener::Listener;
pub use crate::runtime::http::response::body::ResponseBody;
pub use crate::runtime::http::service::http_service::HttpService;
pub(super) use embedded::EmbeddedTransport;
pub use embedded::{EmbedOptions, Embedded, EmbeddedBody, Exchange, Ready, RequestHead, Step};
