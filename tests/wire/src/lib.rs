//! Golden transcripts: what a client sends, and the exact text that comes back.
//!
//! The syntax is in the README beside this crate. [`transcript`] reads a file, [`pattern`] matches a line, [`host`] starts
//! a server, [`play`] plays one against the other over a [`link`].

pub mod connection;
pub mod folder;
pub mod host;
pub mod http;
pub mod input;
pub mod link;
pub mod pattern;
pub mod play;
pub mod settings;
pub mod sockets;
pub mod transcript;
