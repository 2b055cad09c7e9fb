//! For programs with a transport of their own: an [`Engine`] that takes messages, a [`Peer`] for each client, and a
//! [`Sink`] for the output. [`memory`] is for tests: a client in the process of its server.

pub use crate::host::{BatchAnswer, BatchCollector, Delivery, Engine, Outgoing, Peer, Sink, Unread};
pub use crate::proto::messages::reply::Reply;
#[cfg(feature = "runtime")]
pub use crate::runtime::{MemoryClient, MemoryStream, memory};
