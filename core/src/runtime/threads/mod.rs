//! The engine's threads: the clock, the reactors that serve sockets, and how they start.

pub(super) mod blocking_watchdog;
pub(super) mod clock;
pub(super) mod executor;
pub(super) mod pool;
pub(super) mod reactor;
pub(super) mod shared;
pub(super) mod thread;
pub(super) mod timer;
pub(super) mod wake_queue;
pub(super) mod workers;
