//! Detects inline handlers that block.
//!
//! An inline handler that blocks stops the only active worker of its reactor. If a handler runs longer than
//! [`BLOCKED_AFTER`], the reactor's reserve worker is released. The reserve worker is held again when no inline handler
//! runs.
//!
//! Each reactor counts its own handlers, because a handler on another reactor does not block this one.

use crate::host::Occupancy;
use crate::locks::{Condvar, Mutex};
use crate::runtime::threads::reactor::ReserveWorker;
use crate::runtime::threads::thread;
use crate::runtime::threads::thread::Threads;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

/// A handler that runs longer than this counts as blocked. It is also the interval of the checks.
const BLOCKED_AFTER: Duration = Duration::from_millis(5);
/// After this number of checks without a handler, the thread sleeps until the next handler starts.
const IDLE_CHECKS: u32 = 200;

/// Watches the inline handlers of all reactors, on a thread that starts with the first handler.
pub(in crate::runtime) struct BlockingWatchdog {
    threads: Threads,
    /// The number of this watchdog, unique in the process.
    number: u64,
    reactors: Box<[WatchedReactor]>,
    /// `true` while the thread checks, or after it was woken.
    awake: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
    /// The watchdog itself, for its thread.
    this: Weak<BlockingWatchdog>,
}

/// The handlers of one reactor. The counts have their own cache line, because only the threads of this reactor write
/// them.
#[derive(Default)]
#[repr(align(128))]
struct WatchedReactor {
    entered: AtomicU64,
    left: AtomicU64,
    reserve_worker: OnceLock<ReserveWorker>,
}

/// One of the reactors that a [`BlockingWatchdog`] watches.
#[derive(Clone, Copy)]
pub(in crate::runtime) struct ReactorMember {
    /// The number of the watchdog; 0 means that the thread belongs to no reactor.
    number: u64,
    place: usize,
}

thread_local! {
    /// The reactor that this thread works for.
    static OWN: Cell<ReactorMember> = const { Cell::new(ReactorMember { number: 0, place: 0 }) };
}

impl ReactorMember {
    /// Makes the current thread a worker of the reactor.
    pub(in crate::runtime) fn join(self) {
        OWN.set(self);
    }
}

/// The numbers of handlers that have started and returned on a reactor.
#[derive(Clone, Copy, Default, PartialEq)]
struct Counts {
    entered: u64,
    left: u64,
}

/// The state of a reactor at the watchdog's last check.
#[derive(Clone, Copy, Default)]
struct LastSeen {
    seen: Counts,
    /// The counts at which the reserve worker was released; `None` while the worker is held.
    released: Option<Counts>,
}

#[derive(Default)]
struct State {
    started: bool,
    stopped: bool,
}

impl BlockingWatchdog {
    /// Creates a watchdog. Reactors are added by [`BlockingWatchdog::add`].
    pub(in crate::runtime) fn new(threads: &Threads) -> Arc<BlockingWatchdog> {
        static NUMBERS: AtomicU64 = AtomicU64::new(1);
        Arc::new_cyclic(|this| BlockingWatchdog {
            threads: threads.clone(),
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            reactors: (0..threads.io_threads()).map(|_| WatchedReactor::default()).collect(),
            awake: AtomicBool::new(false),
            state: Mutex::default(),
            changed: Condvar::new(),
            this: this.clone(),
        })
    }

    /// The membership for the threads of the reactor at index `place`.
    pub(in crate::runtime) fn member(&self, place: usize) -> ReactorMember {
        ReactorMember { number: self.number, place }
    }

    /// Adds the reactor at index `place`, with its reserve worker.
    pub(in crate::runtime) fn add(&self, place: usize, reserve_worker: ReserveWorker) {
        let _ = self.reactors[place].reserve_worker.set(reserve_worker);
    }

    pub(in crate::runtime) fn stop(&self) {
        self.state.lock().stopped = true;
        self.changed.notify_all();
    }

    fn wake(&self) {
        let mut state = self.state.lock();
        self.awake.store(true, Ordering::SeqCst);
        if !state.started && !state.stopped {
            let this = self.this.upgrade();
            // If the thread cannot start, the next handler tries again.
            let watch = move || {
                if let Some(this) = this {
                    this.run();
                }
            };
            state.started = thread::spawn(&self.threads, "tenon-inline", watch).is_ok();
            self.awake.store(state.started, Ordering::SeqCst);
        }
        self.changed.notify_all();
    }

    fn run(&self) {
        let mut known = vec![LastSeen::default(); self.reactors.len()];
        let mut quiet = 0;
        let mut state = self.state.lock();
        while !state.stopped {
            for (reactor, known) in self.reactors.iter().zip(&mut known) {
                known.seen = reactor.read_counts();
            }
            self.changed.wait_for(&mut state, BLOCKED_AFTER);
            if state.stopped {
                // The reactors are shutting down. A worker that is held now would never be released.
                return;
            }
            let mut busy = false;
            for (reactor, known) in self.reactors.iter().zip(&mut known) {
                busy |= reactor.check(known);
            }
            quiet = if busy { 0 } else { quiet + 1 };
            if quiet < IDLE_CHECKS {
                continue;
            }
            quiet = 0;
            self.awake.store(false, Ordering::SeqCst);
            // A handler that started before `awake` became `false` has not woken this thread.
            if self.reactors.iter().any(|reactor| reactor.read_counts().is_inside()) {
                self.awake.store(true, Ordering::SeqCst);
            }
            while !self.awake.load(Ordering::SeqCst) && !state.stopped {
                self.changed.wait(&mut state);
            }
        }
    }

    /// The reactor that this thread works for. Handlers on other threads do not block a reactor.
    fn own(&self) -> Option<&WatchedReactor> {
        let own = OWN.get();
        if own.number == self.number { self.reactors.get(own.place) } else { None }
    }
}

impl WatchedReactor {
    fn read_counts(&self) -> Counts {
        let left = self.left.load(Ordering::SeqCst);
        Counts { entered: self.entered.load(Ordering::SeqCst), left }
    }

    /// Releases the reserve worker if a handler blocks, and holds it again if no handler runs. Returns `false` if no
    /// handler ran since the last check.
    fn check(&self, known: &mut LastSeen) -> bool {
        let (before, now) = (known.seen, self.read_counts());
        if now.is_inside() {
            // The worker is released once per blocked handler. A released worker waits for sockets until a handler
            // blocks it too.
            if now == before && known.released != Some(now) {
                known.released = Some(now);
                self.reserve_worker.get().inspect(|reserve_worker| reserve_worker.release());
            }
            return true;
        }
        if known.released.take().is_some() {
            self.reserve_worker.get().inspect(|reserve_worker| reserve_worker.hold());
        }
        now != before
    }
}

impl Counts {
    /// Whether a handler is running.
    fn is_inside(self) -> bool {
        self.entered > self.left
    }
}

impl Occupancy for BlockingWatchdog {
    fn enter(&self) {
        let Some(own) = self.own() else { return };
        own.entered.fetch_add(1, Ordering::SeqCst);
        if !self.awake.load(Ordering::SeqCst) {
            self.wake();
        }
    }

    fn leave(&self) {
        if let Some(own) = self.own() {
            own.left.fetch_add(1, Ordering::SeqCst);
        }
    }
}
