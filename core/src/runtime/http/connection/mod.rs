//! The state of one HTTP connection and its client, and the reading of request bodies.

pub(super) mod budget;
pub(super) mod caller;
pub(super) mod connection_state;
pub(super) mod deferred_principal;
pub(super) mod read;
pub(super) mod request_extensions;
