//! Line-based transports on sockets and streams. As on stdio, each line is one message (STD-12). Each connection has
//! its own peer, and no thread of its own.
//!
//! [`wire::Wire`] is the interface to the connection that transfers the bytes. Pipes and terminals are served by
//! `stdio`, which sets no flags that other holders of the same descriptor would see.
//!
//! This folder is for the server side. A client side would be a second file beside `connection`, which serves one
//! client. It would use `outbox` and `wire`.

mod connection;
mod outbox;
mod read_buffer;
mod started;
mod transports;
mod wire;

pub(super) use transports::{Socket, Stream};
