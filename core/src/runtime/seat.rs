//! What others know of one connection: whose it is, and since when it waits for a request.

use crate::dispatch::shares::Share;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

pub(super) struct Seat {
    share: Option<Arc<Share>>,
    /// Since when it waits for a request, in nanoseconds; 0 if it does not.
    idle: AtomicU64,
    /// It is to end as soon as it has no request in progress, because others need its place.
    evicted: AtomicBool,
}

/// What times are counted from: before the first connection, so that none is earlier.
static ORIGIN: OnceLock<Instant> = OnceLock::new();

impl Seat {
    pub(super) fn new(share: Option<Arc<Share>>) -> Arc<Seat> {
        ORIGIN.get_or_init(Instant::now);
        Arc::new(Seat { share, idle: AtomicU64::new(0), evicted: AtomicBool::new(false) })
    }

    pub(super) fn share(&self) -> Option<&Arc<Share>> {
        self.share.as_ref()
    }

    /// It has waited for a request since then.
    pub(super) fn idle(&self, since: Instant) {
        let after = since.saturating_duration_since(*ORIGIN.get_or_init(|| since)).as_nanos();
        self.idle.store(u64::try_from(after).unwrap_or(u64::MAX).max(1), Relaxed);
    }

    /// A request, or its answer, is in progress.
    pub(super) fn busy(&self) {
        self.idle.store(0, Relaxed);
    }

    /// Since when it waits, if it does, is this client's where one is named, and is not to end already.
    pub(super) fn idle_since(&self, of: Option<&Arc<Share>>) -> Option<u64> {
        let own = of.is_none_or(|of| self.share.as_ref().is_some_and(|share| Arc::ptr_eq(share, of)));
        let since = self.idle.load(Relaxed);
        (own && since > 0 && !self.evicted.load(Relaxed)).then_some(since)
    }

    /// Has it end; `false` if it is to end already.
    pub(super) fn evict(&self) -> bool {
        !self.evicted.swap(true, Relaxed)
    }

    /// It is to end, and nothing is in progress.
    pub(super) fn must_end(&self) -> bool {
        self.evicted.load(Relaxed) && self.idle.load(Relaxed) > 0
    }
}
