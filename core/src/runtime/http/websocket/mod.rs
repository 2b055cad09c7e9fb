//! The WebSocket transport. Each message is one text message in either direction. The connection is one client's
//! channel for both eras.
//!
//! This folder is for the server side. A client side would be a file `client.rs` here. It would use `frames`, with
//! masks on the frames that it sends.

mod connection;
mod frame_writer;
pub(crate) mod frames;
#[cfg(test)]
mod frames_tests;
mod handshake;

pub(super) use connection::serve;
pub(super) use handshake::accept;
