//! The options of the transports: addresses, paths, and the hosts and origins that are accepted.

pub(super) mod http;
pub(super) mod unix;
pub(super) mod web;
