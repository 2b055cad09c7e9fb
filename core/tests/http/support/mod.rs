//! The endpoint without a server, a client, a started server, and the messages of clients. The tests of authentication use
//! them, too.

pub(crate) mod bench;
pub(crate) mod client;
pub(crate) mod messages;
pub(crate) mod server;
