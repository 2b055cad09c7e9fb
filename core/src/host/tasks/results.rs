//! `tasks/result` of 2025-11-25: waits until the task has ended, and meanwhile sends its questions to the client.

use super::live::{Live, RemoteTaskResult};
use super::requests::outcome_of;
use super::stored::TaskOwner;
use crate::dispatch::calls::table::CallId;
use crate::dispatch::tasks::Task;
use crate::host::lanes::port::HostPort;
use crate::proto::messages::error::RpcError;
use crate::proto::session::task::unknown;
use crate::proto::version::Revision;
use std::sync::Arc;

impl HostPort {
    pub(super) fn task_result(&self, call: CallId, whose: TaskOwner) {
        let live = match self.live_task(&whose) {
            Err(error) => return self.reply_own(call, |_, _, _| Err(error)),
            Ok(None) => return self.result_elsewhere(call, whose),
            Ok(Some(live)) => live,
        };
        // Requests that have ended are removed, so that a client that asks repeatedly does not fill the list.
        let before = live.state().waiters.clone();
        let gone: Vec<_> =
            before.into_iter().filter(|waiter| self.0.calls.with(*waiter, |_| ()).is_none()).collect();
        let over = {
            let mut state = live.state();
            state.waiters.retain(|waiter| !gone.contains(waiter));
            let over = state.task.status().is_final();
            if !over {
                state.waiters.push(call);
            }
            over.then(|| state.task.clone())
        };
        match over {
            Some(task) => self.reply_own(call, |_, request, _| outcome_of(&task, request)),
            None => {
                // An earlier waiting client may have disconnected without being noticed.
                self.withdraw_questions(&live);
                self.deliver_questions(&live);
            }
        }
    }

    /// Answers the requests that wait for a task that has ended.
    pub(super) fn answer_waiters(&self, live: &Live) {
        let (waiters, task) = {
            let mut state = live.state();
            (std::mem::take(&mut state.waiters), state.task.clone())
        };
        for waiter in waiters {
            self.reply_own(waiter, |_, request, _| match task.status().is_final() {
                true => outcome_of(&task, request),
                false => Err(unknown(&task.id)),
            });
        }
    }

    fn result_elsewhere(&self, call: CallId, whose: TaskOwner) {
        let (port, id, principal) = (self.clone(), whose.id.clone(), whose.principal.clone());
        let then = move |found: Result<Option<Task>, RpcError>| match found {
            Ok(Some(task)) if !task.status().is_final() => {
                let shared = &port.0;
                shared.tasks.elsewhere.lock().push(RemoteTaskResult { task: id, principal, call });
                shared.maintain_at(shared.now().checked_add(shared.limits.task_poll_interval));
            }
            found => port.reply_own(call, |_, request, _| {
                let task = found?.ok_or_else(|| unknown(&id))?;
                outcome_of(&task, request)
            }),
        };
        self.stored_task(whose, Arc::new(|_, _| false), Box::new(then));
    }

    /// Checks again the tasks that other processes run.
    pub(super) fn look_elsewhere(&self) {
        let waiting = std::mem::take(&mut *self.0.tasks.elsewhere.lock());
        for RemoteTaskResult { task, principal, call } in waiting {
            if self.0.calls.with(call, |_| ()).is_some() {
                self.result_elsewhere(
                    call,
                    TaskOwner { id: task, principal, revision: Revision::V2025_11_25 },
                );
            }
        }
    }
}
