//! Wraps a store: its panics become ordinary failures, and observers are told of its operations.

use super::Store;
use super::op::{Done, StoreDone, StoreOp};
use crate::dispatch::environment::{Environment, time_of};
use crate::dispatch::log::{self, LogLevel};
use crate::dispatch::observer::{EventKind, Observers, observe};
use crate::locks::Mutex;
use crate::panics::{Panicked, caught};
use std::sync::Arc;
use std::time::Instant;

/// Completes operations of a store that panics, and keeps the engine's own panics away from the store's threads.
pub(crate) struct GuardedStore {
    store: Arc<dyn Store>,
    observers: Observers,
    environment: Arc<dyn Environment>,
}

/// An operation that an observer wants to know of. If the store drops the operation, that is reported.
struct ObservedOp {
    observers: Observers,
    environment: Arc<dyn Environment>,
    operation: &'static str,
    key_kind: String,
    began: Instant,
    outcome: &'static str,
}

impl Drop for ObservedOp {
    fn drop(&mut self) {
        let Some(now) = time_of(&*self.environment) else { return };
        let duration = now.saturating_duration_since(self.began);
        let Self { operation, outcome, .. } = *self;
        let key_kind = &*self.key_kind;
        observe!(&self.observers => StoreAsked { operation, key_kind, duration, outcome });
    }
}

impl GuardedStore {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        observers: &Observers,
        environment: &Arc<dyn Environment>,
    ) -> GuardedStore {
        GuardedStore { store, observers: observers.clone(), environment: environment.clone() }
    }

    fn failed(&self, panicked: &Panicked) -> StoreDone {
        self.observers.diagnose(LogLevel::Error, log::STORE, || format!("the store panicked: {panicked}"));
        StoreDone::Unavailable("it panicked".to_owned())
    }

    /// The time, if any observer wants to know of operations.
    fn began(&self) -> Option<Instant> {
        self.observers.wants(EventKind::StoreAsked).then(|| time_of(&*self.environment)).flatten()
    }

    /// The operation for observers, if any observer wants it.
    fn observed(&self, op: &StoreOp) -> Option<ObservedOp> {
        let began = self.began()?;
        Some(ObservedOp {
            observers: self.observers.clone(),
            environment: self.environment.clone(),
            operation: op.name(),
            key_kind: kind_of(op.key()).to_owned(),
            began,
            outcome: "no_answer",
        })
    }
}

/// The kind of a key, which is the part before the first slash.
fn kind_of(key: &str) -> &str {
    key.split_once('/').map_or(key, |(kind, _)| kind)
}

/// Reports the result of an operation.
fn answered(observed: Option<ObservedOp>, result: &StoreDone) {
    if let Some(mut observed) = observed {
        observed.outcome = result.name();
    }
}

impl Store for GuardedStore {
    fn submit(&self, op: StoreOp, now: Instant, done: Done) {
        let observed = self.observed(&op);
        // Called once, by the store or by the panic handler, whichever is first.
        let once = Arc::new(Mutex::new(Some((done, observed))));
        let (answer, observers) = (once.clone(), self.observers.clone());
        let reply = Box::new(move |result| {
            let Some((done, observed)) = answer.lock().take() else { return };
            answered(observed, &result);
            if let Err(panicked) = caught(|| done(result)) {
                let text = || format!("a panic while a reply of the store was handled: {panicked}");
                observers.diagnose(LogLevel::Error, log::CALL, text);
            }
        });
        if let Err(panicked) = caught(|| self.store.submit(op, now, reply)) {
            let failed = self.failed(&panicked);
            let done = once.lock().take();
            if let Some((done, observed)) = done {
                answered(observed, &failed);
                done(failed);
            }
        }
    }

    fn try_now(&self, op: &StoreOp, now: Instant) -> Option<StoreDone> {
        let began = self.began();
        let result =
            caught(|| self.store.try_now(op, now)).unwrap_or_else(|panicked| Some(self.failed(&panicked)));
        // A store that does not answer here is asked again.
        if let (Some(began), Some(result)) = (began, &result)
            && let Some(now) = time_of(&*self.environment)
        {
            observe!(&self.observers => StoreAsked {
                operation: op.name(),
                key_kind: kind_of(op.key()),
                duration: now.saturating_duration_since(began),
                outcome: result.name(),
            });
        }
        result
    }
}
