//! The `start` and `stop` hooks of a server. `start` runs before the first call, `stop` after the last call has
//! ended.
//!
//! The hooks of the server and of all servers mounted in it run one after the other, each server's once. A hook runs
//! as a call. Unlike other calls, it does not wait for the start, and the engine does not refuse it while the server
//! closes.

use crate::dispatch::calls::table::CallId;
use crate::host::calls::arrival::Arrival;
use crate::host::calls::completion::End;
use crate::host::calls::op::{CallContext, Outcome};
use crate::host::calls::requests::Start;
use crate::host::delivery::sink::{Delivery, Outgoing, Sink};
use crate::host::engine::{Accepted, Engine};
use crate::host::engine_state::{Shared, Thread};
use crate::host::lanes::lane::LaneId;
use crate::host::lanes::port::HostPort;
use crate::host::mounts::Part;
use crate::host::session::notifications::anonymous_client;
use crate::host::{Registered, Target};
use crate::json::JsonSlice;
use crate::locks::Mutex;
use crate::proto::messages::error::RpcError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

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
    telling: bool,
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

    /// Takes out the calls that no longer wait for a start. Order is kept: while any such calls are left, later calls
    /// wait too.
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
    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }
}

impl Shared {
    /// Makes a call wait for the start, or fails it if the start has failed. Returns `false` if the call may run.
    pub(super) fn hold(&self, id: CallId, context: &CallContext) -> bool {
        // The engine's own entries do not depend on the program's start.
        if self.life.is_open() || matches!(context.target(), Target::Builtin(_)) {
            return false;
        }
        let part = context.entry.part;
        {
            let mut state = self.life.state.lock();
            if self.life.is_open() {
                return false;
            }
            if state.waits(part) {
                if state.held.len() == state.held.capacity() {
                    state.held.retain(|(_, held)| self.calls.with(*held, |_| ()).is_some());
                }
                state.held.push((part, id));
                return true;
            }
            if !state.has_failed(part) {
                return false;
            }
        }
        self.fail(id, &not_started(context));
        true
    }

    /// Whether a call waits for the start.
    pub(super) fn is_held(&self, id: CallId) -> bool {
        !self.life.is_open() && self.life.state.lock().held.iter().any(|(_, held)| *held == id)
    }

    /// Runs the calls that waited.
    fn run_held(&self, port: &HostPort, held: Vec<CallId>) {
        for id in held {
            let now = self.now();
            let found = self.with_deadline(id, |flight, deadline| {
                *deadline = now.checked_add(flight.timeout);
                (flight.input.clone(), flight.context.clone())
            });
            let Some((input, context)) = found else { continue };
            if self.life.state.lock().has_failed(context.entry.part) {
                self.fail(id, &not_started(&context));
            } else {
                self.acquire_and_run(port, id, input, context, Thread::Other);
            }
        }
    }
}

fn not_started(context: &CallContext) -> RpcError {
    RpcError::internal(format!("{}: the server that it is of has not started", context.entry))
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
        *state = State { begun: true, telling: true, first, awaited, starting: parts, ..State::default() };
        self.0.life.open.store(!first, Ordering::Release);
    }

    pub(super) fn has_begun(&self) -> bool {
        self.0.life.state.lock().begun
    }

    /// Makes calls of newly mounted servers wait for their own start and for that of the servers they are mounted in.
    /// If a mount then fails, the server is removed again.
    pub(super) fn expect_parts(&self) {
        let parts = self.parts();
        let mut state = self.0.life.state.lock();
        if !state.begun {
            // The server has ended meanwhile.
            return;
        }
        let is_part = |number| parts.iter().any(|part| part.number() == number);
        state.starting.retain(|part| is_part(part.number()));
        state.awaited.retain(|part| is_part(*part));
        let awaited = parts.iter().filter(|part| state.awaited.contains(&part.number()));
        let mut waiting: Vec<usize> = awaited.flat_map(Part::within).collect();
        let new: Vec<Part> = parts.into_iter().filter(|part| !state.knows(part.number())).collect();
        for part in new {
            if part.hook(START).is_some() {
                waiting.extend(part.within());
                self.0.life.open.store(false, Ordering::Release);
            }
            if waiting.contains(&part.number()) {
                state.awaited.push(part.number());
            }
            state.starting.insert(0, part);
        }
    }

    /// Removes servers that were just unmounted. If a server's start hook has not run yet, it will not run, and the
    /// waiting calls of that server fail. If it has run, the stop hook runs at the end.
    pub(super) fn forget_parts(&self) {
        let parts = self.parts();
        let is_part = |part: &Part| parts.iter().any(|known| known.number() == part.number());
        let (gone, refused) = {
            let mut state = self.0.life.state.lock();
            let (starting, gone): (Vec<_>, Vec<_>) =
                std::mem::take(&mut state.starting).into_iter().partition(is_part);
            state.starting = starting;
            state.awaited.retain(|part| gone.iter().all(|gone| gone.number() != *part));
            let unstarted = gone.iter().filter(|part| part.hook(START).is_some()).flat_map(Part::within);
            let unstarted: Vec<usize> =
                unstarted.filter(|part| parts.iter().all(|known| known.number() != *part)).collect();
            let (refused, held) = state.held.drain(..).partition(|(part, _)| unstarted.contains(part));
            state.held = held;
            let is_told = |part: &Part| part.hook(START).is_some() || part.hook(STOP).is_some();
            let (started, idle): (Vec<_>, Vec<_>) = std::mem::take(&mut state.started)
                .into_iter()
                .partition(|part| is_part(part) || is_told(part));
            state.started = started;
            let refused: Vec<(usize, CallId)> = refused;
            ((gone, idle), refused)
        };
        for (_, id) in refused {
            if let Some(context) = self.0.calls.with(id, |flight| flight.context.clone()) {
                self.0.fail(id, &not_started(&context));
            }
        }
        drop(gone);
    }

    /// Runs the start hooks of newly mounted servers, unless another thread is running hooks.
    pub(super) fn start_parts(&self) {
        let mut state = self.0.life.state.lock();
        if state.begun && !std::mem::replace(&mut state.telling, true) {
            drop(state);
            self.start_next(None);
        }
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
    pub(crate) fn tell_start(&self, done: impl FnOnce(StartState) + Send + 'static) {
        self.start_next(Some(Box::new(done)));
    }

    /// Runs no further start hooks.
    pub(crate) fn halt_start(&self) {
        self.0.life.state.lock().halted = true;
    }

    /// Runs the stop hooks of the servers whose start hook ran, in the opposite order. `done` is called once;
    /// timeouts ensure this.
    pub(crate) fn tell_stop(&self, done: impl FnOnce() + Send + 'static) {
        let done = Box::new(done);
        let mut state = self.0.life.state.lock();
        if state.telling {
            // A server that is starting now gets its stop hook too.
            state.stop = Some(done);
        } else {
            drop(state);
            self.stop_next(done);
        }
    }

    /// Marks the server as neither served nor about to be.
    pub(super) fn end_life(&self) {
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
                    return self.tell_hook(hook, move |engine, begun| engine.start_told(part, begun, done));
                }
                Step::Run(held) => self.0.run_held(&self.port(), held),
                Step::End(begun) => return self.end_telling(begun, done.take()),
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
        // Only now, so that later calls stay behind earlier ones.
        state.first = false;
        state.awaited.clear();
        life.open.store(state.failed.is_empty(), Ordering::Release);
        Step::End(StartState::Started)
    }

    /// Handles the end of one start hook.
    fn start_told(&self, part: Part, begun: StartState, done: Option<Done>) {
        let mut state = self.0.life.state.lock();
        match begun {
            StartState::Started => state.started.push(part),
            StartState::Failed(why) if done.is_none() => {
                state.failed.push(part);
                drop(state);
                self.0.log_handler_fault(|| format!("what was mounted does not run: {why}"));
                return self.start_next(None);
            }
            begun => {
                state.halted = true;
                drop(state);
                return self.end_telling(begun, done);
            }
        }
        drop(state);
        self.start_next(done);
    }

    fn end_telling(&self, begun: StartState, done: Option<Done>) {
        let (stop, more) = {
            let mut state = self.0.life.state.lock();
            let more = begun == StartState::Started && !state.starting.is_empty();
            state.telling = more;
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
                return self.tell_hook(hook, then);
            }
        }
    }

    /// Runs one hook.
    fn tell_hook(&self, entry: Arc<Registered>, then: impl FnOnce(&Engine, StartState) + Send + 'static) {
        let limits = self.limits();
        let most = if entry.name == START { limits.start_timeout } else { limits.stop_timeout };
        let timeout = entry.timeout.unwrap_or(most);
        let word = entry.to_string();
        let sink = Arc::new(Told {
            engine: self.clone(),
            word: word.clone(),
            failure: Mutex::default(),
            then: Mutex::new(Some(Box::new(then))),
        });
        let context = Arc::new(CallContext {
            request_id: None,
            client: anonymous_client(),
            meta: None,
            session_id: None,
            entry,
            uri: None,
            progress_token: None,
            arrival: Arrival::default(),
            task_id: OnceLock::new(),
            state: OnceLock::new(),
            around: None,
        });
        let start =
            Start { thread: Thread::Other, life: Some(timeout), ..Start::of(JsonSlice::empty_object()) };
        let nowhere: Arc<dyn Sink> = sink.clone();
        let starts = context.entry.name == START;
        match self.start_for(None, context, start, &nowhere) {
            // Checked after the call is in the table: either the thread that ends the server finds it there, or this
            // check sees the end.
            Ok(Accepted::Started(call) | Accepted::Pending(call)) if starts => {
                if self.0.life.state.lock().halted {
                    self.0.end(call, End::Closing);
                }
            }
            Ok(_) => {}
            Err(error) => {
                self.0.log_handler_fault(|| format!("{word} is not told: {}", error.message));
                sink.outcome(&Outcome::Failed(error.message.to_string()));
                sink.send(Outgoing::Dropped);
            }
        }
    }
}

type Then = Box<dyn FnOnce(&Engine, StartState) + Send>;

/// Waits for the end of one hook's call.
struct Told {
    engine: Engine,
    word: String,
    /// `None` until the handler has ended; then the reason if it failed.
    failure: Mutex<Option<Option<String>>>,
    then: Mutex<Option<Then>>,
}

impl Sink for Told {
    fn send(&self, message: Outgoing) -> Delivery {
        // Other messages of the handler have no receiver.
        let Outgoing::Dropped = message else { return Delivery::Gone };
        let then = self.then.lock().take();
        if let Some(then) = then {
            let begun = match self.failure.lock().take() {
                None => StartState::Cut,
                Some(None) => StartState::Started,
                Some(Some(why)) if why.starts_with(&self.word) => StartState::Failed(why),
                Some(Some(why)) => StartState::Failed(format!("{} failed: {why}", self.word)),
            };
            then(&self.engine, begun);
        }
        Delivery::Gone
    }

    fn outcome(&self, outcome: &Outcome) {
        let failure = match outcome {
            Outcome::Failed(why) | Outcome::Exception(why) => Some(why.clone()),
            Outcome::Error(error) => Some(error.to_string()),
            _ => None,
        };
        *self.failure.lock() = Some(failure);
    }
}
