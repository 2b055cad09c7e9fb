//! The settings and entries of a server before its start.

pub(crate) mod entries;
pub(crate) mod functions;
pub(crate) mod limit;
pub(crate) mod server_config;
pub(crate) mod transports;
