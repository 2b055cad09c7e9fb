//! The endpoint driven by hand, a client, and a started server.

pub(crate) mod bench;
pub(crate) mod client;
pub(crate) mod server;
