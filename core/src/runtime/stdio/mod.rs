//! The stdio transport: each line is one message, and each channel has two threads.
//!
//! `server` starts the transport. A client half, which starts a server as a child process, would be a file `client.rs`
//! beside it. It would use `descriptors` and `wire`.

mod backlog;
mod channel;
mod descriptors;
#[cfg(test)]
mod memory_tests;
mod reader;
mod relay;
mod server;
mod standard;
mod wire;
mod writer;
#[cfg(test)]
mod writer_tests;

pub(super) use server::StdioTransport;
pub use standard::open_missing;
