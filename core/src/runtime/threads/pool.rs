//! The reactors that servers share. They start on demand: the first reactor starts with a listener, and each further
//! reactor starts with the first connection that is assigned to it.

use crate::error::Error;
use crate::locks::Mutex;
use crate::runtime::threads::blocking_watchdog::BlockingWatchdog;
use crate::runtime::threads::reactor::Reactor;
use crate::runtime::threads::shared;
use crate::runtime::threads::thread::Threads;
use crate::runtime::threads::wake_queue::WakeQueue;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// After the system has refused a thread, no further reactor is started for this time. Each attempt delays connections,
/// and may leave a thread that waits for the refused one.
const RETRY_PAUSE: Duration = Duration::from_secs(30);

/// The reactors of the process for one set of thread settings. Their threads end when the last server drops the pool.
pub(in crate::runtime) struct Pool {
    threads: Threads,
    reactors: Box<[OnceLock<Reactor>]>,
    /// The time when the system last refused a thread. The lock is held while a reactor starts.
    starting: Mutex<Option<Instant>>,
    watchdog: Arc<BlockingWatchdog>,
    /// The index of the first reactor for the next server, so that not all servers accept connections on one thread.
    next: AtomicUsize,
}

/// The reactors of one server.
pub(in crate::runtime) struct Reactors {
    first: ReactorHandle,
    /// `None` on an executor of the program. The reference is weak, because a task on a reactor must not keep the pool
    /// alive.
    pool: Option<Weak<Pool>>,
    begin: usize,
    next: AtomicUsize,
}

/// A handle to one reactor.
#[derive(Clone)]
pub(in crate::runtime) struct ReactorHandle {
    pub(in crate::runtime) handle: Handle,
    /// Other threads wake the tasks of this reactor through this queue. `None` on an executor of the program.
    pub(in crate::runtime) wake_queue: Option<Arc<WakeQueue>>,
}

impl Pool {
    pub(in crate::runtime) fn shared(threads: &Threads) -> Result<Arc<Pool>, Error> {
        shared::pool(threads, || {
            Ok(Pool {
                reactors: (0..threads.io_threads()).map(|_| OnceLock::new()).collect(),
                threads: threads.clone(),
                starting: Mutex::default(),
                watchdog: BlockingWatchdog::new(threads),
                next: AtomicUsize::new(0),
            })
        })
    }

    /// The watchdog for inline handlers.
    pub(in crate::runtime) fn watchdog(&self) -> &Arc<BlockingWatchdog> {
        &self.watchdog
    }

    /// The reactor at index `place`, which is started if necessary. If the system refuses a new thread, this returns
    /// another reactor that is already running.
    fn reactor(&self, place: usize) -> Result<&Reactor, Error> {
        let place = place % self.reactors.len();
        let reactor = &self.reactors[place];
        if let Some(reactor) = reactor.get() {
            return Ok(reactor);
        }
        let mut refused = self.starting.lock();
        if let Some(reactor) = reactor.get() {
            return Ok(reactor);
        }
        let others: Vec<_> = self.reactors.iter().filter_map(OnceLock::get).collect();
        let other = others.get(place % others.len().max(1)).copied();
        if let Some(other) = other.filter(|_| refused.is_some_and(|at| at.elapsed() < RETRY_PAUSE)) {
            return Ok(other);
        }
        let member = self.watchdog.member(place);
        match Reactor::start(&self.threads, move || member.join()) {
            Ok(started) => {
                self.watchdog.add(place, started.reserve_worker());
                Ok(reactor.get_or_init(|| started))
            }
            Err(error) => {
                *refused = Some(Instant::now());
                other.ok_or(error)
            }
        }
    }

    fn handle_of(&self, place: usize) -> Result<ReactorHandle, Error> {
        let reactor = self.reactor(place)?;
        Ok(ReactorHandle { handle: reactor.handle().clone(), wake_queue: Some(reactor.wake_queue().clone()) })
    }

    /// The reactors for one more server. Fails if no reactor can start.
    pub(in crate::runtime) fn reactors_for_server(self: &Arc<Pool>) -> Result<Arc<Reactors>, Error> {
        let begin = self.next.fetch_add(1, Ordering::Relaxed) % self.reactors.len();
        let (first, next) = (self.handle_of(begin)?, AtomicUsize::new(0));
        Ok(Arc::new(Reactors { first, pool: Some(Arc::downgrade(self)), begin, next }))
    }
}

impl Drop for Pool {
    /// Stops the watchdog. The reactors end without waiting for blocked handlers.
    fn drop(&mut self) {
        self.watchdog.stop();
    }
}

impl Reactors {
    /// Serves on an executor of the program.
    pub(in crate::runtime) fn on_program_executor(handle: &Handle) -> Arc<Reactors> {
        let first = ReactorHandle { handle: handle.clone(), wake_queue: None };
        Arc::new(Reactors { first, pool: None, begin: 0, next: AtomicUsize::new(0) })
    }

    /// The reactor for work that belongs to no connection.
    pub(in crate::runtime) fn first(&self) -> &ReactorHandle {
        &self.first
    }

    /// The reactor for the next connection. The reactors are taken in rotation; `None` means the first one.
    pub(in crate::runtime) fn next(&self) -> Option<ReactorHandle> {
        let pool = self.pool.as_ref()?.upgrade()?;
        let place = self.next.fetch_add(1, Ordering::Relaxed) % pool.reactors.len();
        if place == 0 {
            return None;
        }
        pool.handle_of(self.begin + place).ok()
    }
}
