//! Writes the records of tasks to the store: in the background, one write at a time. Each write names the version
//! that it replaces.

use super::begin::why;
use super::live::Live;
use crate::dispatch::store::{Record, StoreDone, StoreOp, When};
use crate::dispatch::tasks::{Task, key};
use crate::host::admission::chain::StageId;
use crate::host::calls::completion::End;
use crate::host::calls::dispatch::Thread;
use crate::host::calls::op::CancelReason;
use crate::host::engine_state::Shared;
use crate::host::lanes::port::HostPort;
use crate::json::JsonSlice;
use crate::proto::messages::error::{RpcError, code};
use std::sync::Arc;

impl HostPort {
    /// Writes the present record of a task.
    pub(super) fn save_task(&self, live: &Arc<Live>) {
        let shared = &self.0;
        let now = shared.environment.unix_seconds();
        let op = {
            let mut state = live.state();
            if state.writing {
                state.dirty = true;
                return;
            }
            (state.writing, state.dirty) = (true, false);
            StoreOp::Put {
                key: key(&live.id),
                value: state.task.to_record(),
                ttl: state.task.left(now),
                when: state.version.map_or(When::Absent, When::Is),
            }
        };
        let (port, live) = (self.clone(), live.clone());
        shared.store.submit(op, shared.now(), Box::new(move |done| port.task_saved(&live, done)));
    }

    fn task_saved(&self, live: &Arc<Live>, done: StoreDone) {
        enum Next {
            /// Everything is stored.
            Done,
            /// The task has changed meanwhile.
            Again,
            /// The task has ended, and is stored.
            Over,
            /// No client knows of the task.
            Remove(When),
            /// Another process has changed the record.
            Merge(Option<Record>),
            /// The write failed and is repeated later.
            Failed(RpcError, bool),
        }
        let next = {
            let mut state = live.state();
            state.writing = false;
            match done {
                StoreDone::Stored(version) => {
                    state.version = Some(version);
                    if state.abandoned {
                        Next::Remove(When::Is(version))
                    } else if state.dirty {
                        Next::Again
                    } else if state.task.status().is_final() {
                        Next::Over
                    } else {
                        Next::Done
                    }
                }
                StoreDone::Conflict(record) => Next::Merge(record),
                other => Next::Failed(Shared::no_store(why(&other)), other == StoreDone::Full),
            }
        };
        if matches!(next, Next::Done | Next::Again | Next::Over) {
            self.task_is_stored(live);
        }
        match next {
            Next::Done => {}
            Next::Again => self.save_task(live),
            Next::Over => self.0.tasks.leave(live),
            Next::Remove(when) => {
                self.0.tasks.leave(live);
                let op = StoreOp::Delete { key: key(&live.id), when };
                self.0.store.submit(op, self.0.now(), Box::new(drop));
            }
            Next::Merge(record) => self.merge_task(live, record),
            Next::Failed(error, full) => self.task_not_saved(live, &error, full),
        }
    }

    /// Applies the changes of another process to the record.
    fn merge_task(&self, live: &Arc<Live>, record: Option<Record>) {
        let shared = &self.0;
        if live.state().creation.is_some() {
            // The task's id is already in use. Ids are random, so this practically never happens.
            return self
                .never_born(live, &RpcError::internal("Cannot create a task: its id is already in use"));
        }
        let task = record.as_ref().and_then(|record| {
            let task = Task::from_record(&record.value, &shared.limits.json())?;
            Some((task, record.version))
        });
        let Some((mut theirs, version)) = task else {
            // It has expired or was removed, so no client can ask for it any more.
            live.state().abandoned = true;
            shared.tasks.leave(live);
            shared.end(live.call, End::Silent(CancelReason::TimedOut));
            self.answer_waiters(live);
            return;
        };
        if theirs.status().is_final() {
            {
                let mut state = live.state();
                (state.task, state.version) = (theirs, Some(version));
            }
            shared.tasks.leave(live);
            shared.end(live.call, End::Silent(CancelReason::Requested(None)));
            self.task_changed(live);
            return;
        }
        let answers = theirs.take_answers();
        live.state().version = Some(version);
        for (key, answer) in answers {
            self.answer_task(live, &key, Ok(answer), Thread::Other);
        }
        self.save_task(live);
    }

    /// Handles a task that cannot be stored and that no client knows of: the request that began it fails.
    pub(super) fn never_born(&self, live: &Live, error: &RpcError) {
        if self.refuse_waiting(StageId::TaskRecord, live.call, error.clone().into()) {
            // The end of the call answers the request.
            return;
        }
        self.0.fail(live.call, error);
        // A handler that has already ended no longer has a call.
        let creation = {
            let mut state = live.state();
            state.abandoned = true;
            state.creation.take()
        };
        if let Some(creation) = creation {
            self.0.tasks.leave(live);
            let answer = self.0.error(Some(&creation.request), None, error);
            creation.respond(answer);
        }
    }

    /// Handles a record that could not be written.
    fn task_not_saved(&self, live: &Arc<Live>, error: &RpcError, full: bool) {
        let (unborn, over) = {
            let state = live.state();
            (state.creation.is_some(), state.task.status().is_final())
        };
        if unborn {
            self.never_born(live, error);
        } else if over && full {
            // A failure takes less room than a result, and is better than a task that never ends.
            let text = "The result could not be stored: the store is full";
            let lost = live.state().task.lose_result(failure(text));
            if lost {
                self.save_task(live);
            }
        }
        // Otherwise the next periodic work writes it again. Until then this process answers for it.
    }
}

/// An error object of the engine.
pub(super) fn failure(text: &str) -> JsonSlice {
    JsonSlice::from_value(&serde_json::json!({ "code": code::INTERNAL_ERROR, "message": text }))
}
