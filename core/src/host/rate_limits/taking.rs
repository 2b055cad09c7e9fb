//! Takes a piece of each allowance that a request needs, one after the other.

use super::Refused;
use crate::dispatch::policy::{CallRate, CallRates, OnStoreFailure};
use crate::dispatch::store::{StoreDone, StoreOp};
use crate::host::engine_state::Shared;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// What a request takes of its allowances.
pub(in crate::host) struct Taking {
    limits: Arc<[CallRate]>,
    /// What is taken of each limit.
    pieces: Vec<Piece>,
    /// The number of limits that have answered.
    asked: usize,
    /// `None` if the store has answered at once so far.
    late: Option<PassedLate>,
}

/// What a request takes of one allowance.
struct Piece {
    /// The key of the allowance in the store.
    key: String,
    /// When it was taken.
    taken: Option<Instant>,
}

/// Whether a request has passed although the store was late. It then keeps what the store takes for it.
#[derive(Clone, Default)]
pub(in crate::host) struct PassedLate(Arc<AtomicBool>);

impl PassedLate {
    /// Records that the request has passed.
    pub(in crate::host) fn note(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// What comes next.
pub(in crate::host) enum Step {
    /// The request is within all its limits.
    Passes,
    /// The store must be asked, and answers later.
    Asks(StoreOp),
}

/// Is called with the result, once.
type Then = Box<dyn FnOnce(Taking, Result<(), Refused>) + Send>;

impl Taking {
    pub(in crate::host) fn new(
        limits: &CallRates,
        keys: impl Iterator<Item = String>,
        late: Option<PassedLate>,
    ) -> Taking {
        let pieces = keys.map(|key| Piece { key, taken: None }).collect();
        Taking { limits: limits.limits.clone(), pieces, asked: 0, late }
    }

    /// The record of whether the request has passed although the store was late.
    pub(in crate::host) fn late(&mut self) -> PassedLate {
        self.late.get_or_insert_default().clone()
    }

    pub(in crate::host) fn limits(&self) -> &[CallRate] {
        &self.limits
    }

    /// The next operation of the store.
    fn next(&mut self) -> Option<StoreOp> {
        let piece = self.pieces.get_mut(self.asked)?;
        Some(StoreOp::Take { key: std::mem::take(&mut piece.key), by: 1, rate: self.limits[self.asked].rate })
    }

    /// Takes the answer to the operation, whose key is kept for giving back.
    fn answered(&mut self, key: String, done: StoreDone, now: Instant) -> Result<(), Refused> {
        let number = self.asked;
        self.pieces[number].key = key;
        self.asked += 1;
        let why = match done {
            StoreDone::Taken { taken: true, .. } => {
                self.pieces[number].taken = Some(now);
                return Ok(());
            }
            StoreDone::Taken { wait, .. } => return Err(Refused::Exceeds { number, wait }),
            StoreDone::Full => "it is full".to_owned(),
            other => other.failure().unwrap_or("it returned an unexpected reply").to_owned(),
        };
        match self.limits[number].on_store_failure {
            OnStoreFailure::Pass => Ok(()),
            OnStoreFailure::Refuse => Err(Refused::Store(why)),
        }
    }
}

impl Shared {
    /// Takes as much as the store answers at once.
    pub(in crate::host) fn take_now(&self, taking: &mut Taking) -> Result<Step, Refused> {
        while let Some(op) = taking.next() {
            let now = self.now();
            match self.store.try_now(&op, now) {
                Some(done) => self.take_answer(taking, op, done, now)?,
                None => return Ok(Step::Asks(op)),
            }
        }
        Ok(Step::Passes)
    }

    /// Asks the store, and takes the rest afterwards.
    pub(in crate::host) fn take_later(self: &Arc<Self>, mut taking: Taking, op: StoreOp, then: Then) {
        let shared = self.clone();
        let asked = op.clone();
        let answered = move |done| {
            let taken = shared.take_answer(&mut taking, asked, done, shared.now());
            match taken.and_then(|()| shared.take_now(&mut taking)) {
                Ok(Step::Asks(op)) => shared.take_later(taking, op, then),
                Ok(Step::Passes) => then(taking, Ok(())),
                Err(refused) => then(taking, Err(refused)),
            }
        };
        self.store.submit(op, self.now(), Box::new(answered));
    }

    /// Takes an answer of the store. If a limit refuses the request, what it took before is given back.
    fn take_answer(
        &self,
        taking: &mut Taking,
        op: StoreOp,
        done: StoreDone,
        now: Instant,
    ) -> Result<(), Refused> {
        let StoreOp::Take { key, .. } = op else { return Ok(()) };
        let taken = taking.answered(key, done, now);
        if taken.is_err() {
            self.give_back(taking);
        }
        taken
    }

    /// Gives back what a request took that was not admitted.
    pub(in crate::host) fn give_back(&self, taking: &mut Taking) {
        if taking.late.as_ref().is_some_and(|late| late.0.load(Ordering::Acquire)) {
            return;
        }
        let now = self.now();
        for (piece, limit) in taking.pieces.iter_mut().zip(&*taking.limits) {
            // A piece that has come back by itself is not given back once more.
            let is_held = |at: &Instant| now.saturating_duration_since(*at) < limit.rate.period;
            if piece.taken.take().filter(is_held).is_none() {
                continue;
            }
            let op = StoreOp::Take { key: piece.key.clone(), by: -1, rate: limit.rate };
            if self.store.try_now(&op, self.now()).is_none() {
                self.store.submit(op, self.now(), Box::new(|_| ()));
            }
        }
    }
}
