//! Wraps a program's store, so that its panics become ordinary failures.

use super::Store;
use super::op::{Done, StoreDone, StoreOp};
use crate::dispatch::log::{self, Log, LogLevel};
use crate::locks::Mutex;
use crate::panics::{Panicked, caught};
use std::sync::Arc;
use std::time::Instant;

/// Completes operations of a store that panics, and keeps the engine's own panics away from the store's threads.
pub(crate) struct GuardedStore {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) log: Arc<dyn Log>,
}

impl GuardedStore {
    fn failed(&self, panicked: &Panicked) -> StoreDone {
        log::say(&*self.log, LogLevel::Error, log::STORE, || format!("the store panicked: {panicked}"));
        StoreDone::Unavailable("it panicked".to_owned())
    }
}

impl Store for GuardedStore {
    fn submit(&self, op: StoreOp, now: Instant, done: Done) {
        // Called once, by the store or by the panic handler, whichever is first.
        let once = Arc::new(Mutex::new(Some(done)));
        let (answer, log) = (once.clone(), self.log.clone());
        let answered = Box::new(move |result| {
            let Some(done) = answer.lock().take() else { return };
            if let Err(panicked) = caught(|| done(result)) {
                let text = || format!("a panic while a reply of the store was handled: {panicked}");
                log::say(&*log, LogLevel::Error, log::CALL, text);
            }
        });
        if let Err(panicked) = caught(|| self.store.submit(op, now, answered)) {
            let failed = self.failed(&panicked);
            let done = once.lock().take();
            if let Some(done) = done {
                done(failed);
            }
        }
    }

    fn try_now(&self, op: &StoreOp, now: Instant) -> Option<StoreDone> {
        caught(|| self.store.try_now(op, now)).unwrap_or_else(|panicked| Some(self.failed(&panicked)))
    }
}
