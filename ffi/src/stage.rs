//! Calls with middleware around them: each callback has a handle of its own, and what one comes to is for the one outside.

use crate::call::{SharedCall, tenon_call};
use crate::guard::Result;
use crate::handle::Tagged;
use crate::handlers::{Handler, UserData, tenon_handler_fn};
use crate::inner::Inner;
use crate::status::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use tenon_mcp::locks::Mutex;
use tenon_mcp::{JsonSlice, NextError, Outcome, Stale};

/// The place of a callback in the chain of its call.
pub(crate) struct Stage {
    chain: Arc<Chain>,
    /// How many callbacks of the chain are outside of this one, and itself.
    place: usize,
    /// Whom its outcome is for; the client's where it is nobody's.
    upon: Mutex<Option<Upon>>,
    /// What followed came to last.
    came: Mutex<Option<Came>>,
    /// What follows is under way.
    waits: AtomicBool,
}

/// What followed came to.
#[derive(Clone)]
struct Came {
    outcome: Outcome,
    /// How often something has followed.
    times: u64,
}

/// The middleware of a call, outermost first, and its handler, where that is the program's.
pub(crate) struct Chain {
    pub(crate) inner: Weak<Inner>,
    pub(crate) layers: Vec<Arc<Handler>>,
    pub(crate) handler: Option<Arc<Handler>>,
    /// One of them has ended the call.
    pub(crate) completed: AtomicBool,
}

/// Middleware that waits for what follows.
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

    /// Whoever waits for the outcome of this callback.
    pub(crate) fn upon(&self) -> Option<Upon> {
        self.upon.lock().take()
    }

    /// What followed came to, once it has.
    pub(crate) fn came(&self) -> Option<Outcome> {
        Some(self.came_at()?.0)
    }

    /// The same, and what tells it from what followed before.
    pub(crate) fn came_at(&self) -> Option<(Outcome, u64)> {
        self.came.lock().as_ref().map(|came| (came.outcome.clone(), came.times))
    }

    pub(crate) fn was_completed(&self) -> bool {
        self.chain.completed.load(Ordering::Acquire)
    }

    /// Runs what follows, which is handed `input` in place of the call's own.
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

    /// What follows has come to something. Whether `after` is to see it, and may complete the call.
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
    /// Hands middleware what followed: it completes its call, or lets that pass.
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
    /// Ends this callback's part: the outcome is the call's, or that of what follows the middleware outside.
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

    /// Ends middleware with what followed it, unless it has completed its call.
    fn pass(&self, outcome: Outcome) {
        let first = !std::mem::replace(&mut self.progress.lock().completed, true);
        if first {
            let _ = self.end(outcome);
        }
    }
}
