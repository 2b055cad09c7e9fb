//! The stage `task`: the record of a task is stored, and its client gets the task, before the handler runs.

use crate::host::admission::interface::{Selection, Stage, StageTime, Verdict};
use crate::host::calls::dispatch::{ReadyCall, Thread};
use crate::host::calls::op::CallContext;
use crate::host::engine_state::Shared;
use crate::host::lanes::port::HostPort;
use crate::proto::messages::error::RpcError;

pub(in crate::host::admission) struct TaskRecord;

impl Stage for TaskRecord {
    const NAME: &'static str = "task";
    // Not `Store`: the timeout of a task starts here, also if the store answers at once.
    const TIME: StageTime = StageTime::Limited(|limits| limits.store_timeout);

    fn selects(call: &Selection<'_>) -> bool {
        call.data.is_some_and(|data| data.task.is_some())
    }

    fn enter(port: &HostPort, call: &mut ReadyCall) -> Verdict {
        // The thread that received the request has other input to receive.
        call.thread = Thread::Other;
        let ttl = port.0.calls.with(call.id, |flight| flight.passage.data()?.task.flatten()).flatten();
        match port.begin_task(call.id, ttl, true) {
            Ok(()) => Verdict::Wait,
            Err(error) => error.into(),
        }
    }

    fn late(_: &CallContext) -> Option<RpcError> {
        Some(Shared::no_store("it did not answer in time"))
    }
}
