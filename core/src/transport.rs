//! For programs that bring a transport of their own: an [`Engine`] to hand text to, a [`Peer`] for whoever sends it, a
//! [`Sink`] for what comes back.

pub use crate::host::{BatchAnswer, Delivery, Engine, Gathering, Outgoing, Peer, Sink};
pub use crate::proto::reply::Reply;
