//! The beginning and the end of a server that is served, as its program hears of them: `start` before the first call runs,
//! `stop` after the last has ended.
//!
//! The hooks are the server's own and those of what is mounted in it, one after the other, each server once. Their calls are
//! calls like others, but neither wait for the start nor are refused because the server closes.

use super::arrival::Arrival;
use super::ending::End;
use super::engine::{Accepted, Engine};
use super::lane::LaneId;
use super::mounts::Part;
use super::notices::nobody;
use super::op::{CallContext, Outcome};
use super::port::HostPort;
use super::requests::Start;
use super::shared::{Shared, Thread};
use super::sink::{Delivery, Outgoing, Sink};
use super::{Registered, Target};
use crate::dispatch::calls::CallId;
use crate::json::JsonSlice;
use crate::locks::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

const START: &str = "start";
const STOP: &str = "stop";

/// Where a server stands between the two.
pub(crate) struct Life {
    /// Calls run.
    open: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Calls that wait for the start, in the order in which they came.
    held: Vec<CallId>,
    /// Those that are still to be told of the start.
    starting: Vec<Part>,
    /// Those that have been.
    started: Vec<Part>,
    /// No further one is told of the start.
    halted: bool,
}

/// What became of the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// Calls run.
    Started,
    /// A handler failed; the sentence names it and says why.
    Failed(String),
    /// The server's end came first.
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
    /// Has a call wait for the start; `false` if that has come.
    pub(super) fn hold(&self, id: CallId, context: &CallContext) -> bool {
        // What the engine serves of itself needs nothing of the program's.
        if self.life.is_open() || matches!(context.target(), Target::Aside(_)) {
            return false;
        }
        let mut state = self.life.state.lock();
        if self.life.is_open() {
            return false;
        }
        if state.held.len() == state.held.capacity() {
            state.held.retain(|held| self.calls.with(*held, |_| ()).is_some());
        }
        state.held.push(id);
        true
    }

    /// Runs what has waited, and lets calls run from now on.
    fn open(&self, port: &HostPort) {
        loop {
            let held = {
                let mut state = self.life.state.lock();
                if state.held.is_empty() {
                    // Only now: what comes later stays behind what came before.
                    self.life.open.store(true, Ordering::Release);
                    return;
                }
                std::mem::take(&mut state.held)
            };
            for id in held {
                let now = self.now();
                let found = self.with_deadline(id, |flight, deadline| {
                    *deadline = now.checked_add(flight.timeout);
                    (flight.input.clone(), flight.context.clone())
                });
                if let Some((input, context)) = found {
                    self.run_now(port, id, input, context, Thread::Other);
                }
            }
        }
    }
}

impl Engine {
    /// Before the first client is let in: has calls wait if anybody is to be told of the start.
    pub(crate) fn begin_life(&self) {
        let mut parts = self.parts();
        parts.reverse();
        let waits = parts.iter().any(|part| part.hook(START).is_some());
        let mut state = self.0.life.state.lock();
        *state = State { starting: parts, ..State::default() };
        self.0.life.open.store(!waits, Ordering::Release);
    }

    /// Whether somebody who is to be told of the start runs in a lane.
    pub(crate) fn starts_on(&self, lane: LaneId) -> bool {
        let hooks = self.parts().into_iter().filter_map(|part| part.hook(START));
        hooks.into_iter().any(|hook| match &hook.target {
            Target::Lane { lane: own, .. } | Target::Inline { lane: own, .. } => *own == lane,
            Target::Local(_) | Target::Aside(_) => false,
        })
    }

    /// Tells of the start, one after the other, and then lets calls run. `done` is called once.
    pub(crate) fn tell_start(&self, done: impl FnOnce(Begun) + Send + 'static) {
        self.start_next(Box::new(done));
    }

    /// Tells nobody more of the start.
    pub(crate) fn halt_start(&self) {
        self.0.life.state.lock().halted = true;
    }

    /// Tells those of the stop who were told of the start, in the opposite order. `done` is called once; time-outs see to it.
    pub(crate) fn tell_stop(&self, done: impl FnOnce() + Send + 'static) {
        self.stop_next(Box::new(done));
    }

    /// Neither served nor about to be.
    pub(super) fn end_life(&self) {
        let before = {
            let mut state = self.0.life.state.lock();
            self.0.life.open.store(true, Ordering::Release);
            std::mem::take(&mut *state)
        };
        drop(before);
    }

    fn start_next(&self, done: Box<dyn FnOnce(Begun) + Send>) {
        loop {
            let (next, halted) = {
                let mut state = self.0.life.state.lock();
                (state.starting.pop(), state.halted)
            };
            let Some(part) = next else {
                self.0.open(&self.port());
                return done(Begun::Started);
            };
            let started = |engine: &Engine, part: Part| engine.0.life.state.lock().started.push(part);
            let Some(hook) = part.hook(START) else {
                started(self, part);
                continue;
            };
            if halted {
                return done(Begun::Cut);
            }
            return self.tell_hook(hook, move |engine, begun| match begun {
                Begun::Started => {
                    started(engine, part);
                    engine.start_next(done);
                }
                failed => done(failed),
            });
        }
    }

    fn stop_next(&self, done: Box<dyn FnOnce() + Send>) {
        loop {
            let Some(part) = self.0.life.state.lock().started.pop() else { return done() };
            if let Some(hook) = part.hook(STOP) {
                // What failed has been logged.
                return self.tell_hook(hook, move |engine, _| engine.stop_next(done));
            }
        }
    }

    /// Runs one hook.
    fn tell_hook(&self, entry: Arc<Registered>, then: impl FnOnce(&Engine, Begun) + Send + 'static) {
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
            client: nobody(),
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
            // Looked at once the call is in the table: who ends the server finds it there, or its end is seen here.
            Ok(Accepted::Started(call) | Accepted::Pending(call)) if starts => {
                if self.0.life.state.lock().halted {
                    self.0.end(call, End::Closing);
                }
            }
            Ok(_) => {}
            Err(error) => {
                self.0.blame(|| format!("{word} is not told: {}", error.message));
                sink.outcome(&Outcome::Failed(error.message.to_string()));
                sink.send(Outgoing::Dropped);
            }
        }
    }
}

type Then = Box<dyn FnOnce(&Engine, Begun) + Send>;

/// Waits for the end of one hook.
struct Told {
    engine: Engine,
    word: String,
    /// Nothing before the handler has come to something; then why it failed, if it did.
    failure: Mutex<Option<Option<String>>>,
    then: Mutex<Option<Then>>,
}

impl Sink for Told {
    fn send(&self, message: Outgoing) -> Delivery {
        // What the handler says meanwhile has nobody to go to.
        let Outgoing::Dropped = message else { return Delivery::Gone };
        let then = self.then.lock().take();
        if let Some(then) = then {
            let begun = match self.failure.lock().take() {
                None => Begun::Cut,
                Some(None) => Begun::Started,
                Some(Some(why)) if why.starts_with(&self.word) => Begun::Failed(why),
                Some(Some(why)) => Begun::Failed(format!("{} failed: {why}", self.word)),
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
