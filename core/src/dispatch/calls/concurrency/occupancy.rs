//! The calls of an entry that run, and those that wait: a state machine without a lock.

use super::Entered;
use super::key_counts::{KeyCounts, Values};
use super::queue::Queue;
use crate::dispatch::calls::table::CallId;
use crate::dispatch::policy::KeyHash;
use crate::dispatch::shrinking_map::{FastMap, shrink};
use std::collections::VecDeque;

/// After each step, no waiting call can run.
#[derive(Debug)]
pub(super) struct Occupancy {
    most: usize,
    running: usize,
    counts: KeyCounts,
    /// The values of the calls that run, if there are keys.
    held: FastMap<CallId, Values>,
    queue: Queue,
}

impl Occupancy {
    /// `most` calls may run at a time, and `by` limits those with the same value of each key.
    pub(super) fn new(most: Option<usize>, by: Vec<usize>) -> Occupancy {
        Occupancy {
            most: most.unwrap_or(usize::MAX),
            running: 0,
            counts: KeyCounts::new(by),
            held: FastMap::default(),
            queue: Queue::default(),
        }
    }

    /// Starts a call if it can run. It overtakes nobody, because no waiting call can.
    #[inline]
    pub(super) fn start(&mut self, call: CallId, values: &[KeyHash]) -> bool {
        if self.running >= self.most {
            return false;
        }
        if self.counts.keys() == 0 {
            self.running += 1;
            return true;
        }
        self.start_with(call, values)
    }

    fn start_with(&mut self, call: CallId, values: &[KeyHash]) -> bool {
        let values = self.counts.hold(values);
        let can_run = self.counts.have_room(&values);
        match can_run {
            true => self.run(call, values),
            false => self.counts.release(&values),
        }
        can_run
    }

    /// Starts a call, or lets it wait.
    pub(super) fn enter(
        &mut self,
        call: CallId,
        values: &[KeyHash],
        caller: KeyHash,
        bound: usize,
    ) -> Entered {
        if self.start(call, values) {
            return Entered::Runs;
        }
        let mut displaced = None;
        if self.queue.len() >= bound {
            displaced = self.queue.displaceable_by(&caller);
            match displaced {
                Some(other) => _ = self.forget(other),
                None => return Entered::Full,
            }
        }
        let values = self.counts.hold(values);
        self.queue.push(call, caller, values);
        Entered::Waits { displaced }
    }

    /// Ends a call that runs, and starts the waiting calls that can run now.
    #[inline]
    pub(super) fn leave(&mut self, call: CallId) -> VecDeque<CallId> {
        self.running -= 1;
        if self.counts.keys() > 0 {
            self.release(call);
        }
        if self.queue.len() == 0 { VecDeque::new() } else { self.start_waiting() }
    }

    /// Releases the values of a call that runs no longer.
    fn release(&mut self, call: CallId) {
        if let Some(values) = self.held.remove(&call) {
            self.counts.end(&values);
            shrink(&mut self.held);
        }
    }

    /// Starts the waiting calls that can run after the end of a call. That end makes room for one more call in all, and
    /// for one more with each value. So at most one call can run, or one for each key.
    fn start_waiting(&mut self) -> VecDeque<CallId> {
        let most = self.counts.keys().max(1);
        (0..most).map_while(|_| self.start_next()).collect()
    }

    fn start_next(&mut self) -> Option<CallId> {
        if self.running >= self.most {
            return None;
        }
        let (call, values) = self.queue.take(|values| self.counts.have_room(values))?;
        self.run(call, values);
        Some(call)
    }

    fn run(&mut self, call: CallId, values: Values) {
        self.running += 1;
        if self.counts.keys() > 0 {
            self.counts.begin(&values);
            self.held.insert(call, values);
        }
    }

    /// Removes a waiting call. Returns `false` if the call does not wait.
    pub(super) fn forget(&mut self, call: CallId) -> bool {
        let values = self.queue.remove(call);
        values.is_some_and(|values| {
            self.counts.release(&values);
            true
        })
    }

    pub(super) fn occupancy(&self) -> (usize, usize) {
        (self.running, self.queue.len())
    }

    #[cfg(test)]
    pub(super) fn running_by_value(&self) -> Vec<(usize, KeyHash, usize)> {
        self.counts.running()
    }

    #[cfg(test)]
    pub(super) fn is_clear(&self) -> bool {
        self.running == 0 && self.held.is_empty() && self.queue.is_clear() && self.counts.is_clear()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const FULL: Entered = Entered::Full;
    const WAITS: Entered = Entered::Waits { displaced: None };

    fn call(id: u64) -> CallId {
        CallId::from_u64(id)
    }

    /// Lets a call without values enter.
    fn enter(occupancy: &mut Occupancy, id: u64, caller: u8, bound: usize) -> Entered {
        occupancy.enter(call(id), &[], [caller; 32].into(), bound)
    }

    fn leave(occupancy: &mut Occupancy, id: u64) -> Vec<u64> {
        occupancy.leave(call(id)).into_iter().map(CallId::to_u64).collect()
    }

    #[test]
    fn calls_of_one_caller_run_in_order_and_permits_are_handed_on() {
        let mut one = Occupancy::new(Some(1), Vec::new());
        assert_eq!(enter(&mut one, 1, 0, 2), Entered::Runs);
        assert_eq!([2, 3, 4].map(|id| enter(&mut one, id, 0, 2)), [WAITS, WAITS, FULL]);
        assert!(one.forget(call(2)));
        assert_eq!(leave(&mut one, 1), [3]);
        assert!(!one.forget(call(3)));
        assert_eq!(leave(&mut one, 3), [0; 0]);
        assert!(one.is_clear());
        assert_eq!(enter(&mut one, 5, 0, 0), Entered::Runs);
        assert_eq!(enter(&mut one, 6, 0, 0), FULL);
    }

    #[test]
    fn callers_take_turns() {
        let mut one = Occupancy::new(Some(1), Vec::new());
        enter(&mut one, 1, 0, 99);
        for (id, caller) in [(2, 0), (3, 0), (4, 0), (5, 1), (6, 1), (7, 2)] {
            assert_eq!(enter(&mut one, id, caller, 99), WAITS);
        }
        let mut order = vec![1];
        while let [next] = leave(&mut one, order[order.len() - 1])[..] {
            order.push(next);
        }
        assert_eq!(order, [1, 2, 5, 7, 3, 6, 4]);
        assert!(one.is_clear());
    }

    #[test]
    fn a_caller_with_few_calls_displaces_the_newest_of_the_one_with_the_most() {
        let mut one = Occupancy::new(Some(1), Vec::new());
        enter(&mut one, 1, 0, 99);
        for id in 2..=5 {
            assert_eq!(enter(&mut one, id, 0, 4), WAITS);
        }
        let displaces = |id| Entered::Waits { displaced: Some(call(id)) };
        assert_eq!(enter(&mut one, 6, 0, 4), FULL);
        assert_eq!(enter(&mut one, 7, 1, 4), displaces(5));
        assert_eq!(enter(&mut one, 8, 1, 4), displaces(4));
        assert_eq!(enter(&mut one, 9, 1, 4), FULL, "both have two");
        assert_eq!(enter(&mut one, 10, 2, 4), displaces(8), "of the caller with the last turn");
        assert_eq!(enter(&mut one, 11, 2, 4), FULL, "it would have as many as the largest");
        assert_eq!(leave(&mut one, 1), [2]);
    }

    #[test]
    fn the_end_of_a_call_may_start_one_for_each_of_its_values() {
        let mut keys = Occupancy::new(None, vec![1, 1]);
        let mut enter = |id, values: [u8; 2]| {
            keys.enter(call(id), &values.map(|value| [value; 32].into()), [id as u8; 32].into(), 99)
        };
        assert_eq!(enter(1, [1, 1]), Entered::Runs);
        assert_eq!(enter(2, [1, 2]), WAITS);
        assert_eq!(enter(3, [3, 1]), WAITS);
        assert_eq!(enter(4, [1, 1]), WAITS);
        assert_eq!(enter(5, [5, 5]), Entered::Runs, "nobody has its values");
        assert_eq!(leave(&mut keys, 1), [2, 3]);
        assert_eq!(leave(&mut keys, 2), [0; 0], "the second value is taken");
        assert_eq!(leave(&mut keys, 3), [4]);
    }
}
