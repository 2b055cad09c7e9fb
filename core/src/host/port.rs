//! The one door to foreign code: operations out through lanes, completions in.

use super::lane::{Drained, LaneId, LaneQueue};
use super::local::{Spawn, Waiter};
use super::op::{AskMode, Event, HostOp, Outcome, Stale};
use super::shared::Shared;
use super::sink::Outgoing;
use super::wake::Wake;
use crate::dispatch::asks::{Answer, Ask, AskError, AskId, Asked, Prepared};
use crate::dispatch::calls::CallId;
use crate::json::JsonSlice;
use crate::proto::shape;
use std::sync::Arc;
use std::time::Duration;

/// The host's side of the engine. Cheap to clone; every method may be called from any thread.
///
/// No engine lock is held while host code runs, and nothing here waits for a host.
#[derive(Clone)]
pub struct HostPort(pub(crate) Arc<Shared>);

/// One lane, attached: the host drains it when woken.
pub struct Lane {
    shared: Arc<Shared>,
    queue: Arc<LaneQueue>,
}

impl HostPort {
    /// Attaches a waker to the lane `id` and returns the lane. What was queued before is kept, and wakes at once.
    /// Attaching again replaces the waker.
    pub fn lane(&self, id: LaneId, wake: Arc<dyn Wake>) -> Lane {
        let queue = self.0.lane(id);
        queue.attach(wake);
        Lane { shared: self.0.clone(), queue }
    }

    /// Gives local (Rust) handlers the executor they run on.
    pub fn set_spawn(&self, spawn: Arc<dyn Spawn>) {
        *self.0.spawn.write() = Some(spawn);
    }

    /// Ends a call with what its handler came to. [`Stale`] if it had ended already.
    pub fn complete(&self, id: CallId, outcome: Outcome) -> Result<(), Stale> {
        if matches!(outcome, Outcome::Suspend) {
            return self.suspend(id);
        }
        let flight = self.0.calls.remove(id).ok_or(Stale)?;
        self.0.complete(id, flight, outcome);
        Ok(())
    }

    /// Completes several calls; those that had ended are skipped.
    pub fn complete_many(&self, batch: impl IntoIterator<Item = (CallId, Outcome)>) {
        for (id, outcome) in batch {
            let _ = self.complete(id, outcome);
        }
    }

    /// Sends what a handler says before it completes.
    pub fn emit(&self, id: CallId, event: Event) -> Result<(), Stale> {
        let Event::Progress { progress, total, message } = event;
        self.0
            .calls
            .with(id, |flight| {
                let Some(token) = &flight.context.progress_token else { return };
                // Must strictly increase (PGR-2); NaN never does.
                if !progress.is_finite() || flight.last_progress.is_some_and(|last| progress <= last) {
                    return;
                }
                let revision = flight.context.client.revision;
                if let Some(body) = shape::progress(revision, token, progress, total, message.as_deref()) {
                    flight.last_progress = Some(progress);
                    // Under the table's lock, so that no progress can follow the response (PGR-3).
                    flight.sink.send(Outgoing::Event { body, droppable: true });
                }
            })
            .ok_or(Stale)
    }

    /// Asks the client. See [`Asked`] for what the host must do next.
    pub fn ask(&self, id: CallId, ask: Ask, mode: AskMode) -> Result<Asked, AskError> {
        self.ask_with(id, ask, mode, None)
    }

    pub(super) fn ask_with(
        &self,
        id: CallId,
        ask: Ask,
        mode: AskMode,
        waiter: Option<Waiter>,
    ) -> Result<Asked, AskError> {
        let asked = self
            .0
            .calls
            .with(id, |flight| flight.peer.clone().filter(|_| !flight.context.client.revision.is_modern()));
        // Nothing is asked of a client that is not ready yet (ERA-10).
        if asked.flatten().is_some_and(|peer| !peer.lifecycle(|lifecycle| lifecycle.is_initialized())) {
            return Err(AskError::Failed(
                "elicitation: the client has not sent notifications/initialized yet".into(),
            ));
        }
        let prepared = self.0.calls.with(id, |flight| {
            let modern = flight.context.client.revision.is_modern();
            if !modern && flight.peer.as_ref().is_some_and(|peer| peer.input_ended()) {
                let text = "the client has ended its input and cannot answer";
                return Err(AskError::Failed(text.to_owned()));
            }
            let prepared = flight.asks.prepare(ask, &flight.context.client, &self.0.limits)?;
            Ok(match prepared {
                Prepared::Answered(answer) => Err(answer),
                Prepared::Pending(ask) => {
                    if let Some(local) = &flight.local {
                        local.poll_again();
                    }
                    if let Some(waiter) = waiter {
                        flight.waiters.push((ask, waiter));
                    }
                    Ok((ask, flight.peer.clone().filter(|_| !modern)))
                }
            })
        });
        let (ask, peer) = match prepared.ok_or(AskError::Stale)?? {
            Ok(pending) => pending,
            Err(answer) => return Ok(Asked::Answered(answer)),
        };
        // Without a session there is nobody to send a request to: the attempt ends and the client comes back.
        let Some(peer) = peer else { return Ok(Asked::Suspended) };
        let request = peer.add_ask(id, ask);
        let until = self.0.now().checked_add(self.0.limits.ask_timeout);
        let sent = self.0.with_deadline(id, |flight, deadline| {
            let Some(pending) = flight.asks.pending.iter_mut().find(|pending| pending.id == ask) else {
                return;
            };
            pending.request = Some(request);
            let body = shape::elicitation_request(request, &pending.params);
            // Before the question is out, because its answer sets another.
            *deadline = until;
            flight.sink.send(Outgoing::Event { body, droppable: false });
        });
        if sent.is_none() {
            peer.take_ask(request);
            return Err(AskError::Stale);
        }
        Ok(match mode {
            AskMode::Park => Asked::Waiting(ask),
            AskMode::Rerun => Asked::Suspended,
        })
    }

    /// Ends an attempt with questions outstanding.
    fn suspend(&self, id: CallId) -> Result<(), Stale> {
        enum Next {
            Nothing,
            Rerun,
            Answer,
        }
        let next = self.0.calls.with(id, |flight| {
            let legacy = !flight.context.client.revision.is_modern();
            if legacy && flight.asks.asked_anew() {
                flight.parked = true;
                if flight.asks.pending.is_empty() { Next::Rerun } else { Next::Nothing }
            } else {
                Next::Answer
            }
        });
        match next.ok_or(Stale)? {
            Next::Nothing => {}
            Next::Rerun => self.rerun(id),
            Next::Answer => {
                let flight = self.0.calls.remove(id).ok_or(Stale)?;
                if flight.asks.pending.is_empty() {
                    self.0.complete(id, flight, Outcome::Suspend);
                } else {
                    self.0.input_required(id, flight);
                }
            }
        }
        Ok(())
    }

    fn rerun(&self, id: CallId) {
        let again = self.0.calls.with(id, |flight| {
            flight.parked = false;
            flight.delivered = false;
            flight.asks.restart();
            (flight.arguments.clone(), flight.context.clone())
        });
        if let Some((arguments, context)) = again {
            self.0.dispatch(self, id, arguments, context);
        }
    }

    /// Takes the client's answer to a question; the engine's receiving side calls this.
    pub(super) fn answered(&self, id: CallId, ask: AskId, outcome: Result<JsonSlice, String>) {
        enum Next {
            Rerun,
            Local(Waiter, Result<Answer, AskError>),
            Host(Arc<LaneQueue>, Result<Answer, AskError>),
            Nothing,
        }
        let now = self.0.now();
        let next = self.0.with_deadline(id, |flight, deadline| {
            let Some(answer) = flight.asks.answer(ask, outcome) else { return Next::Nothing };
            if flight.asks.pending.is_empty() {
                *deadline = now.checked_add(flight.timeout);
            }
            if flight.parked {
                if flight.asks.pending.is_empty() { Next::Rerun } else { Next::Nothing }
            } else if let Some(place) = flight.waiters.iter().position(|(waiting, _)| *waiting == ask) {
                Next::Local(flight.waiters.remove(place).1, answer)
            } else {
                Next::Host(flight.lane.clone(), answer)
            }
        });
        match next.unwrap_or(Next::Nothing) {
            Next::Rerun => self.rerun(id),
            Next::Local(waiter, answer) => waiter(answer),
            Next::Host(lane, answer) => lane.push(HostOp::Answer { call: id, ask, answer }),
            Next::Nothing => {}
        }
    }

    /// Whether a call has ended; a handler may stop when it has.
    pub fn is_cancelled(&self, id: CallId) -> bool {
        self.0.calls.with(id, |_| ()).is_none()
    }

    /// Whether a call waits for answers that only another attempt will see.
    pub(super) fn must_suspend(&self, id: CallId) -> bool {
        self.0
            .calls
            .with(id, |flight| flight.context.client.revision.is_modern() && !flight.asks.pending.is_empty())
            .unwrap_or(false)
    }
}

impl Lane {
    /// Moves at most `max` operations to `out`, for at most about `budget`. Calls that ended while they were queued
    /// are left out. On [`Drained::More`] the waker has been called again.
    ///
    /// A host that is woken through a descriptor reads the descriptor first and drains then; the other order loses
    /// wakes.
    pub fn drain(&self, max: usize, budget: Duration, out: &mut Vec<HostOp>) -> Drained {
        let start = (max > 1).then(|| self.shared.now());
        let mut left = max;
        let mut state = Drained::Empty;
        let mut ops = Vec::new();
        while left > 0 {
            let step = left.min(16);
            state = self.queue.pop(step, &mut ops);
            left -= step;
            for op in ops.drain(..) {
                let live = op
                    .starts()
                    .is_none_or(|id| self.shared.calls.with(id, |flight| flight.delivered = true).is_some());
                if live {
                    out.push(op);
                }
            }
            if state == Drained::Empty || start.is_some_and(|start| self.shared.now() - start >= budget) {
                break;
            }
        }
        state
    }
}
