//! Clients in the process of their server, for tests and for programs that call their own tools. Messages pass through
//! the whole engine, in either era, without sockets and without additional threads.
//!
//! [`store_operation`] runs an operation on the store of a server. [`Client`] is for programs in Rust. [`Link`] is the part that it shares with the clients of other languages, and
//! [`Exchange`] sends and receives plain messages.

mod client;
mod exchange;
mod link;
mod options;
mod result;
mod store;

pub use crate::proto::client::{ClientEvent, Reply};
pub use client::{Client, ClientBuilder, Pending};
pub use exchange::Exchange;
pub use link::Link;
pub use options::ClientOptions;
pub use result::{ClientError, Contents, Prompted, Suggestions, ToolReply};
pub use store::store_operation;
