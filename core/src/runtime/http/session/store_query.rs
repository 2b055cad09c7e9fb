//! Queries to the store. The reply may come later, after the timeout, or never.

use crate::dispatch::log::{self, LogLevel};
use crate::dispatch::observer::Observers;
use crate::dispatch::store::{StoreDone, StoreOp};
use crate::host::Engine;
use crate::locks::Mutex;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Instant;

/// The queries that wait for a reply of the store.
#[derive(Default)]
pub(in crate::runtime::http) struct PendingQueries(Mutex<Table>);

#[derive(Default)]
struct Table {
    next: u64,
    waiting: BTreeMap<(Instant, u64), Arc<PendingAnswer>>,
}

/// The reply to one operation. Only the first reply counts, which is the store's reply or a failure.
#[derive(Default)]
struct PendingAnswer(Mutex<State>);

#[derive(Default)]
enum State {
    #[default]
    Open,
    Awaited(Waker),
    Known(StoreDone),
    Taken,
}

/// Runs an operation. A future is allocated only if the store does not reply at once.
pub(in crate::runtime::http) async fn ask(
    engine: &Engine,
    waiting: &PendingQueries,
    op: StoreOp,
) -> StoreDone {
    match engine.store().try_now(&op, engine.now()) {
        Some(done) => done,
        None => Box::pin(submit(engine, waiting, op)).await,
    }
}

/// Submits an operation, and waits for its reply for at most [`Limits::store_timeout`](crate::Limits::store_timeout).
async fn submit(engine: &Engine, waiting: &PendingQueries, op: StoreOp) -> StoreDone {
    let (answer, now) = (Arc::<PendingAnswer>::default(), engine.now());
    let reply = ReplyOnDrop(answer.clone());
    engine.store().submit(op, now, Box::new(move |done| reply.0.put(done)));
    // If the store has replied already, no timeout is needed.
    if let Some(done) = answer.take() {
        return done;
    }
    let _entry = waiting.enter(now + engine.limits().store_timeout, &answer);
    poll_fn(|task| {
        let mut state = answer.0.lock();
        match &mut *state {
            State::Known(_) => {}
            State::Awaited(waker) => {
                waker.clone_from(task.waker());
                return Poll::Pending;
            }
            open => {
                *open = State::Awaited(task.waker().clone());
                return Poll::Pending;
            }
        }
        drop(state);
        Poll::Ready(answer.take().expect("it was known"))
    })
    .await
}

/// Reports that the store failed.
pub(in crate::runtime::http) fn store_failed(observers: &Observers, why: &str) {
    observers.diagnose(LogLevel::Error, log::STORE, || format!("the store failed: {why}"));
}

impl PendingAnswer {
    fn put(&self, done: StoreDone) {
        let before = {
            let mut state = self.0.lock();
            if matches!(*state, State::Known(_) | State::Taken) {
                return;
            }
            std::mem::replace(&mut *state, State::Known(done))
        };
        if let State::Awaited(waker) = before {
            waker.wake();
        }
    }

    fn take(&self) -> Option<StoreDone> {
        let mut state = self.0.lock();
        match std::mem::replace(&mut *state, State::Taken) {
            State::Known(done) => Some(done),
            other => {
                *state = other;
                None
            }
        }
    }
}

/// The store's handle to the reply. If the store drops it without a reply, the query fails.
struct ReplyOnDrop(Arc<PendingAnswer>);

impl Drop for ReplyOnDrop {
    fn drop(&mut self) {
        self.0.put(StoreDone::Unavailable("the store did not answer".into()));
    }
}

/// The table entry of one waiting query. Dropping it removes the entry.
struct PendingEntry<'w> {
    waiting: &'w PendingQueries,
    key: (Instant, u64),
}

impl PendingQueries {
    fn enter(&self, until: Instant, answer: &Arc<PendingAnswer>) -> PendingEntry<'_> {
        let mut table = self.0.lock();
        table.next += 1;
        let key = (until, table.next);
        table.waiting.insert(key, answer.clone());
        PendingEntry { waiting: self, key }
    }

    /// Fails the queries that have reached their timeout. A later reply of the store is dropped.
    pub(in crate::runtime::http) fn time_out(&self, now: Instant) {
        let late: Vec<_> = {
            let mut table = self.0.lock();
            let rest = table.waiting.split_off(&(now, u64::MAX));
            std::mem::replace(&mut table.waiting, rest).into_values().collect()
        };
        for answer in late {
            answer.put(StoreDone::Unavailable("the store did not answer in time".into()));
        }
    }
}

impl Drop for PendingEntry<'_> {
    fn drop(&mut self) {
        self.waiting.0.lock().waiting.remove(&self.key);
    }
}
