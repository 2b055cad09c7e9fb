//! The questions of a task, and the client's answers to them.

use super::live::Live;
use crate::dispatch::calls::ask::{AskError, AskId};
use crate::dispatch::calls::ask_replay::Draft;
use crate::dispatch::calls::table::CallId;
use crate::dispatch::tasks::Input;
use crate::host::calls::dispatch::Thread;
use crate::host::delivery::sink::Outgoing;
use crate::host::lanes::port::HostPort;
use crate::json::JsonSlice;
use crate::proto::messages::error::{RpcError, clip};
use crate::proto::results::shape;
use crate::proto::session::task::related;
use std::sync::Arc;

impl HostPort {
    /// Puts a question into the task, where its client finds it.
    pub(in crate::host) fn ask_in_task(
        &self,
        live: &Arc<Live>,
        ask: AskId,
        name: &str,
        draft: &Draft,
    ) -> Result<(), AskError> {
        let shared = &self.0;
        if let (Some(visit), Some(session)) = (draft.elicitation_id(), live.session()) {
            shared.visits.remember(visit, &session, shared.now());
        }
        let until = shared.now().checked_add(shared.limits.ask_timeout);
        shared.with_deadline(live.call, |_, deadline| *deadline = until).ok_or(AskError::Stale)?;
        {
            let mut state = live.state();
            let mut key = name.to_owned();
            // Answers to an earlier question with this name may still be in flight (T2-8).
            let mut next = ask.0;
            while state.keys.contains(&key) {
                key = format!("{name}-{next}");
                next += 1;
            }
            let input = Input {
                key: key.clone(),
                method: draft.reader().kind.method().to_owned(),
                params: draft.params().clone(),
            };
            if !state.task.ask(input, shared.environment.unix_seconds()) {
                return Err(AskError::Stale);
            }
            state.keys.insert(key.clone());
            state.pending.push((key, ask));
        }
        self.save_task(live);
        self.task_changed(live);
        self.deliver_questions(live);
        Ok(())
    }

    /// Takes the answers of `tasks/update`, an object. Takes all expected answers, or no answer if one of them is
    /// invalid.
    pub(super) fn answer_all(&self, live: &Arc<Live>, answers: &JsonSlice) -> Result<(), RpcError> {
        let pending = live.state().pending.clone();
        let found: Vec<_> = pending
            .into_iter()
            .filter_map(|(key, ask)| answers.member(&key).map(|answer| (key, ask, answer)))
            .collect();
        for (key, ask, answer) in &found {
            let reader = self.0.calls.with(live.call, |flight| flight.asks.reader(*ask)).flatten();
            if let Some(reader) = reader
                && let Err(error) = reader.read(&Ok(answer.clone()))
            {
                let text = format!("Invalid params: inputResponses[{:?}]: {error}", clip(key));
                return Err(RpcError::invalid_params(text));
            }
        }
        for (key, _, answer) in found {
            self.answer_task(live, &key, Ok(answer), Thread::Receiver);
        }
        Ok(())
    }

    /// Takes one answer, by its question's key on the wire.
    pub(super) fn answer_task(
        &self,
        live: &Live,
        key: &str,
        answer: Result<JsonSlice, String>,
        thread: Thread,
    ) {
        let ask = live.state().pending.iter().find(|(pending, _)| pending == key).map(|(_, ask)| *ask);
        if let Some(ask) = ask {
            self.answered(live.call, ask, answer, thread);
        }
    }

    /// Handles an answered question of the task.
    pub(in crate::host) fn answered_in_task(&self, live: &Arc<Live>, ask: AskId) {
        let now = self.0.environment.unix_seconds();
        let asked = {
            let mut state = live.state();
            let Some(place) = state.pending.iter().position(|(_, pending)| *pending == ask) else { return };
            let (key, _) = state.pending.remove(place);
            state.task.answered(&key, now);
            take_asked(&mut state.asked, ask)
        };
        // The same question in other sessions needs no answer any more.
        for (peer, request) in asked {
            if peer.take_ask(request).is_some() {
                let body = shape::cancelled(request, "the question has been answered");
                peer.send(Outgoing::Event { body, droppable: false });
            }
        }
        self.save_task(live);
        self.task_changed(live);
    }

    /// Sends the task's questions to the session that waits for its result (T1-11). The latest request gets all
    /// questions.
    pub(super) fn deliver_questions(&self, live: &Arc<Live>) {
        let (waiter, open) = {
            let state = live.state();
            if state.task.revision.is_modern() {
                return;
            }
            let there = |ask: &AskId| state.asked.iter().any(|(asked, ..)| asked == ask);
            let open: Vec<_> = state
                .pending
                .iter()
                .filter(|(_, ask)| !there(ask))
                .filter_map(|(key, ask)| {
                    let input = state.task.inputs().iter().find(|input| input.key == *key)?;
                    Some((*ask, input.method.clone(), input.params.clone()))
                })
                .collect();
            (state.waiters.last().copied(), open)
        };
        let Some(waiter) = waiter else { return };
        let Some(Some(peer)) = self.0.calls.with(waiter, |flight| flight.peer.clone()) else { return };
        for (ask, method, params) in open {
            let request = peer.add_ask(live.call, ask);
            let body = shape::server_request(request, &method, &related(&params, &live.id));
            live.state().asked.push((ask, peer.clone(), request));
            let question = Outgoing::Question { body, id: request };
            match self.0.calls.with(waiter, |flight| flight.queue(question)) {
                Some(outbox) => self.flush(&outbox),
                None => {
                    self.question_is_back(live.call, ask);
                }
            }
        }
    }

    /// Handles a question of a task that could not be delivered: it waits for the next request for the result.
    /// Returns `false` if the call is not a task.
    pub(in crate::host) fn question_is_back(&self, call: CallId, ask: AskId) -> bool {
        let Some(Some(live)) = self.0.calls.with(call, |flight| flight.task.clone()) else { return false };
        let asked = take_asked(&mut live.state().asked, ask);
        for (peer, request) in asked {
            peer.take_ask(request);
        }
        true
    }

    /// Withdraws the questions that were sent to sessions.
    pub(super) fn withdraw_questions(&self, live: &Live) {
        let asked = std::mem::take(&mut live.state().asked);
        for (_, peer, request) in asked {
            if peer.take_ask(request).is_some() {
                let body = shape::cancelled(request, "the task has ended");
                peer.send(Outgoing::Event { body, droppable: false });
            }
        }
    }
}

type Asked = Vec<(AskId, Arc<crate::host::Peer>, u64)>;

/// Removes and returns the places where a question was asked.
fn take_asked(asked: &mut Asked, ask: AskId) -> Vec<(Arc<crate::host::Peer>, u64)> {
    let (of, others) = std::mem::take(asked).into_iter().partition(|(other, ..)| *other == ask);
    *asked = others;
    of.into_iter().map(|(_, peer, request): (AskId, _, _)| (peer, request)).collect()
}
