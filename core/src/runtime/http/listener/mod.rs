//! HTTP listeners and their connections: accepting, hyper, timeouts, and event streams that are written without hyper.

pub(super) mod endpoint;
pub(super) mod http_listener;
mod path_transports;
mod socket;
mod streaming;
