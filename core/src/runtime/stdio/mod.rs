//! The stdio transport: each line is one message, and each channel has two threads.
//!
//! This folder is for the server side. A client side, which starts a server as a child process, would be a file
//! `client.rs` here. It would use `descriptors` and `wire`.

mod backlog;
mod channel;
mod descriptors;
#[cfg(test)]
mod memory_tests;
mod reader;
mod relay;
mod standard;
mod transport;
mod wire;
mod writer;
#[cfg(test)]
mod writer_tests;

pub use standard::open_missing;
pub(super) use transport::StdioTransport;
