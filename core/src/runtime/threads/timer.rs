//! The work of the clock for a server: call timeouts, and the retry if a shutdown could not start its thread.

use crate::faults;
use crate::host::Engine;
use crate::locks::Mutex;
use crate::runtime::threads::clock::Timed;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The delay before a failed step is tried again, such as starting a thread.
const RETRY_DELAY: Duration = Duration::from_millis(50);

pub(crate) struct Timer {
    engine: Engine,
    /// A failed step, and the time of its next attempt. The step returns whether it succeeded.
    retry: Mutex<Option<(Instant, Retry)>>,
    /// The time when the deadlines are checked again after a panic.
    paused: Mutex<Option<Instant>>,
}

pub(crate) type Retry = Arc<dyn Fn() -> bool + Send + Sync>;

impl Timer {
    pub(crate) fn new(engine: &Engine) -> Arc<Timer> {
        Arc::new(Timer { engine: engine.clone(), retry: Mutex::default(), paused: Mutex::default() })
    }

    /// Runs a step after [`RETRY_DELAY`], and repeats it until it succeeds. The caller must wake the clock.
    pub(crate) fn try_again(&self, retry: Retry) {
        *self.retry.lock() = Some((Instant::now() + RETRY_DELAY, retry));
    }
}

impl Timed for Timer {
    fn next(&self) -> Option<Instant> {
        let retry = self.retry.lock().as_ref().map(|(at, _)| *at);
        let deadline = self.engine.next_deadline().max(*self.paused.lock());
        [retry, deadline].into_iter().flatten().min()
    }

    fn run_due(&self) {
        let now = Instant::now();
        let retry = self.retry.lock().take_if(|(at, _)| *at <= now);
        if let Some((_, retry)) = retry
            && !retry()
        {
            self.try_again(retry);
        }
        let done = self.engine.0.guard("the timer", || {
            faults::pass("timer");
            let now = self.engine.now();
            if self.engine.next_deadline().is_some_and(|next| next <= now) {
                self.engine.handle_timeout(now);
            }
        });
        // Without a pause, a deadline that has passed would be checked in an endless loop.
        *self.paused.lock() = (!done).then(|| Instant::now() + RETRY_DELAY);
    }
}
