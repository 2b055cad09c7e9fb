//! HTTP connections: reading requests, writing responses, and counting the bytes that both hold.

pub(super) mod body;
pub(super) mod budget;
pub(super) mod caller;
pub(super) mod connection_state;
pub(super) mod endpoint;
pub(super) mod listener;
pub(super) mod panic_boundary;
pub(super) mod read;
pub(super) mod request_extensions;
pub(super) mod socket;
pub(super) mod streaming;
#[cfg(feature = "tower")]
pub(super) mod tower;
