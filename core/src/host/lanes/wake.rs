//! Wakers: the engine calls them when a host has something to drain.

use crate::locks::{Condvar, Mutex};

/// Wakes a host's loop, so that it drains.
///
/// The engine's threads call it. It must not block and must not take a host lock (the GIL, a JS environment). Calls
/// are coalesced and may be spurious.
pub trait Wake: Send + Sync {
    /// Makes the host call [`Lane::drain`](crate::host::Lane::drain) soon.
    fn wake(&self);
}

/// A [`Wake`] for plain threads: they park until woken.
#[derive(Default)]
pub struct Parker {
    state: Mutex<Permits>,
    changed: Condvar,
}

#[derive(Default)]
struct Permits {
    wakes: usize,
    closed: bool,
    parked: usize,
}

impl Parker {
    /// A parker without a pending wake.
    pub fn new() -> Parker {
        Parker::default()
    }

    /// Parks the calling thread until a wake, which only this thread consumes. Returns `false` once closed. Any
    /// number of threads may park.
    pub fn park(&self) -> bool {
        let mut state = self.state.lock();
        state.parked += 1;
        while state.wakes == 0 && !state.closed {
            self.changed.wait(&mut state);
        }
        state.parked -= 1;
        state.wakes = state.wakes.saturating_sub(1);
        !state.closed
    }

    /// The number of threads that are parked now.
    pub fn parked(&self) -> usize {
        self.state.lock().parked
    }

    /// Releases every parked thread, permanently.
    pub fn close(&self) {
        self.state.lock().closed = true;
        self.changed.notify_all();
    }
}

impl Wake for Parker {
    fn wake(&self) {
        let mut state = self.state.lock();
        // More wakes than parked threads would only make the next parks spurious.
        state.wakes = (state.wakes + 1).min(state.parked.max(1));
        drop(state);
        self.changed.notify_one();
    }
}
