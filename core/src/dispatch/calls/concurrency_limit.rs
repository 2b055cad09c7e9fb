//! The concurrency limit of an entry: how many calls run at a time, and which calls wait.

use crate::dispatch::calls::table::CallId;
use crate::sync::Mutex;
use std::collections::VecDeque;

/// The permits of an entry that limits its concurrent calls.
#[derive(Debug)]
pub(crate) struct Semaphore {
    most: usize,
    occupancy: Mutex<Occupancy>,
}

#[derive(Debug, Default)]
struct Occupancy {
    running: usize,
    waiting: VecDeque<CallId>,
}

/// The result of acquiring a permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AcquireResult {
    /// The call has a permit.
    Runs,
    /// The call waits.
    Waits,
    /// Too many calls wait.
    Full,
}

impl Semaphore {
    pub(crate) fn new(most: usize) -> Semaphore {
        Semaphore { most, occupancy: Mutex::new(Occupancy::default()) }
    }

    /// The maximum number of concurrent calls.
    pub(crate) fn most(&self) -> usize {
        self.most
    }

    /// The number of calls with a permit, and of calls that wait.
    #[cfg(test)]
    pub(crate) fn occupancy(&self) -> (usize, usize) {
        let occupancy = self.occupancy.lock();
        (occupancy.running, occupancy.waiting.len())
    }

    /// Takes a permit, or waits behind at most `bound` other calls.
    pub(crate) fn enter(&self, call: CallId, bound: usize) -> AcquireResult {
        let mut occupancy = self.occupancy.lock();
        if occupancy.running < self.most {
            occupancy.running += 1;
            return AcquireResult::Runs;
        }
        if occupancy.waiting.len() >= bound {
            return AcquireResult::Full;
        }
        occupancy.waiting.push_back(call);
        AcquireResult::Waits
    }

    /// Gives a permit back. Returns the next waiting call, which has the permit from now on.
    pub(crate) fn leave(&self) -> Option<CallId> {
        let mut occupancy = self.occupancy.lock();
        let next = occupancy.waiting.pop_front();
        if next.is_none() {
            occupancy.running -= 1;
        }
        next
    }

    /// Removes a waiting call that has ended. Returns `false` if the call already had the permit.
    pub(crate) fn forget(&self, call: CallId) -> bool {
        let mut occupancy = self.occupancy.lock();
        let place = occupancy.waiting.iter().position(|waiting| *waiting == call);
        place.and_then(|place| occupancy.waiting.remove(place)).is_some()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn turns_come_in_order_and_places_are_handed_on() {
        let semaphore = Semaphore::new(1);
        let call = CallId::from_u64;
        assert_eq!(semaphore.enter(call(1), 2), AcquireResult::Runs);
        assert_eq!(semaphore.enter(call(2), 2), AcquireResult::Waits);
        assert_eq!(semaphore.enter(call(3), 2), AcquireResult::Waits);
        assert_eq!(semaphore.enter(call(4), 2), AcquireResult::Full);
        assert!(semaphore.forget(call(2)));
        assert_eq!(semaphore.leave(), Some(call(3)));
        assert!(!semaphore.forget(call(3)));
        assert_eq!(semaphore.leave(), None);
        assert_eq!(semaphore.enter(call(5), 0), AcquireResult::Runs);
        assert_eq!(semaphore.enter(call(6), 0), AcquireResult::Full);
    }
}
