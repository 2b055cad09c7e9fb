//! Calls with middleware. Each callback has a handle of its own, and its outcome goes to the next outer callback.

use crate::abi::guard::Result;
use crate::abi::handle::Tagged;
use crate::abi::status::*;
use crate::calls::call::{SharedCall, tenon_call};
use crate::entries::handlers::{Handler, UserData, tenon_handler_fn};
use crate::servers::server_state::Inner;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use tenon_mcp::locks::Mutex;
use tenon_mcp::{JsonSlice, NextError, Outcome, Stale};

/// The place of a callback in the chain of its call.
pub(crate) struct Stage {
    chain: Arc<Chain>,
    /// The number of callbacks of the chain up to this one, counted from the outermost.
    place: usize,
    /// The middleware that gets its outcome. If there is none, the client gets it.
    upon: Mutex<Option<Upon>>,
    /// The last outcome of the rest of the chain.
    came: Mutex<Option<Came>>,
    /// The rest of the chain is running.
    waits: AtomicBool,
}

/// An outcome of the rest of the chain.
#[derive(Clone)]
struct Came {
    outcome: Outcome,
    /// How often the rest of the chain has run.
    times: u64,
}

/// The middleware of a call, outermost first, and its handler, if that is the program's.
pub(crate) struct Chain {
    pub(crate) inner: Weak<Inner>,
    pub(crate) layers: Vec<Arc<Handler>>,
    pub(crate) handler: Option<Arc<Handler>>,
    /// One of them has ended the call.
    pub(crate) completed: AtomicBool,
}

/// Middleware that waits for the rest of the chain.
pub(crate) struct Upon {
    call: SharedCall,
    after: tenon_handler_fn,
    data: UserData,
}

impl Stage {
    pub(crate) fn outermost(chain: Chain) -> Box<Stage> {
        Stage::at(Arc::new(chain), 1, None)
    }

    fn at(chain: Arc<Chain>, place: usize, upon: Option<Upon>) -> Box<Stage> {
        let (upon, came, waits) = (Mutex::new(upon), Mutex::default(), AtomicBool::new(false));
        Box::new(Stage { chain, place, upon, came, waits })
    }

    /// The middleware that waits for the outcome of this callback.
    pub(crate) fn upon(&self) -> Option<Upon> {
        self.upon.lock().take()
    }

    /// The outcome of the rest of the chain, if there is one.
    pub(crate) fn came(&self) -> Option<Outcome> {
        Some(self.came_at()?.0)
    }

    /// That outcome, and a number that distinguishes it from earlier ones.
    pub(crate) fn came_at(&self) -> Option<(Outcome, u64)> {
        self.came.lock().as_ref().map(|came| (came.outcome.clone(), came.times))
    }

    pub(crate) fn was_completed(&self) -> bool {
        self.chain.completed.load(Ordering::Acquire)
    }

    /// Runs the rest of the chain, with `input` in place of the call's own.
    pub(crate) fn next(
        &self,
        call: SharedCall,
        input: Option<JsonSlice>,
        (after, data): (tenon_handler_fn, UserData),
    ) -> Result<tenon_status> {
        if self.place > self.chain.layers.len() {
            return Err(Failure::state("nothing follows a handler; tenon_call_next() is for middleware"));
        }
        if self.waits.swap(true, Ordering::AcqRel) {
            return Err(Failure::state("what follows is under way already"));
        }
        call.outlives.store(true, Ordering::Release);
        let begun = self.begin(call, input, (after, data));
        if begun.is_err() {
            self.waits.store(false, Ordering::Release);
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
        let upon = Upon { call: call.clone(), after, data };
        let Some(handler) = next else {
            inner.follow(call.id, upon);
            let asked = call.port.next(call.id, changed.then_some(input));
            return match asked {
                Ok(()) => Ok(TENON_OK),
                Err(error) => {
                    drop(inner.followed_by(call.id));
                    Err(failed(error))
                }
            };
        };
        let stage = Stage::at(self.chain.clone(), self.place + 1, Some(upon));
        inner.run_stage(Tagged::share(call.staged(input, handler.clone(), stage)), &handler);
        Ok(TENON_OK)
    }

    /// Stores the outcome of the rest of the chain.
    fn settle(&self, outcome: &Outcome) {
        {
            let mut came = self.came.lock();
            let times = came.as_ref().map_or(0, |before| before.times) + 1;
            *came = Some(Came { outcome: outcome.clone(), times });
        }
        self.waits.store(false, Ordering::Release);
    }
}

impl Upon {
    /// Passes middleware the outcome of the rest of the chain. The middleware completes its call, or that outcome is
    /// passed on.
    pub(crate) fn resume(self, outcome: Outcome) {
        let Upon { call, after, data } = self;
        let Some(stage) = &call.stage else { return };
        stage.settle(&outcome);
        if let (Some(after), false) = (after, matches!(outcome, Outcome::Suspend)) {
            let Some(inner) = stage.chain.inner.upgrade() else { return };
            call.progress.lock().keep(false);
            inner.run_after(&call, after, &data);
            let kept = call.progress.lock().is_kept();
            if kept || stage.waits.load(Ordering::Acquire) {
                return;
            }
        }
        call.pass(outcome);
    }
}

impl tenon_call {
    /// Ends this callback's part. Its outcome goes to the outer middleware, or is the outcome of the call.
    pub(crate) fn end(&self, outcome: Outcome) -> std::result::Result<(), Stale> {
        match self.stage.as_ref().and_then(|stage| stage.upon()) {
            None => {
                let ended = self.port.complete(self.id, outcome);
                if let (Ok(()), Some(stage)) = (&ended, &self.stage) {
                    stage.chain.completed.store(true, Ordering::Release);
                }
                ended
            }
            Some(_) if self.port.is_cancelled(self.id) => Err(Stale),
            Some(upon) => {
                upon.resume(outcome);
                Ok(())
            }
        }
    }

    /// Ends middleware with the outcome of the rest of the chain, unless the middleware has completed its call.
    fn pass(&self, outcome: Outcome) {
        let first = !std::mem::replace(&mut self.progress.lock().completed, true);
        if first {
            let _ = self.end(outcome);
        }
    }
}
