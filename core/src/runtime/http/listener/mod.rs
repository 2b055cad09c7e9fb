//! HTTP listeners and their connections: accepting, hyper, time limits, and event streams that are written without hyper.

pub(super) mod endpoint;
pub(super) mod listener;
mod path_transports;
mod socket;
mod streaming;
