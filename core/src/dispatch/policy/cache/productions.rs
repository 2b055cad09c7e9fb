//! Which calls produce results, and which calls wait for them.

use super::key::CallKey;
use crate::dispatch::calls::table::CallId;
use crate::dispatch::policy::KeyHash;
use crate::dispatch::shrinking_map::{FastMap, shrink};
use std::collections::VecDeque;

/// One run of the handler whose result others may get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Production {
    pub(super) key: KeyHash,
    pub(super) address: u64,
    number: u64,
}

#[derive(Debug)]
struct InProgress {
    production: Production,
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
    /// Those that calls with a key wait for.
    current: FastMap<KeyHash, InProgress>,
    /// Those whose results are not kept, and that later calls do not wait for.
    outdated: Vec<InProgress>,
    next: u64,
}

impl Productions {
    pub(super) fn begin(&mut self, key: &CallKey, call: Option<CallId>) -> Production {
        self.next += 1;
        let production = Production { key: key.key, address: key.address, number: self.next };
        let in_progress = InProgress { production, call, waiting: VecDeque::new(), passing: Passing::No };
        self.current.insert(key.key, in_progress);
        production
    }

    fn get_mut(&mut self, production: &Production) -> Option<&mut InProgress> {
        let is_meant = |of: &&mut InProgress| of.production.number == production.number;
        let current = self.current.get_mut(&production.key).filter(is_meant);
        current.or_else(|| self.outdated.iter_mut().find(is_meant))
    }

    fn all(&self) -> impl Iterator<Item = &InProgress> {
        self.current.values().chain(&self.outdated)
    }

    /// Begins a production, unless one is in progress. A renewal has no call.
    pub(super) fn begin_first(&mut self, key: &CallKey, call: Option<CallId>) -> Option<Production> {
        (!self.current.contains_key(&key.key)).then(|| self.begin(key, call))
    }

    /// Lets a call wait for the production that is in progress. `false`: too many wait. `None`: there is none.
    pub(super) fn join(&mut self, key: &CallKey, call: CallId, bound: usize) -> Option<bool> {
        let other = self.current.get_mut(&key.key)?;
        let has_room = other.waiting.len() < bound;
        if has_room {
            other.waiting.push_back(call);
        }
        Some(has_room)
    }

    /// Ends a production. Returns the calls that wait, and whether the result may be kept.
    pub(super) fn finish(&mut self, production: &Production) -> Option<(Vec<CallId>, bool)> {
        let is_meant = |of: &InProgress| of.production.number == production.number;
        if self.current.get(&production.key).is_some_and(is_meant) {
            let ended = self.current.remove(&production.key)?;
            shrink(&mut self.current);
            return Some((ended.waiting.into(), true));
        }
        let place = self.outdated.iter().position(is_meant)?;
        Some((self.outdated.swap_remove(place).waiting.into(), false))
    }

    /// Gives a production whose call has ended without a result to the call that has waited longest.
    pub(super) fn pass_on(&mut self, production: &Production) -> Option<CallId> {
        let of = self.get_mut(production)?;
        if of.passing != Passing::No {
            of.passing = Passing::Again;
            return None;
        }
        self.next_call(production)
    }

    /// Records whether a call has taken the production over. Returns the next call, if there has to be one.
    pub(super) fn passed_on(&mut self, production: &Production, taken: bool) -> Option<CallId> {
        let of = self.get_mut(production)?;
        if taken && of.passing == Passing::Yes {
            of.passing = Passing::No;
            return None;
        }
        self.next_call(production)
    }

    fn next_call(&mut self, production: &Production) -> Option<CallId> {
        let of = self.get_mut(production)?;
        of.call = of.waiting.pop_front();
        of.passing = Passing::Yes;
        let next = of.call;
        if next.is_none() {
            self.finish(production);
        }
        next
    }

    /// The calls that wait for a production, which go on without it. Later calls do not wait for it either.
    pub(super) fn release_waiting(&mut self, production: &Production) -> Vec<CallId> {
        let Some(of) = self.get_mut(production) else { return Vec::new() };
        let waiting = std::mem::take(&mut of.waiting);
        self.outdate(|other| other.number == production.number);
        waiting.into()
    }

    /// The production of a call.
    pub(super) fn of(&self, call: CallId) -> Option<Production> {
        self.all().find(|of| of.call == Some(call)).map(|of| of.production)
    }

    /// Removes a call that waits, wherever it does.
    pub(super) fn forget(&mut self, call: CallId) {
        for of in self.current.values_mut().chain(&mut self.outdated) {
            of.waiting.retain(|waiting| *waiting != call);
        }
    }

    /// What these productions produce is not kept, and later calls do not wait for it.
    pub(super) fn outdate(&mut self, is_meant: impl Fn(&Production) -> bool) {
        self.outdated.extend(self.current.extract_if(|_, of| is_meant(&of.production)).map(|(_, of)| of));
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }
}
