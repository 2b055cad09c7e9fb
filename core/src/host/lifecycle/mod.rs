//! The `start` and `stop` hooks of a server. `start` runs before the first call, `stop` after the last call has
//! ended.
//!
//! The hooks of the server and of all servers mounted in it run one after the other, each server's once. A hook runs
//! as a call. Unlike other calls, it does not wait for the start, and the engine does not refuse it while the server
//! closes.

mod hook;
mod mounted;
mod waiting;

use crate::dispatch::calls::table::CallId;
use crate::host::engine::Engine;
use crate::host::lanes::lane::LaneId;
use crate::host::mounts::Part;
use crate::host::{Registered, Target};
use crate::locks::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
pub(super) use waiting::{StartGate, not_started};

const START: &str = "start";
const STOP: &str = "stop";

/// The state of a server's start and stop.
pub(crate) struct Life {
    /// All calls may run.
    open: AtomicBool,
    state: Mutex<State>,
}

type Done = Box<dyn FnOnce(StartState) + Send>;

#[derive(Default)]
struct State {
    /// The server is served, or about to be.
    begun: bool,
    /// A thread is running the start hooks.
    running_hooks: bool,
    /// All calls wait.
    first: bool,
    /// Calls that wait for the start, in the order in which they arrived, with the number of each call's server.
    held: Vec<(usize, CallId)>,
    /// Servers whose start hook has not run yet, the next one last.
    starting: Vec<Part>,
    /// Numbers of the servers whose calls wait. Their start hook has not finished, or their waiting calls have not
    /// run yet.
    awaited: Vec<usize>,
    /// Servers whose start hook has run.
    started: Vec<Part>,
    /// Servers that were mounted later and whose start failed. They are kept so that no other server gets their
    /// numbers.
    failed: Vec<Part>,
    /// No further start hooks run.
    halted: bool,
    /// Runs when the start hooks have ended.
    stop: Option<Box<dyn FnOnce() + Send>>,
}

impl State {
    /// Whether a call of an entry of this server waits.
    fn waits(&self, part: usize) -> bool {
        self.first || self.awaited.contains(&part)
    }

    /// Takes out the calls that no longer wait for a start. The order of calls is kept: as long as this returns calls,
    /// later calls wait too.
    fn take_ready(&mut self) -> Vec<CallId> {
        if self.first {
            return Vec::new();
        }
        let told =
            |part| [&self.started, &self.failed].into_iter().flatten().any(|told| told.number() == part);
        let waits = |part| self.awaited.contains(&part) && !told(part);
        let (held, ready): (Vec<_>, Vec<_>) = self.held.iter().copied().partition(|(part, _)| waits(*part));
        if ready.is_empty() {
            let awaited = self.awaited.iter().copied().filter(|part| !told(*part)).collect();
            self.awaited = awaited;
        } else {
            self.held = held;
        }
        ready.into_iter().map(|(_, id)| id).collect()
    }

    fn has_failed(&self, part: usize) -> bool {
        self.failed.iter().any(|failed| failed.number() == part)
    }

    fn knows(&self, part: usize) -> bool {
        self.awaited.contains(&part)
            || [&self.starting, &self.started, &self.failed]
                .into_iter()
                .flatten()
                .any(|known| known.number() == part)
    }
}

/// The next step of the start.
enum Step {
    Tell(Part, Arc<Registered>),
    Run(Vec<CallId>),
    End(StartState),
}

/// The result of the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StartState {
    /// Calls run.
    Started,
    /// A handler failed. The text names it and gives the reason.
    Failed(String),
    /// The server ended before the start was complete.
    Cut,
}

impl Default for Life {
    fn default() -> Life {
        Life { open: AtomicBool::new(true), state: Mutex::default() }
    }
}

impl Life {
    pub(in crate::host) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }
}

impl Engine {
    /// Called before the first client is accepted: makes calls wait if any server has a start hook.
    pub(crate) fn begin_life(&self) {
        let mut state = self.0.life.state.lock();
        // Under the lock: a server that is mounted meanwhile is found here, or sees that this server has begun.
        let mut parts = self.parts();
        parts.reverse();
        let first = parts.iter().any(|part| part.hook(START).is_some());
        let awaited = parts.iter().map(Part::number).filter(|_| first).collect();
        *state =
            State { begun: true, running_hooks: true, first, awaited, starting: parts, ..State::default() };
        self.0.life.open.store(!first, Ordering::Release);
    }

    pub(in crate::host) fn has_begun(&self) -> bool {
        self.0.life.state.lock().begun
    }

    /// Whether a start hook that has yet to run uses this lane.
    pub(crate) fn starts_on(&self, lane: LaneId) -> bool {
        let hooks = self.parts().into_iter().filter_map(|part| part.hook(START));
        hooks.into_iter().any(|hook| match &hook.target {
            Target::Lane { lane: own, .. } | Target::Inline { lane: own, .. } => *own == lane,
            Target::Local(_) | Target::Builtin(_) => false,
        })
    }

    /// Runs the start hooks one after the other, and then lets calls run. `done` is called once.
    pub(crate) fn run_start_hooks(&self, done: impl FnOnce(StartState) + Send + 'static) {
        self.start_next(Some(Box::new(done)));
    }

    /// Runs no further start hooks.
    pub(crate) fn halt_start(&self) {
        self.0.life.state.lock().halted = true;
    }

    /// Runs the stop hooks of the servers whose start hook ran, in the opposite order. `done` is called once;
    /// timeouts ensure this.
    pub(crate) fn run_stop_hooks(&self, done: impl FnOnce() + Send + 'static) {
        let done = Box::new(done);
        let mut state = self.0.life.state.lock();
        if state.running_hooks {
            // A server that is starting now gets its stop hook too.
            state.stop = Some(done);
        } else {
            drop(state);
            self.stop_next(done);
        }
    }

    /// Marks the server as neither served nor about to be.
    pub(in crate::host) fn end_life(&self) {
        let before = {
            let mut state = self.0.life.state.lock();
            self.0.life.open.store(true, Ordering::Release);
            std::mem::take(&mut *state)
        };
        drop(before);
    }

    /// Runs the next start hook. For servers that were mounted after the start, there is no `done`.
    fn start_next(&self, mut done: Option<Done>) {
        loop {
            match self.next_step() {
                Step::Tell(part, hook) => {
                    return self
                        .run_hook(hook, move |engine, begun| engine.start_hook_ended(part, begun, done));
                }
                Step::Run(held) => self.0.run_waiting(&self.port(), held),
                Step::End(begun) => return self.finish_start(begun, done.take()),
            }
        }
    }

    fn next_step(&self) -> Step {
        let life = &self.0.life;
        let mut state = life.state.lock();
        loop {
            // Before the next hook, which may take long or may need a server that has started.
            let ready = state.take_ready();
            if !ready.is_empty() {
                return Step::Run(ready);
            }
            let Some(part) = state.starting.pop() else { break };
            match part.hook(START) {
                None => state.started.push(part),
                Some(_) if state.halted => {
                    state.starting.push(part);
                    return Step::End(StartState::Cut);
                }
                Some(hook) => {
                    if !state.awaited.contains(&part.number()) {
                        // The hook was registered after the mount.
                        state.awaited.push(part.number());
                    }
                    return Step::Tell(part, hook);
                }
            }
        }
        if !state.held.is_empty() {
            return Step::Run(std::mem::take(&mut state.held).into_iter().map(|(_, id)| id).collect());
        }
        // These flags change only after the waiting calls were taken, so that later calls do not overtake earlier
        // calls.
        state.first = false;
        state.awaited.clear();
        life.open.store(state.failed.is_empty(), Ordering::Release);
        Step::End(StartState::Started)
    }

    /// Handles the end of one start hook.
    fn start_hook_ended(&self, part: Part, begun: StartState, done: Option<Done>) {
        let mut state = self.0.life.state.lock();
        match begun {
            StartState::Started => state.started.push(part),
            StartState::Failed(why) if done.is_none() => {
                state.failed.push(part);
                drop(state);
                self.0.log_handler_fault(|| format!("a mounted server did not start: {why}"));
                return self.start_next(None);
            }
            begun => {
                state.halted = true;
                drop(state);
                return self.finish_start(begun, done);
            }
        }
        drop(state);
        self.start_next(done);
    }

    fn finish_start(&self, begun: StartState, done: Option<Done>) {
        let (stop, more) = {
            let mut state = self.0.life.state.lock();
            let more = begun == StartState::Started && !state.starting.is_empty();
            state.running_hooks = more;
            (state.stop.take_if(|_| !more), more)
        };
        if let Some(done) = done {
            done(begun);
        }
        if more {
            // Mounted in the meantime.
            self.start_next(None);
        }
        if let Some(stop) = stop {
            self.stop_next(stop);
        }
    }

    fn stop_next(&self, done: Box<dyn FnOnce() + Send>) {
        loop {
            let Some(part) = self.0.life.state.lock().started.pop() else { return done() };
            if let Some(hook) = part.hook(STOP) {
                // A failure has been logged already.
                let then = move |engine: &Engine, _| {
                    // The host's data for the server is needed until now.
                    drop(part);
                    engine.stop_next(done);
                };
                return self.run_hook(hook, then);
            }
        }
    }
}
