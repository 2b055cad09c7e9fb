//! Streamable HTTP: one URL for both eras.
//!
//! [`Embedded`] is for programs that have an HTTP server of their own. Beneath it, [`HttpService`] answers requests and knows no server; a listener, as the one behind [`HttpOptions`](crate::HttpOptions), is
//! hyper around it, on connections of whatever kind.

mod connection;
mod embedded;
mod legacy_sse;
#[cfg(test)]
mod memory_tests;
mod request_headers;
mod response;
mod resumption;
mod routes;
mod session;
pub(crate) mod websocket;

pub use crate::proto::http::Access;
pub use crate::runtime::http::connection::arrival::Principal;
pub use crate::runtime::http::connection::body::ResponseBody;
pub(super) use crate::runtime::http::connection::budget::{Budget, Share};
pub use crate::runtime::http::connection::caller::RemoteAddress;
pub(crate) use crate::runtime::http::connection::listener::Listener;
pub use crate::runtime::http::response::exchange::HttpService;
pub use embedded::{EmbedOptions, Embedded, EmbeddedBody, Exchange, Ready, RequestHead, Step};
