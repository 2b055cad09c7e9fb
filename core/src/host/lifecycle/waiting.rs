//! Calls that wait for the start of their server.

use crate::dispatch::calls::table::CallId;
use crate::host::Target;
use crate::host::calls::dispatch::Thread;
use crate::host::calls::op::CallContext;
use crate::host::engine_state::Shared;
use crate::host::lanes::port::HostPort;
use crate::proto::messages::error::{RpcError, stage};

impl Shared {
    /// Makes a call wait for the start, or fails it if the start has failed. Returns `false` if the call may run.
    pub(in crate::host) fn queue_until_started(&self, id: CallId, context: &CallContext) -> bool {
        // The engine's own entries do not depend on the program's start.
        if self.life.is_open() || matches!(context.target(), Target::Builtin(_)) {
            return false;
        }
        let part = context.entry.part;
        // Recorded before another thread can let the call run.
        let observed = self.observed(id);
        observed.waits("start");
        {
            let mut state = self.life.state.lock();
            if self.life.is_open() {
                observed.passes();
                return false;
            }
            if state.waits(part) {
                if state.held.len() == state.held.capacity() {
                    state.held.retain(|(_, held)| self.calls.with(*held, |_| ()).is_some());
                }
                state.held.push((part, id));
                return true;
            }
            observed.passes();
            if !state.has_failed(part) {
                return false;
            }
        }
        self.fail(id, &not_started(context));
        true
    }

    /// Whether a call waits for the start.
    pub(in crate::host) fn waits_for_start(&self, id: CallId) -> bool {
        !self.life.is_open() && self.life.state.lock().held.iter().any(|(_, held)| *held == id)
    }

    /// Runs the calls that waited.
    pub(super) fn run_waiting(&self, port: &HostPort, held: Vec<CallId>) {
        for id in held {
            let now = self.now();
            let found = self.with_deadline(id, |flight, deadline| {
                *deadline = now.checked_add(flight.timeout);
                flight.ready(id, Thread::Other)
            });
            let Some(call) = found else { continue };
            if self.life.state.lock().has_failed(call.context.entry.part) {
                self.fail(id, &not_started(&call.context));
            } else {
                self.observed(id).continues();
                port.acquire_and_run(call);
            }
        }
    }
}

pub(super) fn not_started(context: &CallContext) -> RpcError {
    RpcError::internal(format!("{}: its server has not started", context.entry))
        .refused_by(stage::LIFECYCLE, "start")
}
