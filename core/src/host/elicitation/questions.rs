//! Questions that handlers ask clients: sends them and takes the answers.

use crate::dispatch::calls::ask::{Ask, AskError, AskId, Asked};
use crate::dispatch::calls::ask_replay::{Draft, Registered};
use crate::dispatch::calls::table::CallId;
use crate::host::Target;
use crate::host::admission::chain::StageId;
use crate::host::calls::completion::settle;
use crate::host::calls::dispatch::Thread;
use crate::host::calls::op::{AskMode, CallContext, HostOp, Outcome, Stale};
use crate::host::calls::start::Role;
use crate::host::delivery::outbox::{Outbox, Sent};
use crate::host::delivery::sink::{Delivery, Outgoing};
use crate::host::elicitation::confirmation::ended;
use crate::host::lanes::lane::LaneQueue;
use crate::host::lanes::local::Waiter;
use crate::host::lanes::port::HostPort;
use crate::host::session::peer::Peer;
use crate::host::tasks::Live;
use crate::json::JsonSlice;
use crate::proto::question::{self, Answer, Question};
use crate::proto::results::shape;
use bytes::Bytes;
use std::sync::Arc;

/// A call that asks a question.
pub(super) struct AskingCall {
    pub(super) context: Arc<CallContext>,
    /// The call's session, if questions can be asked in it.
    pub(super) peer: Option<Arc<Peer>>,
    /// The task of this call, if the call is one. Its questions are asked in the task.
    task: Option<Arc<Live>>,
}

impl HostPort {
    /// Asks the client. See [`Asked`] for what the host must do next.
    pub fn ask(&self, id: CallId, ask: Ask, mode: AskMode) -> Result<Asked, AskError> {
        self.ask_with(id, ask, mode, None)
    }

    pub(in crate::host) fn ask_with(
        &self,
        id: CallId,
        ask: Ask,
        mode: AskMode,
        mut waiter: Option<Waiter>,
    ) -> Result<Asked, AskError> {
        let shared = &self.0;
        let AskingCall { context, peer, task } = self.asks_of(id, ask.kind)?;
        shared.stands_alone(id);
        let draft = Draft::new(ask, &context.client, &*shared.environment)?;
        // Read outside of the lock, as every answer is.
        let supplied = shared.calls.with(id, |flight| flight.asks.supplied_for(&draft)).flatten();
        let supplied = supplied.filter(|answer| draft.reader().read(&Ok(answer.clone())).is_ok());
        let registered = shared.calls.with(id, |flight| {
            if let Some(answer) = supplied {
                flight.asks.accept(&draft, answer, &shared.limits);
            }
            // Checked under the table's lock, because the thread that ends the input checks each call's questions
            // afterwards.
            if peer.as_ref().is_some_and(|peer| peer.input_ended()) {
                return Err(ended());
            }
            let registered = flight.asks.register(&draft, &shared.limits)?;
            if let Registered::Pending(ask) = registered
                && let Some(waiter) = waiter.take()
            {
                flight.handler.waiters.push((ask, waiter));
            }
            let name = match registered {
                Registered::Pending(ask) if task.is_some() => flight.asks.name(ask),
                _ => None,
            };
            Ok((registered, flight.handler.local.clone(), name))
        });
        let (ask, local, name) = match registered.ok_or(AskError::Stale)?? {
            (Registered::Recorded(answer), ..) => return draft.reader().read(&answer).map(Asked::Answered),
            (Registered::Pending(ask), local, name) => (ask, local, name),
        };
        if let (Some(task), Some(name)) = (task, name) {
            self.ask_in_task(&task, ask, &name, &draft)?;
            return Ok(match mode {
                AskMode::Park => Asked::Waiting(ask),
                AskMode::Rerun => Asked::Suspended,
            });
        }
        if let Some(local) = local {
            local.poll_again();
        }
        // Without a session no request can be sent: the attempt ends, and the client sends the next request.
        let Some(peer) = peer else { return Ok(Asked::Suspended) };
        self.send_question(id, ask, &peer, &draft)?;
        Ok(match mode {
            AskMode::Park => Asked::Waiting(ask),
            AskMode::Rerun => Asked::Suspended,
        })
    }

    /// Sends a pending question as a request in the call's session.
    pub(super) fn send_question(
        &self,
        id: CallId,
        ask: AskId,
        peer: &Arc<Peer>,
        draft: &Draft,
    ) -> Result<(), AskError> {
        let shared = &self.0;
        let request = peer.add_ask(id, ask);
        let body = shape::server_request(request, draft.reader().kind.method(), draft.params());
        if let Some(visit) = draft.elicitation_id() {
            shared.visits.remember(visit, peer, shared.now());
        }
        let until = shared.now().checked_add(shared.limits.ask_timeout);
        let queued = shared.with_deadline(id, |flight, deadline| {
            let pending = flight.asks.pending.iter_mut().find(|pending| pending.id == ask)?;
            pending.request = Some(request);
            // The deadline is set before the question is sent, because the answer sets another deadline.
            *deadline = until;
            Some(flight.queue(Outgoing::Question { body, id: request }))
        });
        let Some(outbox) = queued.flatten() else {
            peer.take_ask(request);
            return Err(AskError::Stale);
        };
        self.flush(&outbox);
        Ok(())
    }

    /// The call that asks, and its session, if questions can be asked in it.
    pub(super) fn asks_of(&self, id: CallId, kind: Question) -> Result<AskingCall, AskError> {
        let found = self.0.calls.with(id, |flight| {
            let role = flight.role;
            (flight.context.clone(), flight.peer.clone(), flight.task.clone(), role)
        });
        let (context, peer, task, role) = found.ok_or(AskError::Stale)?;
        let outer = role.outer();
        if role == Role::Renewal {
            let text = "the call renews a result of a cache, and has no client";
            return Err(AskError::Failed(format!("{}: {text}", kind.noun())));
        }
        if outer.is_some() {
            let text = "a handler cannot ask the client inside middleware of another language";
            return Err(AskError::Invalid(format!("{}: {text}", kind.noun())));
        }
        let asker = context.entry.kind;
        if !Question::may_come_from(asker) {
            let text = format!("{}: the handler of a {} cannot ask the client", kind.noun(), asker.noun());
            return Err(AskError::Invalid(text));
        }
        let peer = peer.filter(|_| !context.client.revision.is_modern());
        // No question is sent to a client that is not ready yet (ERA-10).
        if peer.as_ref().is_some_and(|peer| !peer.lifecycle(|lifecycle| lifecycle.is_initialized())) {
            let text = "the client has not sent notifications/initialized yet";
            return Err(AskError::Failed(format!("{}: {text}", kind.noun())));
        }
        Ok(AskingCall { context, peer, task })
    }

    /// Ends a call, or its attempt, because the user must visit pages first. The pages are questions made by
    /// [`Ask::url`].
    ///
    /// - A client with a session (2025-11-25, or an older revision if it declares `elicitation.url`) gets the pages in
    ///   an error (-32042). This function fails with that error ([`AskError::UrlRequired`]). The call is over, and the
    ///   client calls again later.
    /// - In the modern era, the questions suspend the attempt ([`Asked::Suspended`]). Unlike [`HostPort::ask`], this
    ///   asks again in the next attempt, because a user who agreed to a visit may not have made it yet.
    /// - Other clients cannot be asked, and a user who did not agree is not asked again. Both are errors like those of
    ///   [`HostPort::ask`].
    pub fn require_urls(&self, id: CallId, pages: impl IntoIterator<Item = Ask>) -> Result<Asked, AskError> {
        let shared = &self.0;
        let AskingCall { context, peer, task } = self.asks_of(id, Question::ElicitUrl)?;
        let draft = |page: Ask| match page.kind {
            Question::ElicitUrl => Draft::new(page, &context.client, &*shared.environment),
            _ => Err(AskError::Invalid("elicitation: only URL questions can be required".into())),
        };
        let drafts = pages.into_iter().map(draft).collect::<Result<Vec<_>, _>>()?;
        if drafts.is_empty() {
            return Err(AskError::Invalid("elicitation: the list of required pages is empty".into()));
        }
        if !context.client.revision.is_modern() {
            let peer = peer.or_else(|| task.as_ref().and_then(|task| task.session()));
            for (visit, peer) in drafts.iter().filter_map(Draft::elicitation_id).zip(peer.iter().cycle()) {
                shared.visits.remember(visit, peer, shared.now());
            }
            return Err(AskError::UrlRequired(question::required(drafts.iter().map(Draft::params))));
        }
        let insisted = shared.calls.with(id, |flight| {
            let insist = |draft: &Draft| {
                let ask = flight.asks.insist(draft, &shared.limits)?;
                Ok(ask.and_then(|ask| Some((ask, flight.asks.name(ask)?))))
            };
            let asked = drafts.iter().map(insist).collect::<Result<Vec<_>, AskError>>()?;
            Ok((asked, flight.handler.local.clone()))
        });
        let (asked, local) = insisted.ok_or(AskError::Stale)??;
        if let Some(task) = &task {
            for (draft, (ask, name)) in
                drafts.iter().zip(asked).filter_map(|(draft, asked)| Some((draft, asked?)))
            {
                self.ask_in_task(task, ask, &name, draft)?;
            }
        }
        if let Some(local) = local {
            local.poll_again();
        }
        Ok(Asked::Suspended)
    }

    /// Notifies the client that was asked for the visit `id` that the visit has ended, so that it may continue
    /// (EL-12, only sessions have this). Returns `false` if no client was asked, within
    /// [`Limits::state_lifetime`](crate::Limits) and [`Limits::max_visits`](crate::Limits), or if the client cannot
    /// be reached. The caller need not do anything then.
    pub fn elicitation_complete(&self, id: &str) -> bool {
        self.0.visits.complete(id, self.0.now())
    }

    /// The result that this or an earlier attempt of the call has stored under `key`.
    pub fn once_get(&self, id: CallId, key: &str) -> Option<JsonSlice> {
        self.0.calls.with(id, |flight| flight.asks.kept(key)).flatten()
    }

    /// Stores the result of an effect under `key` for the further attempts of this call, so that the effect is not
    /// repeated. Between the effect and this call, a host must not begin anything that could end the attempt. Fails
    /// with [`AskError::Invalid`] if `key` already has a result, or if there is no room for it. All results must fit
    /// [`Limits::max_state_bytes`](crate::Limits), and their number is limited by
    /// [`Limits::max_asks`](crate::Limits).
    pub fn once_put(&self, id: CallId, key: impl Into<String>, result: JsonSlice) -> Result<(), AskError> {
        let key = key.into();
        let kept = self.0.calls.with(id, |flight| flight.asks.keep(key, result, &self.0.limits));
        kept.ok_or(AskError::Stale)?
    }

    /// Sends the queued messages of a call.
    pub(in crate::host) fn flush(&self, outbox: &Outbox) {
        let peer = outbox.peer.as_deref();
        outbox.flush(|sent| match (sent, peer) {
            (Sent::UndeliveredRequest(request, body), Some(peer)) => self.undelivered(peer, request, body),
            (Sent::End, peer) => settle(peer, outbox.session),
            (Sent::Panicked(panicked), _) => {
                self.0.panicked("the delivery of a message", &panicked);
            }
            _ => {}
        });
    }

    /// Sends a question that the call's sink could not deliver to the peer's own sink. If that fails too, the
    /// question fails.
    pub(in crate::host) fn undelivered(&self, peer: &Peer, request: u64, body: Bytes) {
        let Some(question) = peer.ask(request) else { return };
        if peer.send(Outgoing::Question { body, id: request }) == Delivery::Gone {
            if self.question_is_back(question.call, question.ask) {
                return;
            }
            let Some(question) = peer.take_ask(request) else { return };
            let text = "the client cannot be reached: it has no open stream for questions";
            self.answered(question.call, question.ask, Err(text.to_owned()), Thread::Other);
        } else if !peer.move_ask(request) {
            // The call ended meanwhile, and withdrew the question on the other sink.
            let body = shape::cancelled(request, "the call has ended");
            peer.send(Outgoing::Event { body, droppable: false });
        }
    }

    /// Ends an attempt that has unanswered questions.
    pub(in crate::host) fn suspend(&self, id: CallId) -> Result<(), Stale> {
        enum Next {
            Nothing,
            Rerun,
            Answer,
        }
        // Callbacks of this attempt, which are dropped after the table's lock is released.
        let mut on_cancel = Vec::new();
        let next = self.0.calls.with(id, |flight| {
            on_cancel = std::mem::take(&mut flight.handler.on_cancel);
            // A task waits for answers as a session does.
            let waits = !flight.context.client.revision.is_modern() || flight.task.is_some();
            if waits && flight.asks.asked_anew() {
                flight.handler.parked = true;
                if flight.asks.pending.is_empty() { Next::Rerun } else { Next::Nothing }
            } else {
                Next::Answer
            }
        });
        drop(on_cancel);
        match next.ok_or(Stale)? {
            Next::Nothing => {}
            // The thread may be any thread of the program, perhaps inside a call of its own.
            Next::Rerun => self.rerun(id, Thread::Other),
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

    fn rerun(&self, id: CallId, thread: Thread) {
        let again = self.0.calls.with(id, |flight| {
            flight.handler.parked = false;
            flight.handler.delivered = false;
            flight.asks.restart();
            flight.ready(id, thread)
        });
        // The call has passed its stages, and still holds what it took there.
        if let Some(call) = again {
            self.dispatch_to_target(call);
        }
    }

    /// Takes the client's answer to a question, or the reason why there is none.
    pub(in crate::host) fn answered(
        &self,
        id: CallId,
        ask: AskId,
        outcome: Result<JsonSlice, String>,
        thread: Thread,
    ) {
        enum Next {
            Rerun,
            Confirmed(Result<Answer, AskError>),
            Local(Waiter, Result<Answer, AskError>),
            Host(Arc<LaneQueue>, Result<Answer, AskError>),
            Nothing,
        }
        let Some(reader) = self.0.calls.with(id, |flight| flight.asks.reader(ask)).flatten() else { return };
        let answer = reader.read(&outcome);
        let now = self.0.now();
        let mut task = None;
        let next = self.0.with_deadline(id, |flight, deadline| {
            if !flight.asks.record(ask, outcome) {
                return Next::Nothing;
            }
            if flight.asks.pending.is_empty() {
                *deadline = now.checked_add(flight.timeout);
            }
            task = flight.task.clone();
            if flight.passage.awaits(StageId::Confirmation) {
                Next::Confirmed(answer)
            } else if flight.handler.parked {
                if flight.asks.pending.is_empty() { Next::Rerun } else { Next::Nothing }
            } else if let Some(place) = flight.handler.waiters.iter().position(|(waiting, _)| *waiting == ask)
            {
                Next::Local(flight.handler.waiters.remove(place).1, answer)
            } else if let Target::Inline { .. } = flight.context.target() {
                // No handler waits for it on a lane; the attempt that is about to end finds the answer.
                Next::Nothing
            } else {
                Next::Host(flight.lane.clone(), answer)
            }
        });
        if let Some(task) = task {
            self.answered_in_task(&task, ask);
        }
        match next.unwrap_or(Next::Nothing) {
            Next::Rerun => self.rerun(id, thread),
            Next::Confirmed(answer) => self.confirmed(id, answer),
            Next::Local(waiter, answer) => waiter(answer),
            Next::Host(lane, answer) => lane.push(HostOp::Answer { call: id, ask, answer }),
            Next::Nothing => {}
        }
    }

    /// Whether a call waits for answers that only another attempt can use.
    pub(in crate::host) fn must_suspend(&self, id: CallId) -> bool {
        self.0
            .calls
            .with(id, |flight| {
                let waits = !flight.context.client.revision.is_modern() || flight.task.is_some();
                (!waits || flight.asks.insists()) && flight.asks.must_suspend()
            })
            .unwrap_or(false)
    }
}

#[cfg(all(test, not(loom), feature = "runtime"))]
mod tests {
    use super::*;
    use crate::host::{HandlerId, LaneId, Parker, Sink};
    use crate::locks::Mutex;
    use crate::{Server, Tool, json_schema};
    use std::time::Duration;

    #[derive(Default)]
    struct RecordingSink(Mutex<Vec<Outgoing>>);

    impl Sink for RecordingSink {
        fn send(&self, message: Outgoing) -> Delivery {
            self.0.lock().push(message);
            Delivery::Queued
        }
    }

    /// [`Schema`](crate::dispatch::validation::schema::Schema) asserts it in test builds. This test passes every place
    /// where a form is compiled or checked.
    #[test]
    fn forms_are_compiled_and_answers_checked_without_the_call_tables_lock() {
        let server = Server::new("demo", "1");
        let (engine, port) = (server.engine(), server.port());
        let lane = port.lane(LaneId(1), Arc::new(Parker::new()));
        let target = Target::Lane { lane: LaneId(1), handler: HandlerId(1) };
        server.add(Tool::new("t").output_schema(json_schema!({ "type": "object" })), target).unwrap();
        let (peer, kept) = (Peer::new(None), Arc::new(RecordingSink::default()));
        let sink: Arc<dyn Sink> = kept.clone();
        let receive = |text: &str| engine.receive(&peer, &sink, Bytes::copy_from_slice(text.as_bytes()));
        receive(
            r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"elicitation":{}},"clientInfo":{"name":"x","version":"1"}}}"#,
        );
        receive(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        receive(r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"t"}}"#);
        let mut ops = Vec::new();
        lane.drain(1, Duration::MAX, &mut ops);
        let id = ops[0].starts().expect("the call");
        let schema =
            json_schema!({ "type": "object", "properties": { "a": { "type": "string", "minLength": 1 } } });
        let ask = || Ask::form("?", schema.clone()).key("k");
        assert!(matches!(port.ask(id, ask(), AskMode::Rerun), Ok(Asked::Suspended)));
        receive(r#"{"jsonrpc":"2.0","id":1,"result":{"action":"accept","content":{"a":"b"}}}"#);
        port.complete(id, Outcome::Suspend).unwrap();
        assert!(matches!(port.ask(id, ask(), AskMode::Rerun), Ok(Asked::Answered(_))));
        port.complete(id, Outcome::Json(json_schema!({}))).unwrap();
        assert!(matches!(kept.0.lock().last(), Some(Outgoing::Response { .. })));
    }
}
