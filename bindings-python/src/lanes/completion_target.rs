//! Where a call runs, and so how its outcome goes home.

use crate::convert::write::Bounds;
use crate::lanes::pool::{Pool, Run};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tenon_mcp::locks::Mutex;
use tenon_mcp::{CallId, HostPort, Outcome};

/// Where a call runs, and so how its outcome goes home.
pub(crate) enum Home {
    /// On a loop: outcomes gather until the end of the tick.
    Loop(Arc<Batch>),
    /// On a worker: at once, or with those of the short calls that follow.
    Pool(Arc<Pool>, Run),
}

impl Home {
    pub(crate) fn bounds(&self) -> Bounds {
        match self {
            Home::Loop(batch) => batch.bounds,
            Home::Pool(pool, _) => pool.bounds(),
        }
    }

    /// Whether this is the process that took the call, and not one forked off since.
    pub(crate) fn is_here(&self) -> bool {
        let process = match self {
            Home::Loop(batch) => batch.process,
            Home::Pool(pool, _) => pool.process(),
        };
        process == std::process::id()
    }
}

/// Outcomes that wait for the end of a loop's tick.
pub(crate) struct Batch {
    process: u32,
    bounds: Bounds,
    outcomes: Mutex<Vec<(CallId, Outcome)>>,
    /// Somebody will flush.
    scheduled: AtomicBool,
}

impl Batch {
    pub(crate) fn new(bounds: Bounds) -> Batch {
        let scheduled = AtomicBool::new(false);
        Batch { process: std::process::id(), bounds, outcomes: Mutex::default(), scheduled }
    }

    /// Whether the caller must see to a flush.
    pub(crate) fn push(&self, id: CallId, outcome: Outcome) -> bool {
        self.outcomes.lock().push((id, outcome));
        !self.scheduled.swap(true, Ordering::AcqRel)
    }

    /// A flush is on its way.
    pub(crate) fn expect_flush(&self) {
        self.scheduled.store(true, Ordering::Release);
    }

    pub(crate) fn flush(&self, port: &HostPort) {
        self.scheduled.store(false, Ordering::Release);
        let outcomes = std::mem::take(&mut *self.outcomes.lock());
        port.complete_many(outcomes);
    }
}
