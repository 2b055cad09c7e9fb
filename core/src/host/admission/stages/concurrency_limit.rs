//! The stage `concurrency`: an entry limits how many of its calls run at a time.
//!
//! A call that waits for a permit holds no credit of its lane, because credits are for running calls.

use super::circuit_breaker::admit;
use crate::dispatch::calls::concurrency::{ConcurrencyLimit, Entered};
use crate::dispatch::calls::table::CallId;
use crate::dispatch::policy::KeyHash;
use crate::host::Target;
use crate::host::admission::chain::{Resumed, StageId};
use crate::host::admission::interface::{Held, Selection, Stage, StageCall, StageTime, Taken, Verdict};
use crate::host::calls::dispatch::ReadyCall;
use crate::host::calls::op::CallContext;
use crate::host::engine_state::Shared;
use crate::host::lanes::lane::LaneQueue;
use crate::host::lanes::port::HostPort;
use crate::panics::caught;
use crate::proto::messages::error::RpcError;
use std::sync::Arc;

pub(in crate::host::admission) struct Concurrency;

impl Stage for Concurrency {
    const NAME: &'static str = "concurrency";
    const TIME: StageTime = StageTime::Restarts;

    #[inline]
    fn selects(call: &Selection<'_>) -> bool {
        // A call within another call of the entry runs with the permit of the outer call.
        call.context.entry.concurrency.is_some() && (call.role.outer().is_none() || call.is_decided_here())
    }

    fn decide(_: &HostPort, call: &ReadyCall, _: &mut Taken) -> Option<Verdict> {
        let limit = call.context.entry.concurrency.as_ref()?;
        let values = limit.values(|| call.context.facts(&call.input));
        limit.start(call.id, &values).then_some(Verdict::Pass)
    }

    fn enter(port: &HostPort, call: &mut ReadyCall) -> Verdict {
        let shared = &port.0;
        let Some(limit) = &call.context.entry.concurrency else { return Verdict::Pass };
        let values = limit.values(|| call.context.facts(&call.input));
        if limit.start(call.id, &values) {
            return Verdict::Pass;
        }
        let bound = shared.limits.max_waiting_calls;
        match limit.enter(call.id, &values, shared.caller_of(call), bound) {
            Entered::Runs => Verdict::Pass,
            Entered::Waits { displaced } => {
                shared.return_credit(StageId::Concurrency, call.id);
                if let Some(other) = displaced {
                    // A call that has ended meanwhile is not refused.
                    port.refuse_waiting(StageId::Concurrency, other, too_many(limit, call, bound).into());
                }
                Verdict::Wait
            }
            Entered::Full => too_many(limit, call, bound).into(),
        }
    }

    fn release(shared: &Shared, call: &mut StageCall<'_>, held: Held) {
        let Some(limit) = &call.context.entry.concurrency else { return };
        match held {
            Held::Passed => shared.release_permit(limit, call.id),
            // If the call is no longer in the queue, the thread that took it out passes the permit on.
            Held::Waiting => _ = limit.forget(call.id),
        }
    }

    fn late(_: &CallContext) -> Option<RpcError> {
        let late = RpcError::busy("Server busy: other calls of this handler did not end in time");
        Some(late.refused_by(Concurrency::NAME, "timeout"))
    }
}

/// The error for a call that may not wait. All calls that wait at one limit are of the same entry.
fn too_many(limit: &ConcurrencyLimit, call: &ReadyCall, waiting: usize) -> RpcError {
    let (entry, most) = (&call.context.entry, limit.most().describe());
    let text = format!("Server busy: {entry} runs {most}, and {waiting} wait (max_waiting_calls)");
    RpcError::busy(text).refused_by(Concurrency::NAME, "max_waiting_calls")
}

impl Shared {
    /// The caller of a call, for turns. Calls without a principal, a session and an address are told apart by their
    /// peers, which live as long as their calls.
    fn caller_of(&self, call: &ReadyCall) -> KeyHash {
        let peer = self.calls.with(call.id, |flight| Some(Arc::as_ptr(flight.peer.as_ref()?).addr()));
        call.context.facts(&call.input).caller(peer.flatten())
    }

    /// The lane that counts a call.
    pub(in crate::host) fn lane_of(&self, context: &CallContext) -> Arc<LaneQueue> {
        match context.target() {
            Target::Lane { lane, .. } | Target::Inline { lane, .. } => self.lane(context.arrival.lane(*lane)),
            Target::Local(_) | Target::Builtin(_) => self.local.clone(),
        }
    }

    /// Gives the permit of a call back, and resumes the waiting calls that can run.
    fn release_permit(&self, limit: &ConcurrencyLimit, call: CallId) {
        let mut next = limit.leave(call);
        while let Some(id) = next.pop_front() {
            match caught(|| self.resume_with_permit(id)) {
                Ok(Resumed::Passed) => continue,
                Ok(Resumed::Answered | Resumed::NotWaiting) => {}
                Err(panicked) => self.fail_panicked(id, &panicked),
            }
            next.extend(limit.leave(id));
        }
    }

    /// Resumes a call with the permit that it waited for, and with a credit of its lane.
    fn resume_with_permit(&self, id: CallId) -> Resumed {
        let Some(this) = self.this.upgrade() else { return Resumed::NotWaiting };
        // The clock is read before the credit is taken. Otherwise a panic of the clock would lose the credit.
        let now = self.now();
        HostPort(this).resume_with_credit(StageId::Concurrency, id, now, |flight| {
            // The circuit may have opened meanwhile. If the call were refused later, it would hand its permit to the next
            // call from within this one.
            if flight.context.entry.breaker.is_none() {
                return Ok(());
            }
            let (context, input) = (flight.context.clone(), flight.input.clone());
            admit(self, &context, &input, flight.passage.data_mut(), now)
        })
    }
}
