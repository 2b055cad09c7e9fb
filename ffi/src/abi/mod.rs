//! The boundary to C: checks arguments and handles, and turns failures into statuses.

// In the order of the header; rustfmt sorts within a group only.
pub(super) mod status;

pub(super) mod error;

pub(super) mod version;

pub(super) mod args;
pub(super) mod fork;
pub(super) mod guard;
pub(super) mod handle;
pub(super) mod json;
pub(super) mod live_handles;
pub(super) mod platform;
pub(super) mod signals;
pub(super) mod thread;
pub(super) mod thread_start;
