//! Calls with middleware. Each callback has a handle of its own, and its outcome goes to the next outer callback.

use crate::abi::guard::Result;
use crate::abi::handle::Tagged;
use crate::abi::status::*;
use crate::calls::call::{SharedCall, tenon_call};
use crate::entries::handlers::{Handler, UserData, tenon_handler_fn};
use crate::servers::state::server_state::ServerState;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use tenon_mcp::locks::Mutex;
use tenon_mcp::{JsonSlice, NextError, Outcome, Stale};

/// The place of a callback in the chain of its call.
pub(crate) struct ChainPosition {
    chain: Arc<Chain>,
    /// The number of callbacks of the chain up to this one, counted from the outermost.
    place: usize,
    /// The middleware that gets this callback's outcome. If there is none, the client gets the outcome.
    outer: Mutex<Option<WaitingMiddleware>>,
    /// The last outcome of the rest of the chain.
    rest_outcome: Mutex<Option<RestOutcome>>,
    /// Whether the rest of the chain is running.
    running: AtomicBool,
}

/// An outcome of the rest of the chain.
#[derive(Clone)]
struct RestOutcome {
    outcome: Outcome,
    /// How often the rest of the chain has run.
    times: u64,
}

/// The middleware of a call, outermost first, and its handler, if that is the program's.
pub(crate) struct Chain {
    pub(crate) inner: Weak<ServerState>,
    pub(crate) layers: Vec<Arc<Handler>>,
    pub(crate) handler: Option<Arc<Handler>>,
    /// Whether one of the callbacks has ended the call.
    pub(crate) completed: AtomicBool,
}

/// Middleware that waits for the rest of the chain.
pub(crate) struct WaitingMiddleware {
    call: SharedCall,
    after: tenon_handler_fn,
    data: UserData,
}

impl ChainPosition {
    pub(crate) fn outermost(chain: Chain) -> Box<ChainPosition> {
        ChainPosition::at(Arc::new(chain), 1, None)
    }

    fn at(chain: Arc<Chain>, place: usize, outer: Option<WaitingMiddleware>) -> Box<ChainPosition> {
        let (outer, rest_outcome, running) = (Mutex::new(outer), Mutex::default(), AtomicBool::new(false));
        Box::new(ChainPosition { chain, place, outer, rest_outcome, running })
    }

    /// The middleware that waits for the outcome of this callback.
    pub(crate) fn outer(&self) -> Option<WaitingMiddleware> {
        self.outer.lock().take()
    }

    /// The outcome of the rest of the chain, if there is one.
    pub(crate) fn rest_outcome(&self) -> Option<Outcome> {
        Some(self.rest_outcome_at()?.0)
    }

    /// That outcome, and a number that distinguishes it from earlier ones.
    pub(crate) fn rest_outcome_at(&self) -> Option<(Outcome, u64)> {
        self.rest_outcome
            .lock()
            .as_ref()
            .map(|rest_outcome| (rest_outcome.outcome.clone(), rest_outcome.times))
    }

    pub(crate) fn was_completed(&self) -> bool {
        self.chain.completed.load(Ordering::Acquire)
    }

    /// Runs the rest of the chain, with `input` instead of the call's own.
    pub(crate) fn next(
        &self,
        call: SharedCall,
        input: Option<JsonSlice>,
        (after, data): (tenon_handler_fn, UserData),
    ) -> Result<tenon_status> {
        if self.place > self.chain.layers.len() {
            return Err(Failure::state(
                "tenon_call_next() can only be called in middleware; this call is of a handler",
            ));
        }
        if self.running.swap(true, Ordering::AcqRel) {
            return Err(Failure::state(
                "tenon_call_next() is already running; wait for its outcome before calling it again",
            ));
        }
        call.outlives.store(true, Ordering::Release);
        let begun = self.begin(call, input, (after, data));
        if begun.is_err() {
            self.running.store(false, Ordering::Release);
        }
        begun
    }

    fn begin(
        &self,
        call: SharedCall,
        input: Option<JsonSlice>,
        (after, data): (tenon_handler_fn, UserData),
    ) -> Result<tenon_status> {
        let failed = |error| match error {
            NextError::Stale => Failure::stale(),
            NextError::Invalid(_) => call.named(Failure::new(TENON_ERR_INVALID, error.to_string())),
            error => Failure::state(error.to_string()),
        };
        let changed = input.is_some();
        let input = match input {
            Some(input) => call.port.prepare(call.id, input).map_err(failed)?,
            None if call.port.is_cancelled(call.id) => return Err(Failure::stale()),
            None => call.arguments.object().clone(),
        };
        let inner = self.chain.inner.upgrade().ok_or_else(Failure::stale)?;
        let next = self.chain.layers.get(self.place).or(self.chain.handler.as_ref()).cloned();
        let outer = WaitingMiddleware { call: call.clone(), after, data };
        let Some(handler) = next else {
            inner.add_waiting(call.id, outer);
            let asked = call.port.next(call.id, changed.then_some(input));
            return match asked {
                Ok(()) => Ok(TENON_OK),
                Err(error) => {
                    drop(inner.take_waiting(call.id));
                    Err(failed(error))
                }
            };
        };
        let position = ChainPosition::at(self.chain.clone(), self.place + 1, Some(outer));
        inner.run_next(Tagged::share(call.at_position(input, handler.clone(), position)), &handler);
        Ok(TENON_OK)
    }

    /// Stores the outcome of the rest of the chain.
    fn settle(&self, outcome: &Outcome) {
        {
            let mut rest_outcome = self.rest_outcome.lock();
            let times = rest_outcome.as_ref().map_or(0, |before| before.times) + 1;
            *rest_outcome = Some(RestOutcome { outcome: outcome.clone(), times });
        }
        self.running.store(false, Ordering::Release);
    }
}

impl WaitingMiddleware {
    /// Passes middleware the outcome of the rest of the chain. The middleware completes its call, or that outcome is
    /// passed on.
    pub(crate) fn resume(self, outcome: Outcome) {
        let WaitingMiddleware { call, after, data } = self;
        let Some(position) = &call.position else { return };
        position.settle(&outcome);
        if let (Some(after), false) = (after, matches!(outcome, Outcome::Suspend)) {
            let Some(inner) = position.chain.inner.upgrade() else { return };
            call.progress.lock().keep(false);
            inner.run_after(&call, after, &data);
            let kept = call.progress.lock().is_kept();
            if kept || position.running.load(Ordering::Acquire) {
                return;
            }
        }
        call.guard(outcome);
    }
}

impl tenon_call {
    /// Ends this callback's part. Its outcome goes to the outer middleware, or is the outcome of the call.
    pub(crate) fn end(&self, outcome: Outcome) -> std::result::Result<(), Stale> {
        match self.position.as_ref().and_then(|position| position.outer()) {
            None => {
                let ended = self.port.complete(self.id, outcome);
                if let (Ok(()), Some(position)) = (&ended, &self.position) {
                    position.chain.completed.store(true, Ordering::Release);
                }
                ended
            }
            Some(_) if self.port.is_cancelled(self.id) => Err(Stale),
            Some(outer) => {
                outer.resume(outcome);
                Ok(())
            }
        }
    }

    /// Ends middleware with the outcome of the rest of the chain, unless the middleware has completed its call.
    fn guard(&self, outcome: Outcome) {
        let first = !std::mem::replace(&mut self.progress.lock().completed, true);
        if first {
            let _ = self.end(outcome);
        }
    }
}
