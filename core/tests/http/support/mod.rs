//! The endpoint without a server, a client, and a started server.

pub(crate) mod bench;
pub(crate) mod client;
pub(crate) mod server;
