//! WebSocket: each message is a text frame in either direction. The connection is one client's channel for both eras.
//!
//! All of this folder is the server half. A client half would be `client.rs` beside it, and would use `frames` with masks
//! on what it sends.

mod connection;
mod frame_writer;
pub(crate) mod frames;
#[cfg(test)]
mod frames_tests;
mod handshake;

pub(super) use connection::serve;
pub(super) use handshake::accept;
