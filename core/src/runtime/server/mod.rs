//! A server from its start to its end: its options, start, signals and shutdown.

pub(super) mod options;
pub(super) mod running;
pub(super) mod serve;
mod signals;
