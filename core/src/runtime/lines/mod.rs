//! Line-based transports on sockets and streams: one message per line as on stdio (STD-12), one peer per connection,
//! and no thread per connection.
//!
//! [`wire::Wire`] is the interface to what carries the bytes. Pipes and terminals are served by `stdio`, because it
//! sets no flags that other holders of the same descriptor would see.
//!
//! All of this folder is the server half. A client half would be a second file beside `connection`, which serves one client;
//! it would use `outbox` and `wire`.

mod connection;
mod outbox;
mod read_buffer;
mod started;
mod transports;
mod wire;

pub(super) use transports::{Socket, Stream};
