//! The concurrency limits of an entry: which calls run at a time, which wait, and whose turn is next.
//!
//! A call runs if all limits have room for it: the limit of all calls, and those of the calls with the same values of
//! keys. Otherwise it waits. Each caller has a queue, and callers take turns: when a call ends, the next caller in turn
//! that has a call that can run starts its oldest such call, and then has the last turn. So no caller waits for the
//! queue of another. Calls that wait for a value of a key do not delay calls with other values.
//!
//! A call that can run never waits, so a call that needs room for several keys may see later calls with other values
//! run before it.
//!
//! When the queue is full, a caller with few waiting calls displaces the newest call of the caller with the most. So one
//! caller cannot keep the others out.

mod key_counts;
#[cfg(all(test, not(loom)))]
mod model_tests;
mod occupancy;
mod queue;

use crate::dispatch::calls::table::CallId;
use crate::dispatch::policy::{CallFacts, KeyHash, MaxConcurrency};
use crate::sync::Mutex;
use occupancy::Occupancy;
use std::collections::VecDeque;

/// The limits of an entry, and the calls that run and wait.
///
/// Without keys, each step costs no more than a search in sorted maps, and a call that runs at once costs a comparison.
/// With keys, [`ConcurrencyLimit::leave`] may look at all callers that wait, and at the combinations of values of their
/// waiting calls. [`ConcurrencyLimit::enter`] looks at all callers that wait only if the queue is full.
#[derive(Debug)]
pub(crate) struct ConcurrencyLimit {
    most: MaxConcurrency,
    occupancy: Mutex<Occupancy>,
}

/// The result of entering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entered {
    /// The call has a permit.
    Runs,
    /// The call waits.
    Waits {
        /// The call whose place it has taken. That call no longer waits, and must be refused.
        displaced: Option<CallId>,
    },
    /// Too many calls wait.
    Full,
}

impl ConcurrencyLimit {
    pub(crate) fn new(most: MaxConcurrency) -> ConcurrencyLimit {
        let by = most.by.iter().map(|(_, most)| *most).collect();
        let occupancy = Mutex::new(Occupancy::new(most.total, by));
        ConcurrencyLimit { most, occupancy }
    }

    /// The limits.
    pub(crate) fn most(&self) -> &MaxConcurrency {
        &self.most
    }

    /// The values that a call has for the keys. Without keys, `facts` is not used.
    pub(crate) fn values<'a>(&self, facts: impl FnOnce() -> CallFacts<'a>) -> Vec<KeyHash> {
        if self.most.by.is_empty() { Vec::new() } else { self.most.values(&facts()) }
    }

    /// Takes a permit, if the call can run at once.
    #[inline]
    pub(crate) fn start(&self, call: CallId, values: &[KeyHash]) -> bool {
        self.occupancy.lock().start(call, values)
    }

    /// Takes a permit, or waits. At most `bound` calls wait.
    pub(crate) fn enter(&self, call: CallId, values: &[KeyHash], caller: KeyHash, bound: usize) -> Entered {
        self.occupancy.lock().enter(call, values, caller, bound)
    }

    /// Gives the permit of a call back. Returns the waiting calls that have permits from now on: at most one, or one for
    /// each key.
    pub(crate) fn leave(&self, call: CallId) -> VecDeque<CallId> {
        self.occupancy.lock().leave(call)
    }

    /// Removes a waiting call that has ended. Returns `false` if the call does not wait: it has got the permit, or
    /// another call has taken its place.
    pub(crate) fn forget(&self, call: CallId) -> bool {
        self.occupancy.lock().forget(call)
    }

    /// The number of calls with a permit, and of calls that wait.
    pub(crate) fn occupancy(&self) -> (usize, usize) {
        self.occupancy.lock().occupancy()
    }

    /// How many calls run with each value of each key, the keys by their places.
    #[cfg(test)]
    pub(crate) fn running_by_value(&self) -> Vec<(usize, KeyHash, usize)> {
        self.occupancy.lock().running_by_value()
    }

    /// Whether nothing is remembered of any call.
    #[cfg(test)]
    pub(crate) fn is_clear(&self) -> bool {
        self.occupancy.lock().is_clear()
    }
}
