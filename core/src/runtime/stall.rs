//! Inline handlers that block.
//!
//! A handler that blocks holds up the one worker that a reactor has. So once a handler has been at it for a moment, the
//! workers held in reserve are let go, and held again once no handler is inside any more.

use crate::host::Occupancy;
use crate::locks::{Condvar, Mutex};
use crate::runtime::reactor::Spare;
use crate::runtime::thread::{self, Threads};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How long a handler may take until it counts as blocked, and how often that is looked at.
const MOMENT: Duration = Duration::from_millis(5);
/// Looks without a handler after which nobody looks any more, until the next one.
const QUIET: u32 = 200;

/// Watches the inline handlers of all reactors, on a thread that starts with the first.
pub(super) struct Stall {
    threads: Threads,
    spares: Mutex<Vec<Spare>>,
    entered: AtomicU64,
    left: AtomicU64,
    /// Somebody looks, or is about to.
    awake: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
    /// For the thread.
    this: Weak<Stall>,
}

#[derive(Default)]
struct State {
    started: bool,
    stopped: bool,
}

impl Stall {
    /// For the reactors that are added.
    pub(super) fn new(threads: &Threads) -> Arc<Stall> {
        Arc::new_cyclic(|this| Stall {
            threads: threads.clone(),
            spares: Mutex::default(),
            entered: AtomicU64::new(0),
            left: AtomicU64::new(0),
            awake: AtomicBool::new(false),
            state: Mutex::default(),
            changed: Condvar::new(),
            this: this.clone(),
        })
    }

    /// One more reactor.
    pub(super) fn add(&self, spare: Spare) {
        self.spares.lock().push(spare);
    }

    pub(super) fn stop(&self) {
        self.state.lock().stopped = true;
        self.changed.notify_all();
    }

    fn wake(&self) {
        let mut state = self.state.lock();
        self.awake.store(true, Ordering::SeqCst);
        if !state.started && !state.stopped {
            let this = self.this.upgrade();
            // Without the thread the next handler tries again.
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

    /// Handlers that came, and that went.
    fn look(&self) -> (u64, u64) {
        let left = self.left.load(Ordering::SeqCst);
        (self.entered.load(Ordering::SeqCst), left)
    }

    fn run(&self) {
        let (mut quiet, mut released) = (0, None);
        let mut state = self.state.lock();
        while !state.stopped {
            let before = self.look();
            self.changed.wait_for(&mut state, MOMENT);
            if state.stopped {
                // The reactors end: a worker that was held now would stay for good.
                return;
            }
            let now = self.look();
            if now.0 > now.1 {
                quiet = 0;
                // Once for each that joins them: whoever was let go waits for sockets until it is occupied too.
                if now == before && released != Some(now) {
                    released = Some(now);
                    self.spares.lock().iter().for_each(Spare::release);
                }
                continue;
            }
            if released.take().is_some() {
                self.spares.lock().iter().for_each(Spare::hold);
            }
            quiet = if now == before { quiet + 1 } else { 0 };
            if quiet < QUIET {
                continue;
            }
            quiet = 0;
            self.awake.store(false, Ordering::SeqCst);
            // One that came before the store has woken nobody.
            let (entered, left) = self.look();
            if entered > left {
                self.awake.store(true, Ordering::SeqCst);
            }
            while !self.awake.load(Ordering::SeqCst) && !state.stopped {
                self.changed.wait(&mut state);
            }
        }
    }
}

impl Occupancy for Stall {
    fn enter(&self) {
        self.entered.fetch_add(1, Ordering::SeqCst);
        if !self.awake.load(Ordering::SeqCst) {
            self.wake();
        }
    }

    fn leave(&self) {
        self.left.fetch_add(1, Ordering::SeqCst);
    }
}
