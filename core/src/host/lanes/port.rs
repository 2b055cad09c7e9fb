//! [`HostPort`], the interface between the engine and hosts: hosts take operations from lanes and return outcomes.

use crate::dispatch::calls::table::CallId;
use crate::dispatch::log::LogLevel;
use crate::host::calls::in_flight::InFlightCall;
use crate::host::calls::op::{HandlerId, HostOp, Outcome, Stale};
use crate::host::delivery::sink::Outgoing;
use crate::host::engine_state::Shared;
use crate::host::lanes::lane::{Drained, LaneId, LaneQueue};
use crate::host::lanes::local::Spawn;
use crate::host::lanes::wake::Wake;
use crate::host::lanes::wake_batch;
use crate::json::JsonSlice;
use crate::panics::caught;
use crate::proto::messages::event;
use crate::proto::messages::event::{Event, EventKind};
use crate::proto::session::logging::Level;
use crate::proto::version::Revision;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// The engine's interface for hosts. It is cheap to clone. Every method may be called from any thread.
///
/// No engine lock is held while host code runs, and no method waits for a host.
#[derive(Clone)]
pub struct HostPort(pub(crate) Arc<Shared>);

/// One lane, attached: the host drains it when woken.
pub struct Lane {
    shared: Arc<Shared>,
    queue: Arc<LaneQueue>,
}

/// A host's waker. If it panics, the host does not learn of queued operations, so the calls that wait there end.
struct LaneWake {
    shared: Weak<Shared>,
    lane: Weak<LaneQueue>,
    wake: Arc<dyn Wake>,
}

impl Wake for LaneWake {
    fn wake(&self) {
        let Err(panicked) = caught(|| self.wake.wake()) else { return };
        let (Some(shared), Some(lane)) = (self.shared.upgrade(), self.lane.upgrade()) else { return };
        let error = shared.panicked("waking a host", &panicked);
        for call in lane.take_unwoken() {
            shared.fail(call, &error);
        }
    }
}

impl HostPort {
    /// Attaches a waker to the lane `id` and returns the lane. Operations that are already queued are kept, and the
    /// waker is called at once for them. Attaching again replaces the waker.
    pub fn lane(&self, id: LaneId, wake: Arc<dyn Wake>) -> Lane {
        let queue = self.0.lane(id);
        let (shared, lane) = (Arc::downgrade(&self.0), Arc::downgrade(&queue));
        queue.attach(Arc::new(LaneWake { shared, lane, wake }));
        Lane { shared: self.0.clone(), queue }
    }

    /// Sets the executor on which local (Rust) handlers run.
    pub fn set_spawn(&self, spawn: Arc<dyn Spawn>) {
        let before = self.0.spawn.write().replace(spawn);
        drop(before);
    }

    /// Ends a call with its handler's outcome. Fails with [`Stale`] if the call had already ended.
    pub fn complete(&self, id: CallId, outcome: Outcome) -> Result<(), Stale> {
        if matches!(outcome, Outcome::Suspend) {
            return self.suspend(id);
        }
        if self.retries(id, &outcome) {
            return Ok(());
        }
        let Some(flight) = self.0.calls.remove(id) else { return Err(Stale) };
        self.0.complete(id, flight, outcome);
        Ok(())
    }

    /// Runs a step of a host. If the step panics, there is no result. The log gets a record that names what the step
    /// was `doing`, and the calls that `lost` returns end with an internal error. These are calls that the host took
    /// and that no handler has.
    pub fn guard<R>(
        &self,
        doing: &str,
        step: impl FnOnce() -> R,
        lost: impl FnOnce() -> Vec<CallId>,
    ) -> Option<R> {
        match caught(step) {
            Ok(result) => Some(result),
            Err(panicked) => {
                let error = self.0.panicked(doing, &panicked);
                lost().into_iter().for_each(|call| self.0.fail(call, &error));
                None
            }
        }
    }

    /// Completes several calls, and skips those that have ended. The code of `batch` that makes the outcomes must not
    /// wait for other calls, because all responses may be sent together at the end.
    pub fn complete_many(&self, batch: impl IntoIterator<Item = (CallId, Outcome)>) {
        // The thread that writes the responses is woken once.
        let _turn = wake_batch::batch();
        for (id, outcome) in batch {
            let _ = self.complete(id, outcome);
        }
    }

    /// Sends an event of a handler that has not completed yet.
    pub fn emit(&self, id: CallId, event: Event) -> Result<(), Stale> {
        match event.kind {
            EventKind::Progress => self.emit_progress(id, &event.params),
            EventKind::Log => self.emit_log(id, &event.params),
            EventKind::Notification => self.emit_own(id, &event.params),
            EventKind::Status => self.emit_status(id, &event.params),
        }
    }

    fn emit_progress(&self, id: CallId, params: &JsonSlice) -> Result<(), Stale> {
        let amount = event::amount(params);
        // Must strictly increase (PGR-2).
        let wanted = |flight: &InFlightCall| {
            let increases =
                amount.is_some_and(|amount| flight.sent.last_progress.is_none_or(|last| amount > last));
            increases && flight.context.progress_token.is_some()
        };
        let context = self.0.calls.with(id, |flight| wanted(flight).then(|| flight.context.clone()));
        let Some(context) = context.ok_or(Stale)? else { return Ok(()) };
        let body = context
            .progress_token
            .as_ref()
            .and_then(|token| event::progress(context.client.revision, token, params));
        let Some(body) = body else { return Ok(()) };
        let now = self.0.now();
        let queued = self.0.calls.with(id, |flight| {
            wanted(flight).then(|| {
                flight.sent.last_progress = amount;
                flight.sent.progress_at = Some(now);
                // It is queued before the response (PGR-3).
                (flight.queue(Outgoing::Event { body, droppable: true }), flight.outer())
            })
        });
        if let Some((outbox, mut outer)) = queued.ok_or(Stale)? {
            // The response that may have to wait is that of the outer call.
            while let Some(call) = outer {
                let reported = |flight: &mut InFlightCall| {
                    flight.sent.progress_at = Some(now);
                    flight.outer()
                };
                outer = self.0.calls.with(call, reported).flatten();
            }
            self.flush(&outbox);
        }
        Ok(())
    }

    fn emit_status(&self, id: CallId, params: &JsonSlice) -> Result<(), Stale> {
        let task = self.0.calls.with(id, |flight| flight.task.clone()).ok_or(Stale)?;
        let message = params.member("message");
        if let (Some(task), Some(message)) = (task, message.as_ref().and_then(|text| text.decode_str())) {
            self.set_task_message(&task, &message);
        }
        Ok(())
    }

    fn emit_log(&self, id: CallId, params: &JsonSlice) -> Result<(), Stale> {
        let found = self.0.calls.with(id, |flight| {
            let session = flight.task.as_ref().and_then(|task| task.session());
            (flight.context.clone(), flight.peer.clone().or(session), flight.outer())
        });
        let (context, mut peer, outer) = found.ok_or(Stale)?;
        if let Some(outer) = outer {
            // The log level of the session is read from the outer call's peer.
            peer = self.0.calls.with(outer, |flight| flight.peer.clone()).flatten();
        }
        let level = params.member("level");
        let level = level.as_ref().map(|level| Level::read(level, "level"));
        let Some(Ok(level)) = level.filter(|_| params.member("data").is_some()) else {
            let words: Vec<_> = Level::all().map(Level::as_str).collect();
            self.0.log_handler_fault(|| {
                format!(
                    "{}: a log message needs data and one of the levels {}",
                    context.entry,
                    words.join(", ")
                )
            });
            return Ok(());
        };
        if !context.logs(peer.as_deref()).has(level) {
            return Ok(());
        }
        let body = event::plain(EventKind::Log, params);
        // The message is sent before the response, and on the stream of the response (LG-7).
        let outbox = self.0.calls.with(id, |flight| flight.queue(Outgoing::Event { body, droppable: true }));
        let outbox = outbox.ok_or(Stale)?;
        self.flush(&outbox);
        Ok(())
    }

    /// Ends the HTTP response of a call. The call continues, so a long call does not occupy a connection. The client
    /// reconnects after [`Limits::stream_retry`](crate::Limits::stream_retry), and then receives the messages that were
    /// sent meanwhile. They are kept as long as the call runs.
    ///
    /// Returns whether a response is being ended. It returns `false` and does nothing if the client would not
    /// reconnect: if the call does not belong to an HTTP session of 2025-11-25, or if the client does not accept a
    /// stream. The same holds if the stream is already closed, or cannot be kept because
    /// [`Limits::max_stream_bytes`](crate::Limits::max_stream_bytes) is 0. (LH-31)
    pub fn close_stream(&self, id: CallId) -> Result<bool, Stale> {
        let found = self.0.calls.with(id, |flight| {
            // Only clients of this revision expect it.
            (flight.context.client.revision == Revision::V2025_11_25).then(|| flight.sink.clone())
        });
        let sink = found.ok_or(Stale)?.filter(|_| self.0.limits.max_stream_bytes > 0);
        Ok(sink.is_some_and(|sink| sink.close()))
    }

    /// Sends a notification of the program on the stream of the call. A modern client gets such notifications on no
    /// other stream.
    fn emit_own(&self, id: CallId, params: &JsonSlice) -> Result<(), Stale> {
        let Some(body) = event::own(params) else {
            self.0.log_handler_fault(|| {
                format!("the notification {params:?} is not one that the program can send")
            });
            return Ok(());
        };
        let outbox = self.0.calls.with(id, |flight| flight.queue(Outgoing::Event { body, droppable: true }));
        let outbox = outbox.ok_or(Stale)?;
        self.flush(&outbox);
        Ok(())
    }

    /// Whether the log takes records of this level and target. If not, the host need not build the record.
    pub fn logs(&self, level: LogLevel, target: &str) -> bool {
        self.0.observers.takes(level, target)
    }

    /// The lowest level that the server's settings allow, for a host that also logs by itself.
    pub fn log_level(&self) -> LogLevel {
        self.0.log_level.get()
    }

    /// Logs a host's message: an exception with its stack trace, or a call that nothing completes.
    pub fn log(&self, level: LogLevel, target: &str, message: &str) {
        self.0.observers.diagnose(level, target, || message.to_owned());
    }

    /// Whether a call has ended; a handler may stop when it has.
    pub fn is_cancelled(&self, id: CallId) -> bool {
        self.0.calls.with(id, |_| ()).is_none()
    }

    /// The calls in flight whose handler, or middleware around it, is selected by `is_it`. `is_it` runs under a lock
    /// and must not call the engine.
    pub fn calls_of(&self, is_it: impl Fn(HandlerId) -> bool) -> Vec<CallId> {
        self.0.calls.select(|flight| flight.context.handlers().any(&is_it))
    }

    /// Runs `tell` once if the call ends before its host completes it: the client cancels or disconnects, the timeout
    /// passes, or the server closes. It runs on the thread that ends the call, often one of the engine's. So it must
    /// neither block nor run code of the program. If the call is completed or its attempt suspends, it is dropped
    /// without running. If the call has already ended, it is returned as the error.
    pub fn on_cancel(
        &self,
        id: CallId,
        tell: Box<dyn FnOnce() + Send>,
    ) -> Result<(), Box<dyn FnOnce() + Send>> {
        let mut tell = Some(tell);
        self.0.calls.with(id, |flight| flight.handler.on_cancel.extend(tell.take()));
        tell.map_or(Ok(()), Err)
    }
}

impl Lane {
    /// Moves at most `max` operations to `out`, for at most about `budget`. Calls that ended while they were queued are
    /// left out. If the result is [`Drained::More`], the waker has been called again, even if `max` is 0.
    ///
    /// A host that is woken through a descriptor must read the descriptor first and then drain. The other order loses
    /// wakes.
    pub fn drain(&self, max: usize, budget: Duration, out: &mut Vec<HostOp>) -> Drained {
        let start = (max > 1).then(|| self.shared.now());
        let mut left = max;
        let mut ops = Vec::new();
        // The loop runs at least once, because otherwise the waker would not be called again.
        loop {
            let step = left.min(16);
            let state = self.queue.pop(step, &mut ops);
            left -= step;
            for op in ops.drain(..) {
                let live = op.starts().is_none_or(|id| {
                    self.shared.calls.with(id, |flight| flight.handler.delivered = true).is_some()
                });
                if live {
                    out.push(op);
                }
            }
            // If the clock panics, the drained operations must not be lost.
            let late = || {
                let look = || start.is_some_and(|start| self.shared.now() - start >= budget);
                caught(look).unwrap_or_else(|panicked| {
                    self.shared.panicked("a look at the clock", &panicked);
                    true
                })
            };
            if state == Drained::Empty || left == 0 || late() {
                return state;
            }
        }
    }
}
