//! The queue behind the worker threads, free of Python: who takes a call, who waits, when there should be one more.
//!
//! One worker that never lets go of the interpreter serves short functions best; functions that block need many. So
//! there is always one worker to spare, which takes over when the others have been stuck for a moment, and then starts
//! its own successor.

use parking_lot::{Condvar, Mutex, MutexGuard};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tenon_mcp::{Answer, AskError, AskId, CallId, HostCall, HostOp, HostPort, Lane, LaneId, Wake};

/// The lane of `def` tools.
pub(crate) const POOL: LaneId = LaneId(1);

/// A call that waits this long while every worker is busy is worth another worker. Longer than a thread may keep the
/// interpreter (5 ms): who waits for that is not stuck, and one more thread would not help.
const STUCK: Duration = Duration::from_millis(6);
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
    process: u32,
}

#[derive(Default)]
struct State {
    ready: VecDeque<HostCall>,
    answers: HashMap<(CallId, AskId), Result<Answer, AskError>>,
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

impl State {
    /// No worker is at work: those that run a function wait in it.
    fn all_wait(&self) -> bool {
        self.busy <= self.waiting
    }
}

impl Pool {
    pub(crate) fn new(port: HostPort, cap: usize, queue_limit: usize) -> Pool {
        Pool {
            port,
            lane: Mutex::new(None),
            woken: AtomicBool::new(false),
            state: Mutex::default(),
            work: Condvar::new(),
            answered: Condvar::new(),
            cap: cap.max(1),
            queue_limit,
            process: std::process::id(),
        }
    }

    /// The process whose workers these are.
    pub(crate) fn process(&self) -> u32 {
        self.process
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
        if state.closed { None } else { self.take(&mut state) }
    }

    /// For a worker without work: waits for a call; `None` ends the worker.
    pub(crate) fn park(&self) -> Option<Taken> {
        let mut state = self.state.lock();
        state.parked += 1;
        let end = Instant::now() + IDLE;
        let taken = loop {
            if state.closed {
                break None;
            }
            if !state.ready.is_empty() && (state.all_wait() || state.stuck) {
                state.parked -= 1;
                if let Some(taken) = self.take(&mut state) {
                    return Some(taken);
                }
                state.parked += 1;
                continue;
            }
            if !state.ready.is_empty() && !state.watched {
                state.watched = true;
                let before = state.taken;
                let quiet = self.work.wait_for(&mut state, STUCK).timed_out();
                state.watched = false;
                state.stuck |= quiet && state.taken == before && !state.ready.is_empty();
                continue;
            }
            if self.work.wait_until(&mut state, end).timed_out() && state.workers > 1 {
                break None;
            }
        };
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
        } else if state.stuck && state.parked > 0 {
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

    /// The call is over: nobody will collect its answers.
    pub(crate) fn forget(&self, call: CallId) {
        let mut state = self.state.lock();
        if !state.answers.is_empty() {
            state.answers.retain(|(other, _), _| *other != call);
        }
    }

    /// Ends the parked workers now and the busy ones when they come back.
    pub(crate) fn close(&self) {
        // Dropped outside of the lock; without it the engine and the pool would keep each other alive.
        let lane = self.lane.lock().take();
        drop(lane);
        let mut state = self.state.lock();
        state.closed = true;
        let rest = std::mem::take(&mut state.ready);
        drop(state);
        drop(rest);
        self.work.notify_all();
        self.answered.notify_all();
    }

    fn sort(&self, ops: Vec<HostOp>) {
        for op in ops {
            match op {
                HostOp::Call(call) => self.push(call),
                HostOp::Cancel { call, .. } => {
                    self.forget(call);
                    self.answered.notify_all();
                }
                HostOp::Answer { call, ask, answer } => {
                    if !self.port.is_cancelled(call) {
                        self.state.lock().answers.insert((call, ask), answer);
                        self.answered.notify_all();
                    }
                }
            }
        }
    }

    fn push(&self, call: HostCall) {
        let mut state = self.state.lock();
        if state.ready.len() >= 2 * self.queue_limit {
            // Calls that timed out in the queue: the credits of the lane bound those that live.
            state.ready.retain(|call| !self.port.is_cancelled(call.id));
        }
        state.ready.push_back(call);
        if state.parked > 0 && (state.all_wait() || !state.watched) {
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
