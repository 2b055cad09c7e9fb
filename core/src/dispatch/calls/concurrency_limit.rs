//! The concurrency limit of an entry: how many calls run at a time, and which calls wait.

use crate::dispatch::calls::table::CallId;
use crate::locks::Mutex;
use std::collections::VecDeque;

/// The places of an entry that limits its concurrent calls.
#[derive(Debug)]
pub(crate) struct Semaphore {
    most: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    running: usize,
    waiting: VecDeque<CallId>,
}

/// The result of asking for a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entered {
    /// The call has a place.
    Runs,
    /// The call waits.
    Waits,
    /// Too many calls wait.
    Full,
}

impl Semaphore {
    pub(crate) fn new(most: usize) -> Semaphore {
        Semaphore { most, taken: Mutex::default() }
    }

    /// The maximum number of concurrent calls.
    pub(crate) fn most(&self) -> usize {
        self.most
    }

    /// Takes a place, or waits behind at most `bound` other calls.
    pub(crate) fn enter(&self, call: CallId, bound: usize) -> Entered {
        let mut taken = self.taken.lock();
        if taken.running < self.most {
            taken.running += 1;
            return Entered::Runs;
        }
        if taken.waiting.len() >= bound {
            return Entered::Full;
        }
        taken.waiting.push_back(call);
        Entered::Waits
    }

    /// Gives a place back. Returns the next waiting call, which has the place from now on.
    pub(crate) fn leave(&self) -> Option<CallId> {
        let mut taken = self.taken.lock();
        let next = taken.waiting.pop_front();
        if next.is_none() {
            taken.running -= 1;
        }
        next
    }

    /// Removes a waiting call that has ended. Returns `false` if the call already had the place.
    pub(crate) fn forget(&self, call: CallId) -> bool {
        let mut taken = self.taken.lock();
        let place = taken.waiting.iter().position(|waiting| *waiting == call);
        place.and_then(|place| taken.waiting.remove(place)).is_some()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn turns_come_in_order_and_places_are_handed_on() {
        let places = Semaphore::new(1);
        let call = CallId::from_u64;
        assert_eq!(places.enter(call(1), 2), Entered::Runs);
        assert_eq!(places.enter(call(2), 2), Entered::Waits);
        assert_eq!(places.enter(call(3), 2), Entered::Waits);
        assert_eq!(places.enter(call(4), 2), Entered::Full);
        assert!(places.forget(call(2)));
        assert_eq!(places.leave(), Some(call(3)));
        assert!(!places.forget(call(3)));
        assert_eq!(places.leave(), None);
        assert_eq!(places.enter(call(5), 0), Entered::Runs);
        assert_eq!(places.enter(call(6), 0), Entered::Full);
    }
}
