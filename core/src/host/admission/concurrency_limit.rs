//! The stage `concurrency`: an entry limits how many of its calls run at a time.
//!
//! A call that waits for a permit holds no credit of its lane, because credits are for running calls.

use super::chain::{Resumed, StageId};
use super::interface::{Answer, Held, Selection, Stage, StageCall, StageTime, Verdict};
use crate::dispatch::calls::concurrency_limit::{AcquireResult, Semaphore};
use crate::dispatch::calls::table::CallId;
use crate::host::Target;
use crate::host::calls::dispatch::ReadyCall;
use crate::host::calls::op::CallContext;
use crate::host::engine_state::Shared;
use crate::host::lanes::lane::LaneQueue;
use crate::host::lanes::port::HostPort;
use crate::panics::caught;
use crate::proto::messages::error::RpcError;
use std::sync::Arc;

pub(super) struct Concurrency;

impl Stage for Concurrency {
    const NAME: &'static str = "concurrency";
    const TIME: StageTime = StageTime::Restarts;

    #[inline]
    fn selects(call: &Selection<'_>) -> bool {
        // A call within another call runs with the permit of the outer call.
        call.context.entry.semaphore.is_some() && call.role.outer().is_none()
    }

    fn enter(port: &HostPort, call: &mut ReadyCall) -> Verdict {
        let shared = &port.0;
        let Some(semaphore) = &call.context.entry.semaphore else { return Verdict::Pass };
        match semaphore.enter(call.id, shared.limits.max_waiting_calls) {
            AcquireResult::Runs => Verdict::Pass,
            AcquireResult::Waits => {
                shared.return_credit(call.id);
                Verdict::Wait
            }
            AcquireResult::Full => {
                let (entry, most) = (&call.context.entry, semaphore.most());
                let waiting = shared.limits.max_waiting_calls;
                let text = format!(
                    "Server busy: {entry} runs {most} calls at a time, and {waiting} wait (max_waiting_calls)"
                );
                RpcError::busy(text).refused_by(Concurrency::NAME, "max_waiting_calls").into()
            }
        }
    }

    fn release(shared: &Shared, call: &mut StageCall<'_>, held: Held) {
        let Some(semaphore) = &call.context.entry.semaphore else { return };
        match held {
            Held::Passed => shared.release_permit(semaphore),
            // If the call is no longer in the queue, the thread that took it out passes the permit on.
            Held::Waiting => _ = semaphore.forget(call.id),
        }
    }

    fn late(_: &CallContext) -> Option<RpcError> {
        let late = RpcError::busy("Server busy: other calls of this handler did not end in time");
        Some(late.refused_by(Concurrency::NAME, "timeout"))
    }
}

impl Shared {
    /// The lane that counts a call.
    pub(in crate::host) fn lane_of(&self, context: &CallContext) -> Arc<LaneQueue> {
        match context.target() {
            Target::Lane { lane, .. } | Target::Inline { lane, .. } => self.lane(context.arrival.lane(*lane)),
            Target::Local(_) | Target::Builtin(_) => self.local.clone(),
        }
    }

    /// Gives back the lane's credit of a call that will wait for a permit.
    fn return_credit(&self, id: CallId) {
        self.calls.with(id, |flight| {
            // Another thread may already have given it a permit.
            if flight.passage.awaits(StageId::Concurrency) {
                self.waiting.acquire_unbounded();
                std::mem::replace(&mut flight.lane, self.waiting.clone()).release();
            }
        });
    }

    /// Gives a permit back, and resumes the next waiting call that can run.
    fn release_permit(&self, semaphore: &Semaphore) {
        while let Some(id) = semaphore.leave() {
            match caught(|| self.resume_with_permit(id)) {
                Ok(Resumed::Passed) => return,
                Ok(Resumed::Answered | Resumed::NotWaiting) => {}
                Err(panicked) => self.fail_panicked(id, &panicked),
            }
        }
    }

    /// Resumes a call with the permit that it waited for, and with a credit of its lane.
    fn resume_with_permit(&self, id: CallId) -> Resumed {
        let context = self.calls.with(id, |flight| flight.context.clone());
        let (Some(context), Some(this)) = (context, self.this.upgrade()) else { return Resumed::NotWaiting };
        // The clock is read before the credit is taken. Otherwise a panic of the clock would lose the credit.
        let now = self.now();
        let lane = self.lane_of(&context);
        let mut credit = lane.acquire();
        let resumed = HostPort(this).resume(StageId::Concurrency, id, now, |flight| {
            // A call that got its permit before it gave its credit back still has it.
            if Arc::ptr_eq(&flight.lane, &self.waiting) {
                if !std::mem::take(&mut credit) {
                    return Err(self.no_credit(&lane));
                }
                std::mem::replace(&mut flight.lane, lane.clone()).release();
            }
            Ok(())
        });
        if credit {
            lane.release();
        }
        resumed
    }

    fn no_credit(&self, lane: &LaneQueue) -> Answer {
        self.busy("calls of this handler's queue are in flight", "max_lane_calls", lane.limit()).into()
    }
}
