//! What client and server agree on: the revision, the capabilities, and what of them the session uses.

pub mod capability;
pub(crate) mod extension;
pub mod implementation;
pub mod lifecycle;
pub mod logging;
pub mod subscription;
pub mod task;
