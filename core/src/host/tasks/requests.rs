//! Handles the requests of clients about their tasks: get, list, update, cancel.

use super::stored::TaskOwner;
use crate::dispatch::calls::table::CallId;
use crate::dispatch::principal::Principal;
use crate::dispatch::registry::page;
use crate::dispatch::registry::page::Cursor;
use crate::dispatch::store::StoreDone;
use crate::dispatch::store::StoreOp;
use crate::dispatch::tasks::{Index, Task};
use crate::host::calls::completion::End;
use crate::host::calls::op::CancelReason;
use crate::host::calls::received::ReceivedRequest;
use crate::host::calls::start::Own;
use crate::host::delivery::sink::Sink;
use crate::host::engine::{Accepted, Engine, Scope};
use crate::host::engine_state::Shared;
use crate::host::lanes::port::HostPort;
use crate::json::{JsonSlice, JsonWriter, Kind as JsonKind};
use crate::proto::messages::envelope::Client;
use crate::proto::messages::error::{ErrorClass, RpcError};
use crate::proto::messages::id::RequestId;
use crate::proto::operation::Op;
use crate::proto::results::shape;
use crate::proto::session::task::{is_declared_by, undeclared, unknown};
use crate::proto::version::Revision;
use bytes::Bytes;
use std::sync::Arc;

/// Tasks on one page of a list, unless `page_size` is smaller.
const PAGE: usize = 50;

impl Engine {
    /// Answers a request about tasks, perhaps later.
    #[inline(never)]
    pub(in crate::host) fn about_tasks(
        &self,
        scope: &Scope,
        request: &ReceivedRequest<'_>,
        client: Client,
        (op, before): (Op, Option<CallId>),
        sink: &Arc<dyn Sink>,
    ) -> Result<Accepted, RpcError> {
        let (params, revision) = (&request.params, client.revision);
        if revision.is_modern() && !is_declared_by(&client) {
            return Err(undeclared(request.method.as_str()));
        }
        let principal = scope.arrival().principal;
        let (shared, port) = (&self.0, self.port());
        if op == Op::TasksList {
            let cursor = match params.get_str("cursor")? {
                Some(text) => {
                    let cursor =
                        Cursor::open(&text, list_scope(principal.as_ref(), revision), &shared.sealer)?;
                    Some(cursor.inner.ok_or_else(page::invalid)?)
                }
                None => None,
            };
            let call = self.own_call_again(scope, request, client, (before, Own::Timed), sink)?;
            port.list_tasks(call, principal, cursor, revision);
            return Ok(Accepted::Started(call));
        }
        let id = params
            .get_str("taskId")?
            .ok_or_else(|| RpcError::invalid_params("Invalid params: taskId is missing"))?;
        let answers = match (op, params.get("inputResponses")) {
            (Op::TasksUpdate, Some(answers)) if answers.kind() == JsonKind::Object => Some(answers),
            (Op::TasksUpdate, _) => {
                return Err(RpcError::invalid_params("Invalid params: inputResponses must be an object"));
            }
            _ => None,
        };
        let own = if op == Op::TasksResult { Own::Untimed } else { Own::Timed };
        let call = self.own_call_again(scope, request, client, (before, own), sink)?;
        let whose = TaskOwner { id, principal, revision };
        match (op, answers) {
            (Op::TasksUpdate, Some(answers)) => port.update_task(call, whose, answers),
            (Op::TasksCancel, _) => port.cancel_task(call, whose),
            (Op::TasksResult, _) => port.task_result(call, whose),
            _ => port.get_task(call, whose),
        }
        Ok(Accepted::Started(call))
    }
}

impl HostPort {
    fn get_task(&self, call: CallId, whose: TaskOwner) {
        let (port, id) = (self.clone(), whose.id.clone());
        let then = move |found: Result<Option<Task>, RpcError>| {
            port.reply_own(call, |shared, request, revision| {
                let task = found?.ok_or_else(|| unknown(&id))?;
                Ok(shared.shaper.task(request, revision, |out| task.write(out)))
            });
        };
        self.look_at_task(whose, Box::new(then));
    }

    fn update_task(&self, call: CallId, whose: TaskOwner, answers: JsonSlice) {
        let live = match self.live_task(&whose) {
            Err(error) => return self.reply_own(call, |_, _, _| Err(error)),
            Ok(live) => live,
        };
        if let Some(live) = live {
            let done = self.answer_all(&live, &answers);
            self.reply_own(call, |shared, request, revision| {
                done.map(|()| shared.shaper.empty(request, revision))
            });
            return;
        }
        let leave = move |task: &mut Task, now: u64| {
            let keys: Vec<String> = task.inputs().iter().map(|input| input.key.clone()).collect();
            let found = keys.into_iter().filter_map(|key| answers.member(&key).map(|answer| (key, answer)));
            let found: Vec<_> = found.collect();
            found.into_iter().fold(false, |left, (key, answer)| task.leave_answer(&key, answer, now) || left)
        };
        let (port, id) = (self.clone(), whose.id.clone());
        let then = move |found: Result<Option<Task>, RpcError>| {
            port.reply_own(call, |shared, request, revision| {
                found?.ok_or_else(|| unknown(&id))?;
                Ok(shared.shaper.empty(request, revision))
            });
        };
        self.stored_task(whose, Arc::new(leave), Box::new(then));
    }

    fn cancel_task(&self, call: CallId, whose: TaskOwner) {
        let (port, id) = (self.clone(), whose.id.clone());
        let answer = move |found: Result<Option<Task>, RpcError>, cancelled: bool| {
            port.reply_own(call, |shared, request, revision| {
                let task = found?.ok_or_else(|| unknown(&id))?;
                if revision.is_modern() {
                    // The client finds out by `tasks/get` whether it has ended already (T2-9).
                    return Ok(shared.shaper.empty(request, revision));
                }
                if !cancelled {
                    let text = format!("Invalid params: the task is already {}", task.status().as_str());
                    return Err(RpcError::invalid_params(text));
                }
                Ok(shared.shaper.task(request, revision, |out| task.write(out)))
            });
        };
        let live = match self.live_task(&whose) {
            Err(error) => return answer(Err(error), false),
            Ok(live) => live,
        };
        if let Some(live) = live {
            let now = self.0.environment.unix_seconds();
            let (task, cancelled) = {
                let mut state = live.state();
                let cancelled = state.task.cancel(now);
                (state.task.clone(), cancelled)
            };
            // The task is cancelled before the response, and stays cancelled (T1-12).
            if cancelled && !self.0.end(live.call, End::Silent(CancelReason::Requested(None))) {
                self.save_task(&live);
                self.task_changed(&live);
            }
            return answer(Ok(Some(task)), cancelled);
        }
        // The process that runs it sees this in the record.
        let cancelled = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let told = cancelled.clone();
        let change = move |task: &mut Task, now: u64| {
            let cancelled = task.cancel(now);
            told.store(cancelled, std::sync::atomic::Ordering::Release);
            cancelled
        };
        let then = move |found| answer(found, cancelled.load(std::sync::atomic::Ordering::Acquire));
        self.stored_task(whose, Arc::new(change), Box::new(then));
    }

    fn list_tasks(
        &self,
        call: CallId,
        principal: Option<Principal>,
        after: Option<String>,
        revision: Revision,
    ) {
        let shared = &self.0;
        let port = self.clone();
        let op = StoreOp::Get { key: Index::key(principal.as_ref()), touch: None };
        let done = move |done| {
            let now = port.0.environment.unix_seconds();
            let index = match done {
                StoreDone::Value(record) => {
                    record.map(|record| Index::from_record(&record.value, now)).unwrap_or_default()
                }
                other => {
                    let error = Shared::no_store(super::begin::why(&other));
                    return port.reply_own(call, |_, _, _| Err(error));
                }
            };
            let Some(rest) = index.after(after.as_deref()) else {
                return port.reply_own(call, |_, _, _| Err(page::invalid()));
            };
            let size = match port.0.limits.page_size {
                0 => PAGE,
                size => size.min(PAGE),
            };
            let ids: Vec<String> = rest.iter().take(size).map(|listed| listed.id.clone()).collect();
            let next = if rest.len() > size { ids.last().cloned() } else { None };
            let page = Page { call, principal, revision, next, tasks: Vec::with_capacity(ids.len()) };
            port.list_further(page, ids.into_iter());
        };
        shared.store.submit(op, shared.now(), Box::new(done));
    }

    /// Reads one task after the other. The page limits their number.
    fn list_further(&self, mut page: Page, mut ids: std::vec::IntoIter<String>) {
        let Some(id) = ids.next() else { return self.list_is_read(page) };
        let whose = TaskOwner { id, principal: page.principal.clone(), revision: page.revision };
        let port = self.clone();
        let then = move |found: Result<Option<Task>, RpcError>| match found {
            Ok(task) => {
                page.tasks.extend(task);
                port.list_further(page, ids);
            }
            // A task whose tool the caller may not use is not listed.
            Err(error) if matches!(error.class, ErrorClass::Forbidden | ErrorClass::Unauthorized) => {
                port.list_further(page, ids);
            }
            Err(error) => port.reply_own(page.call, |_, _, _| Err(error)),
        };
        self.look_at_task(whose, Box::new(then));
    }

    fn list_is_read(&self, page: Page) {
        self.reply_own(page.call, |shared, request, revision| {
            let mut out = JsonWriter::new();
            out.begin_array();
            for task in &page.tasks {
                out.begin_object();
                task.write(&mut out);
                out.end_object();
            }
            out.end_array();
            let seal = |inner: String| {
                let cursor =
                    Cursor { part: 0, position: 0, fingerprint: Default::default(), inner: Some(inner) };
                let scope = list_scope(page.principal.as_ref(), revision);
                cursor
                    .seal(scope, &shared.sealer, &*shared.environment)
                    .map_err(|error| RpcError::internal(format!("Cannot seal the cursor: {error}")))
            };
            let next = page.next.clone().map(seal).transpose()?;
            Ok(shared.shaper.list(
                request,
                revision,
                ("tasks", None, true),
                &out.into_slice(),
                next.as_deref(),
            ))
        });
    }
}

/// A page of a list of tasks that is being read.
struct Page {
    call: CallId,
    principal: Option<Principal>,
    revision: Revision,
    /// The task after which the next page begins.
    next: Option<String>,
    tasks: Vec<Task>,
}

fn list_scope(principal: Option<&Principal>, revision: Revision) -> page::Scope<'_> {
    page::Scope { list: Op::TasksList.name(), principal, revision }
}

/// The response to a request for the result of a task that has ended.
pub(super) fn outcome_of(task: &Task, request: &RequestId) -> Result<Bytes, RpcError> {
    match task.outcome() {
        Some(outcome) => Ok(shape::task_outcome(request, &task.id, outcome)),
        None => Err(RpcError::internal("The task was cancelled")),
    }
}
