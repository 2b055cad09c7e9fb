//! The stdio transport over pipes, in one process.

mod client;
mod close;
mod lost_client;
mod many_transports;
mod messages;
mod pipelined;
mod shutdown;
