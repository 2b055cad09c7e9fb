//! Periodic work for tasks: renews their leases and ends those that have expired.

use crate::host::calls::completion::End;
use crate::host::calls::op::CancelReason;
use crate::host::engine_state::Shared;
use crate::host::lanes::port::HostPort;
use std::time::Instant;

impl HostPort {
    /// Does the periodic work. It renews the leases of the tasks that this process runs; that also writes what could
    /// not be written before, and finds changes by other processes. It ends expired tasks, and checks those that
    /// other processes run.
    pub(in crate::host) fn maintain_tasks(&self, now: Instant) {
        let shared = &self.0;
        if !shared.tasks.take_due(now) {
            return;
        }
        self.look_elsewhere();
        let seconds = shared.environment.unix_seconds();
        let lease = shared.lease(seconds);
        let all = shared.tasks.all();
        for live in &all {
            let (expired, unborn, late) = {
                let mut state = live.state();
                state.task.renew(lease);
                let late = state.creation.as_ref().and_then(|creation| creation.until);
                (
                    state.task.expires() <= seconds,
                    state.creation.is_some(),
                    late.is_some_and(|late| late <= now),
                )
            };
            if expired {
                live.state().abandoned = true;
                shared.tasks.leave(live);
                shared.end(live.call, End::Silent(CancelReason::TimedOut));
                self.withdraw_questions(live);
                self.answer_waiters(live);
            } else if late {
                self.never_born(live, &Shared::no_store("it did not answer in time"));
            } else if unborn {
                shared.maintain_at(live.state().creation.as_ref().and_then(|creation| creation.until));
            } else {
                self.save_task(live);
            }
        }
        if !all.is_empty() {
            shared.maintain_at(now.checked_add(shared.heartbeat()));
        }
    }
}
