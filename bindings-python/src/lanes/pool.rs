//! The queue of the worker threads: which worker takes a call, and when one more worker is started. Nothing here uses
//! Python.
//!
//! Short functions run fastest on one worker that keeps the interpreter; functions that block need many workers. So one
//! worker is always parked. It takes over when the other workers have been stuck for a few milliseconds, and then
//! starts its successor.
//!
//! The outcomes of short functions are sent together. An outcome may wait while the next queued call is for a function
//! that was short the last time, and a parked worker watches the queue.

use crate::convert::write::Bounds;
use crate::lanes::pool_state::{PoolCall, PoolState, TakenCall};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tenon_mcp::locks::{Condvar, Mutex, MutexGuard};
use tenon_mcp::{Answer, AskError, AskId, CallId, HostCall, HostOp, HostPort, Lane, Limits, Outcome, Wake};

/// The workers are stuck if a call has waited this long while all were busy. It is longer than a thread may keep the
/// interpreter (5 ms): a worker that waits for the interpreter is not stuck, and one more thread would not help.
const STUCK_AFTER: Duration = Duration::from_millis(6);
/// A call that took less is short: the outcome of another call may wait for its end.
const SHORT_CALL: Duration = Duration::from_micros(100);
/// A worker ends after this long without work, unless it is the last one.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a worker that waits for an answer checks whether its call is still in flight.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

pub(crate) struct Pool {
    port: HostPort,
    lane: Mutex<Option<Lane>>,
    /// The pool was woken since the lane was drained.
    woken: AtomicBool,
    state: Mutex<PoolState>,
    work: Condvar,
    answered: Condvar,
    cap: usize,
    queue_limit: usize,
    bounds: Bounds,
    process: u32,
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

    /// The bounds of a result.
    pub(crate) fn bounds(&self) -> Bounds {
        self.bounds
    }

    pub(crate) fn port(&self) -> &HostPort {
        &self.port
    }

    /// From now on the pool takes the operations of this lane.
    pub(crate) fn attach(&self, lane: Lane) {
        *self.lane.lock() = Some(lane);
        self.wake();
    }

    /// Counts the first worker, which the caller starts. `false` if there is one already.
    pub(crate) fn first_worker(&self) -> bool {
        let mut state = self.state.lock();
        let first = state.workers == 0 && !state.closed;
        state.workers += usize::from(first);
        first
    }

    /// Stops counting a worker that could not be started.
    pub(crate) fn lost_worker(&self) {
        self.state.lock().workers -= 1;
    }

    /// For a worker whose function has returned: the next call, if one is queued.
    pub(crate) fn take_now(&self) -> Option<TakenCall> {
        let mut state = self.state.lock();
        state.busy -= 1;
        let taken = if state.closed { None } else { self.take(&mut state) };
        let due = state.take_due(taken.as_ref());
        drop(state);
        self.port.complete_many(due);
        taken
    }

    /// Completes a call that a worker ran: at once, or together with later calls.
    pub(crate) fn complete(&self, run: &PoolCall, outcome: Outcome) {
        let short = run.started.elapsed() < SHORT_CALL;
        let mut state = self.state.lock();
        state.forget(run.id);
        state.set_short(run.handler, short);
        if state.may_hold() {
            state.held.push((run.id, outcome));
            return;
        }
        let mut due = std::mem::take(&mut state.held);
        drop(state);
        if due.is_empty() {
            // An error means that the call has ended already.
            let _ = self.port.complete(run.id, outcome);
        } else {
            due.push((run.id, outcome));
            self.port.complete_many(due);
        }
    }

    /// Sends the outcomes that wait, when the worker stops watching.
    fn send_held(&self, state: &mut MutexGuard<'_, PoolState>) {
        if !state.held.is_empty() {
            let held = std::mem::take(&mut state.held);
            MutexGuard::unlocked(state, || self.port.complete_many(held));
        }
    }

    /// Called by a worker without work: waits for a call; `None` ends the worker.
    pub(crate) fn park(&self) -> Option<TakenCall> {
        let mut state = self.state.lock();
        state.parked += 1;
        let mut end = Instant::now() + IDLE_TIMEOUT;
        // A parked worker keeps watching while calls are taken. Then no worker has to be woken for the next call.
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
                let idle = self.work.wait_for(&mut state, STUCK_AFTER).timed_out() && state.taken == seen;
                state.watched = false;
                state.stuck |= idle && waits && !state.ready.is_empty();
                if idle {
                    self.send_held(&mut state);
                }
                end = Instant::now() + IDLE_TIMEOUT;
                continue;
            }
            if self.work.wait_until(&mut state, end).timed_out() {
                if state.workers > 1 {
                    break None;
                }
                // The last worker stays.
                end = Instant::now() + IDLE_TIMEOUT;
            }
        };
        self.send_held(&mut state);
        state.parked -= 1;
        state.workers -= 1;
        taken
    }

    fn take(&self, state: &mut MutexGuard<'_, PoolState>) -> Option<TakenCall> {
        let mut call = state.ready.pop_front();
        // Calls that have ended while they were queued do not run.
        while call.as_ref().is_some_and(|call| self.port.is_cancelled(call.id)) {
            call = state.ready.pop_front();
        }
        state.taken += 1;
        if state.ready.is_empty() {
            state.stuck = false;
        } else if (state.stuck || !state.watched) && state.parked > 0 {
            // Wakes another worker, which takes the next call or watches the queue.
            self.work.notify_one();
        }
        let call = call?;
        state.busy += 1;
        let grow = state.parked == 0 && state.workers < self.cap && !state.closed;
        state.workers += usize::from(grow);
        Some(TakenCall { call, grow })
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
                self.answered.wait_for(&mut state, CHECK_INTERVAL);
            }
        };
        state.waiting -= 1;
        answer
    }

    /// Waits for the outcome that the engine returns to middleware of a call that a worker runs. `None` if the call has
    /// ended.
    pub(crate) fn wait_next(&self, call: CallId) -> Option<Outcome> {
        let mut state = self.state.lock();
        state.waiting += 1;
        if !state.ready.is_empty() && state.all_wait() {
            self.work.notify_one();
        }
        let outcome = loop {
            if let Some(outcome) = state.next_outcomes.remove(&call) {
                break Some(outcome);
            }
            if state.closed || MutexGuard::unlocked(&mut state, || self.port.is_cancelled(call)) {
                break state.next_outcomes.remove(&call);
            }
            if !state.next_outcomes.contains_key(&call) {
                self.answered.wait_for(&mut state, CHECK_INTERVAL);
            }
        };
        state.waiting -= 1;
        outcome
    }

    /// Ends the parked workers now, and the busy ones when their functions have returned.
    pub(crate) fn close(&self) {
        // Without this the engine and the pool would keep each other alive. It is dropped without holding the lock.
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

    fn accept(&self, ops: Vec<HostOp>) {
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
                    self.state.lock().next_outcomes.insert(call, outcome);
                    self.answered.notify_all();
                }
                // Late answers. This binding does not request other operations.
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
                // Removes calls that timed out in the queue, because the lane's credits bound only calls in flight.
                state.ready.retain(|call| !self.port.is_cancelled(call.id));
            }
            state.ready.push_back(call);
        }
        let wake = state.parked > 0 && (state.all_wait() || !state.watched);
        // The worker that is woken takes the lock at once, so it is released before.
        drop(state);
        if wake {
            self.work.notify_one();
        }
    }
}

impl Wake for Pool {
    /// Moves queued operations to the workers at once, on the thread that queued them, because answers must arrive
    /// while every worker is busy. Takes only short locks, and never the interpreter's.
    fn wake(&self) {
        self.woken.store(true, Ordering::SeqCst);
        while self.woken.load(Ordering::SeqCst) {
            // Another thread has the lane. It checks `woken` again after it has released the lane.
            let Some(lane) = self.lane.try_lock() else { return };
            self.woken.store(false, Ordering::SeqCst);
            if let Some(lane) = &*lane {
                let mut ops = Vec::new();
                lane.drain(usize::MAX, Duration::MAX, &mut ops);
                self.accept(ops);
            }
        }
    }
}
