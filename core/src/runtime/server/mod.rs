//! A server from its start to its end: options, transports, signals and shutdown.

pub(super) mod lifecycle;
pub(super) mod options;
pub(super) mod running;
pub(super) mod serve;
pub(super) mod signals;
pub(super) mod transport;
pub(super) mod web_options;
