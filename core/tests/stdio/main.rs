//! The stdio transport over pipes, in process.

mod client;
mod ends;
mod pipelined;
mod several;
mod traffic;
