//! Which calls produce results, and which calls wait for them.

use super::key::CallKey;
use crate::dispatch::calls::table::CallId;
use crate::dispatch::policy::KeyHash;
use crate::dispatch::shrinking_map::shrink;
use std::collections::{HashMap, VecDeque};

/// One run of the handler whose result others may get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Production {
    pub(super) key: KeyHash,
    pub(super) address: u64,
    number: u64,
}

#[derive(Debug)]
struct InProgress {
    key: CallKey,
    /// The call that produces; `None` for a renewal.
    call: Option<CallId>,
    waiting: VecDeque<CallId>,
    passing: Passing,
}

/// Whether a thread is passing the production on. A call that takes it over may end at once, in the same thread. Without
/// this, many such calls would end within each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passing {
    No,
    Yes,
    /// The call that took it over has ended already.
    Again,
}

/// The productions in progress. Each has at least one call in flight, which bounds them.
#[derive(Debug, Default)]
pub(super) struct Productions {
    all: HashMap<u64, InProgress>,
    /// The production that calls with a key wait for. One that is outdated has none.
    current: HashMap<KeyHash, u64>,
    next: u64,
}

impl Productions {
    fn begin(&mut self, key: CallKey, call: Option<CallId>) -> Production {
        self.next += 1;
        let number = self.next;
        self.current.insert(key.key, number);
        self.all.insert(number, InProgress { key, call, waiting: VecDeque::new(), passing: Passing::No });
        Production { key: key.key, address: key.address, number }
    }

    /// Begins a production without a call, unless one is in progress.
    pub(super) fn begin_renewal(&mut self, key: &CallKey) -> Option<Production> {
        (!self.current.contains_key(&key.key)).then(|| self.begin(*key, None))
    }

    /// Begins a production. `None`: one is in progress, and the call waits for it.
    pub(super) fn join_or_begin(&mut self, key: &CallKey, call: CallId) -> Option<Production> {
        match self.current.get(&key.key).and_then(|number| self.all.get_mut(number)) {
            Some(other) => {
                other.waiting.push_back(call);
                None
            }
            None => Some(self.begin(*key, Some(call))),
        }
    }

    /// Ends a production. Returns the calls that wait, and whether the result may be kept.
    pub(super) fn finish(&mut self, production: &Production) -> Option<(Vec<CallId>, bool)> {
        let ended = self.all.remove(&production.number)?;
        let is_current = self.current.get(&production.key) == Some(&production.number);
        if is_current {
            self.current.remove(&production.key);
            shrink(&mut self.current);
        }
        shrink(&mut self.all);
        Some((ended.waiting.into(), is_current))
    }

    /// Gives a production whose call has ended without a result to the call that has waited longest.
    pub(super) fn pass_on(&mut self, production: &Production) -> Option<CallId> {
        let of = self.all.get_mut(&production.number)?;
        if of.passing != Passing::No {
            of.passing = Passing::Again;
            return None;
        }
        self.next_call(production)
    }

    /// Records whether a call has taken the production over. Returns the next call, if there has to be one.
    pub(super) fn passed_on(&mut self, production: &Production, taken: bool) -> Option<CallId> {
        let of = self.all.get_mut(&production.number)?;
        if taken && of.passing == Passing::Yes {
            of.passing = Passing::No;
            return None;
        }
        self.next_call(production)
    }

    fn next_call(&mut self, production: &Production) -> Option<CallId> {
        let of = self.all.get_mut(&production.number)?;
        of.call = of.waiting.pop_front();
        of.passing = Passing::Yes;
        if of.call.is_none() {
            self.finish(production);
            return None;
        }
        of.call
    }

    /// The calls that wait for a production, which go on without it. Later calls do not wait for it either.
    pub(super) fn release_waiting(&mut self, production: &Production) -> Vec<CallId> {
        let Some(of) = self.all.get_mut(&production.number) else { return Vec::new() };
        if self.current.get(&production.key) == Some(&production.number) {
            self.current.remove(&production.key);
        }
        std::mem::take(&mut of.waiting).into()
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty() && self.current.is_empty()
    }

    /// The production of a call.
    pub(super) fn of(&self, call: CallId) -> Option<Production> {
        let (number, found) = self.all.iter().find(|(_, of)| of.call == Some(call))?;
        Some(Production { key: found.key.key, address: found.key.address, number: *number })
    }

    /// Removes a call that waits, wherever it does.
    pub(super) fn forget(&mut self, call: CallId) {
        for of in self.all.values_mut() {
            of.waiting.retain(|waiting| *waiting != call);
        }
    }

    /// What is being produced for an address, or for any, is not kept, and later calls do not wait for it.
    pub(super) fn outdate(&mut self, address: Option<u64>) {
        let all = &self.all;
        let is_other = |number: &u64| {
            address.is_some_and(|address| all.get(number).is_some_and(|of| of.key.address != address))
        };
        self.current.retain(|_, number| is_other(number));
    }
}
