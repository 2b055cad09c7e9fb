//! Circuit breakers: after too many failures, calls are refused for a time, so that what fails can recover.
//!
//! A breaker has a circuit for each key. Circuits that a new one could replace are not kept, so successful calls need no
//! memory. If there are too many, the one that was used longest ago is dropped, a closed one first.

mod circuit;
mod counts;
#[cfg(test)]
mod tests;

pub(crate) use circuit::Change;

use super::caller_key::{CallFacts, Key, KeyDigest, KeyHash};
use super::refusal::RefusalForm;
use crate::dispatch::shrinking_map::{FastMap, shrink};
use crate::locks::Mutex;
use circuit::{Circuit, Ticket};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What a breaker counts as a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The handler raised an exception that was not meant for the client, or its result was refused by the engine.
    Exceptions,
    /// The call took too long.
    Timeouts,
    /// The handler returned an error of the protocol, but not that something does not exist or that parameters are invalid.
    Errors,
    /// The tool has failed in a way that it tells the model.
    Failed,
}

words!(
    Failure: Exceptions = "exceptions",
    Timeouts = "timeouts",
    Errors = "errors",
    Failed = "failed"
);

/// How a call ended, for its breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Success,
    Failure,
    /// It says nothing about what the breaker protects: the call was cancelled or refused, or asked its client.
    Uncounted,
}

/// How frequent failures may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FailureRate {
    /// Of a hundred calls, the number of failures that are too many.
    pub(crate) percent: u32,
    pub(crate) window: Duration,
    /// The fewest calls in the window of which a rate is made.
    pub(crate) min_calls: u32,
}

/// When circuits open and close.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BreakerRules {
    /// The number of failures in a row that are too many.
    pub(crate) failures: Option<u32>,
    pub(crate) rate: Option<FailureRate>,
    pub(crate) open_for: Duration,
    /// The number of probes that must succeed. No more of them run at a time.
    pub(crate) probes: u32,
    pub(crate) by: Vec<Key>,
    pub(crate) counts: Vec<Failure>,
    pub(crate) refusal: RefusalForm,
    pub(crate) text: Option<String>,
}

/// The breaker of an entry.
#[derive(Clone, Debug)]
pub(crate) struct Breaker(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    rules: BreakerRules,
    circuits: Mutex<Circuits>,
    /// The number of circuits, which most calls look at without the lock.
    kept: AtomicUsize,
    /// The number of the latest opening, for the same calls.
    latest: AtomicU64,
}

#[derive(Debug, Default)]
struct Circuits {
    of_keys: FastMap<KeyHash, (Circuit, u64)>,
    /// The circuits that are closed, and then the others, in the order of their last use.
    order: BTreeSet<(bool, u64, KeyHash)>,
    uses: u64,
    /// The number of the latest opening.
    latest: u64,
}

/// Lets one call pass. If it is dropped without a result, the call does not count.
#[derive(Debug)]
pub(crate) struct Permit {
    breaker: Breaker,
    key: KeyHash,
    ticket: Option<Ticket>,
}

impl Breaker {
    pub(crate) fn new(rules: BreakerRules) -> Breaker {
        Breaker(Arc::new(Shared {
            rules,
            circuits: Mutex::default(),
            kept: AtomicUsize::new(0),
            latest: AtomicU64::new(0),
        }))
    }

    /// The permit that a number stands for, of a breaker without keys.
    pub(crate) fn permit(&self, number: PermitNumber) -> Permit {
        Permit { breaker: self.clone(), key: KeyHash::default(), ticket: Some(Ticket::numbered(number.0)) }
    }

    pub(crate) fn rules(&self) -> &BreakerRules {
        &self.0.rules
    }

    /// Lets a call pass, or returns the time until one may pass. At most `most` keys are kept.
    pub(crate) fn admit(&self, facts: &CallFacts<'_>, most: usize, now: Instant) -> Result<Permit, Duration> {
        let key = self.key(facts);
        let mut circuits = self.0.circuits.lock();
        let latest = circuits.latest;
        let admitted =
            circuits.with(key, most, &self.0.rules, now, |circuit| circuit.admit(&self.0.rules, latest, now));
        self.note(&circuits);
        let ticket = Some(admitted?);
        Ok(Permit { breaker: self.clone(), key, ticket })
    }

    /// Lets a call pass if there is no circuit that could refuse it, which needs neither the time nor a lock.
    pub(crate) fn admit_at_once(&self, facts: &CallFacts<'_>) -> Option<Permit> {
        if self.may_refuse() {
            return None;
        }
        let ticket = Some(Ticket::of_call(self.0.latest.load(Ordering::Acquire)));
        Some(Permit { breaker: self.clone(), key: self.key(facts), ticket })
    }

    /// Whether any call may be refused: there are circuits with failures.
    #[inline]
    pub(crate) fn may_refuse(&self) -> bool {
        self.0.kept.load(Ordering::Acquire) > 0
    }

    fn note(&self, circuits: &Circuits) {
        self.0.latest.store(circuits.latest, Ordering::Release);
        self.0.kept.store(circuits.of_keys.len(), Ordering::Release);
    }

    /// The time until a call may pass, if none may pass now.
    pub(crate) fn wait(&self, facts: &CallFacts<'_>, now: Instant) -> Option<Duration> {
        let circuits = self.0.circuits.lock();
        // Most breakers have no circuit to look at.
        if circuits.of_keys.is_empty() {
            return None;
        }
        circuits.of_keys.get(&self.key(facts))?.0.wait(&self.0.rules, now)
    }

    fn key(&self, facts: &CallFacts<'_>) -> KeyHash {
        if self.0.rules.by.is_empty() {
            return KeyHash::default();
        }
        let mut digest = KeyDigest::of("circuit_breaker");
        self.0.rules.by.iter().for_each(|key| digest.value(key, facts));
        digest.hash()
    }

    /// The number of circuits with failures, and how many of them let no call pass now.
    pub(crate) fn usage(&self, now: Instant) -> (usize, usize) {
        let circuits = self.0.circuits.lock();
        let open = |(circuit, _): &&(Circuit, u64)| circuit.wait(&self.0.rules, now).is_some();
        (circuits.of_keys.len(), circuits.of_keys.values().filter(open).count())
    }

    /// Closes all circuits. Calls that run do not count any more.
    pub(crate) fn clear(&self) {
        let mut circuits = self.0.circuits.lock();
        // Permits of before must not be taken for those of a later opening.
        let latest = circuits.latest;
        let old = std::mem::replace(&mut *circuits, Circuits { latest, ..Circuits::default() });
        self.note(&circuits);
        drop(circuits);
        drop(old);
    }

    /// The number of circuits that are kept.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.0.circuits.lock().of_keys.len()
    }
}

/// A permit as a number, for programs that cannot hold one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PermitNumber(pub(crate) u64);

impl PermitNumber {
    /// Whether the call is a probe. No other call may run as one until this one has ended.
    pub(crate) fn is_probe(self) -> bool {
        self.0 & 1 == 1
    }
}

impl Permit {
    /// The number of the permit of a breaker without keys.
    pub(crate) fn into_number(mut self) -> PermitNumber {
        self.ticket.take().map_or(PermitNumber(0), |ticket| PermitNumber(ticket.number()))
    }

    /// Records how the call ended, if nothing is kept that this could change. Otherwise the permit is returned.
    pub(crate) fn record_at_once(mut self, ended: Ended) -> Result<(), Permit> {
        let changes_nothing = match ended {
            Ended::Success => self.breaker.rules().rate.is_none(),
            Ended::Uncounted => true,
            Ended::Failure => false,
        };
        if !changes_nothing || self.breaker.may_refuse() || self.ticket.is_some_and(Ticket::is_probe) {
            return Err(self);
        }
        self.ticket = None;
        Ok(())
    }

    /// Records how the call ended.
    pub(crate) fn record(mut self, ended: Ended, most: usize, now: Instant) -> Option<Change> {
        let ticket = self.ticket.take()?;
        self.breaker.record((self.key, ticket), ended, most, now)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            let mut circuits = self.breaker.0.circuits.lock();
            if let Some((circuit, _)) = circuits.of_keys.get_mut(&self.key) {
                circuit.leave(ticket);
            }
        }
    }
}

impl Breaker {
    fn record(
        &self,
        (key, ticket): (KeyHash, Ticket),
        ended: Ended,
        most: usize,
        now: Instant,
    ) -> Option<Change> {
        let rules = &self.0.rules;
        let mut circuits = self.0.circuits.lock();
        let mut latest = circuits.latest;
        let change = circuits
            .with(key, most, rules, now, |circuit| circuit.record(ticket, ended, rules, &mut latest, now));
        circuits.latest = latest;
        self.note(&circuits);
        change
    }
}

impl Circuits {
    /// Uses the circuit of a key. It is kept if it differs from a new one.
    fn with<R>(
        &mut self,
        key: KeyHash,
        most: usize,
        rules: &BreakerRules,
        now: Instant,
        run: impl FnOnce(&mut Circuit) -> R,
    ) -> R {
        let mut circuit = match self.of_keys.remove(&key) {
            Some((circuit, used)) => {
                self.order.remove(&(circuit.is_open(), used, key));
                circuit
            }
            None => Circuit::default(),
        };
        let result = run(&mut circuit);
        if circuit.is_unused(rules, now) {
            shrink(&mut self.of_keys);
            return result;
        }
        while self.of_keys.len() >= most.max(1)
            && let Some((.., oldest)) = self.order.pop_first()
        {
            self.of_keys.remove(&oldest);
        }
        self.uses += 1;
        self.order.insert((circuit.is_open(), self.uses, key));
        self.of_keys.insert(key, (circuit, self.uses));
        result
    }
}
