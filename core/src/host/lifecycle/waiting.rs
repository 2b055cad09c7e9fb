//! Calls that wait for the start of their server, at the stage `start` of their admission.

use crate::dispatch::calls::table::CallId;
use crate::host::admission::chain::StageId;
use crate::host::calls::op::CallContext;
use crate::host::engine_state::Shared;
use crate::host::lanes::port::HostPort;
use crate::proto::messages::error::{RpcError, stage};

/// Whether the server of a call has started.
pub(in crate::host) enum StartGate {
    Open,
    /// The call waits, and is resumed when its server has started.
    Waits,
    Failed,
}

impl Shared {
    /// Makes a call wait unless its server has started.
    pub(in crate::host) fn start_gate(&self, id: CallId, context: &CallContext) -> StartGate {
        if self.life.is_open() {
            return StartGate::Open;
        }
        let part = context.entry.part;
        let mut state = self.life.state.lock();
        if self.life.is_open() {
            return StartGate::Open;
        }
        if state.waits(part) {
            if state.held.len() == state.held.capacity() {
                state.held.retain(|(_, held)| self.calls.with(*held, |_| ()).is_some());
            }
            state.held.push((part, id));
            return StartGate::Waits;
        }
        if state.has_failed(part) { StartGate::Failed } else { StartGate::Open }
    }

    /// Resumes the calls that waited.
    pub(super) fn run_waiting(&self, port: &HostPort, held: Vec<CallId>) {
        for id in held {
            let now = self.now();
            let Some(context) = self.calls.with(id, |flight| flight.context.clone()) else { continue };
            let failed = self.life.state.lock().has_failed(context.entry.part);
            let verdict = if failed { Err(not_started(&context).into()) } else { Ok(()) };
            port.resume(StageId::ServerStart, id, now, |_| verdict);
        }
    }
}

pub(in crate::host) fn not_started(context: &CallContext) -> RpcError {
    RpcError::internal(format!("{}: its server has not started", context.entry))
        .refused_by(stage::LIFECYCLE, "not_started")
}
