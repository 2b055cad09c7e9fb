//! The messages and the result of a task's call.

use super::live::Live;
use super::save::failure;
use crate::host::calls::in_flight::InFlightCall;
use crate::host::delivery::sink::{Delivery, Outgoing, Sink};
use crate::host::lanes::port::HostPort;
use crate::host::{Engine, Shared};
use crate::json::{self, JsonSlice, JsonWriter};
use crate::proto::messages::error::ResponseError;
use crate::proto::messages::event::EventKind;
use crate::proto::messages::reply::Reply;
use crate::proto::operation::outgoing;
use crate::proto::results::shape;
use crate::proto::session::subscription::Topic;
use crate::proto::session::task::related;
use bytes::Bytes;
use std::sync::{Arc, Weak};

/// The sink of a task's call. It writes messages into the task.
pub(super) struct TaskSink {
    shared: Weak<Shared>,
    live: Arc<Live>,
}

impl TaskSink {
    pub(super) fn new(shared: &Arc<Shared>, live: &Arc<Live>) -> TaskSink {
        TaskSink { shared: Arc::downgrade(shared), live: live.clone() }
    }
}

impl Sink for TaskSink {
    fn send(&self, message: Outgoing) -> Delivery {
        let Some(shared) = self.shared.upgrade() else { return Delivery::Gone };
        let port = HostPort(shared);
        match message {
            Outgoing::Event { body, droppable } => port.task_says(&self.live, &body, droppable),
            Outgoing::Response { body, error } => {
                port.task_ends(&self.live, Some((body, error)));
                Delivery::Queued
            }
            Outgoing::Dropped => {
                port.task_ends(&self.live, None);
                Delivery::Queued
            }
            // Questions are kept in the task.
            Outgoing::Question { .. } => Delivery::Gone,
        }
    }
}

impl HostPort {
    /// Sends progress and log messages of 2025-11-25 to the request that waits for the result, or else to the session's
    /// own stream (T1-10, PGR-5). In the tasks extension of 2026-07-28, tasks have no such messages (PGR-6).
    fn task_says(&self, live: &Live, body: &Bytes, droppable: bool) -> Delivery {
        let (modern, waiter) = {
            let state = live.state();
            (state.task.revision.is_modern(), state.waiters.last().copied())
        };
        let said = || {
            let limits = json::Limits { max_depth: usize::MAX, max_bytes: usize::MAX };
            let message = JsonSlice::parse(body.clone(), &limits).ok()?;
            let method = message.member("method")?.decode_str()?.into_owned();
            let params = related(&message.member("params")?, &live.id);
            let progress = method == EventKind::Progress.method();
            Some((shape::notification(&method, Some(&params)), progress))
        };
        let Some((body, progress)) = (!modern).then(said).flatten() else { return Delivery::Skipped };
        let event = |body| Outgoing::Event { body, droppable };
        let now = self.0.now();
        let say = |flight: &mut InFlightCall| {
            if progress {
                flight.sent.progress_at = Some(now);
            }
            flight.queue(event(body.clone()))
        };
        let outbox = waiter.and_then(|waiter| self.0.calls.with(waiter, say));
        match (outbox, live.session()) {
            (Some(outbox), _) => {
                self.flush(&outbox);
                Delivery::Queued
            }
            (None, Some(session)) => session.send(event(body)),
            (None, None) => Delivery::Gone,
        }
    }

    /// Sets the status message of a task.
    pub(in crate::host) fn set_task_message(&self, live: &Arc<Live>, message: &str) {
        let now = self.0.environment.unix_seconds();
        if live.state().task.say(message, now) {
            self.save_task(live);
            self.task_changed(live);
        }
    }

    /// Handles the end of the task's call: with a response, or without one because the task was cancelled or dropped.
    fn task_ends(&self, live: &Arc<Live>, response: Option<(Bytes, Option<ResponseError>)>) {
        let shared = &self.0;
        let now = shared.environment.unix_seconds();
        let refused = {
            let mut state = live.state();
            let failed = response.as_ref().is_none_or(|(_, error)| error.is_some());
            if failed && state.creation.is_some() {
                // No client has got the task, so this is an ordinary failure of the request.
                state.abandoned = true;
                state.creation.take()
            } else {
                match &response {
                    Some((body, _)) => state.task.finish(self.task_outcome(body), now),
                    None => state.task.cancel(now),
                };
                None
            }
        };
        match refused {
            Some(creation) => {
                shared.tasks.leave(live);
                creation.respond(match response {
                    Some((body, error)) => Outgoing::Response { body, error },
                    None => Outgoing::Dropped,
                });
            }
            None => {
                self.task_changed(live);
                if !live.state().abandoned {
                    self.save_task(live);
                }
            }
        }
    }

    fn task_outcome(&self, response: &Bytes) -> Result<JsonSlice, JsonSlice> {
        let Some(reply) = Reply::of(response) else {
            return Err(failure("The task's response is not valid"));
        };
        let size = |value: &JsonSlice| value.as_bytes().len();
        let (size, most) =
            (reply.outcome.as_ref().map_or_else(size, size), self.0.limits.max_task_result_bytes);
        if size > most {
            let text =
                format!("The task's result has {size} bytes; the limit is {most} (max_task_result_bytes)");
            self.0.log_handler_fault(|| text.clone());
            return Err(failure(&text));
        }
        reply.outcome
    }

    /// Notifies the subscribers of a task that it has changed (T1-15, T2-15), and the requests that wait for its end.
    pub(super) fn task_changed(&self, live: &Arc<Live>) {
        let (modern, unborn, over, params) = {
            let state = live.state();
            let mut out = JsonWriter::with_capacity(256);
            out.begin_object();
            state.task.write(&mut out);
            out.end_object();
            let task = &state.task;
            (task.revision.is_modern(), state.creation.is_some(), task.status().is_final(), out.into_slice())
        };
        if unborn {
            return;
        }
        if modern {
            Engine(self.0.clone()).publish(&Topic::Task(live.id.clone()), Some(params));
        } else if let Some(session) = live.session() {
            let body = shape::notification(outgoing::TASK_STATUS, Some(&params));
            session.send(Outgoing::Event { body, droppable: true });
        }
        if over {
            self.withdraw_questions(live);
            self.answer_waiters(live);
        }
    }
}
