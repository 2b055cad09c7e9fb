//! The cache of an entry: results that later calls with the same arguments get without a run of the handler.
//!
//! Of the calls with one key, one produces the result and the others wait for it. Each cache is bounded in entries and in
//! bytes; the result that was used longest ago goes first.

mod key;
mod productions;
mod results;
mod values;

pub(crate) use key::CallKey;
use key::call_key;
pub(crate) use productions::Production;
pub(crate) use results::{CachedForm, CachedResult};
pub(crate) use values::ValueCache;

use super::caller_key::{CallFacts, KeyDigest, KeyHash};
use crate::dispatch::calls::table::CallId;
use crate::json::JsonSlice;
use crate::locks::Mutex;
use productions::Productions;
use results::Results;
use std::time::{Duration, Instant};

/// What a cache keeps, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CacheRules {
    pub(crate) ttl: Duration,
    pub(crate) max_entries: usize,
    pub(crate) max_bytes: usize,
    /// Whether all callers share the results.
    pub(crate) public: bool,
    /// How long after `ttl` a result answers calls that fail.
    pub(crate) stale_if_error: Duration,
    /// How long after `ttl` a result is used while it is renewed.
    pub(crate) stale_while_revalidate: Duration,
}

/// The cache of an entry.
#[derive(Debug)]
pub(crate) struct ResultCache {
    rules: CacheRules,
    /// The start of all keys.
    entry: KeyDigest,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    results: Results,
    productions: Productions,
}

/// What a call finds.
#[derive(Debug)]
pub(crate) enum Found {
    /// A result, and how long it stays fresh.
    Fresh(CachedResult, Duration),
    /// A result to use while it is renewed. The production is this call's to start, if it has one.
    Stale(CachedResult, Option<Production>),
    /// Nothing: the call produces the result.
    Produce(Production),
    /// Another call produces the result, and this one waits.
    Wait,
    /// Another call produces the result, and too many wait for it.
    Full,
}

impl ResultCache {
    /// A cache for the results of an entry with this definition, in parts.
    pub(crate) fn new(rules: CacheRules, definition: &[&[u8]]) -> ResultCache {
        let results = Results::new(rules.max_entries);
        let state = Mutex::new(State { results, productions: Productions::default() });
        ResultCache { rules, entry: KeyDigest::start("cache", definition), state }
    }

    /// The key of a call that reads this address, if it reads one.
    pub(crate) fn key(&self, facts: &CallFacts<'_>, address: Option<&str>) -> CallKey {
        call_key(&self.entry, facts, address, self.rules.public)
    }

    pub(crate) fn rules(&self) -> &CacheRules {
        &self.rules
    }

    /// Looks for the result of a call. At most `bound` calls wait for one result.
    pub(crate) fn look(&self, key: &CallKey, call: CallId, bound: usize, now: Instant) -> Found {
        let mut state = self.state.lock();
        if let Some(found) = state.kept(key, &self.rules, now) {
            return found;
        }
        match state.productions.join(key, call, bound) {
            None => Found::Produce(state.productions.begin(key, Some(call))),
            Some(true) => Found::Wait,
            Some(false) => Found::Full,
        }
    }

    /// Looks for the result of a call that does not wait here. `None`: another call produces the result.
    pub(crate) fn look_at_once(&self, key: &CallKey, call: CallId, now: Instant) -> Option<Found> {
        let mut state = self.state.lock();
        if let Some(found) = state.kept(key, &self.rules, now) {
            return Some(found);
        }
        state.productions.begin_first(key, Some(call)).map(Found::Produce)
    }

    /// Whether a call would be answered by what is kept, now or if it fails.
    pub(crate) fn would_answer(&self, key: &KeyHash, now: Instant) -> bool {
        let mut state = self.state.lock();
        let found = state.results.get(key, &self.rules, now);
        drop(state);
        found.is_some_and(|(_, age)| !matches!(age, Age::Stale { may_be_used: false }))
            || self.within_error_time(key, now).is_some()
    }

    /// The result that answers a call which has failed to produce a new one.
    pub(crate) fn if_error(&self, production: &Production, now: Instant) -> Option<CachedResult> {
        self.within_error_time(&production.key, now)
    }

    fn within_error_time(&self, key: &KeyHash, now: Instant) -> Option<CachedResult> {
        if self.rules.stale_if_error.is_zero() {
            return None;
        }
        self.state.lock().results.within(key, self.rules.stale_if_error, now)
    }

    /// Ends a production, and keeps its result for a time, if it has one. Returns the calls that waited for it.
    pub(crate) fn finish(
        &self,
        production: &Production,
        result: Option<(CachedResult, Duration)>,
        now: Instant,
    ) -> Vec<CallId> {
        let mut state = self.state.lock();
        let State { results, productions } = &mut *state;
        let Some((waiting, is_current)) = productions.finish(production) else { return Vec::new() };
        if let (Some((result, time)), true) = (result, is_current) {
            results.put((production.key, production.address), result, time, &self.rules, now);
        }
        waiting
    }

    /// Gives a production up whose call has ended without a result. Returns the call that takes it over, if one waits and
    /// no other thread is passing it on. The thread must say with [`ResultCache::passed_on`] what became of it.
    pub(crate) fn pass_on(&self, production: &Production) -> Option<CallId> {
        self.state.lock().productions.pass_on(production)
    }

    /// Says whether the call has taken the production over. Returns the next call, if the production has none again.
    pub(crate) fn passed_on(&self, production: &Production, taken: bool) -> Option<CallId> {
        self.state.lock().productions.passed_on(production, taken)
    }

    /// The calls that wait for this production, which do not wait any more.
    pub(crate) fn release_waiting(&self, production: &Production) -> Vec<CallId> {
        self.state.lock().productions.release_waiting(production)
    }

    /// The production of a call that has ended before it knew of it.
    pub(crate) fn production_of(&self, call: CallId) -> Option<Production> {
        self.state.lock().productions.of(call)
    }

    /// Removes a call that waits.
    pub(crate) fn forget(&self, call: CallId) {
        self.state.lock().productions.forget(call);
    }

    /// Removes the results of the addresses with these variables of a template, or all of them. What is being produced is not kept.
    pub(crate) fn clear(&self, variables: Option<&JsonSlice>) {
        let mut state = self.state.lock();
        let State { results, productions } = &mut *state;
        let address = variables.map(key::variables_hash);
        productions.outdate(|of| address.is_none_or(|address| of.address == address));
        let old = results.clear(address);
        drop(state);
        drop(old);
    }

    /// Whether no call produces a result or waits for one.
    #[cfg(test)]
    pub(crate) fn is_idle(&self) -> bool {
        self.state.lock().productions.is_empty()
    }

    /// The number of results, and their size in bytes.
    pub(crate) fn usage(&self) -> (usize, usize) {
        self.state.lock().results.usage()
    }
}

impl State {
    /// The result of a key, if it may be used. An old one is to be renewed.
    fn kept(&mut self, key: &CallKey, rules: &CacheRules, now: Instant) -> Option<Found> {
        let (result, age) = self.results.get(&key.key, rules, now)?;
        match age {
            Age::Fresh(rest) => Some(Found::Fresh(result, rest)),
            Age::Stale { may_be_used: true } => {
                Some(Found::Stale(result, self.productions.begin_first(key, None)))
            }
            Age::Stale { .. } => None,
        }
    }
}

/// How old a result is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    /// It is fresh for this time.
    Fresh(Duration),
    Stale {
        /// Whether it may be used while it is renewed.
        may_be_used: bool,
    },
}
