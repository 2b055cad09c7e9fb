//! For programs that bring a transport of their own: an [`Engine`] to hand text to, a [`Peer`] for whoever sends it, a
//! [`Sink`] for what comes back. And [`memory`], for tests: a client in the process of its server.

pub use crate::host::{BatchAnswer, BatchCollector, Delivery, Engine, Outgoing, Peer, Sink, Unread};
pub use crate::proto::messages::reply::Reply;
#[cfg(feature = "runtime")]
pub use crate::runtime::{MemoryClient, MemoryStream, memory};
