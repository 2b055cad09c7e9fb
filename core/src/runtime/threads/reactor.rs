//! A reactor: the thread that serves the sockets of some connections.
//!
//! There is one reactor per core, for all servers of the process. A connection stays on its reactor, so its data
//! remains in the cache of one core, and no other thread takes its task. Each reactor has a second worker, which is
//! held back until an inline handler blocks the first worker.
//!
//! All events of one poll of the sockets are handled together: hosts are woken once, after the last connection of the
//! poll.

use crate::error::Error;
use crate::host::WakeBatcher;
use crate::locks::{Condvar, Mutex};
use crate::runtime::threads::thread::Threads;
use crate::runtime::threads::wake_queue::WakeQueue;
use crate::runtime::threads::workers;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::Notify;

/// The name of the reactor's threads.
const NAME: &str = "tenon-io";

pub(in crate::runtime) struct Reactor {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    wake_queue: Arc<WakeQueue>,
    gate: Arc<Gate>,
}

impl Reactor {
    /// Starts a reactor. Each of its threads calls `join` first.
    pub(in crate::runtime) fn start(
        threads: &Threads,
        join: impl Fn() + Send + Sync + 'static,
    ) -> Result<Reactor, Error> {
        let wake_queue = Arc::<WakeQueue>::default();
        let due_wakes = Arc::<Notify>::default();
        let due = due_wakes.clone();
        let batcher = WakeBatcher::new(move || due.notify_one());
        let joins = (wake_queue.clone(), batcher.clone());
        let runtime = workers::start(threads, (2, NAME), "that serve sockets", move || {
            joins.0.join();
            joins.1.join();
            join();
        })?;
        runtime.spawn(wake_queue.clone().deliver());
        runtime.spawn(flush_wakes(batcher, due_wakes));
        let gate = Arc::<Gate>::default();
        gate.close(runtime.handle());
        Ok(Reactor { runtime: Some(runtime), wake_queue, gate })
    }

    pub(in crate::runtime) fn handle(&self) -> &Handle {
        self.runtime.as_ref().expect("it is there until dropped").handle()
    }

    pub(in crate::runtime) fn wake_queue(&self) -> &Arc<WakeQueue> {
        &self.wake_queue
    }

    pub(in crate::runtime) fn reserve_worker(&self) -> ReserveWorker {
        ReserveWorker { handle: self.handle().clone(), gate: self.gate.clone() }
    }
}

/// Wakes the hosts for which connections have queued calls since the last wake.
async fn flush_wakes(batcher: Arc<WakeBatcher>, due_wakes: Arc<Notify>) {
    loop {
        due_wakes.notified().await;
        // Yields once, because the runtime runs a task that was just woken first, but runs a task that wakes itself
        // last.
        let mut behind = false;
        poll_fn(|task| {
            if std::mem::replace(&mut behind, true) {
                return Poll::Ready(());
            }
            task.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        // If waking one host panics, the other hosts must still be woken. The panic was logged already.
        let _ = catch_unwind(AssertUnwindSafe(|| batcher.flush()));
    }
}

impl Drop for Reactor {
    /// Ends the reactor without waiting for blocked handlers.
    fn drop(&mut self) {
        self.gate.open();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The reserve worker of a reactor.
pub(in crate::runtime) struct ReserveWorker {
    handle: Handle,
    gate: Arc<Gate>,
}

impl ReserveWorker {
    /// Releases the worker, which then runs the tasks of the blocked one.
    pub(in crate::runtime) fn release(&self) {
        self.gate.open();
        // If a worker finds only one task after it waited for sockets, it wakes no other worker to wait for sockets. An
        // empty task makes an idle worker check for tasks, and then wait for sockets.
        self.handle.spawn(async {});
    }

    /// Holds one of the two workers again: the one that takes the task first.
    pub(in crate::runtime) fn hold(&self) {
        self.gate.close(&self.handle);
    }
}

/// Holds a worker back with a task that blocks it.
#[derive(Default)]
struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// How often the gate was opened. A held worker waits until this number changes.
    opened: u64,
    /// `true` if a worker is held, or is about to be.
    closed: bool,
}

impl Gate {
    fn open(&self) {
        let mut state = self.state.lock();
        state.opened += 1;
        state.closed = false;
        self.changed.notify_all();
    }

    /// Holds one worker. Repeated calls do not hold a second one, because the other worker must continue.
    fn close(self: &Arc<Self>, handle: &Handle) {
        let (gate, seen) = (self.clone(), {
            let mut state = self.state.lock();
            if std::mem::replace(&mut state.closed, true) {
                return;
            }
            state.opened
        });
        handle.spawn(async move {
            // The next task of this worker cannot be taken by other workers. So it must run before this worker blocks.
            tokio::task::yield_now().await;
            // At this moment it is possible that no worker waits for sockets, because the other worker relied on this
            // one. Two tasks wake the other worker, which then waits for sockets. One task is not enough: the last task
            // that a worker has spawned cannot be taken by other workers, and wakes none.
            for _ in 0..2 {
                tokio::spawn(async {});
            }
            let mut state = gate.state.lock();
            while state.opened == seen {
                gate.changed.wait(&mut state);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Sender, channel};
    use std::time::Duration;

    const TEST_TIMEOUT: Duration = Duration::from_secs(10);

    fn start() -> Reactor {
        Reactor::start(&Threads { stack: 2 << 20, ..Threads::default() }, || ()).unwrap()
    }

    /// Completes only if a worker runs tasks, and a worker serves sockets and timers.
    async fn works(done: Sender<()>) {
        tokio::time::sleep(Duration::from_millis(1)).await;
        done.send(()).expect("somebody waits");
    }

    #[test]
    fn the_spare_worker_goes_on_where_the_other_is_blocked_and_is_taken_back() {
        let reactor = start();
        let reserve_worker = reactor.reserve_worker();
        for _ in 0..50 {
            let (done, wait) = channel();
            reactor.handle().spawn(works(done.clone()));
            wait.recv_timeout(TEST_TIMEOUT).expect("one worker is enough");
            let (entered, inside) = channel();
            let (go, stays) = channel::<()>();
            reactor.handle().spawn(async move {
                entered.send(()).expect("somebody waits");
                let _ = stays.recv();
            });
            inside.recv_timeout(TEST_TIMEOUT).expect("it blocks the worker");
            reserve_worker.release();
            reactor.handle().spawn(works(done));
            wait.recv_timeout(TEST_TIMEOUT).expect("the reserve_worker worker is there");
            drop(go);
            reserve_worker.hold();
        }
    }

    #[test]
    fn a_reserve_that_is_held_already_takes_no_other_worker() {
        let reactor = start();
        let reserve_worker = reactor.reserve_worker();
        for _ in 0..50 {
            reserve_worker.hold();
            let (done, wait) = channel();
            reactor.handle().spawn(works(done));
            wait.recv_timeout(TEST_TIMEOUT).expect("one worker is enough");
        }
        reserve_worker.release();
    }
}
