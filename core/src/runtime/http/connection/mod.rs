//! The state of one HTTP connection and its client, the reading of request bodies, and the change to another protocol.

pub(super) mod budget;
pub(super) mod caller;
pub(super) mod connection_state;
pub(super) mod deferred_principal;
pub(in crate::runtime) mod forwarded;
pub(super) mod read;
pub(super) mod request_body;
pub(super) mod request_extensions;
pub(super) mod upgrade;
