//! Running the callbacks of a call, and the threads that they need.

use crate::abi::handle::Tagged;
use crate::calls::call::{SharedCall, tenon_call};
use crate::calls::middleware_call::{Chain, ChainPosition, WaitingMiddleware};
use crate::calls::reentrancy::Inside;
use crate::entries::handlers::{Handler, Mode, UserData};
use crate::servers::config::server_config::ServerConfig;
use crate::servers::log::LOG_TARGET;
use crate::servers::state::server_state::ServerState;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tenon_mcp::{CallId, HostCall, HostOp, LogLevel, Outcome};

impl ServerState {
    /// Allows workers for a started server, if they are `needed`.
    pub(crate) fn allow_workers(&self, needed: bool, config: &ServerConfig) {
        if let Some(started) = self.started.get().filter(|_| needed) {
            started.workers.allow(config.worker_threads);
        }
    }

    /// Starts one more worker if all are busy. If there is no worker at all, calls fail.
    pub(crate) fn grow_workers(self: &Arc<Self>) {
        let Some(started) = self.started.get() else { return };
        if let Err(failure) = started.workers.grow(self) {
            started.workers.drain(|call| self.fail(&call, Outcome::Failed(failure.message.clone())));
        }
    }

    /// Runs one callback; `here` is true on the thread that received its call.
    pub(crate) fn run(self: &Arc<Self>, call: HostCall, mode: Mode, here: bool) {
        let closing = || Outcome::Failed("the server is closing".to_owned());
        let started = match self.awaited() {
            Ok(started) => started,
            Err(port) => {
                let _ = port.complete(call.id, closing());
                return;
            }
        };
        let Some(guard) = self.callbacks.enter() else { return self.fail(&call, closing()) };
        let Some((handler, position)) = self.first_of(&call) else {
            let why = format!("{} was removed before its call was run", call.context.entry);
            return self.fail(&call, Outcome::Failed(why));
        };
        let (port, depth) = (started.port.clone(), started.max_depth);
        let (served, first) = ((Arc::downgrade(self), port), (handler.clone(), position));
        let call = Tagged::share(tenon_call::new(served, (call, mode), first, depth, started.process));
        let inside = Inside::enter(self.address(), here);
        handler.run(Tagged::handle(&call));
        drop(inside);
        call.end_watches();
        // The call is dropped before the gate is left, because it may hold the last reference to the handler, and a
        // thread that closes the gate waits for the handler's end too. Ending a call runs engine code. If that panics,
        // the thread must not end.
        if catch_unwind(AssertUnwindSafe(|| drop(call))).is_err() {
            started.port.log(
                LogLevel::Error,
                LOG_TARGET,
                "the library panicked at the end of a call; please report this",
            );
        }
        self.drop_unmounted();
        drop(handler);
        drop(guard);
    }

    /// The first callback of a call: that of its outermost middleware, or its handler's.
    pub(super) fn first_of(
        self: &Arc<Self>,
        call: &HostCall,
    ) -> Option<(Arc<Handler>, Option<Box<ChainPosition>>)> {
        let layers = call.middleware();
        if layers.len() == 0 {
            return Some((self.handler(call.handler)?, None));
        }
        let layers: Option<Vec<_>> = layers.map(|layer| self.handler(layer)).collect();
        let (layers, handler) = (layers?, call.has_handler().then(|| self.handler(call.handler)));
        if let Some(None) = handler {
            return None;
        }
        let (inner, first) = (Arc::downgrade(self), layers[0].clone());
        let chain = Chain { inner, layers, handler: handler.flatten(), completed: AtomicBool::new(false) };
        Some((first, Some(ChainPosition::outermost(chain))))
    }

    /// Runs a further callback of a call, on the current thread.
    pub(crate) fn run_next(&self, call: SharedCall, handler: &Handler) {
        let Some(guard) = self.callbacks.enter() else { return };
        let inside = Inside::enter(self.address(), Inside::is_inline());
        handler.run(Tagged::handle(&call));
        drop(inside);
        call.end_watches();
        drop(call);
        drop(guard);
    }

    /// Runs the `after` function of middleware, when the rest of the chain has an outcome.
    pub(crate) fn run_after(
        &self,
        call: &SharedCall,
        after: unsafe extern "C" fn(*mut c_void, *mut tenon_call),
        data: &UserData,
    ) {
        let Some(guard) = self.callbacks.enter() else { return };
        let inside = Inside::enter(self.address(), Inside::is_inline());
        // SAFETY: the program passed this function with this pointer, which is destroyed later; the call lives until
        // the function returns.
        unsafe { after(data.pointer, Tagged::handle(call)) };
        drop(inside);
        drop(guard);
    }

    /// Registers middleware that waits for an outcome from the engine.
    pub(crate) fn add_waiting(&self, id: CallId, outer: WaitingMiddleware) {
        let mut over = Vec::new();
        {
            let mut waiting_middleware = self.waiting_middleware.lock();
            if waiting_middleware.len() >= 64
                && let Some(started) = self.started.get()
            {
                // Removes the middleware of calls that have ended without a message.
                let ended: Vec<_> =
                    waiting_middleware.keys().filter(|id| started.port.is_cancelled(**id)).copied().collect();
                over.extend(ended.into_iter().filter_map(|id| waiting_middleware.remove(&id)));
            }
            over.extend(waiting_middleware.insert(id, outer));
        }
        drop(over);
    }

    /// The middleware that waits for an outcome from the engine.
    pub(crate) fn take_waiting(&self, id: CallId) -> Option<WaitingMiddleware> {
        self.waiting_middleware.lock().remove(&id)
    }

    /// Handles an operation from a lane.
    pub(crate) fn take(self: &Arc<Self>, op: HostOp, mode: Mode) {
        match op {
            HostOp::Call(call) => self.run(call, mode, false),
            other => self.handle_other(other),
        }
    }

    /// Handles an operation that does not start a call.
    pub(crate) fn handle_other(&self, op: HostOp) {
        match op {
            HostOp::Next { call, outcome } => {
                if let Some(outer) = self.take_waiting(call) {
                    outer.resume(outcome);
                }
            }
            // The callback can check whether its call has ended. An answer starts the call again.
            HostOp::Cancel { call, .. } => drop(self.take_waiting(call)),
            _ => {}
        }
    }

    /// Ends a call whose callback does not run.
    pub(super) fn fail(&self, call: &HostCall, outcome: Outcome) {
        if let Some(started) = self.started.get() {
            let _ = started.port.complete(call.id, outcome);
        }
    }

    /// Makes sure that the thread of the store runs. If it cannot start, the operations fail.
    pub(crate) fn start_store_thread(self: &Arc<Self>) {
        let Some(started) = self.started.get() else { return };
        if let Err(failure) = started.store_thread.ensure(self, 1) {
            started.store_thread.drain(|call| self.fail(&call, Outcome::Failed(failure.message.clone())));
        }
    }

    /// Starts one more thread for the verifier and the authorizer if all are busy. If there is none at all, they fail.
    pub(crate) fn grow_access_threads(self: &Arc<Self>) {
        let Some(started) = self.started.get() else { return };
        if let Err(failure) = started.access_threads.grow(self) {
            started.access_threads.drain(|call| self.fail(&call, Outcome::Failed(failure.message.clone())));
        }
    }

    /// Makes sure that the thread for inline calls from elsewhere runs. If it cannot start, these calls fail.
    pub(crate) fn start_inline_thread(self: &Arc<Self>) {
        let Some(started) = self.started.get() else { return };
        if let Err(failure) = started.inline_thread.ensure(self, 1) {
            started.inline_thread.drain(|call| self.fail(&call, Outcome::Failed(failure.message.clone())));
        }
    }
}
