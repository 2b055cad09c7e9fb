//! Listening sockets and connections, for every protocol. `accept`, `connections` and `owned_listener` are for the
//! server side. A client side would connect with `io` and `unix`.

pub(super) mod accept;
pub(super) mod address;
pub(super) mod client_address;
pub(super) mod connections;
pub(super) mod idle_state;
pub(super) mod inherited_sockets;
pub(super) mod io;
pub(super) mod observed;
pub(super) mod owned_listener;
pub(super) mod panic_boundary;
pub(super) mod served_connections;
pub(super) mod unix;
