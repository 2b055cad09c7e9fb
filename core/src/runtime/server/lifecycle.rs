//! The shutdown of a server: the state that the transports, the program and the shutdown thread share.

use crate::error::{Error, ErrorKind};
use crate::host::{StartState, Wake};
use crate::locks::{Condvar, Mutex};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// How long what is answered already may take to be written once calls in flight have had their time.
pub(in crate::runtime) const FLUSH: Duration = Duration::from_millis(300);

const SIGINT: i32 = 2;

/// The end of one start, from the first wish for it to the last thing done.
pub(crate) struct Lifecycle {
    /// How long calls in flight may take if nobody wants less.
    drain: Duration,
    state: Mutex<State>,
    changed: Condvar,
    ended: Notify,
    settled: Notify,
}

#[derive(Default)]
struct State {
    /// When calls in flight are cut off, once the end was asked for; only ever moves closer.
    deadline: Option<Instant>,
    closed: bool,
    /// What became of the start, once that is known.
    begun: Option<StartState>,
    on_begun: Vec<Arc<dyn Wake>>,
    signal: Option<i32>,
    /// What the engine itself did wrong.
    fault: Option<String>,
    on_closed: Vec<Arc<dyn Wake>>,
    on_hurry: Vec<Arc<dyn Wake>>,
    /// Begins the end.
    end: Option<Box<dyn FnOnce() + Send>>,
}

impl Lifecycle {
    pub(in crate::runtime) fn new(drain: Duration) -> Arc<Lifecycle> {
        let (ended, settled) = (Notify::new(), Notify::new());
        Arc::new(Lifecycle { drain, state: Mutex::default(), changed: Condvar::new(), ended, settled })
    }

    /// Asks for a graceful end; returns at once. Says whether nobody had asked before.
    pub(crate) fn close(&self) -> bool {
        self.close_within(self.drain)
    }

    /// Asks for an end that leaves calls in flight no more than `most`; a deadline that is earlier stays.
    pub(in crate::runtime) fn close_within(&self, most: Duration) -> bool {
        let deadline = Instant::now() + most.min(self.drain);
        let (first, hurried, end) = {
            let mut state = self.state.lock();
            let first = state.deadline.is_none();
            let earlier = state.deadline.is_none_or(|present| deadline < present);
            if earlier {
                state.deadline = Some(deadline);
            }
            (first, if earlier { state.on_hurry.clone() } else { Vec::new() }, state.end.take())
        };
        self.changed.notify_all();
        for hurried in hurried {
            hurried.wake();
        }
        if let Some(end) = end {
            end();
        }
        first
    }

    /// Has `end` called once the end is asked for; at once if it has been.
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

    /// A signal that asks the process to end; see [`Running::signal`](crate::runtime::Running::signal).
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

    /// The engine has failed: the program that serves is told so, with the first reason.
    pub(in crate::runtime) fn fail(&self, why: String) {
        self.state.lock().fault.get_or_insert(why);
    }

    /// Why the engine has failed, if it has.
    pub(in crate::runtime) fn fault(&self) -> Option<Error> {
        let state = self.state.lock();
        state
            .fault
            .as_ref()
            .map(|why| Error::new(ErrorKind::Panic, format!("the server ended because {why}")))
    }

    /// How long calls in flight may take if nobody wants less.
    pub(in crate::runtime) fn drain(&self) -> Duration {
        self.drain
    }

    /// Whether the end was asked for.
    pub(in crate::runtime) fn is_ending(&self) -> bool {
        self.state.lock().deadline.is_some()
    }

    /// When calls in flight are cut off. Only once the end was asked for.
    pub(in crate::runtime) fn deadline(&self) -> Instant {
        self.state.lock().deadline.unwrap_or_else(Instant::now)
    }

    /// Has `wake` called when the deadline moves closer, for a wait of its own.
    pub(in crate::runtime) fn on_hurry(&self, wake: Arc<dyn Wake>) {
        self.state.lock().on_hurry.push(wake);
    }

    /// The start has come to this. A failure ends the server.
    pub(in crate::runtime) fn begin(&self, begun: StartState) {
        let failed = matches!(begun, StartState::Failed(_));
        let waiting = {
            let mut state = self.state.lock();
            state.begun = Some(begun);
            std::mem::take(&mut state.on_begun)
        };
        self.changed.notify_all();
        self.settled.notify_waiters();
        for wake in waiting {
            wake.wake();
        }
        if failed {
            self.close_within(Duration::ZERO);
        }
    }

    /// What became of the start; nothing while that is open.
    pub(in crate::runtime) fn begun(&self) -> Option<Result<(), Error>> {
        self.state.lock().begun.as_ref().map(|begun| match begun {
            StartState::Started => Ok(()),
            StartState::Failed(why) => Err(Error::new(ErrorKind::Start, why.clone())),
            StartState::Cut => {
                Err(Error::new(ErrorKind::State, "the server was closed before its start had come to an end"))
            }
        })
    }

    /// Blocks until it is known what became of the start.
    pub(in crate::runtime) fn wait_begun(&self) {
        let mut state = self.state.lock();
        self.changed.wait_while(&mut state, |state| state.begun.is_none());
    }

    /// The same; a future that is dropped leaves nothing behind.
    pub(in crate::runtime) async fn settled(&self) {
        // Before the look, as in `closed`.
        let settled = self.settled.notified();
        let open = self.state.lock().begun.is_none();
        if open {
            settled.await;
        }
    }

    /// Has `wake` called once it is known what became of the start.
    pub(in crate::runtime) fn on_begun(&self, wake: Arc<dyn Wake>) {
        {
            let mut state = self.state.lock();
            if state.begun.is_none() {
                state.on_begun.push(wake);
                return;
            }
        }
        wake.wake();
    }

    /// Blocks until `done`, at most until `more` after the deadline. Whatever makes it done must wake this.
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

    /// Blocks until the server has ended; `false` if it has not after `timeout`.
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

    /// Like [`Lifecycle::wait`]; a future that is dropped leaves nothing behind.
    pub(in crate::runtime) async fn closed(&self) {
        // Before the look: an end from now on is told to it.
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
            state.on_hurry.clear();
            std::mem::take(&mut state.on_closed)
        };
        self.changed.notify_all();
        self.ended.notify_waiters();
        for wake in waiting {
            wake.wake();
        }
    }
}

/// Something that [`Lifecycle::wait_until`] waits for may have happened.
impl Wake for Lifecycle {
    fn wake(&self) {
        // Taking the lock orders this after the waiter's look at the condition.
        drop(self.state.lock());
        self.changed.notify_all();
    }
}
