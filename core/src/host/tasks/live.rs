//! The table of the tasks that this process runs.

use crate::dispatch::calls::ask::AskId;
use crate::dispatch::calls::table::CallId;
use crate::dispatch::principal::Principal;
use crate::dispatch::store::Version;
use crate::dispatch::tasks::Task;
use crate::host::Shared;
use crate::host::calls::completion::settle;
use crate::host::delivery::outbox::{Outbox, Sent};
use crate::host::delivery::sink::{Outgoing, Sink};
use crate::host::session::peer::Peer;
use crate::locks::{Mutex, MutexGuard};
use crate::proto::messages::error::{RpcError, stage};
use crate::proto::messages::id::RequestId;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};
use std::time::Instant;

/// The tasks that this process runs, or has run and could not store yet.
#[derive(Default)]
pub(in crate::host) struct Tasks {
    live: Mutex<HashMap<Arc<str>, Arc<Live>>>,
    /// Requests for the results of tasks that another process runs.
    pub(super) elsewhere: Mutex<Vec<RemoteTaskResult>>,
    /// The time at which the next periodic work for tasks is due.
    due: Mutex<Option<Instant>>,
}

/// A request for the result of a task that another process runs.
pub(super) struct RemoteTaskResult {
    pub(super) task: String,
    pub(super) principal: Option<Principal>,
    pub(super) call: CallId,
}

/// A task that this process runs.
pub(in crate::host) struct Live {
    pub(super) id: Arc<str>,
    pub(super) call: CallId,
    /// The session in which the task began, if any: the peer, and the number of the session.
    session: (Weak<Peer>, u64),
    state: Mutex<State>,
}

pub(super) struct State {
    pub(super) task: Task,
    /// The request that still waits for the task as its response.
    pub(super) creation: Option<Creation>,
    /// Whether no client has received the task, and none will.
    pub(super) abandoned: bool,
    /// The version of the stored record.
    pub(super) version: Option<Version>,
    pub(super) writing: bool,
    /// Whether the task has changed since the record that is being written.
    pub(super) dirty: bool,
    /// The unanswered questions, with their keys on the wire. No other question of this task has or had the same key.
    pub(super) pending: Vec<(String, AskId)>,
    pub(super) keys: HashSet<String>,
    /// Requests for the task's result, the latest one last.
    pub(super) waiters: Vec<CallId>,
    /// The questions that were asked in a session, each with its session (2025-11-25).
    pub(super) asked: Vec<(AskId, Arc<Peer>, u64)>,
}

/// The request that began a task, until it has its response.
pub(super) struct Creation {
    pub(super) sink: Arc<dyn Sink>,
    pub(super) outbox: Option<Arc<Outbox>>,
    pub(super) peer: Option<Arc<Peer>>,
    /// The number of the request's session; the peer counts its sessions.
    pub(super) session: u64,
    pub(super) request: RequestId,
    /// The timeout for the store.
    pub(super) until: Option<Instant>,
    /// The handler runs after the task is stored.
    pub(super) run: bool,
}

impl Creation {
    /// Sends the response to the request.
    pub(super) fn respond(self, answer: Outgoing) {
        if let Some(peer) = &self.peer {
            peer.forget(&self.request);
        }
        match &self.outbox {
            Some(outbox) => {
                outbox.queue(answer);
                outbox.flush(|sent| {
                    if let Sent::End = sent {
                        settle(outbox.peer.as_deref(), outbox.session);
                    }
                });
            }
            None => {
                self.sink.send(answer);
                settle(self.peer.as_deref(), self.session);
            }
        }
    }
}

impl Live {
    pub(super) fn new(task: Task, call: CallId, session: Option<(&Arc<Peer>, u64)>) -> Arc<Live> {
        let state = State {
            task,
            creation: None,
            abandoned: false,
            version: None,
            writing: false,
            dirty: false,
            pending: Vec::new(),
            keys: HashSet::new(),
            waiters: Vec::new(),
            asked: Vec::new(),
        };
        let id = state.task.id.clone();
        let session =
            session.map_or_else(Default::default, |(peer, session)| (Arc::downgrade(peer), session));
        Arc::new(Live { id, call, session, state: Mutex::new(state) })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// The peer of the session it began in, while that session continues.
    pub(in crate::host) fn session(&self) -> Option<Arc<Peer>> {
        let (peer, session) = &self.session;
        peer.upgrade().filter(|peer| peer.session() == *session)
    }

    /// Whether the client knows the task, so that the end of the client's connection no longer matters.
    pub(in crate::host) fn is_handed_out(&self) -> bool {
        self.state.lock().creation.is_none()
    }
}

impl Tasks {
    /// Adds a new task. At most `most` may run.
    pub(super) fn enter(&self, live: &Arc<Live>, most: usize) -> Result<(), RpcError> {
        let mut all = self.live.lock();
        if all.len() >= most {
            return Err(RpcError::busy(format!(
                "Server busy: {most} tasks are running (max_tasks); retry later"
            ))
            .refused_by(stage::LIMITS, "max_tasks"));
        }
        all.insert(live.id.clone(), live.clone());
        Ok(())
    }

    pub(super) fn leave(&self, live: &Live) {
        let before = self.live.lock().remove(&live.id);
        drop(before);
    }

    pub(super) fn find(&self, id: &str) -> Option<Arc<Live>> {
        self.live.lock().get(id).cloned()
    }

    pub(super) fn all(&self) -> Vec<Arc<Live>> {
        self.live.lock().values().cloned().collect()
    }

    /// The number of tasks that run, or could not be stored yet.
    #[cfg(test)]
    pub(in crate::host) fn count(&self) -> usize {
        self.live.lock().len()
    }

    /// The time at which the next periodic work is due.
    pub(in crate::host) fn due(&self) -> Option<Instant> {
        *self.due.lock()
    }

    /// Whether the periodic work is due. If it is, nothing is due afterwards until `maintain_at` is called.
    pub(super) fn take_due(&self, now: Instant) -> bool {
        let mut due = self.due.lock();
        let is_due = due.is_some_and(|due| due <= now);
        if is_due {
            *due = None;
        }
        is_due
    }
}

impl Shared {
    /// Schedules the periodic work for this time, unless it is due earlier.
    pub(super) fn maintain_at(&self, at: Option<Instant>) {
        let Some(at) = at else { return };
        {
            let mut due = self.tasks.due.lock();
            if due.is_some_and(|due| due <= at) {
                return;
            }
            *due = Some(at);
        }
        self.wake_timer();
    }
}
