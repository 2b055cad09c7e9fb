//! The interface between a server and its transports: the start, the shared state, and the shutdown.

pub(super) mod interface;
pub(super) mod lifecycle;
