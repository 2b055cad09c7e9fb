//! HTTP listeners and their connections: accepting, hyper, timeouts, and event streams that are written without hyper.

pub(super) mod config;
pub(super) mod endpoint;
pub(super) mod http_listener;
pub(super) mod served_path;
mod socket;
mod streaming;
