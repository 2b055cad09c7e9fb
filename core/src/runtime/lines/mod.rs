//! Line-based transports on sockets and streams. As on stdio, each line is one message (STD-12). Each connection has
//! its own peer, and no thread of its own.
//!
//! [`wire::Wire`] is the interface to the connection that transfers the bytes. Pipes and terminals are served by
//! `stdio`, which sets no flags that other holders of the same descriptor would see.
//!
//! `server` starts the transports, and `connection` serves one client. A client half would be a file `client.rs` beside
//! them. It would use `outbox` and `wire`.

mod connection;
mod outbox;
mod read_buffer;
mod server;
mod started;
mod wire;

pub(super) use server::{Socket, Stream};
