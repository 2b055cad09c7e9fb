//! The waiting calls of an entry, by caller, and the turns of the callers.

use super::key_counts::Values;
use crate::dispatch::calls::table::CallId;
use crate::dispatch::policy::KeyHash;
use crate::dispatch::shrinking_map::{FastMap, shrink};
use std::collections::BTreeMap;

/// The calls that wait. A caller without a waiting call is forgotten.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// The callers, in the order of their turns.
    turns: BTreeMap<u64, Caller>,
    /// The turn of each caller.
    callers: FastMap<KeyHash, u64>,
    calls: FastMap<CallId, QueuedCall>,
    /// The number of the next turn or arrival.
    next: u64,
}

/// The waiting calls of one caller. Those with equal values are in one group, because either all of them can run or none.
#[derive(Debug)]
struct Caller {
    name: KeyHash,
    waiting: usize,
    /// The calls of each group, by arrival.
    groups: BTreeMap<Values, BTreeMap<u64, CallId>>,
}

/// What finds a call among those of its caller.
#[derive(Clone, Copy, Debug)]
struct QueuedCall {
    caller: KeyHash,
    values: Values,
    arrival: u64,
}

impl Queue {
    /// The number of calls.
    pub(super) fn len(&self) -> usize {
        self.calls.len()
    }

    /// Adds a call. A caller that did not wait before has the last turn.
    pub(super) fn push(&mut self, call: CallId, name: KeyHash, values: Values) {
        let turn = match self.callers.get(&name) {
            Some(turn) => *turn,
            None => self.add_last(Caller { name, waiting: 0, groups: BTreeMap::new() }),
        };
        let arrival = self.number();
        if let Some(caller) = self.turns.get_mut(&turn) {
            caller.waiting += 1;
            caller.groups.entry(values).or_default().insert(arrival, call);
            self.calls.insert(call, QueuedCall { caller: name, values, arrival });
        }
    }

    /// Removes a call, wherever it waits. Its caller keeps its turn. Returns the values of the call.
    pub(super) fn remove(&mut self, call: CallId) -> Option<Values> {
        let QueuedCall { caller, values, arrival } = self.calls.remove(&call)?;
        shrink(&mut self.calls);
        let turn = *self.callers.get(&caller)?;
        let caller = self.turns.get_mut(&turn)?;
        caller.remove(&values, arrival);
        if caller.waiting == 0 {
            self.remove_caller(turn);
        }
        Some(values)
    }

    /// Takes the oldest call that can run from the first caller in turn that has one. That caller then has the last turn.
    pub(super) fn take(&mut self, can_run: impl Fn(&Values) -> bool) -> Option<(CallId, Values)> {
        let first = |(turn, caller): (&u64, &Caller)| Some((*turn, caller.first(&can_run)?));
        let (turn, (arrival, values)) = self.turns.iter().find_map(first)?;
        let mut caller = self.remove_caller(turn)?;
        let call = caller.remove(&values, arrival)?;
        if caller.waiting > 0 {
            self.add_last(caller);
        }
        self.calls.remove(&call);
        shrink(&mut self.calls);
        Some((call, values))
    }

    /// The call that a new call of `caller` may displace: the newest call of the caller with the most waiting calls, if
    /// `caller` has fewer than the other would keep. Of several such callers, the one with the last turn.
    pub(super) fn displaceable_by(&self, caller: &KeyHash) -> Option<CallId> {
        let own = self.callers.get(caller).and_then(|turn| self.turns.get(turn));
        let own = own.map_or(0, |caller| caller.waiting);
        let largest = self.turns.values().max_by_key(|caller| caller.waiting)?;
        if own + 1 < largest.waiting { largest.newest() } else { None }
    }

    /// Gives a caller the last turn.
    fn add_last(&mut self, caller: Caller) -> u64 {
        let turn = self.number();
        self.callers.insert(caller.name, turn);
        self.turns.insert(turn, caller);
        turn
    }

    /// Removes a caller.
    fn remove_caller(&mut self, turn: u64) -> Option<Caller> {
        let caller = self.turns.remove(&turn)?;
        self.callers.remove(&caller.name);
        shrink(&mut self.callers);
        Some(caller)
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    #[cfg(test)]
    pub(super) fn is_clear(&self) -> bool {
        self.turns.is_empty() && self.callers.is_empty() && self.calls.is_empty()
    }
}

impl Caller {
    /// The arrival and the values of the oldest call that can run.
    fn first(&self, can_run: impl Fn(&Values) -> bool) -> Option<(u64, Values)> {
        let able = self.groups.iter().filter(|(values, _)| can_run(values));
        able.filter_map(|(values, calls)| Some((*calls.first_key_value()?.0, *values))).min()
    }

    fn newest(&self) -> Option<CallId> {
        let last = self.groups.values().filter_map(BTreeMap::last_key_value);
        last.max_by_key(|(arrival, _)| **arrival).map(|(_, call)| *call)
    }

    fn remove(&mut self, values: &Values, arrival: u64) -> Option<CallId> {
        let group = self.groups.get_mut(values)?;
        let call = group.remove(&arrival)?;
        if group.is_empty() {
            self.groups.remove(values);
        }
        self.waiting -= 1;
        Some(call)
    }
}
