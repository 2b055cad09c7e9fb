//! The stage `cache`: no result is kept that answers the call, and no other call produces it.

use crate::host::admission::interface::{Held, Selection, Stage, StageCall, StageTime, Taken, Verdict};
use crate::host::calls::dispatch::ReadyCall;
use crate::host::calls::op::CallContext;
use crate::host::calls::start::Role;
use crate::host::engine_state::Shared;
use crate::host::lanes::port::HostPort;
use crate::proto::messages::error::{RpcError, stage};

pub(in crate::host::admission) struct CacheLookup;

impl Stage for CacheLookup {
    const NAME: &'static str = stage::CACHE;
    const TIME: StageTime = StageTime::Restarts;

    #[inline]
    fn selects(call: &Selection<'_>) -> bool {
        call.context.entry.cache.is_some() && looks(call)
    }

    fn decide(port: &HostPort, call: &ReadyCall, taken: &mut Taken) -> Option<Verdict> {
        port.look_up_at_once(call, taken)
    }

    fn enter(port: &HostPort, call: &mut ReadyCall) -> Verdict {
        port.look_up(call)
    }

    fn release(shared: &Shared, call: &mut StageCall<'_>, held: Held) {
        let Some(cache) = &call.context.entry.cache else { return };
        if held == Held::Waiting {
            cache.forget(call.id);
        }
        // A call that has data has its production there, which is passed on at the end of the call.
        if call.data.is_none()
            && let Some(production) = cache.production_of(call.id)
        {
            shared.pass_on(&call.context.entry, production);
        }
    }

    fn late(_: &CallContext) -> Option<RpcError> {
        let late = "Server busy: another call that produces the same result did not end in time";
        Some(RpcError::busy(late).refused_by(CacheLookup::NAME, "timeout"))
    }
}

/// Whether the cache applies to a call: its response depends on its arguments and its caller alone, and is not a task.
fn looks(call: &Selection<'_>) -> bool {
    let is_task = call.data.is_some_and(|data| data.task.is_some());
    matches!(call.role, Role::Message | Role::Renewal) && call.is_whole && !is_task
}
