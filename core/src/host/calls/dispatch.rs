//! Hands calls that may run to their targets: a host's lane, an inline handler, a local handler or the engine itself.

use crate::dispatch::calls::table::CallId;
use crate::faults;
use crate::host::Target;
use crate::host::calls::op::{CallContext, HandlerId, HostCall, HostOp};
use crate::host::lanes::local::{self, LocalCall};
use crate::host::lanes::port::HostPort;
use crate::json::JsonSlice;
use crate::panics::caught;
use crate::proto::messages::error::{RpcError, stage};
use std::sync::Arc;

/// A call in the call table, on its way to its target.
pub(in crate::host) struct ReadyCall {
    pub(in crate::host) id: CallId,
    pub(in crate::host) input: JsonSlice,
    pub(in crate::host) context: Arc<CallContext>,
    /// The thread that passes the call to its host.
    pub(in crate::host) thread: Thread,
}

/// The thread that passes a call to its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::host) enum Thread {
    /// The thread that received the call, or an answer to one of its questions. Inline handlers may run on it.
    Receiver,
    /// Any other thread: a thread of the program, or a thread that many calls depend on.
    Other,
}

impl HostPort {
    /// Hands over a call that may run. If the host or a waker panics, the call ends.
    pub(in crate::host) fn dispatch_to_target(&self, call: ReadyCall) {
        let id = call.id;
        if let Err(panicked) = caught(|| self.hand_to_target(call)) {
            self.0.fail_panicked(id, &panicked);
        }
    }

    fn hand_to_target(&self, call: ReadyCall) {
        faults::pass("start");
        let ReadyCall { id, input, context, thread } = call;
        match context.target().clone() {
            Target::Inline { handler, host, .. } if thread == Thread::Receiver => {
                self.0.occupied.run(&*host, HostCall { id, handler, input, context });
            }
            Target::Lane { lane, handler } | Target::Inline { lane, handler, .. } => {
                let lane = context.arrival.lane(lane);
                let of_engine = context.of_engine;
                let op = HostOp::Call(HostCall { id, handler, input, context });
                if of_engine {
                    // These bound themselves.
                    return self.0.lane(lane).push(op);
                }
                let live = |op: &HostOp| op.starts().is_none_or(|id| self.0.calls.with(id, |_| ()).is_some());
                if self.0.lane(lane).push_bounded(op, live).is_err() {
                    let most = self.0.limits.max_lane_calls;
                    let text = format!(
                        "Server busy: the handler's queue is full (max_lane_calls is {most}); retry later"
                    );
                    self.0.fail(id, &RpcError::busy(text).refused_by(stage::LIMITS, "max_lane_calls"));
                }
            }
            Target::Builtin(builtin) => {
                builtin.answer(HostCall { id, handler: HandlerId(0), input, context }, self)
            }
            Target::Local(handler) => {
                let here = context.entry.inline && thread == Thread::Receiver;
                let spawn = self.0.spawn.read().clone();
                local::start(handler, LocalCall::new(self.clone(), id, input, context), spawn, here);
            }
        }
    }
}
