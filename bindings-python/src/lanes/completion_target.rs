//! The destination of a call's outcome: the batch of a loop, or the pool.

use crate::convert::write::Bounds;
use crate::lanes::pool::Pool;
use crate::lanes::pool_state::PoolCall;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tenon_mcp::locks::Mutex;
use tenon_mcp::{CallId, HostPort, Outcome};

/// The destination of a call's outcome.
pub(crate) enum CompletionTarget {
    /// The call runs on a loop: outcomes are collected until the end of the turn.
    Loop(Arc<OutcomeBatch>),
    /// The call runs on a worker: its outcome is sent at once, or together with those of later short calls.
    Pool(Arc<Pool>, PoolCall),
}

impl CompletionTarget {
    pub(crate) fn bounds(&self) -> Bounds {
        match self {
            CompletionTarget::Loop(batch) => batch.bounds,
            CompletionTarget::Pool(pool, _) => pool.bounds(),
        }
    }

    /// Whether this is the process that took the call, and not a process that was forked after that.
    pub(crate) fn is_same_process(&self) -> bool {
        let process = match self {
            CompletionTarget::Loop(batch) => batch.process,
            CompletionTarget::Pool(pool, _) => pool.process(),
        };
        process == std::process::id()
    }
}

/// Outcomes that wait for the end of a loop's turn.
pub(crate) struct OutcomeBatch {
    process: u32,
    bounds: Bounds,
    outcomes: Mutex<Vec<(CallId, Outcome)>>,
    /// A flush is scheduled.
    scheduled: AtomicBool,
}

impl OutcomeBatch {
    pub(crate) fn new(bounds: Bounds) -> OutcomeBatch {
        let scheduled = AtomicBool::new(false);
        OutcomeBatch { process: std::process::id(), bounds, outcomes: Mutex::default(), scheduled }
    }

    /// Returns whether the caller must schedule a flush.
    pub(crate) fn push(&self, id: CallId, outcome: Outcome) -> bool {
        self.outcomes.lock().push((id, outcome));
        !self.scheduled.swap(true, Ordering::AcqRel)
    }

    /// Declares that the caller will flush. Then `push` need not request a flush.
    pub(crate) fn expect_flush(&self) {
        self.scheduled.store(true, Ordering::Release);
    }

    pub(crate) fn flush(&self, port: &HostPort) {
        self.scheduled.store(false, Ordering::Release);
        let outcomes = std::mem::take(&mut *self.outcomes.lock());
        port.complete_many(outcomes);
    }
}
