//! What the engine knows of one HTTP connection and its client, and how it reads the body of a request.

pub(super) mod budget;
pub(super) mod caller;
pub(super) mod connection_state;
pub(super) mod read;
pub(super) mod request_extensions;
