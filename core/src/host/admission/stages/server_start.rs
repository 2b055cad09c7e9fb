//! The stage `start`: the server of a call's entry has started.

use crate::host::Target;
use crate::host::admission::interface::{Answer, Selection, Stage, StageTime, Taken, Verdict};
use crate::host::calls::dispatch::ReadyCall;
use crate::host::calls::op::CallContext;
use crate::host::calls::start::Role;
use crate::host::lanes::port::HostPort;
use crate::host::lifecycle::{StartGate, not_started};
use crate::proto::messages::error::RpcError;

pub(in crate::host::admission) struct ServerStart;

impl Stage for ServerStart {
    const NAME: &'static str = "start";
    const TIME: StageTime = StageTime::Restarts;

    fn selects(call: &Selection<'_>) -> bool {
        // A server may begin to start while a call waits at an earlier stage.
        (!call.shared.life.is_open() || !call.before.is_empty())
            && !matches!(call.role, Role::Engine { waits_for_start: false, .. })
            // The engine's own entries do not depend on the program's start.
            && !matches!(call.context.target(), Target::Builtin(_))
    }

    fn decide(port: &HostPort, _: &ReadyCall, _: &mut Taken) -> Option<Verdict> {
        port.0.life.is_open().then_some(Verdict::Pass)
    }

    fn enter(port: &HostPort, call: &mut ReadyCall) -> Verdict {
        match port.0.start_gate(call.id, &call.context) {
            StartGate::Open => Verdict::Pass,
            StartGate::Waits => Verdict::Wait,
            StartGate::Failed => Verdict::Answer(Answer::Error(not_started(&call.context))),
        }
    }

    fn late(_: &CallContext) -> Option<RpcError> {
        let late = RpcError::busy("Server busy: the server has not started in time");
        Some(late.refused_by(ServerStart::NAME, "timeout"))
    }
}
