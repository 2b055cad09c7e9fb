//! Lanes: bounded queues from which a host takes its calls, and how the engine wakes the host's threads.

pub(super) mod inline;
pub(super) mod lane;
pub(super) mod local;
#[cfg(all(test, loom))]
pub(super) mod loom_lane;
#[cfg(all(test, loom))]
pub(super) mod loom_outbox;
pub(super) mod port;
pub(super) mod threads;
pub(super) mod wake;
pub(super) mod wake_batch;
