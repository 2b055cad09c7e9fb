//! Argument checks that take too long for the thread that received the call.
//!
//! Most checks are cheap, and the receiving thread does them. If a check exceeds a small budget, that thread stops
//! it. The call is then put into the call table, so that it has its id and its timeout and can be cancelled. A check
//! thread checks its arguments.

use crate::dispatch::calls::table::CallId;
use crate::dispatch::route::arguments_refused;
use crate::dispatch::shares::Key;
use crate::faults;
use crate::host::calls::dispatch::{ReadyCall, Thread};
use crate::host::calls::op::{CallContext, Outcome};
use crate::host::calls::requests::ARGUMENTS;
use crate::host::calls::start::Check;
use crate::host::engine::Engine;
use crate::host::lanes::port::HostPort;
use crate::json::JsonSlice;
use crate::panics::caught;
use crate::proto::messages::error::{RpcError, stage};
use std::sync::Arc;

impl HostPort {
    /// Starts the check of the arguments of a call in the table. The call runs if they are valid.
    ///
    /// The arguments stay in the table. So if a client cancels its calls, the queue of checks does not keep their
    /// arguments in memory.
    pub(in crate::host) fn check_aside(&self, call: CallId) {
        let Some(work) = self.0.checks.clone() else { return self.check_now(call) };
        let port = self.clone();
        self.0.observed(call).waits("arguments");
        if !work.run(self.share_of(call), Box::new(move || port.check_now(call))) {
            let busy = RpcError::busy("Server busy: no thread can be started to check arguments");
            self.0.fail(call, &busy.refused_by(stage::LIMITS, "threads"));
        }
    }

    /// The fair share that a call counts to, if its client has one.
    pub(in crate::host) fn share_of(&self, call: CallId) -> Option<Key> {
        self.0.calls.with(call, |flight| flight.part.as_ref().map(|part| part.key())).flatten()
    }

    fn check_now(&self, call: CallId) {
        if let Err(panicked) = caught(|| self.check_fully(call)) {
            self.0.fail_panicked(call, &panicked);
        }
    }

    fn check_fully(&self, call: CallId) {
        faults::pass("aside");
        // If the call has already ended, it already has its response.
        let found = self
            .0
            .calls
            .with(call, |flight| Some((flight.check.take()?, flight.context.clone(), flight.input.clone())));
        let Some((check, context, input)) = found.flatten() else { return };
        self.0.observed(call).continues();
        match context.entry.prepare(input) {
            Ok(input) => {
                if let Err(error) = self.run_checked(call, input, context, *check) {
                    self.0.fail(call, &error);
                }
            }
            Err(reasons) => {
                let (entry, revision) = (&context.entry, context.client.revision);
                match arguments_refused(entry.kind, &entry.name, revision, &reasons) {
                    Ok(text) => {
                        self.0.observed(call).refused(ARGUMENTS);
                        let _ = self.complete(call, Outcome::Failed(text));
                    }
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
            (Some(()), None) => {
                self.dispatch(ReadyCall { id: call, input, context, thread: Thread::Other });
            }
        }
        Ok(())
    }
}
