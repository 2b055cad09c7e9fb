//! Work that several requests wait for, and that is done once.

use crate::locks::Mutex;
use std::collections::HashMap;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// The work in progress, by what it is about.
pub(super) struct SharedWork<K, V>(Mutex<HashMap<K, Arc<Work<V>>>>);

/// One piece of work.
struct Work<V>(Mutex<State<V>>);

struct State<V> {
    result: Option<V>,
    waiting: Vec<Waker>,
}

impl<K, V> Default for SharedWork<K, V> {
    fn default() -> SharedWork<K, V> {
        SharedWork(Mutex::default())
    }
}

impl<K: Hash + Eq + Clone + Send + 'static, V: Clone + Send + 'static> SharedWork<K, V> {
    /// Whether work about `key` is in progress.
    pub(super) fn is_running(&self, key: &K) -> bool {
        self.0.lock().contains_key(key)
    }

    /// Waits for the work about `key`. `begin` starts it if it is not in progress. It gets a function that takes the result,
    /// and must call it; if the function is dropped, the result is `lost`.
    pub(super) fn join(
        self: &Arc<Self>,
        key: K,
        lost: V,
        begin: impl FnOnce(Box<dyn FnOnce(V) + Send>),
    ) -> WorkResult<V> {
        let (work, is_new) = {
            let mut all = self.0.lock();
            match all.get(&key) {
                Some(work) => (work.clone(), false),
                None => {
                    let work = Arc::new(Work(Mutex::new(State { result: None, waiting: Vec::new() })));
                    all.insert(key.clone(), work.clone());
                    (work, true)
                }
            }
        };
        if is_new {
            let mut finish = Finish { all: self.clone(), key, work: work.clone(), lost: Some(lost) };
            begin(Box::new(move |result| finish.finish(result)));
        }
        WorkResult(work)
    }
}

/// Ends the work, if only with the result for lost work.
struct Finish<K: Hash + Eq, V> {
    all: Arc<SharedWork<K, V>>,
    key: K,
    work: Arc<Work<V>>,
    lost: Option<V>,
}

impl<K: Hash + Eq, V> Finish<K, V> {
    fn finish(&mut self, result: V) {
        self.lost = None;
        self.all.0.lock().remove(&self.key);
        let waiting = {
            let mut state = self.work.0.lock();
            state.result = Some(result);
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl<K: Hash + Eq, V> Drop for Finish<K, V> {
    fn drop(&mut self) {
        if let Some(lost) = self.lost.take() {
            self.finish(lost);
        }
    }
}

/// Waits for the result of work.
pub(super) struct WorkResult<V>(Arc<Work<V>>);

impl<V: Clone> Future for WorkResult<V> {
    type Output = V;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<V> {
        let mut state = self.0.0.lock();
        if let Some(result) = &state.result {
            return Poll::Ready(result.clone());
        }
        if !state.waiting.iter().any(|waker| waker.will_wake(task.waker())) {
            state.waiting.push(task.waker().clone());
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::pin::pin;

    fn poll<V: Clone>(result: &mut WorkResult<V>) -> Poll<V> {
        pin!(result).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn work_in_progress_is_joined_and_begun_again_afterwards() {
        let all = Arc::new(SharedWork::<u8, &str>::default());
        let begun = RefCell::new(Vec::new());
        let join = |key| all.join(key, "lost", |done| begun.borrow_mut().push(done));
        let (mut one, mut two, mut other) = (join(1), join(1), join(2));
        assert_eq!(begun.borrow().len(), 2);
        assert!(poll(&mut one).is_pending());
        begun.borrow_mut().remove(0)("done");
        assert_eq!((poll(&mut one), poll(&mut two)), (Poll::Ready("done"), Poll::Ready("done")));
        begun.borrow_mut().clear();
        assert_eq!(poll(&mut other), Poll::Ready("lost"));
        let _again = join(1);
        assert_eq!(begun.borrow().len(), 1);
    }
}
