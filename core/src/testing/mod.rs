//! Clients in the process of their server, for tests and for programs that call their own tools: messages go through the
//! whole engine, of either era, without sockets and without threads of their own.
//!
//! [`Client`] is for programs in Rust. [`Link`] is what it and the clients of other languages are made of, [`Exchange`] the
//! bare messages.

mod client;
mod exchange;
mod link;
mod options;
mod result;

pub use crate::proto::client::{ClientEvent, Reply};
pub use client::{Client, ClientBuilder, Pending};
pub use exchange::Exchange;
pub use link::Link;
pub use options::ClientOptions;
pub use result::{ClientError, Contents, Prompted, Suggestions, ToolReply};
