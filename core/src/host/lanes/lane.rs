//! Lanes: bounded queues of operations, one per place where host code runs.

use crate::dispatch::calls::table::CallId;
use crate::host::calls::op::{HostOp, Stale};
use crate::host::lanes::wake::Wake;
use crate::host::lanes::wake_batch;
use crate::locks::RwLock;
use crate::sync::{AtomicBool, AtomicUsize, Mutex, Ordering};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, OnceLock};

/// Identifies a lane: a place where host code runs. The host chooses the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LaneId(pub u32);

/// The queue of a lane.
///
/// The thread that queues sets the wake flag. The thread that drains clears it *before* popping. If a wake were lost
/// between the two, an operation would remain unseen.
pub(crate) struct LaneQueue<T = HostOp> {
    ops: Mutex<VecDeque<T>>,
    signalled: AtomicBool,
    wake: Mutex<Option<Arc<dyn Wake>>>,
    in_flight: AtomicUsize,
    limit: usize,
}

/// The lanes of a server. Hosts number theirs from 0, so the first few lanes have fixed slots that are read without a
/// lock. Other numbers are possible.
pub(in crate::host) struct Lanes {
    limit: usize,
    few: [OnceLock<Arc<LaneQueue>>; 8],
    others: RwLock<HashMap<LaneId, Arc<LaneQueue>>>,
}

impl Lanes {
    /// No lanes yet. Each lane will take `limit` calls.
    pub(in crate::host) fn new(limit: usize) -> Lanes {
        Lanes { limit, few: Default::default(), others: RwLock::default() }
    }

    /// The lane with this number. It is created at the first request for it.
    pub(in crate::host) fn get(&self, id: LaneId) -> Arc<LaneQueue> {
        let new = || Arc::new(LaneQueue::new(self.limit));
        if let Some(place) = self.few.get(id.0 as usize) {
            return place.get_or_init(new).clone();
        }
        if let Some(lane) = self.others.read().get(&id) {
            return lane.clone();
        }
        self.others.write().entry(id).or_insert_with(new).clone()
    }
}

/// The state of the lane after a drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// The lane was empty at the end.
    Empty,
    /// More is queued; the waker has been called again.
    More,
}

impl<T> LaneQueue<T> {
    pub(crate) fn new(limit: usize) -> LaneQueue<T> {
        LaneQueue {
            ops: Mutex::new(VecDeque::new()),
            signalled: AtomicBool::new(false),
            wake: Mutex::new(None),
            in_flight: AtomicUsize::new(0),
            limit,
        }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Takes one of the lane's credits. A call holds it until it ends.
    pub(crate) fn acquire(&self) -> bool {
        // Not incremented first and then reverted, because that would refuse another call meanwhile.
        let one_more = |taken: usize| (taken < self.limit).then_some(taken + 1);
        self.in_flight.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).is_ok()
    }

    /// Takes a credit for a call that must be accepted even if the lane is full.
    pub(crate) fn acquire_unbounded(&self) {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
    }

    /// The number of credits that are taken.
    #[cfg(test)]
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Acquire)
    }

    /// Gives a credit back.
    pub(crate) fn release(&self) {
        self.in_flight.fetch_sub(1, Ordering::AcqRel);
    }

    /// Attaches the waker, and wakes it if operations are queued already.
    pub(crate) fn attach(&self, wake: Arc<dyn Wake>) {
        let before = self.wake.lock().replace(wake);
        drop(before);
        self.signalled.swap(false, Ordering::AcqRel);
        if !self.ops.lock().is_empty() {
            self.signal();
        }
    }

    fn signal(&self) {
        if self.signalled.swap(true, Ordering::AcqRel) {
            wake_batch::more();
            return;
        }
        let wake = self.wake.lock().clone();
        if let Some(wake) = wake {
            wake_batch::wake(wake);
        }
    }

    /// Queues an operation.
    pub(crate) fn push(&self, op: T) {
        self.ops.lock().push_back(op);
        self.signal();
    }

    /// Queues a call. The queue of a lane whose host does not drain must not grow without limit. When twice the limit
    /// is queued, the entries that are not `is_live` are removed. If that is not enough, the call is refused.
    pub(crate) fn push_bounded(&self, op: T, is_live: impl Fn(&T) -> bool) -> Result<(), Stale> {
        {
            let mut ops = self.ops.lock();
            if ops.len() >= 2 * self.limit {
                ops.retain(is_live);
                if ops.len() >= 2 * self.limit {
                    return Err(Stale);
                }
            }
            ops.push_back(op);
        }
        self.signal();
        Ok(())
    }

    /// Clears the flag, and then pops at most `max` operations. Signals again if some remain.
    pub(crate) fn pop(&self, max: usize, out: &mut Vec<T>) -> Drained {
        // A swap rather than a store, so that this thread sees the operation of the thread that had set the flag.
        self.signalled.swap(false, Ordering::AcqRel);
        let more = {
            let mut ops = self.ops.lock();
            let take = max.min(ops.len());
            out.extend(ops.drain(..take));
            !ops.is_empty()
        };
        if more {
            self.signal();
            Drained::More
        } else {
            Drained::Empty
        }
    }
}

impl LaneQueue {
    /// The host could not be woken: returns the calls that wait for it. The next queued operation wakes it again.
    pub(in crate::host) fn take_unwoken(&self) -> Vec<CallId> {
        self.signalled.swap(false, Ordering::AcqRel);
        self.ops.lock().iter().filter_map(HostOp::starts).collect()
    }
}

impl HostOp {
    /// The call this operation starts, if it starts one.
    pub(crate) fn starts(&self) -> Option<CallId> {
        match self {
            HostOp::Call(call) => Some(call.id),
            _ => None,
        }
    }

    /// The call that waits for this operation. No call waits for a cancellation.
    pub fn awaited_by(&self) -> Option<CallId> {
        match self {
            HostOp::Call(call) => Some(call.id),
            HostOp::Answer { call, .. } | HostOp::Next { call, .. } => Some(*call),
            HostOp::Cancel { .. } => None,
        }
    }
}
