//! The shutdown of a server: the state that the transports, the program and the shutdown thread share.

use crate::error::{Error, ErrorKind};
use crate::host::{StartState, Wake};
use crate::locks::{Condvar, Mutex};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// The time for writing queued messages after the deadline for calls in flight.
pub(in crate::runtime) const FLUSH_TIMEOUT: Duration = Duration::from_millis(300);

const SIGINT: i32 = 2;

/// The shutdown of one start, from the first request for it to its last step.
pub(crate) struct Lifecycle {
    /// The time that calls in flight may take. A caller can ask for less.
    drain: Duration,
    state: Mutex<State>,
    changed: Condvar,
    ended: Notify,
    start_known: Notify,
}

#[derive(Default)]
struct State {
    /// The time when calls in flight are cancelled; `None` until the shutdown is requested. It only ever becomes
    /// earlier.
    deadline: Option<Instant>,
    closed: bool,
    /// The result of the start, once it is known.
    start: Option<StartState>,
    on_start_known: Vec<Arc<dyn Wake>>,
    signal: Option<i32>,
    /// A failure of the engine itself.
    fault: Option<String>,
    on_closed: Vec<Arc<dyn Wake>>,
    on_earlier_deadline: Vec<Arc<dyn Wake>>,
    /// The function that begins the shutdown.
    end: Option<Box<dyn FnOnce() + Send>>,
}

impl Lifecycle {
    pub(in crate::runtime) fn new(drain: Duration) -> Arc<Lifecycle> {
        let (ended, start_known) = (Notify::new(), Notify::new());
        Arc::new(Lifecycle { drain, state: Mutex::default(), changed: Condvar::new(), ended, start_known })
    }

    /// Requests a graceful shutdown, and returns at once. Returns `true` if this is the first request.
    pub(crate) fn close(&self) -> bool {
        self.close_within(self.drain)
    }

    /// Requests a shutdown that gives calls in flight at most `most`. If the present deadline is earlier, it stays.
    /// Returns `true` if this is the first request.
    pub(in crate::runtime) fn close_within(&self, most: Duration) -> bool {
        let deadline = Instant::now() + most.min(self.drain);
        let (first, waiting, end) = {
            let mut state = self.state.lock();
            let first = state.deadline.is_none();
            let earlier = state.deadline.is_none_or(|present| deadline < present);
            if earlier {
                state.deadline = Some(deadline);
            }
            (first, if earlier { state.on_earlier_deadline.clone() } else { Vec::new() }, state.end.take())
        };
        self.changed.notify_all();
        for waiting in waiting {
            waiting.wake();
        }
        if let Some(end) = end {
            end();
        }
        first
    }

    /// Sets the function to call when the shutdown is requested. If it was requested already, `end` is called at once.
    pub(in crate::runtime) fn on_close(&self, end: impl FnOnce() + Send + 'static) {
        {
            let mut state = self.state.lock();
            if state.deadline.is_none() {
                state.end = Some(Box::new(end));
                return;
            }
        }
        end();
    }

    /// Handles a signal that asks the process to end; see [`Running::signal`](crate::runtime::Running::signal).
    pub(in crate::runtime) fn signal(&self, number: i32) -> Option<u8> {
        let (again, closed) = {
            let mut state = self.state.lock();
            let again = state.signal.is_some();
            state.signal.get_or_insert(number);
            (again, state.closed)
        };
        if again {
            return Some(u8::try_from(128 + number).unwrap_or(u8::MAX));
        }
        if closed {
            return Some(self.exit_code());
        }
        if !self.close() {
            self.close_within(Duration::ZERO);
        }
        None
    }

    pub(in crate::runtime) fn exit_code(&self) -> u8 {
        let state = self.state.lock();
        match (state.signal, &state.fault) {
            (Some(SIGINT), _) => 128 + SIGINT as u8,
            (_, Some(_)) => 1,
            _ => 0,
        }
    }

    /// Records a failure of the engine. Only the first reason is stored and returned to the program.
    pub(in crate::runtime) fn fail(&self, why: String) {
        self.state.lock().fault.get_or_insert(why);
    }

    /// The failure of the engine as an error, if there is one.
    pub(in crate::runtime) fn fault(&self) -> Option<Error> {
        let state = self.state.lock();
        state
            .fault
            .as_ref()
            .map(|why| Error::new(ErrorKind::Panic, format!("the server ended because {why}")))
    }

    /// The time that calls in flight may take. A caller can ask for less.
    pub(in crate::runtime) fn drain(&self) -> Duration {
        self.drain
    }

    /// Whether the shutdown was requested.
    pub(in crate::runtime) fn is_ending(&self) -> bool {
        self.state.lock().deadline.is_some()
    }

    /// The time when calls in flight are cancelled. The value is meaningful only after the shutdown was requested.
    pub(in crate::runtime) fn deadline(&self) -> Instant {
        self.state.lock().deadline.unwrap_or_else(Instant::now)
    }

    /// Sets `wake` to be called when the deadline becomes earlier, for code that waits on its own.
    pub(in crate::runtime) fn on_earlier_deadline(&self, wake: Arc<dyn Wake>) {
        self.state.lock().on_earlier_deadline.push(wake);
    }

    /// Records the result of the start. A failed start ends the server.
    pub(in crate::runtime) fn set_start(&self, begun: StartState) {
        let failed = matches!(begun, StartState::Failed(_));
        let waiting = {
            let mut state = self.state.lock();
            state.start = Some(begun);
            std::mem::take(&mut state.on_start_known)
        };
        self.changed.notify_all();
        self.start_known.notify_waiters();
        for wake in waiting {
            wake.wake();
        }
        if failed {
            self.close_within(Duration::ZERO);
        }
    }

    /// The result of the start; `None` until it is known.
    pub(in crate::runtime) fn start_result(&self) -> Option<Result<(), Error>> {
        self.state.lock().start.as_ref().map(|begun| match begun {
            StartState::Started => Ok(()),
            StartState::Failed(why) => Err(Error::new(ErrorKind::Start, why.clone())),
            StartState::Cut => {
                Err(Error::new(ErrorKind::State, "the server was closed before its start was complete"))
            }
        })
    }

    /// Blocks until the result of the start is known.
    pub(in crate::runtime) fn wait_for_start(&self) {
        let mut state = self.state.lock();
        self.changed.wait_while(&mut state, |state| state.start.is_none());
    }

    /// Waits until the result of the start is known. The future may be dropped at any time.
    pub(in crate::runtime) async fn start_known(&self) {
        // Registered before the check, as in `closed`.
        let start_known = self.start_known.notified();
        let open = self.state.lock().start.is_none();
        if open {
            start_known.await;
        }
    }

    /// Sets `wake` to be called when the result of the start is known.
    pub(in crate::runtime) fn on_start_known(&self, wake: Arc<dyn Wake>) {
        {
            let mut state = self.state.lock();
            if state.start.is_none() {
                state.on_start_known.push(wake);
                return;
            }
        }
        wake.wake();
    }

    /// Blocks until `done` returns `true`, or until the deadline plus `more`. Code that changes the result of `done`
    /// must wake this lifecycle.
    pub(in crate::runtime) fn wait_until(&self, more: Duration, done: impl Fn() -> bool) {
        let mut state = self.state.lock();
        while !done() {
            let until = state.deadline.unwrap_or_else(Instant::now) + more;
            if Instant::now() >= until {
                return;
            }
            self.changed.wait_until(&mut state, until);
        }
    }

    pub(in crate::runtime) fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// Blocks until the server has ended. Returns `false` if it has not ended within `timeout`.
    pub(in crate::runtime) fn wait(&self, timeout: Option<Duration>) -> bool {
        let mut state = self.state.lock();
        let running = |state: &mut State| !state.closed;
        match timeout {
            None => self.changed.wait_while(&mut state, running),
            Some(timeout) => {
                self.changed.wait_while_for(&mut state, running, timeout);
            }
        }
        state.closed
    }

    /// Like [`Lifecycle::wait`], as a future, which may be dropped at any time.
    pub(in crate::runtime) async fn closed(&self) {
        // Registered before the check, so that an end after the check notifies it.
        let ended = self.ended.notified();
        if !self.is_closed() {
            ended.await;
        }
    }

    pub(in crate::runtime) fn on_closed(&self, wake: Arc<dyn Wake>) {
        {
            let mut state = self.state.lock();
            if !state.closed {
                state.on_closed.push(wake);
                return;
            }
        }
        wake.wake();
    }

    pub(in crate::runtime) fn finish(&self) {
        let waiting = {
            let mut state = self.state.lock();
            state.closed = true;
            state.on_earlier_deadline.clear();
            std::mem::take(&mut state.on_closed)
        };
        self.changed.notify_all();
        self.ended.notify_waiters();
        for wake in waiting {
            wake.wake();
        }
    }
}

/// Wakes the threads in [`Lifecycle::wait_until`], because their condition may have changed.
impl Wake for Lifecycle {
    fn wake(&self) {
        // The lock orders this wake after the waiter's check of its condition.
        drop(self.state.lock());
        self.changed.notify_all();
    }
}
