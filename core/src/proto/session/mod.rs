//! The state that client and server share: the revision, the capabilities, and the session's subscriptions, log level
//! and tasks.

pub mod capability;
pub(crate) mod extension;
pub mod implementation;
pub mod lifecycle;
pub mod logging;
pub mod subscription;
pub mod task;
