//! Which values of the program's cache are being produced, and who waits for them.

use crate::locks::Mutex;
use std::any::Any;
use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

/// What a production ended with; `None`: it was dropped before its end.
type Produced = Option<Arc<dyn Any + Send + Sync>>;

/// The productions, by their keys. Each has a task that runs it, which bounds them.
#[derive(Default)]
pub(super) struct InProgress(Mutex<HashMap<String, Arc<Production>>>);

/// One production.
#[derive(Default)]
pub(super) struct Production(Mutex<State>);

#[derive(Default)]
struct State {
    ended: Option<Produced>,
    waiting: Vec<Waker>,
}

/// Ends a production, also if its task is dropped.
pub(super) struct Producer<'a> {
    all: &'a InProgress,
    key: &'a str,
    production: Arc<Production>,
}

/// A task either produces a value, or waits for the one that does.
pub(super) enum Claim<'a> {
    Produce(Producer<'a>),
    Wait(Arc<Production>),
}

impl InProgress {
    pub(super) fn begin<'a>(&'a self, key: &'a str) -> Claim<'a> {
        let mut all = self.0.lock();
        if let Some(production) = all.get(key) {
            return Claim::Wait(production.clone());
        }
        let production = Arc::<Production>::default();
        all.insert(key.to_owned(), production.clone());
        Claim::Produce(Producer { all: self, key, production })
    }
}

impl Production {
    /// Waits until the production has ended.
    pub(super) async fn ended(&self) -> Produced {
        poll_fn(|context| {
            let mut state = self.0.lock();
            if let Some(ended) = &state.ended {
                return Poll::Ready(ended.clone());
            }
            if !state.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                state.waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await
    }

    fn end(&self, produced: Produced) {
        let mut state = self.0.lock();
        if state.ended.is_none() {
            state.ended = Some(produced);
        }
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl Producer<'_> {
    /// Gives the result to the tasks that wait for it.
    pub(super) fn share(&self, produced: Arc<dyn Any + Send + Sync>) {
        self.all.0.lock().remove(self.key);
        self.production.end(Some(produced));
    }
}

impl Drop for Producer<'_> {
    fn drop(&mut self) {
        let mut all = self.all.0.lock();
        if all.get(self.key).is_some_and(|known| Arc::ptr_eq(known, &self.production)) {
            all.remove(self.key);
        }
        drop(all);
        self.production.end(None);
    }
}
