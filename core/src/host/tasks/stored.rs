//! Reads and changes the stored records of tasks. Any process that shares the store may do so.

use super::begin::why;
use super::live::Live;
use super::save::failure;
use crate::dispatch::principal::Principal;
use crate::dispatch::store::{StoreDone, StoreOp, When};
use crate::dispatch::tasks::{Task, key};
use crate::host::engine_state::Shared;
use crate::host::lanes::port::HostPort;
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::error::RpcError;
use crate::proto::version::Revision;
use std::sync::Arc;

/// The maximum number of attempts to write the record if other writers change it at the same time. After that, the
/// request fails as busy.
const TRIES: usize = 16;

/// The id and the owner of the requested task.
#[derive(Clone)]
pub(super) struct TaskOwner {
    pub(super) id: String,
    pub(super) principal: Option<Principal>,
    pub(super) revision: Revision,
}

/// A change to a stored task. It returns whether it changed anything.
pub(super) type Change = Arc<dyn Fn(&mut Task, u64) -> bool + Send + Sync>;
/// Gets the task after the change. It gets `None` if there is no such task, or if it belongs to another owner.
pub(super) type Then = Box<dyn FnOnce(Result<Option<Task>, RpcError>) + Send>;

impl TaskOwner {
    /// Refuses an owner who may not use the tool of the task any more, because its token has fewer scopes now.
    fn permit(&self, tool: Option<&Arc<str>>, shared: &Shared) -> Result<(), RpcError> {
        let tool = tool.and_then(|tool| shared.catalog.get(Kind::Tool, tool));
        tool.map_or(Ok(()), |tool| tool.permit(shared.caller(self.principal.as_ref())))
    }
}

impl HostPort {
    /// The task of this process, if this process runs it and its client knows of it.
    pub(super) fn live_task(&self, whose: &TaskOwner) -> Result<Option<Arc<Live>>, RpcError> {
        let Some(live) = self.0.tasks.find(&whose.id) else { return Ok(None) };
        let now = self.0.environment.unix_seconds();
        let tool = {
            let state = live.state();
            let task = &state.task;
            let known = state.creation.is_none()
                && task.expires() > now
                && task.belongs_to(whose.principal.as_ref(), whose.revision);
            if !known {
                return Ok(None);
            }
            task.tool.clone()
        };
        whose.permit(tool.as_ref(), &self.0)?;
        Ok(Some(live))
    }

    /// Reads the record of a task, and may change it. A task whose process has died counts as failed.
    pub(super) fn stored_task(&self, whose: TaskOwner, change: Change, then: Then) {
        self.change_record(whose, change, then, TRIES);
    }

    fn change_record(&self, whose: TaskOwner, change: Change, then: Then, tries: usize) {
        let shared = &self.0;
        let port = self.clone();
        let read = StoreOp::Get { key: key(&whose.id), touch: None };
        let done = move |done| {
            let shared = &port.0;
            let record = match done {
                StoreDone::Value(Some(record)) => record,
                StoreDone::Value(None) => return then(Ok(None)),
                other => return then(Err(Shared::no_store(why(&other)))),
            };
            let now = shared.environment.unix_seconds();
            let task = Task::from_record(&record.value, &shared.limits.json()).filter(|task| {
                task.expires() > now && task.belongs_to(whose.principal.as_ref(), whose.revision)
            });
            let Some(mut task) = task else { return then(Ok(None)) };
            if let Err(error) = whose.permit(task.tool.as_ref(), shared) {
                return then(Err(error));
            }
            let orphaned = task.is_orphaned(now);
            if orphaned {
                let text = "The task was lost: the process that ran it stopped responding";
                task.finish(Err(failure(text)), now);
            }
            if !change(&mut task, now) && !orphaned {
                return then(Ok(Some(task)));
            }
            let write = StoreOp::Put {
                key: key(&whose.id),
                value: task.to_record(),
                ttl: task.left(now),
                when: When::Is(record.version),
            };
            let again = port.clone();
            let written = move |done| match done {
                StoreDone::Stored(_) => then(Ok(Some(task))),
                StoreDone::Conflict(Some(_)) if tries > 1 => {
                    again.change_record(whose, change, then, tries - 1);
                }
                StoreDone::Conflict(None) => then(Ok(None)),
                other => then(Err(Shared::no_store(why(&other)))),
            };
            shared.store.submit(write, shared.now(), Box::new(written));
        };
        shared.store.submit(read, shared.now(), Box::new(done));
    }

    /// Reads a task, wherever it runs.
    pub(super) fn look_at_task(&self, whose: TaskOwner, then: Then) {
        match self.live_task(&whose) {
            Err(error) => then(Err(error)),
            Ok(Some(live)) => {
                let task = live.state().task.clone();
                then(Ok(Some(task)));
            }
            Ok(None) => self.stored_task(whose, Arc::new(|_, _| false), then),
        }
    }
}
