//! Tenon: an embeddable engine for the Model Context Protocol.
//!
//! A [`Server`] is data: a name, tools, limits. Serving it starts the transports. Handlers may be Rust ([`handler`]) or
//! live in a host language behind a [`HostPort`].
//!
//! The layers, each knowing only those before it: `json`, `proto`, `dispatch`, `host`, `runtime`. All but `runtime` are
//! free of I/O and clocks, and build without the `runtime` feature.
#![forbid(unsafe_code)]

pub mod dispatch;
mod error;
mod handler;
pub mod host;
pub mod json;
pub mod proto;
#[cfg(feature = "runtime")]
pub mod runtime;
mod server;
mod sync;

pub use dispatch::asks::{Action, Answer, Ask, AskError, AskId, Asked};
pub use dispatch::calls::CallId;
pub use dispatch::limits::Limits;
pub use dispatch::tool::Tool;
pub use error::{Error, ErrorKind};
pub use handler::handler;
pub use host::{
    AskMode, CallContext, CancelReason, Context, Drained, Event, HandlerId, HostCall, HostOp, HostPort, Lane,
    LaneId, LocalHandler, Outcome, Parker, Stale, Target, Wake,
};
pub use json::JsonSlice;
pub use proto::version::{Era, Revision};
#[cfg(feature = "runtime")]
pub use runtime::http;
#[cfg(feature = "runtime")]
pub use runtime::{HttpOptions, Running, ServeOptions, StdioOptions};
pub use server::{Server, ServerBuilder};

#[doc(hidden)]
pub mod __private {
    pub use serde_json::json;
}
