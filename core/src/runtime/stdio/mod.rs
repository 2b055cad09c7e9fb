//! The stdio transport: one message per line, two threads.
//!
//! All of this folder is the server half. A client half, which starts a server as a child process, would be `client.rs`
//! beside it and would use `descriptors` and `wire`.

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
