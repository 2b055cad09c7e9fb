//! Turns a call into a task.

use super::end::TaskSink;
use super::live::{Creation, Live};
use crate::dispatch::calls::ask::AskError;
use crate::dispatch::calls::table::CallId;
use crate::dispatch::store::{StoreDone, StoreOp, When};
use crate::dispatch::tasks::{Index, Task, TaskEntry, seconds};
use crate::host::Registered;
use crate::host::admission::chain::StageId;
use crate::host::delivery::sink::{Outgoing, Sink};
use crate::host::engine_state::Shared;
use crate::host::lanes::port::HostPort;
use crate::json::{JsonSlice, Kind as JsonKind};
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::envelope::Client;
use crate::proto::messages::error::{RpcError, code, stage};
use crate::proto::messages::message::Params;
use crate::proto::session::capability::{Capabilities, Capability};
use crate::proto::session::task::{Facts, Status, TaskSupport, is_declared_by, undeclared};
use crate::proto::version::Revision;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::sync::Arc;
use std::time::Duration;

/// The maximum number of attempts to write a list if other writers change it at the same time. After that, the request
/// fails as busy.
const TRIES: usize = 16;

/// Whether a call becomes a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::host) enum TaskMode {
    /// The call is not a task and cannot become one.
    Never,
    /// The call is a task from its start. The duration is the time to keep the task, if the client specifies one.
    Now(Option<Duration>),
    /// The call becomes a task when its handler starts the task.
    Later,
}

/// Whether a request for an entry becomes a task, if the request is allowed (T1-3, T1-4, T1-17, T2-1, T2-2).
pub(in crate::host) fn task_mode(
    entry: &Registered,
    client: &Client,
    params: &Params,
    served: impl FnOnce() -> Capabilities,
) -> Result<TaskMode, RpcError> {
    if entry.kind != Kind::Tool {
        return Ok(TaskMode::Never);
    }
    let support = entry.task_support;
    let refused =
        |why: &str| Err(RpcError::new(code::METHOD_NOT_FOUND, format!("Method not found: {entry} {why}")));
    match client.revision {
        Revision::V2026_07_28 => match (support, support != TaskSupport::Forbidden && is_declared_by(client))
        {
            (TaskSupport::Forbidden, _) | (TaskSupport::Optional, false) => Ok(TaskMode::Never),
            (TaskSupport::Required, false) => Err(undeclared(format_args!("{entry} runs only as a task"))),
            (_, true) if entry.policies.defer_task == Some(true) => Ok(TaskMode::Later),
            (_, true) => Ok(TaskMode::Now(None)),
        },
        Revision::V2025_11_25 => match (params.get("task"), support) {
            // Without the capability, the member has no meaning.
            (Some(_), TaskSupport::Forbidden) if !served().has(Capability::Tasks) => Ok(TaskMode::Never),
            (Some(_), TaskSupport::Forbidden) => refused("never runs as a task"),
            (None, TaskSupport::Required) => {
                refused("runs only as a task; send the request with the member task")
            }
            (None, _) => Ok(TaskMode::Never),
            (Some(task), _) => ttl(&task).map(TaskMode::Now),
        },
        revision if support == TaskSupport::Required => {
            refused(&format!("runs only as a task, but {revision} has no tasks"))
        }
        _ => Ok(TaskMode::Never),
    }
}

/// How long the client wants its task to be kept (T1-2).
fn ttl(task: &JsonSlice) -> Result<Option<Duration>, RpcError> {
    if task.kind() != JsonKind::Object {
        return Err(RpcError::invalid_params("Invalid params: task must be an object"));
    }
    match task.member("ttl") {
        None => Ok(None),
        // `null` means no time limit: the task is kept as long as possible.
        Some(ttl) if ttl.kind() == JsonKind::Null => Ok(Some(Duration::MAX)),
        Some(ttl) => match ttl.as_str().parse::<f64>() {
            Ok(millis) if ttl.kind() == JsonKind::Number && millis >= 0.0 => {
                Ok(Some(Duration::try_from_secs_f64(millis / 1000.0).unwrap_or(Duration::MAX)))
            }
            _ => Err(RpcError::invalid_params("Invalid params: task.ttl must be a number of milliseconds")),
        },
    }
}

impl HostPort {
    /// Makes a call continue as a task, if its tool allows that ([`Entry::defer_task`](crate::Entry::defer_task)). The
    /// client gets the task as its response. The call's later questions go to the client that asks for the task.
    /// Returns whether the call is a task now, which it may have been before. If it is not, its client waits for its
    /// result as usual.
    ///
    /// # Errors
    /// [`AskError::Stale`] if the call is no longer in flight. This includes the case that there is no room for
    /// another task, which its client gets as an error. [`AskError::Invalid`] if a question of the call still waits
    /// for its answer.
    pub fn start_task(&self, id: CallId) -> Result<bool, AskError> {
        let found = self
            .0
            .calls
            .with(id, |flight| (flight.task.is_some(), flight.may_be_task, flight.asks.pending.is_empty()));
        match found.ok_or(AskError::Stale)? {
            (true, ..) => Ok(true),
            (false, false, _) => Ok(false),
            (false, true, false) => Err(AskError::Invalid(
                "start_task: a question of this call still waits for its answer; call it after the answer"
                    .into(),
            )),
            (false, true, true) => match self.begin_later(id) {
                Ok(()) => Ok(true),
                Err(error) => {
                    self.0.fail(id, &error);
                    Err(AskError::Stale)
                }
            },
        }
    }

    fn begin_later(&self, id: CallId) -> Result<(), RpcError> {
        self.0.stands_alone(id);
        self.begin_task(id, None, false)
    }

    /// Makes a call a task. When the task is stored, the client gets it as its response (T2-4), and the handler runs
    /// if `run` is set.
    pub(in crate::host) fn begin_task(
        &self,
        call: CallId,
        ttl: Option<Duration>,
        run: bool,
    ) -> Result<(), RpcError> {
        let shared = &self.0;
        let found =
            shared.calls.with(call, |flight| (flight.context.clone(), flight.peer.clone(), flight.session));
        // If the call has already ended, it already has its response.
        let Some((context, peer, session)) = found else { return Ok(()) };
        let Some(request) = context.request_id.clone() else {
            return Err(RpcError::internal(
                "Only requests can become tasks; this call is a notification or a hook",
            ));
        };
        let (limits, revision) = (&shared.limits, context.client.revision);
        let mut random = [0; 24];
        shared
            .environment
            .random(&mut random)
            .map_err(|error| RpcError::internal(format!("Cannot create a task id: {error}")))?;
        let ttl = ttl.unwrap_or(limits.default_task_ttl).min(limits.max_task_ttl);
        let ttl = Duration::from_secs(seconds(ttl).max(1));
        let now = shared.environment.unix_seconds();
        let task = Task::new(
            (URL_SAFE_NO_PAD.encode(random).into(), &context.entry.name),
            revision,
            context.arrival.principal(),
            (ttl, limits.task_poll_interval),
            (now, shared.lease(now)),
        );
        let listed = TaskEntry { id: task.id.to_string(), expires: task.expires() };
        // Only legacy sessions receive unrequested messages on a stream of their own.
        let live = Live::new(
            task,
            call,
            peer.as_ref().filter(|_| !revision.is_modern()).map(|peer| (peer, session)),
        );
        shared.tasks.enter(&live, limits.max_tasks)?;
        let until = shared.now().checked_add(limits.store_timeout);
        let timeout = context.entry.policies.timeout.unwrap_or(limits.task_timeout);
        let deadline = shared.now().checked_add(timeout);
        let sink: Arc<dyn Sink> = Arc::new(TaskSink::new(shared, &live));
        let begun = shared.with_deadline(call, |flight, place| {
            if flight.task.is_some() {
                return false;
            }
            let creation = Creation {
                sink: std::mem::replace(&mut flight.sink, sink),
                outbox: flight.sent.outbox.take(),
                peer: flight.peer.take(),
                session,
                request,
                until,
                run,
            };
            live.state().creation = Some(creation);
            flight.task = Some(live.clone());
            flight.timeout = timeout;
            flight.notified_slow = true;
            // If the handler does not run yet, the time counts from when the task is stored.
            if !run {
                *place = deadline;
            }
            true
        });
        if begun != Some(true) {
            shared.tasks.leave(&live);
            return Ok(());
        }
        let _ = context.task_id.set(live.id.clone());
        shared.maintain_at(until);
        shared.maintain_at(shared.now().checked_add(shared.heartbeat()));
        match context.arrival.principal() {
            Some(principal) => self.enlist(live, Index::key(Some(principal)), listed, TRIES),
            None => self.save_task(&live),
        }
        Ok(())
    }

    /// Adds a task to the list of its principal, which limits their number, and then stores it.
    fn enlist(&self, live: Arc<Live>, key: String, listed: TaskEntry, tries: usize) {
        let shared = &self.0;
        let now = shared.now();
        let port = self.clone();
        let read = StoreOp::Get { key: key.clone(), touch: None };
        let done = move |done| {
            let shared = &port.0;
            let record = match done {
                StoreDone::Value(record) => record,
                other => return port.never_born(&live, &Shared::no_store(why(&other))),
            };
            let seconds = shared.environment.unix_seconds();
            let mut index =
                record.as_ref().map(|record| Index::from_record(&record.value, seconds)).unwrap_or_default();
            let most = shared.limits.max_principal_tasks;
            if index.add(listed.clone(), most).is_err() {
                let text =
                    format!("Server busy: this client has {most} tasks (max_principal_tasks); retry later");
                return port.never_born(
                    &live,
                    &RpcError::busy(text).refused_by(stage::LIMITS, "max_principal_tasks"),
                );
            }
            let when = record.map_or(When::Absent, |record| When::Is(record.version));
            let write =
                StoreOp::Put { key: key.clone(), value: index.to_record(), ttl: index.left(seconds), when };
            let again = port.clone();
            let written = move |done| match done {
                StoreDone::Stored(_) => again.save_task(&live),
                StoreDone::Conflict(_) if tries > 1 => again.enlist(live, key, listed, tries - 1),
                other => again.never_born(&live, &Shared::no_store(why(&other))),
            };
            shared.store.submit(write, shared.now(), Box::new(written));
        };
        shared.store.submit(read, now, Box::new(done));
    }

    /// Handles a stored task: sends it to the client as its response, and runs the handler.
    pub(super) fn task_is_stored(&self, live: &Arc<Live>) {
        let shared = &self.0;
        let taken = {
            let mut state = live.state();
            state.creation.take().map(|creation| {
                // The response says that it is working, whatever its state is now (T1-6).
                let facts = Facts { status: Status::Working, message: None, ..state.task.facts() };
                let body = shared.shaper.task_created(&creation.request, state.task.revision, &facts);
                (creation, body)
            })
        };
        let Some((creation, body)) = taken else { return };
        let run = creation.run;
        creation.respond(Outgoing::Response { body, error: None });
        if live.state().task.status() != Status::Working {
            self.task_changed(live);
        }
        if run {
            self.resume(StageId::TaskRecord, live.call, shared.now(), |_| Ok(()));
        }
    }
}

/// The reason why a store operation failed.
pub(super) fn why(done: &StoreDone) -> &str {
    match done {
        StoreDone::Full => "it is full",
        StoreDone::Conflict(_) => "other requests changed the value each time",
        other => other.failure().unwrap_or("it returned an unexpected reply"),
    }
}

impl Shared {
    /// The end of this process's lease if it is renewed at `now`. Times are in seconds since 1970.
    pub(super) fn lease(&self, now: u64) -> u64 {
        now.saturating_add(seconds(self.limits.task_lease))
    }

    /// The interval at which this process renews its leases.
    pub(super) fn heartbeat(&self) -> Duration {
        Duration::from_secs(seconds(self.limits.task_lease)) / 3
    }
}
