//! The state of one connection that other tasks may read: its client, and since when it has waited for a request.

use crate::dispatch::shares::Share;
use std::sync::atomic::{AtomicIsize, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

pub(in crate::runtime) struct IdleState {
    share: Option<Arc<Share>>,
    /// The number of connections of the listener that wait for a request and are not evicted.
    idle: Arc<AtomicIsize>,
    /// The time since which the connection has waited for a request, in nanoseconds after [`ORIGIN`], or 0 if it does
    /// not wait. The bit [`EVICTED`] may be set too.
    state: AtomicU64,
}

/// This bit says that the connection must end when it has no request in progress, because other connections need its
/// place.
const EVICTED: u64 = 1 << 63;

/// The time origin. It is set before the first connection waits, so no time is earlier.
static ORIGIN: OnceLock<Instant> = OnceLock::new();

impl IdleState {
    /// Creates the state of a connection that does not wait. `idle` counts the waiting connections of the listener.
    pub(in crate::runtime) fn new(share: Option<Arc<Share>>, idle: Arc<AtomicIsize>) -> Arc<IdleState> {
        ORIGIN.get_or_init(Instant::now);
        Arc::new(IdleState { share, idle, state: AtomicU64::new(0) })
    }

    /// Adds `change` to the counts of waiting connections: of the listener, and of the client.
    fn count(&self, change: isize) {
        self.idle.fetch_add(change, Relaxed);
        if let Some(share) = &self.share {
            share.idle.fetch_add(change, Relaxed);
        }
    }

    pub(in crate::runtime) fn share(&self) -> Option<&Arc<Share>> {
        self.share.as_ref()
    }

    /// Records that the connection has waited for a request since `since`.
    pub(in crate::runtime) fn idle(&self, since: Instant) {
        let after = since.saturating_duration_since(*ORIGIN.get_or_init(|| since)).as_nanos();
        let after = u64::try_from(after).unwrap_or(u64::MAX).clamp(1, EVICTED - 1);
        let before = self.state.fetch_update(Relaxed, Relaxed, |state| Some(state & EVICTED | after));
        if before == Ok(0) {
            self.count(1);
        }
    }

    /// Records that a request or its response is in progress on the connection.
    pub(in crate::runtime) fn busy(&self) {
        let before = self.state.fetch_and(EVICTED, Relaxed);
        if before > 0 && before < EVICTED {
            self.count(-1);
        }
    }

    /// The time since which the connection has waited. `None` if it does not wait, belongs to another client than `of`,
    /// or is already evicted.
    pub(in crate::runtime) fn idle_since(&self, of: Option<&Arc<Share>>) -> Option<u64> {
        let own = of.is_none_or(|of| self.share.as_ref().is_some_and(|share| Arc::ptr_eq(share, of)));
        let state = self.state.load(Relaxed);
        (own && state > 0 && state < EVICTED).then_some(state)
    }

    /// Evicts the connection. Returns `false` if it is already evicted.
    pub(in crate::runtime) fn evict(&self) -> bool {
        let before = self.state.fetch_or(EVICTED, Relaxed);
        if before > 0 && before < EVICTED {
            self.count(-1);
        }
        before < EVICTED
    }

    /// Whether the connection is evicted and has nothing in progress.
    pub(in crate::runtime) fn must_end(&self) -> bool {
        self.state.load(Relaxed) > EVICTED
    }
}

impl Drop for IdleState {
    fn drop(&mut self) {
        self.busy();
    }
}
