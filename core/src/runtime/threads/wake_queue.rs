//! Combines the wakes that other threads send to the tasks of a reactor.
//!
//! If another thread wakes a task, the task goes through a queue that all threads share, and the system must wake the
//! reactor if it sleeps. Host threads complete calls one after the other. So this queue collects the wakers, and one
//! task of the reactor calls them on the reactor's own thread.

use crate::locks::Mutex;
use std::cell::Cell;
use std::ptr;
use std::sync::Arc;
use std::task::{Context, Waker};
use tokio::sync::Notify;

/// The number of wakers for which memory is retained after a burst.
const RETAINED_CAPACITY: usize = 256;

#[derive(Default)]
pub(in crate::runtime) struct WakeQueue {
    wakers: Mutex<Vec<Waker>>,
    arrived: Notify,
}

thread_local! {
    /// The queue of the reactor that this thread works for. Only its address is used.
    static OWN: Cell<*const WakeQueue> = const { Cell::new(ptr::null()) };
}

/// Wakes a task, through the queue of its reactor if it runs on one of the engine's reactors.
pub(in crate::runtime) fn wake(waker: Option<Waker>, queue: Option<&Arc<WakeQueue>>) {
    match (waker, queue) {
        (Some(waker), Some(queue)) => queue.post(waker),
        (Some(waker), None) => waker.wake(),
        (None, _) => {}
    }
}

/// Registers a task to be woken. The memory of an earlier waker is reused.
pub(in crate::runtime) fn register(waker: &mut Option<Waker>, task: &Context<'_>) {
    match waker {
        Some(waker) => waker.clone_from(task.waker()),
        None => *waker = Some(task.waker().clone()),
    }
}

impl WakeQueue {
    /// Makes the current thread a thread of the queue's reactor.
    pub(in crate::runtime) fn join(self: &Arc<Self>) {
        OWN.set(Arc::as_ptr(self));
    }

    /// Wakes a task of the reactor. On a thread of the reactor, this happens at once.
    pub(in crate::runtime) fn post(&self, waker: Waker) {
        if OWN.get() == ptr::from_ref(self) {
            waker.wake();
            return;
        }
        let first = {
            let mut wakers = self.wakers.lock();
            wakers.push(waker);
            wakers.len() == 1
        };
        // If the queue was not empty, an earlier waker has notified the delivery task already.
        if first {
            self.arrived.notify_one();
        }
    }

    /// Calls the wakers that were posted. Runs as a task of the reactor, and never returns.
    pub(in crate::runtime) async fn deliver(self: Arc<Self>) {
        let mut wakers = Vec::new();
        loop {
            self.arrived.notified().await;
            std::mem::swap(&mut *self.wakers.lock(), &mut wakers);
            wakers.drain(..).for_each(Waker::wake);
            // Frees the memory of a burst.
            wakers.shrink_to(RETAINED_CAPACITY);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;
    use std::thread;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn wakes_of_others_come_as_one() {
        let (wake_queue, task, woken) =
            (Arc::<WakeQueue>::default(), Arc::<Count>::default(), Arc::<Count>::default());
        let (waker, connection) = (Waker::from(task.clone()), Waker::from(woken.clone()));
        let counts = || (task.0.load(Ordering::SeqCst), woken.0.load(Ordering::SeqCst));
        let mut deliver = pin!(wake_queue.clone().deliver());
        let mut poll = || assert!(deliver.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        poll();
        thread::scope(|scope| {
            scope.spawn(|| (0..3).for_each(|_| wake_queue.post(connection.clone())));
        });
        assert_eq!(counts(), (1, 0));
        poll();
        assert_eq!(counts(), (1, 3));
        wake_queue.post(connection.clone());
        assert_eq!(counts(), (2, 3), "the next is told of again");
        poll();
        assert_eq!(counts(), (2, 4));
        // A thread of the reactor wakes its own task without the delivery task.
        let own = wake_queue.clone();
        thread::spawn(move || {
            own.join();
            own.post(connection);
        })
        .join()
        .unwrap();
        assert_eq!(counts(), (2, 5));
    }

    #[test]
    fn what_comes_before_the_task_is_not_lost() {
        let (wake_queue, woken) = (Arc::<WakeQueue>::default(), Arc::<Count>::default());
        wake_queue.post(Waker::from(woken.clone()));
        let mut deliver = pin!(wake_queue.clone().deliver());
        assert!(deliver.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    }
}
