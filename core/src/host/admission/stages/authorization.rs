//! The stage `authorization`: the program's authorizer decides about the call.

use crate::host::admission::chain::StageId;
use crate::host::admission::interface::{Selection, Stage, StageTime, Verdict};
use crate::host::calls::dispatch::{ReadyCall, Thread};
use crate::host::calls::op::CallContext;
use crate::host::engine::Engine;
use crate::host::functions::asks_authorizer;
use crate::host::lanes::port::HostPort;
use crate::proto::messages::error::{RpcError, stage};

pub(in crate::host::admission) struct Authorization;

impl Stage for Authorization {
    const NAME: &'static str = stage::AUTHORIZATION;
    const TIME: StageTime = StageTime::Limited(|limits| limits.store_timeout);

    #[inline]
    fn selects(call: &Selection<'_>) -> bool {
        asks_authorizer(call.shared, call.context) && call.is_asked_for()
    }

    fn enter(port: &HostPort, call: &mut ReadyCall) -> Verdict {
        let (id, later) = (call.id, port.clone());
        let decided = move |decision: Result<(), RpcError>| {
            let now = later.0.now();
            later.resume(StageId::Authorization, id, now, |_| Ok(decision?));
        };
        match Engine(port.0.clone()).ask_authorizer(&call.context, &call.input, decided) {
            Some(Ok(())) => Verdict::Pass,
            Some(Err(error)) => error.into(),
            None => {
                call.thread = Thread::Other;
                Verdict::Wait
            }
        }
    }

    fn late(_: &CallContext) -> Option<RpcError> {
        Some(RpcError::internal("Internal error: the server could not decide about this call in time"))
    }
}
