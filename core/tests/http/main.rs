//! Streamable HTTP: the endpoint without a server, and behind its listener on real sockets.

mod access;
mod connection;
mod principals;
mod requests;
mod resumption;
mod routes;
mod session;
mod support;

pub(crate) use support::messages::*;
