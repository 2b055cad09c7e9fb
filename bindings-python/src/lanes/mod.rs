//! Where Python handlers run: the event loop's lane and the thread pool's, and how results come back.

pub(super) mod completion_target;
pub(super) mod loop_lane;
pub(super) mod pool;
pub(super) mod pool_lane;
pub(super) mod request_context;
pub(super) mod running;
pub(super) mod wake_fd;
