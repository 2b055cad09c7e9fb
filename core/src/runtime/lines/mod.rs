//! Lines on sockets and streams: one message a line as on stdio (STD-12), a peer for each connection, and no thread for any.
//!
//! What carries the bytes is behind [`wire::Wire`]; pipes and terminals stay with `stdio`, which needs no flags that other
//! holders of the same descriptor would see.

mod client;
mod outbox;
mod scratch;
mod served;
mod transports;
mod wire;

pub(super) use transports::{Socket, Stream};
