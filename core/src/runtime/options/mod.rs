//! The options of the transports: addresses, paths, and which clients they answer.

pub(super) mod http;
pub(super) mod unix;
pub(super) mod web;
