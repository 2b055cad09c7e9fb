//! The interface between a server and its transports: how each starts, what all share, and how they end.

pub(super) mod interface;
pub(super) mod lifecycle;
