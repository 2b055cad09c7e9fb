//! The queue behind the worker threads, free of Python: who takes a call, who waits, when there should be one more.
//!
//! One worker that never lets go of the interpreter serves short functions best; functions that block need many. So
//! there is always one worker to spare, which takes over when the others have been stuck for a moment, and then starts
//! its own successor.
//!
//! What short functions came to is sent home together: while the next call that is ready is one of a function that was
//! short the last time, and the spare worker keeps an eye on it, the outcome before it may wait.

use crate::convert::write::Bounds;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tenon_mcp::locks::{Condvar, Mutex, MutexGuard};
use tenon_mcp::{
    Answer, AskError, AskId, CallId, HandlerId, HostCall, HostOp, HostPort, Lane, LaneId, Limits, Outcome,
    Wake,
};

/// The lane of `def` handlers.
pub(crate) const POOL: LaneId = LaneId(1);

/// A call that waits this long while every worker is busy is worth another worker. Longer than a thread may keep the
/// interpreter (5 ms): who waits for that is not stuck, and one more thread would not help.
const STUCK: Duration = Duration::from_millis(6);
/// A function that took no longer is short: the outcome of another call may wait for its end.
const SHORT: Duration = Duration::from_micros(100);
/// Outcomes that wait at most.
const MOST_HELD: usize = 16;
/// Workers beyond the spare one end after this long without work.
const IDLE: Duration = Duration::from_secs(30);
/// How often a worker that waits for an answer looks whether its call still is in flight.
const LOOK: Duration = Duration::from_secs(1);

pub(crate) struct Pool {
    port: HostPort,
    lane: Mutex<Option<Lane>>,
    /// Somebody woke the pool since the drainer looked.
    woken: AtomicBool,
    state: Mutex<State>,
    work: Condvar,
    answered: Condvar,
    cap: usize,
    queue_limit: usize,
    bounds: Bounds,
    process: u32,
}

#[derive(Default)]
struct State {
    ready: VecDeque<HostCall>,
    answers: HashMap<(CallId, AskId), Result<Answer, AskError>>,
    /// What followed the middleware of calls.
    followed: HashMap<CallId, Outcome>,
    /// What calls came to that have not been sent home. Only while something is ready, and watched.
    held: Vec<(CallId, Outcome)>,
    /// By handler, whether its function was short the last time.
    short: Vec<bool>,
    /// Workers there are, or that are being started.
    workers: usize,
    /// Workers that run a function.
    busy: usize,
    /// Functions that wait for an answer: no work ready need wait for them.
    waiting: usize,
    parked: usize,
    taken: u64,
    /// A parked worker keeps an eye on the queue.
    watched: bool,
    /// The busy workers are stuck: whoever is parked may take what is ready.
    stuck: bool,
    closed: bool,
}

/// A call for a worker, and whether it should start another worker before it runs it.
pub(crate) struct Taken {
    pub(crate) call: HostCall,
    pub(crate) grow: bool,
}

/// A call that a worker runs.
pub(crate) struct Run {
    id: CallId,
    handler: HandlerId,
    started: Instant,
}

impl Run {
    pub(crate) fn new(call: &HostCall) -> Run {
        // A chain counts as its outermost function; there may be no handler.
        let handler = call.middleware().next().unwrap_or(call.handler);
        Run { id: call.id, handler, started: Instant::now() }
    }
}

impl State {
    fn is_short(&self, handler: HandlerId) -> bool {
        self.short.get(handler.0 as usize).is_some_and(|short| *short)
    }

    fn note(&mut self, handler: HandlerId, short: bool) {
        let place = handler.0 as usize;
        if place >= self.short.len() {
            self.short.resize(place + 1, false);
        }
        self.short[place] = short;
    }

    fn forget(&mut self, call: CallId) {
        if !self.answers.is_empty() {
            self.answers.retain(|(other, _), _| *other != call);
        }
        if !self.followed.is_empty() {
            self.followed.remove(&call);
        }
    }

    /// Whether outcomes may wait: somebody is about to come for what is ready, and somebody else sees to it if not.
    fn may_hold(&self) -> bool {
        self.watched && !self.ready.is_empty() && self.held.len() < MOST_HELD
    }

    /// The outcomes that must not wait for the end of this call.
    fn due(&mut self, next: Option<&Taken>) -> Vec<(CallId, Outcome)> {
        let wait = self.may_hold() && next.is_some_and(|next| self.is_short(next.call.handler));
        if wait { Vec::new() } else { std::mem::take(&mut self.held) }
    }

    /// No worker is at work: those that run a function wait in it.
    fn all_wait(&self) -> bool {
        self.busy <= self.waiting
    }
}

impl Pool {
    pub(crate) fn new(port: HostPort, cap: usize, limits: &Limits) -> Pool {
        Pool {
            port,
            lane: Mutex::new(None),
            woken: AtomicBool::new(false),
            state: Mutex::default(),
            work: Condvar::new(),
            answered: Condvar::new(),
            cap: cap.max(1),
            queue_limit: limits.max_lane_calls,
            bounds: Bounds::of(limits),
            process: std::process::id(),
        }
    }

    /// The process whose workers these are.
    pub(crate) fn process(&self) -> u32 {
        self.process
    }

    /// How much a result may be.
    pub(crate) fn bounds(&self) -> Bounds {
        self.bounds
    }

    pub(crate) fn port(&self) -> &HostPort {
        &self.port
    }

    /// Takes the lane's operations from now on.
    pub(crate) fn attach(&self, lane: Lane) {
        *self.lane.lock() = Some(lane);
        self.wake();
    }

    /// Counts a worker that the caller is about to start; `false` if there are enough to begin with.
    pub(crate) fn first_worker(&self) -> bool {
        let mut state = self.state.lock();
        let first = state.workers == 0 && !state.closed;
        state.workers += usize::from(first);
        first
    }

    /// A worker that was counted could not be started.
    pub(crate) fn lost_worker(&self) {
        self.state.lock().workers -= 1;
    }

    /// For a worker that comes back from a function: the next call, if there is one right now.
    pub(crate) fn take_now(&self) -> Option<Taken> {
        let mut state = self.state.lock();
        state.busy -= 1;
        let taken = if state.closed { None } else { self.take(&mut state) };
        let due = state.due(taken.as_ref());
        drop(state);
        self.port.complete_many(due);
        taken
    }

    /// Ends a call that a worker ran: at once, or with the next ones.
    pub(crate) fn complete(&self, run: &Run, outcome: Outcome) {
        let short = run.started.elapsed() < SHORT;
        let mut state = self.state.lock();
        state.forget(run.id);
        state.note(run.handler, short);
        if state.may_hold() {
            state.held.push((run.id, outcome));
            return;
        }
        let mut due = std::mem::take(&mut state.held);
        drop(state);
        if due.is_empty() {
            // Stale: the call ended without us, which is fine.
            let _ = self.port.complete(run.id, outcome);
        } else {
            due.push((run.id, outcome));
            self.port.complete_many(due);
        }
    }

    /// Sends home what waits, for who leaves the watch.
    fn send_held(&self, state: &mut MutexGuard<'_, State>) {
        if !state.held.is_empty() {
            let held = std::mem::take(&mut state.held);
            MutexGuard::unlocked(state, || self.port.complete_many(held));
        }
    }

    /// For a worker without work: waits for a call; `None` ends the worker.
    pub(crate) fn park(&self) -> Option<Taken> {
        let mut state = self.state.lock();
        state.parked += 1;
        let mut end = Instant::now() + IDLE;
        // As of the watch before: as long as calls are taken it goes on, so that nobody need be woken for the next one.
        let mut seen = state.taken;
        let taken = loop {
            if state.closed {
                break None;
            }
            if !state.ready.is_empty() && (state.all_wait() || state.stuck) {
                state.parked -= 1;
                if let Some(taken) = self.take(&mut state) {
                    self.send_held(&mut state);
                    return Some(taken);
                }
                state.parked += 1;
                continue;
            }
            if (!state.ready.is_empty() || state.taken != seen) && !state.watched {
                let waits = !state.ready.is_empty();
                state.watched = true;
                seen = state.taken;
                let quiet = self.work.wait_for(&mut state, STUCK).timed_out() && state.taken == seen;
                state.watched = false;
                state.stuck |= quiet && waits && !state.ready.is_empty();
                if quiet {
                    self.send_held(&mut state);
                }
                end = Instant::now() + IDLE;
                continue;
            }
            if self.work.wait_until(&mut state, end).timed_out() {
                if state.workers > 1 {
                    break None;
                }
                // The last one stays.
                end = Instant::now() + IDLE;
            }
        };
        self.send_held(&mut state);
        state.parked -= 1;
        state.workers -= 1;
        taken
    }

    fn take(&self, state: &mut MutexGuard<'_, State>) -> Option<Taken> {
        let mut call = state.ready.pop_front();
        // Calls that ended while they waited here never run.
        while call.as_ref().is_some_and(|call| self.port.is_cancelled(call.id)) {
            call = state.ready.pop_front();
        }
        state.taken += 1;
        if state.ready.is_empty() {
            state.stuck = false;
        } else if (state.stuck || !state.watched) && state.parked > 0 {
            // Another one to take what is ready, or to watch it.
            self.work.notify_one();
        }
        let call = call?;
        state.busy += 1;
        let grow = state.parked == 0 && state.workers < self.cap && !state.closed;
        state.workers += usize::from(grow);
        Some(Taken { call, grow })
    }

    /// Waits for the answer to a question of a call that a worker runs.
    pub(crate) fn wait_answer(&self, call: CallId, ask: AskId) -> Result<Answer, AskError> {
        let mut state = self.state.lock();
        state.waiting += 1;
        if !state.ready.is_empty() && state.all_wait() {
            self.work.notify_one();
        }
        let answer = loop {
            if let Some(answer) = state.answers.remove(&(call, ask)) {
                break answer;
            }
            if state.closed || MutexGuard::unlocked(&mut state, || self.port.is_cancelled(call)) {
                break state.answers.remove(&(call, ask)).unwrap_or(Err(AskError::Stale));
            }
            if !state.answers.contains_key(&(call, ask)) {
                self.answered.wait_for(&mut state, LOOK);
            }
        };
        state.waiting -= 1;
        answer
    }

    /// Waits for what follows the middleware of a call that a worker runs; nothing if the call has ended.
    pub(crate) fn wait_followed(&self, call: CallId) -> Option<Outcome> {
        let mut state = self.state.lock();
        state.waiting += 1;
        if !state.ready.is_empty() && state.all_wait() {
            self.work.notify_one();
        }
        let outcome = loop {
            if let Some(outcome) = state.followed.remove(&call) {
                break Some(outcome);
            }
            if state.closed || MutexGuard::unlocked(&mut state, || self.port.is_cancelled(call)) {
                break state.followed.remove(&call);
            }
            if !state.followed.contains_key(&call) {
                self.answered.wait_for(&mut state, LOOK);
            }
        };
        state.waiting -= 1;
        outcome
    }

    /// Ends the parked workers now and the busy ones when they come back.
    pub(crate) fn close(&self) {
        // Dropped outside of the lock; without it the engine and the pool would keep each other alive.
        let lane = self.lane.lock().take();
        drop(lane);
        let mut state = self.state.lock();
        state.closed = true;
        let rest = std::mem::take(&mut state.ready);
        let held = std::mem::take(&mut state.held);
        drop(state);
        drop(rest);
        self.port.complete_many(held);
        self.work.notify_all();
        self.answered.notify_all();
    }

    fn sort(&self, ops: Vec<HostOp>) {
        let mut calls = Vec::new();
        for op in ops {
            match op {
                HostOp::Call(call) => calls.push(call),
                HostOp::Cancel { call, .. } => {
                    self.state.lock().forget(call);
                    self.answered.notify_all();
                }
                HostOp::Answer { call, ask, answer } if !self.port.is_cancelled(call) => {
                    self.state.lock().answers.insert((call, ask), answer);
                    self.answered.notify_all();
                }
                HostOp::Next { call, outcome } if !self.port.is_cancelled(call) => {
                    self.state.lock().followed.insert(call, outcome);
                    self.answered.notify_all();
                }
                // An answer that comes too late; this binding asks for no other operations.
                _ => {}
            }
        }
        if !calls.is_empty() {
            self.push(calls);
        }
    }

    fn push(&self, calls: Vec<HostCall>) {
        let mut state = self.state.lock();
        for call in calls {
            if state.ready.len() >= 2 * self.queue_limit {
                // Calls that timed out in the queue: the credits of the lane bound those that live.
                state.ready.retain(|call| !self.port.is_cancelled(call.id));
            }
            state.ready.push_back(call);
        }
        let wanted = state.parked > 0 && (state.all_wait() || !state.watched);
        // Whoever is woken takes the lock first of all.
        drop(state);
        if wanted {
            self.work.notify_one();
        }
    }
}

impl Wake for Pool {
    /// Moves what is queued to the workers at once, on the thread that queued it: answers must get through while every
    /// worker is busy. Takes short locks only, and none of the interpreter's.
    fn wake(&self) {
        self.woken.store(true, Ordering::SeqCst);
        while self.woken.load(Ordering::SeqCst) {
            // Whoever has the lane looks again after letting go of it, so nothing is lost by leaving.
            let Some(lane) = self.lane.try_lock() else { return };
            self.woken.store(false, Ordering::SeqCst);
            if let Some(lane) = &*lane {
                let mut ops = Vec::new();
                lane.drain(usize::MAX, Duration::MAX, &mut ops);
                self.sort(ops);
            }
        }
    }
}
