//! Calls for JavaScript and their outcomes, in batches.

pub(super) mod batch;
pub(super) mod call_api;
pub(super) mod client_event;
pub(super) mod completion_batch;
pub(super) mod resilience;
pub(super) mod table;
pub(super) mod wake;
