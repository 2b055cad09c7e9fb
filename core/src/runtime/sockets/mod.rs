//! Listening sockets and connections, whatever protocol is spoken on them.

pub(super) mod accept;
pub(super) mod address;
pub(super) mod allowed;
pub(super) mod client_address;
pub(super) mod connections;
pub(super) mod idle_state;
pub(super) mod inherited_sockets;
pub(super) mod io;
pub(super) mod owned_listener;
pub(super) mod panic_boundary;
pub(super) mod unix;
