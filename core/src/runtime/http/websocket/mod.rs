//! WebSocket: each message is a text frame in either direction. The connection is one client's channel for both eras.

mod connection;
mod frame_writer;
pub(crate) mod frames;
#[cfg(test)]
mod frames_tests;
mod handshake;

pub(super) use connection::serve;
pub(super) use handshake::accept;
