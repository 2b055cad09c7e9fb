//! The state of the worker pool: queued calls, workers, answers, and outcomes that wait to be sent.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;
use tenon_mcp::{Answer, AskError, AskId, CallId, HandlerId, HostCall, Outcome};

/// The maximum number of outcomes that wait.
const MAX_HELD: usize = 16;

/// The state that the lock of a pool protects.
#[derive(Default)]
pub(super) struct PoolState {
    pub(super) ready: VecDeque<HostCall>,
    pub(super) answers: HashMap<(CallId, AskId), Result<Answer, AskError>>,
    /// Outcomes that the engine returned to middleware of calls.
    pub(super) next_outcomes: HashMap<CallId, Outcome>,
    /// Outcomes that wait to be sent. There are some only while a call is queued and a parked worker watches the queue.
    pub(super) held: Vec<(CallId, Outcome)>,
    /// Whether the last call of a handler was short, by the handler's number.
    pub(super) short_handlers: Vec<bool>,
    /// Workers that exist or are being started.
    pub(super) workers: usize,
    /// Workers that run a function.
    pub(super) busy: usize,
    /// Workers whose function waits for an answer. They count as idle: queued calls need not wait for them.
    pub(super) waiting: usize,
    pub(super) parked: usize,
    pub(super) taken: u64,
    /// A parked worker watches the queue.
    pub(super) watched: bool,
    /// The busy workers are stuck: a parked worker may take a queued call.
    pub(super) stuck: bool,
    pub(super) closed: bool,
}

/// A call for a worker, and whether it should start another worker before it runs it.
pub(crate) struct TakenCall {
    pub(crate) call: HostCall,
    pub(crate) grow: bool,
}

/// A call that a worker runs.
pub(crate) struct PoolCall {
    pub(super) id: CallId,
    pub(super) handler: HandlerId,
    pub(super) started: Instant,
}

impl PoolCall {
    pub(crate) fn new(call: &HostCall) -> PoolCall {
        // A call with middleware counts as one of its outermost function, because it may have no handler.
        let handler = call.middleware().next().unwrap_or(call.handler);
        PoolCall { id: call.id, handler, started: Instant::now() }
    }
}

impl PoolState {
    pub(super) fn is_short(&self, handler: HandlerId) -> bool {
        self.short_handlers.get(handler.0 as usize).is_some_and(|short| *short)
    }

    pub(super) fn set_short(&mut self, handler: HandlerId, short: bool) {
        let index = handler.0 as usize;
        if index >= self.short_handlers.len() {
            self.short_handlers.resize(index + 1, false);
        }
        self.short_handlers[index] = short;
    }

    pub(super) fn forget(&mut self, call: CallId) {
        if !self.answers.is_empty() {
            self.answers.retain(|(other, _), _| *other != call);
        }
        if !self.next_outcomes.is_empty() {
            self.next_outcomes.remove(&call);
        }
    }

    /// Whether outcomes may wait: a worker is about to take the next call. If it does not, a parked worker sends them.
    pub(super) fn may_hold(&self) -> bool {
        self.watched && !self.ready.is_empty() && self.held.len() < MAX_HELD
    }

    /// Takes the outcomes that must not wait for the end of the next call.
    pub(super) fn take_due(&mut self, next: Option<&TakenCall>) -> Vec<(CallId, Outcome)> {
        let wait = self.may_hold() && next.is_some_and(|next| self.is_short(next.call.handler));
        if wait { Vec::new() } else { std::mem::take(&mut self.held) }
    }

    /// Every busy worker waits for an answer.
    pub(super) fn all_wait(&self) -> bool {
        self.busy <= self.waiting
    }
}
