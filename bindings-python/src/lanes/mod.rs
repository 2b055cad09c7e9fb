//! Where Python handlers run: the lanes of the event loop and of the thread pool, and how their results reach the
//! engine.
//!
//! `lane_ids` says which lane is for which thread. `loop_lane` is for event loops, which `wake_fd` wakes. `pool_lane`
//! and `pool` are for the worker threads.

pub(super) mod call_start;
pub(super) mod completion_target;
pub(super) mod lane_ids;
pub(super) mod loop_lane;
pub(super) mod loop_turn;
pub(super) mod pool;
pub(super) mod pool_lane;
pub(super) mod pool_state;
pub(super) mod request_context;
pub(super) mod running;
pub(super) mod turn_state;
pub(super) mod wake_fd;
