//! Calls on their way to JavaScript and back, in batches.

pub(super) mod batch;
pub(super) mod call_api;
pub(super) mod completion_batch;
pub(super) mod table;
pub(super) mod wake;
