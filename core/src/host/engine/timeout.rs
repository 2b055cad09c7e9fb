//! The engine's timed work: deadlines of calls, slow calls, delayed messages.

use crate::dispatch::calls::table::CallId;
use crate::host::calls::completion::End;
use crate::host::calls::in_flight::InFlightCall;
use crate::host::calls::op::CancelReason;
use crate::host::calls::start::{Own, Role};
use crate::host::engine::Engine;
use crate::host::engine_state::Shared;
use std::time::{Duration, Instant};

impl Engine {
    /// The time at which [`Engine::handle_timeout`] should be called next. It may change after any other method.
    pub fn next_deadline(&self) -> Option<Instant> {
        let dues = [self.0.calls.next_deadline(), self.0.bus.due(), self.0.tasks.due(), self.0.spacing_due()];
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
        self.0.guard("the maintenance of tasks", || self.port().maintain_tasks(now));
        if self.0.calls.next_deadline().is_none_or(|next| next > now) {
            return;
        }
        for call in self.0.calls.expired(now) {
            self.0.guard("the timeout of a call", || self.expire(call));
        }
    }

    /// Ends a call whose deadline has passed.
    fn expire(&self, call: CallId) {
        let at = |flight: &mut InFlightCall| (flight.role, flight.passage.stage(), flight.context.clone());
        let Some((role, stage, context)) = self.0.calls.with(call, at) else { return };
        if role == Role::Own(Own::Timed) {
            return self.0.fail(call, &Shared::no_store("it did not answer in time"));
        }
        if let Some((stage, error)) = stage.and_then(|stage| Some((stage, stage.late(&context)?))) {
            return self.port().refuse(stage, call, error.into());
        }
        let why = self.0.calls.with(call, |flight| {
            let (entry, timeout) = (&flight.context.entry, flight.timeout);
            // A modern attempt does not wait for answers: its questions are sent when it ends.
            let sent = flight.asks.pending.iter().any(|pending| pending.request.is_some());
            let waits = sent || flight.task.is_some() && !flight.asks.pending.is_empty();
            if !waits {
                (format!("{entry} timed out after {} ms", timeout.as_millis()), Some(entry.clone()))
            } else {
                let most = self.0.limits.ask_timeout.as_secs();
                (format!("{entry} got no answer from the client in {most} s"), None)
            }
        });
        let Some((text, late)) = why else { return };
        let ended = self.0.end(call, End::Failed(CancelReason::TimedOut, text.clone()));
        if let Some(entry) = late.filter(|_| ended) {
            self.hook_error(&entry, &text);
        }
    }
}
