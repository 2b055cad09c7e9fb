//! Streamable HTTP: one URL for both eras.
//!
//! [`Embedded`] is for programs that have their own HTTP server. It is built on [`HttpService`], which answers
//! requests and knows no server. A listener, such as the one of [`HttpOptions`](crate::HttpOptions), runs hyper
//! around that service, on connections of any kind.

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
pub use crate::runtime::http::connection::body::ResponseBody;
pub(super) use crate::runtime::http::connection::budget::{Budget, Reservation};
pub use crate::runtime::http::connection::caller::RemoteAddress;
pub(crate) use crate::runtime::http::connection::listener::Listener;
pub use crate::runtime::http::connection::request_extensions::Principal;
pub use crate::runtime::http::response::exchange::HttpService;
pub use embedded::{EmbedOptions, Embedded, EmbeddedBody, Exchange, Ready, RequestHead, Step};
