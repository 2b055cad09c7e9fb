//! Wraps a store: its panics become ordinary failures, and observers are told of its operations.

use super::Store;
use super::op::{Done, StoreDone, StoreOp, kind_of};
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

    fn answers_at_once(&self) -> bool {
        caught(|| self.store.answers_at_once()).unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::super::op::When;
    use super::*;
    use crate::dispatch::observer::{Event, Observer};
    use crate::error::Error;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    /// A clock that panics from some time on.
    struct Clock(Instant, AtomicBool);

    impl Environment for Clock {
        fn now(&self) -> Instant {
            assert!(!self.1.load(Ordering::SeqCst), "the clock is broken");
            self.0
        }

        fn unix_seconds(&self) -> u64 {
            0
        }

        fn random(&self, _: &mut [u8]) -> Result<(), Error> {
            Ok(())
        }
    }

    /// A store that replies after the clock has broken.
    struct Breaking(Arc<Clock>);

    impl Store for Breaking {
        fn submit(&self, _: StoreOp, _: Instant, done: Done) {
            self.0.1.store(true, Ordering::SeqCst);
            done(StoreDone::Full);
        }
    }

    struct Counting(Arc<Mutex<usize>>);

    impl Observer for Counting {
        fn observe(&self, event: &Event<'_>) {
            if let Event::StoreAsked { .. } = event {
                *self.0.lock() += 1;
            }
        }
    }

    #[test]
    fn a_reply_arrives_although_the_clock_panics() {
        let now = Instant::now();
        let clock = Arc::new(Clock(now, AtomicBool::new(false)));
        let told = Arc::<Mutex<usize>>::default();
        let observers = Observers::new(vec![Box::new(Counting(told.clone()))]).unwrap();
        let environment: Arc<dyn Environment> = clock.clone();
        let store = GuardedStore::new(Arc::new(Breaking(clock)), &observers, &environment);
        let put = || StoreOp::Put {
            key: "a/b".into(),
            value: Default::default(),
            ttl: Duration::from_secs(1),
            when: When::Always,
        };
        for _ in 0..2 {
            let reply = Arc::<Mutex<Option<StoreDone>>>::default();
            let slot = reply.clone();
            store.submit(put(), now, Box::new(move |done| *slot.lock() = Some(done)));
            assert_eq!(reply.lock().take(), Some(StoreDone::Full));
        }
        assert_eq!(*told.lock(), 0, "there is no time to report");
    }
}
