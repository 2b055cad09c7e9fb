//! Checks of arguments that take longer than the thread that received them can spare.
//!
//! Most checks are cheap and are done where the message came in. One that uses up a small budget is given up there. The call
//! gets its place in the call table, so that it has its id and its time, and can be cancelled. Then its arguments are checked on
//! a thread of their own.

use super::engine::Engine;
use super::op::{CallContext, Outcome};
use super::port::HostPort;
use super::requests::Check;
use super::shared::Thread;
use crate::dispatch::calls::CallId;
use crate::dispatch::route::arguments_refused;
use crate::dispatch::shares::Key;
use crate::faults;
use crate::json::JsonSlice;
use crate::panics::caught;
use crate::proto::error::RpcError;
use std::sync::Arc;

impl HostPort {
    /// Has the arguments of a call in the table checked, and the call run if they fit.
    ///
    /// What is to be checked stays in the table. So a client that cancels its calls leaves nothing of them in the queue.
    pub(super) fn check_aside(&self, call: CallId) {
        let Some(work) = self.0.checks.clone() else { return self.check_now(call) };
        let port = self.clone();
        if !work.run(self.share_of(call), Box::new(move || port.check_now(call))) {
            let busy = RpcError::busy("Server busy: no thread can be started to check arguments");
            self.0.fail(call, &busy);
        }
    }

    /// The share that a call counts to, if its client has one.
    pub(super) fn share_of(&self, call: CallId) -> Option<Key> {
        self.0.calls.with(call, |flight| flight.part.as_ref().map(|part| part.key())).flatten()
    }

    fn check_now(&self, call: CallId) {
        if let Err(panicked) = caught(|| self.check_fully(call)) {
            self.0.fail_panicked(call, &panicked);
        }
    }

    fn check_fully(&self, call: CallId) {
        faults::pass("aside");
        // Whoever ended it has answered it.
        let found = self
            .0
            .calls
            .with(call, |flight| Some((flight.check.take()?, flight.context.clone(), flight.input.clone())));
        let Some((check, context, input)) = found.flatten() else { return };
        match context.entry.prepare(input) {
            Ok(input) => {
                if let Err(error) = self.run_checked(call, input, context, *check) {
                    self.0.fail(call, &error);
                }
            }
            Err(reasons) => {
                let (entry, revision) = (&context.entry, context.client.revision);
                match arguments_refused(entry.kind, &entry.name, revision, &reasons) {
                    Ok(text) => drop(self.complete(call, Outcome::Failed(text))),
                    Err(error) => self.0.fail(call, &error),
                }
            }
        }
    }

    fn run_checked(
        &self,
        call: CallId,
        input: JsonSlice,
        context: Arc<CallContext>,
        check: Check,
    ) -> Result<(), RpcError> {
        let shared = &self.0;
        let Check { params, admission } = check;
        let mut asks = match &params {
            Some(params) => Some(Engine(shared.clone()).resume_asks(params, &context, &input)?),
            None => None,
        };
        let now = shared.now();
        let there = shared.with_deadline(call, |flight, deadline| {
            flight.input = input.clone();
            if let Some(asks) = asks.take() {
                flight.asks = asks;
            }
            if admission.is_some() {
                flight.admitting = true;
                *deadline = now.checked_add(shared.limits.store_timeout);
            }
        });
        match (there, admission) {
            (None, _) => {}
            (Some(()), Some(admission)) => drop(self.admit(call, admission)),
            (Some(()), None) => shared.dispatch(self, call, input, context, Thread::Other),
        }
        Ok(())
    }
}
