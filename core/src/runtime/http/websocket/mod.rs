//! WebSocket: a message is a text frame, both ways, and the connection is one client's channel for both eras.

mod connection;
pub(crate) mod frames;
#[cfg(test)]
mod frames_tests;
mod handshake;
mod writing;

pub(super) use connection::serve;
pub(super) use handshake::accept;
