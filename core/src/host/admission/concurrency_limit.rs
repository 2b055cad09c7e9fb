//! Concurrency limits: queues the calls of entries that limit how many of them run at a time.

use crate::dispatch::calls::concurrency_limit::{AcquireResult, Semaphore};
use crate::dispatch::calls::table::CallId;
use crate::host::Target;
use crate::host::calls::dispatch::Thread;
use crate::host::calls::in_flight::InFlightCall;
use crate::host::calls::op::CallContext;
use crate::host::engine_state::Shared;
use crate::host::lanes::lane::LaneQueue;
use crate::host::lanes::port::HostPort;
use crate::panics::caught;
use crate::proto::messages::error::{RpcError, stage};
use std::sync::Arc;

/// Whether a call has one of the permits of its entry's concurrency limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::host) enum Permit {
    /// The call needs no permit, or has not asked for one yet.
    #[default]
    None,
    /// The call waits for a permit, and holds no credit of its lane, because credits are for running calls.
    Waiting,
    /// The call has a permit.
    Held,
}

impl Shared {
    /// The lane that counts a call.
    pub(in crate::host) fn lane_of(&self, context: &CallContext) -> Arc<LaneQueue> {
        match context.target() {
            Target::Lane { lane, .. } | Target::Inline { lane, .. } => self.lane(context.arrival.lane(*lane)),
            Target::Local(_) | Target::Builtin(_) => self.local.clone(),
        }
    }

    /// Takes a permit for a call that is about to run. Returns `false` if the call runs later, or has ended.
    pub(in crate::host) fn acquire_permit(
        &self,
        semaphore: &Semaphore,
        id: CallId,
        context: &CallContext,
    ) -> bool {
        let asks = |flight: &mut InFlightCall| flight.outer().is_none() && flight.permit == Permit::None;
        match self.calls.with(id, asks) {
            Some(true) => {}
            Some(false) => return true,
            None => return false,
        }
        // Recorded before another thread can give the call a permit.
        let observed = self.observed(id);
        observed.waits("concurrency");
        match semaphore.enter(id, self.limits.max_waiting_calls) {
            AcquireResult::Runs => {
                observed.passes();
                let held = self.calls.with(id, |flight| flight.permit = Permit::Held);
                if held.is_none() {
                    self.release_permit(semaphore);
                }
                held.is_some()
            }
            AcquireResult::Waits => {
                let waits = self.calls.with(id, |flight| {
                    // Another thread may already have given it a permit.
                    (flight.permit == Permit::None).then(|| {
                        flight.permit = Permit::Waiting;
                        std::mem::replace(&mut flight.lane, self.waiting.clone())
                    })
                });
                match waits {
                    Some(Some(lane)) => lane.release(),
                    Some(None) => {}
                    None if semaphore.forget(id) => {}
                    None => self.release_permit(semaphore),
                }
                false
            }
            AcquireResult::Full => {
                observed.passes();
                let (entry, most) = (&context.entry, semaphore.most());
                let waiting = self.limits.max_waiting_calls;
                let text = format!(
                    "Server busy: {entry} runs {most} calls at a time, and {waiting} wait (max_waiting_calls)"
                );
                self.fail(id, &RpcError::busy(text).refused_by(stage::LIMITS, "max_waiting_calls"));
                false
            }
        }
    }

    /// Handles the end of a call that had a permit or waited for one.
    pub(in crate::host) fn end_permit(&self, semaphore: &Semaphore, id: CallId, permit: Permit) {
        match permit {
            Permit::None => {}
            Permit::Held => self.release_permit(semaphore),
            Permit::Waiting => {
                if !semaphore.forget(id) {
                    self.release_permit(semaphore);
                }
            }
        }
    }

    /// Gives a permit back, and runs the next waiting call.
    fn release_permit(&self, semaphore: &Semaphore) {
        while let Some(id) = semaphore.leave() {
            match caught(|| self.run_in_turn(id)) {
                Ok(true) => return,
                Ok(false) => {}
                Err(panicked) => {
                    // The end of this call does not start the next one; this loop does.
                    self.calls.with(id, |flight| flight.permit = Permit::None);
                    self.fail_panicked(id, &panicked);
                }
            }
        }
    }

    /// Runs a call that waited. Returns `false` if it has ended, or cannot run.
    fn run_in_turn(&self, id: CallId) -> bool {
        let Some(context) = self.calls.with(id, |flight| flight.context.clone()) else { return false };
        // The clock is read before the credit is taken. Otherwise a panic of the clock would lose the credit.
        let now = self.now();
        let lane = self.lane_of(&context);
        let credit = lane.acquire();
        let mut used = false;
        let runs = self.with_deadline(id, |flight, deadline| {
            // A call that got its permit before it was marked as waiting still has its credit.
            if flight.permit == Permit::Waiting {
                if !credit {
                    return None;
                }
                used = true;
                flight.lane = lane.clone();
                *deadline = now.checked_add(flight.timeout);
            }
            flight.permit = Permit::Held;
            Some(flight.ready(id, Thread::Other))
        });
        if credit && !used {
            lane.release();
        }
        match runs {
            Some(Some(call)) => {
                self.observed(id).continues();
                if let Some(this) = self.this.upgrade() {
                    HostPort(this).hand_over(call);
                }
                true
            }
            Some(None) => {
                // Ended as a call without a permit, because this loop starts the next one.
                self.calls.with(id, |flight| flight.permit = Permit::None);
                self.fail(
                    id,
                    &self.busy("calls of this handler's queue are in flight", "max_lane_calls", lane.limit()),
                );
                false
            }
            None => false,
        }
    }
}
