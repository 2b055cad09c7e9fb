//! The credits of calls that wait: credits are for running calls, so a call that may wait for long gives its credit back.

use super::chain::{Resumed, StageId};
use super::interface::Answer;
use crate::dispatch::calls::table::CallId;
use crate::host::calls::in_flight::InFlightCall;
use crate::host::engine_state::Shared;
use crate::host::lanes::lane::LaneQueue;
use crate::host::lanes::port::HostPort;
use std::sync::Arc;
use std::time::Instant;

impl Shared {
    /// Gives back the lane's credit of a call that will wait at a stage.
    pub(in crate::host) fn return_credit(&self, stage: StageId, id: CallId) {
        self.calls.with(id, |flight| {
            // Another thread may already have resumed it.
            if flight.passage.awaits(stage) {
                self.waiting.acquire_unbounded();
                std::mem::replace(&mut flight.lane, self.waiting.clone()).release();
            }
        });
    }

    fn no_credit(&self, lane: &LaneQueue) -> Answer {
        self.busy("calls of this handler's queue are in flight", "max_lane_calls", lane.limit()).into()
    }
}

impl HostPort {
    /// Resumes a call that has given its credit back, with a credit of its lane. If there is none, the call is refused.
    pub(in crate::host) fn resume_with_credit(
        &self,
        stage: StageId,
        id: CallId,
        now: Instant,
        decide: impl FnOnce(&mut InFlightCall) -> Result<(), Answer>,
    ) -> Resumed {
        let shared = &self.0;
        let context = shared.calls.with(id, |flight| flight.context.clone());
        let Some(context) = context else { return Resumed::NotWaiting };
        let lane = shared.lane_of(&context);
        let mut credit = lane.acquire();
        let resumed = self.resume(stage, id, now, |flight| {
            // A call that was resumed before it gave its credit back still has it.
            if Arc::ptr_eq(&flight.lane, &shared.waiting) {
                if !std::mem::take(&mut credit) {
                    return Err(shared.no_credit(&lane));
                }
                std::mem::replace(&mut flight.lane, lane.clone()).release();
            }
            decide(flight)
        });
        if credit {
            lane.release();
        }
        resumed
    }
}
