//! Streamable HTTP: one URL for both eras.
//!
//! [`Embedded`] is for programs that have an HTTP server of their own. Beneath it, [`HttpService`] answers requests and knows no server; a listener, as the one behind [`HttpOptions`](crate::HttpOptions), is
//! hyper around it, on connections of whatever kind.

mod arrival;
mod body;
mod boundary;
mod budget;
mod caller;
mod carried;
mod embedded;
mod endpoint;
mod exchange;
mod journal;
mod kept;
mod legacy_sse;
mod link;
mod listener;
mod listening;
#[cfg(test)]
mod memory_tests;
mod pages;
mod paths;
mod queue;
mod read;
mod recording;
mod responses;
mod resume;
mod session_requests;
mod sessions;
mod slot;
mod socket;
mod stored;
mod streaming;
mod streams;
mod table;
#[cfg(feature = "tower")]
mod tower;
mod web;
pub(crate) mod websocket;

pub use crate::proto::http::Access;
pub use arrival::Principal;
pub use body::ResponseBody;
pub(super) use budget::{Budget, Share};
pub use caller::RemoteAddress;
pub use embedded::{EmbedOptions, Embedded, EmbeddedBody, Exchange, Ready, RequestHead, Step};
pub use exchange::HttpService;
pub(crate) use listener::Listener;
