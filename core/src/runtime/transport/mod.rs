//! The interface between a server and its transports: the table of them, the start, the shared state, and the shutdown.

pub(super) mod interface;
pub(super) mod lifecycle;
pub(super) mod table;
