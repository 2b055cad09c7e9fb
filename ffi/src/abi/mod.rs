//! The boundary to C: arguments and handles are checked here, and failures become statuses.

pub(super) mod args;
pub(super) mod error;
pub(super) mod fork;
pub(super) mod guard;
pub(super) mod handle;
pub(super) mod json;
pub(super) mod live_handles;
pub(super) mod platform;
pub(super) mod signals;
// In the order of the header; rustfmt sorts within a group only.
pub(super) mod status;
pub(super) mod thread;
pub(super) mod thread_start;
pub(super) mod version;
