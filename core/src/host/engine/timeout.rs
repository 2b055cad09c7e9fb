//! The engine's timed work: deadlines of calls, slow calls, delayed messages.

use crate::dispatch::calls::table::CallId;
use crate::host::admission::interface::CallEnd;
use crate::host::calls::completion::End;
use crate::host::calls::op::CancelReason;
use crate::host::calls::start::{Own, Role};
use crate::host::engine::Engine;
use crate::host::engine_state::Shared;
use crate::host::functions::undecided;
use std::time::{Duration, Instant};

impl Engine {
    /// The time at which [`Engine::handle_timeout`] should be called next. It may change after any other method.
    pub fn next_deadline(&self) -> Option<Instant> {
        let shared = &self.0;
        let dues = [
            shared.calls.next_deadline(),
            shared.bus.due(),
            shared.tasks.due(),
            shared.spacing_due(),
            shared.resolutions.next(),
            shared.expirations.next(),
        ];
        dues.into_iter().flatten().min()
    }

    /// Notifies the sinks of calls that have been in flight for at least `after`, once per call.
    pub(crate) fn start_streaming_slow_calls(&self, now: Instant, after: Duration) {
        if self.0.calls.is_empty() {
            return;
        }
        let mut slow = Vec::new();
        self.0.calls.for_each(|flight| {
            if !flight.notified_slow && now.saturating_duration_since(flight.began) >= after {
                flight.notified_slow = true;
                slow.push(flight.sink.clone());
            }
        });
        for sink in slow {
            sink.slow();
        }
    }

    /// Ends the calls whose deadline has passed, and notifies clients of changes.
    pub fn handle_timeout(&self, now: Instant) {
        self.0.guard("the delivery of delayed responses", || self.0.send_spaced(now));
        self.0.guard("the notification of changes", || self.notify_changes(now));
        for waker in self.0.resolutions.expire(now) {
            self.0.guard("the timeout of a resolver", || waker.wake());
        }
        self.end_expired(now);
        self.0.guard("the maintenance of tasks", || self.port().maintain_tasks(now));
        if self.0.calls.next_deadline().is_none_or(|next| next > now) {
            return;
        }
        for call in self.0.calls.expired(now) {
            self.0.guard("the timeout of a call", || self.expire(call, now));
        }
    }

    /// Ends a call whose deadline has passed.
    ///
    /// It is removed first, and only if its deadline still has passed: the end of another call may have started it, which
    /// sets a new deadline.
    fn expire(&self, call: CallId, now: Instant) {
        let late = self.0.calls.with_expired(call, now, |flight| flight.passage.data()?.late.take());
        if late.flatten().is_some_and(|late| late(now)) {
            return;
        }
        let Some(mut flight) = self.0.calls.remove_expired(call, now) else { return };
        if let Role::Own(Own::Timed | Own::Counted) = flight.role {
            return self.0.fail_removed(call, flight, &Shared::no_store("it did not answer in time"));
        }
        if flight.role == Role::Own(Own::Deciding) {
            return self.0.fail_removed(
                call,
                flight,
                &undecided("could not decide about this request in time"),
            );
        }
        if let Some((stage, error)) =
            flight.passage.stage().and_then(|stage| Some((stage, stage.late(&flight.context)?)))
        {
            if let Some((outcome, settled)) = self.0.stale_of(&mut flight) {
                self.0.end_with(call, flight, outcome, false);
                return self.0.share(settled);
            }
            flight.refused_at(stage.name(), &error);
            return self.0.fail_removed(call, flight, &error);
        }
        if flight.context.of_engine {
            return self.own_call_timed_out(call, flight);
        }
        let entry = flight.context.entry.clone();
        // A modern attempt does not wait for answers: its questions are sent when it ends.
        let sent = flight.asks.pending.iter().any(|pending| pending.request.is_some());
        let waits = sent || flight.task.is_some() && !flight.asks.pending.is_empty();
        let text = if waits {
            let most = self.0.limits.ask_timeout.as_secs();
            format!("{entry} got no answer from the client in {most} s")
        } else {
            let timeout = flight.role.timeout(&entry.policies, &self.0.limits);
            format!("{entry} timed out after {} ms", timeout.as_millis())
        };
        let ran = flight.handler.delivered || flight.handler.local.is_some();
        if ran && !waits {
            flight.passage.note_end(CallEnd::TimedOut);
        }
        self.0.end_removed(call, flight, End::Failed(CancelReason::TimedOut, text.clone()));
        if !waits {
            self.hook_error(&entry, &text);
        }
    }
}
