//! Sessions of the legacy revisions, and messages that belong to no request.

pub(crate) mod legacy_sessions;
mod listen_streams;
mod notifications;
mod session_limit;
mod store_faults;
mod undelivered;
