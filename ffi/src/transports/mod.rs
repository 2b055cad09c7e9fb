//! What a server is served on, and HTTP requests that the program passes on.

pub(super) mod http;
pub(super) mod listen;
pub(super) mod pipe;
pub(super) mod sockets;
pub(super) mod web;
