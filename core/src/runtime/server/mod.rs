//! The life cycle of a server: its options, start, signals and shutdown.

pub(super) mod hangup;
pub(super) mod options;
pub(super) mod running;
pub(super) mod serve;
mod shared;
mod signals;
