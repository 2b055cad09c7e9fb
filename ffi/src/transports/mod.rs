//! The transports of a server, and HTTP requests that the program passes on.

// In the order of the header; rustfmt sorts within a group only.
pub(super) mod listen;

pub(super) mod sockets;

pub(super) mod web;

pub(super) mod http;

pub(super) mod pipe;
