//! The WebSocket transport. Each message is one text message in either direction. The connection is one client's
//! channel for both eras.
//!
//! `server` starts the transport. A client half would be a file `client.rs` beside it. It would use `frames`, with masks
//! on the frames that it sends.

mod connection;
mod frame_writer;
pub(crate) mod frames;
#[cfg(test)]
mod frames_tests;
mod handshake;
mod server;
