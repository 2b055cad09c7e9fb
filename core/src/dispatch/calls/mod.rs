//! Calls in flight: their table, their questions to the client, and limits on how many may run.

pub mod ask;
pub mod ask_replay;
pub(crate) mod concurrency;
#[cfg(all(test, loom))]
pub(super) mod loom_table;
pub mod table;
