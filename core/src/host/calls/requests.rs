//! Handles requests: the engine answers them at once, or starts a call.

use crate::dispatch::calls::ask_replay::Asks;
use crate::dispatch::calls::table::{CallId, Full};
use crate::dispatch::route::{Invocation, Route, address, route};
use crate::dispatch::shares;
use crate::host::Target;
use crate::host::admission::chain::Admission;
use crate::host::admission::concurrency_limit::Place;
use crate::host::builtin::listing::{Listed, Part};
use crate::host::calls::completion::End;
use crate::host::calls::op::{CallContext, CancelReason};
use crate::host::delivery::sink::{Outgoing, Sink};
use crate::host::engine::{Accepted, Engine, Scope};
use crate::host::engine_state::{InFlightCall, Thread};
use crate::host::middleware::Wrapped;
use crate::host::session::notifications::SESSION_END;
use crate::host::session::peer::{NO_SESSION, Peer, Untracked};
use crate::host::tasks::{Wanted, wanted};
use crate::json::{JsonSlice, Kind as JsonKind};
use crate::panics::caught;
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::envelope;
use crate::proto::messages::envelope::Client;
use crate::proto::messages::error::RpcError;
use crate::proto::messages::id::RequestId;
use crate::proto::messages::message::{Params, Request};
use crate::proto::operation::Op;
use crate::proto::session::logging;
use crate::proto::session::version::Revision;
use bytes::Bytes;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The result of handling a request.
pub(in crate::host) enum Step {
    Answer(Bytes),
    Started(Accepted),
}

/// The data that a call starts with, besides its context.
pub(in crate::host) struct Start {
    pub(in crate::host) input: JsonSlice,
    pub(in crate::host) asks: Asks,
    pub(in crate::host) retried: bool,
    pub(in crate::host) listing: Option<Box<Part>>,
    pub(in crate::host) admission: Option<Admission>,
    /// A check of its input that must finish first.
    pub(in crate::host) check: Option<Box<Check>>,
    /// The call becomes a task when its handler asks for it.
    pub(in crate::host) may_be_task: bool,
    /// The engine answers it itself, and no handler runs.
    pub(in crate::host) own: Option<Own>,
    /// Which thread hands it over.
    pub(in crate::host) thread: Thread,
    /// The outer call, if this call runs within one.
    pub(in crate::host) outer: Option<CallId>,
    /// The call is a `start` or `stop` hook, with this timeout.
    pub(in crate::host) life: Option<Duration>,
}

/// What remains to be done for a call after its input has been checked.
pub(in crate::host) struct Check {
    /// The parameters, which may contain answers. `None` for anything that is not a request.
    pub(in crate::host) params: Option<Params>,
    pub(in crate::host) admission: Option<Admission>,
}

/// How long the engine may take for a request that it answers itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::host) enum Own {
    /// At most the store's timeout.
    Timed,
    /// Without a timeout: it waits for something that ends by itself.
    Untimed,
}

impl Start {
    /// A call with only this input, handed over by the thread that received it.
    pub(in crate::host) fn of(input: JsonSlice) -> Start {
        Start {
            input,
            asks: Asks::default(),
            retried: false,
            listing: None,
            admission: None,
            check: None,
            may_be_task: false,
            own: None,
            thread: Thread::Receiver,
            outer: None,
            life: None,
        }
    }
}

impl Engine {
    pub(in crate::host) fn request(&self, scope: &Scope, request: Request, sink: &Arc<dyn Sink>) -> Accepted {
        let modern = scope.is_modern(&request.params);
        // A call that is in the table has its own panic boundary, so that a panic gets only one response.
        let result = caught(|| {
            if self.is_duplicate(scope, &request, modern) {
                Err(in_flight())
            } else if modern {
                self.modern(scope, &request, sink)
            } else {
                self.legacy(scope, &request, sink)
            }
        });
        let result = result.unwrap_or_else(|panicked| {
            let doing = format_args!("the request {} with id {}", request.method.as_str(), request.id.raw());
            Err(self.0.panicked(doing, &panicked))
        });
        match result {
            Ok(Step::Answer(body)) => {
                sink.send(Outgoing::Response { body, error: None });
                Accepted::Answered
            }
            Ok(Step::Started(accepted)) => accepted,
            Err(error) => {
                let revision = if modern {
                    Some(Revision::V2026_07_28)
                } else {
                    scope.peer().and_then(|peer| peer.revision())
                };
                sink.send(self.0.error(Some(&request.id), revision, &error));
                Accepted::Answered
            }
        }
    }

    fn modern(&self, scope: &Scope, request: &Request, sink: &Arc<dyn Sink>) -> Result<Step, RpcError> {
        let client = match scope {
            Scope::Stateless { client, .. } => client.clone(),
            _ => envelope::read(&request.params).map_err(|error| error.limited_to(self.revisions()))?,
        };
        let served = self.revisions();
        if !served.has(client.revision) {
            return Err(RpcError::unserved_version(client.revision.as_str(), served));
        }
        self.perform(scope, request, client, sink, None)
    }

    fn legacy(&self, scope: &Scope, request: &Request, sink: &Arc<dyn Sink>) -> Result<Step, RpcError> {
        let peer = scope.peer().ok_or_else(|| RpcError::invalid_request("Invalid request: no session"))?;
        let (id, params) = (&request.id, &request.params);
        if request.method.is(Op::Initialize) {
            return self.initialize(scope, peer, request, sink).map(|()| Step::Started(Accepted::Answered));
        }
        if request.method.is(Op::Ping) {
            return Ok(Step::Answer(self.0.shaper.empty(id, Revision::NEWEST_LEGACY)));
        }
        let Some(client) = peer.client() else {
            // A client that probes for the modern era without its envelope gets an error that names what is missing
            // (DISC-7).
            if request.method.is(Op::Discover) {
                envelope::claimed_version(params)?;
            }
            return Err(RpcError::invalid_request("Invalid request: the first request must be initialize"));
        };
        self.perform(scope, request, client, sink, None)
    }

    /// Whether a call in flight has the same id (RPC-8). Calls themselves are checked when they are tracked.
    fn is_duplicate(&self, scope: &Scope, request: &Request, modern: bool) -> bool {
        if request.method.needs_handler() {
            return false;
        }
        let Some(peer) = scope.peer() else { return false };
        // Ids of the session that `initialize` ends are free again.
        let begins = !modern && request.method.is(Op::Initialize);
        let known = |call| !begins || self.outlives_session(call);
        peer.call(&request.id).is_some_and(known) || peer.listen(&request.id).is_some()
    }

    /// Answers a request of a known client. If `outer` is given, middleware of that call makes the request.
    pub(in crate::host) fn perform(
        &self,
        scope: &Scope,
        request: &Request,
        client: Client,
        sink: &Arc<dyn Sink>,
        outer: Option<CallId>,
    ) -> Result<Step, RpcError> {
        let (id, params, revision) = (&request.id, &request.params, client.revision);
        let snapshot = self.0.catalog.snapshot();
        let shaper = &self.0.shaper;
        let fields = match scope {
            Scope::Stateless { params, .. } => Some(params),
            _ => None,
        };
        let declared = self.0.declared_to(scope, snapshot.capabilities());
        match route(&request.method, params, fields, revision, &snapshot, declared)? {
            Route::Own(
                op @ (Op::TasksGet | Op::TasksUpdate | Op::TasksCancel | Op::TasksResult | Op::TasksList),
            ) => self.about_tasks(scope, request, client, op, sink).map(Step::Started),
            Route::Call(invocation) => {
                self.call(scope, request, client, (invocation, None), sink, outer).map(Step::Started)
            }
            Route::List(kind, operation) => {
                if let Some(wrapped) = self.around(request, outer) {
                    let (entry, input) = (wrapped.entry.clone(), params.object());
                    let invocation = Invocation { entry, input, uri: None, unchecked: false };
                    return self
                        .call(scope, request, client, (invocation, None), sink, None)
                        .map(Step::Started);
                }
                match self.list(kind, operation, id, params, (scope.arrival().principal(), revision))? {
                    Listed::Page(body) => Ok(Step::Answer(body)),
                    Listed::Ask(entry, input, part) => {
                        let invocation = Invocation { entry, input, uri: None, unchecked: false };
                        self.call(scope, request, client, (invocation, Some(part)), sink, outer)
                            .map(Step::Started)
                    }
                }
            }
            Route::Pages(invocation, operation) => {
                let (input, part) =
                    self.page_of(operation, params, (scope.arrival().principal(), revision))?;
                let invocation = Invocation { input, ..invocation };
                self.call(scope, request, client, (invocation, Some(part)), sink, outer).map(Step::Started)
            }
            Route::Failed(text) => Ok(Step::Answer(shaper.failed(id, revision, &text))),
            Route::Own(Op::Discover) => {
                let capabilities = self.0.abilities();
                Ok(Step::Answer(shaper.discover(id, revision, capabilities, &client.capabilities)))
            }
            Route::Own(Op::Complete) => Ok(Step::Answer(shaper.no_suggestions(id, revision))),
            Route::Own(Op::SetLevel) => {
                let level = logging::of_set_level(params)?;
                if let Some(peer) = scope.peer() {
                    peer.set_log_level(level);
                }
                Ok(Step::Answer(shaper.empty(id, revision)))
            }
            Route::Own(Op::Listen) => {
                let listen = self.listen(scope, request, &client, sink)?;
                Ok(Step::Started(Accepted::Listening(listen)))
            }
            Route::Own(op @ (Op::Subscribe | Op::Unsubscribe)) => {
                let uri = address(params)?;
                match (scope.peer(), op) {
                    (Some(peer), Op::Subscribe) => self.subscribe(peer, uri)?,
                    (Some(peer), _) => self.unsubscribe(peer, uri),
                    (None, _) => {}
                }
                Ok(Step::Answer(shaper.empty(id, revision)))
            }
            Route::Own(_) => Err(RpcError::method_not_found(request.method.as_str())),
        }
    }

    fn call(
        &self,
        scope: &Scope,
        request: &Request,
        client: Client,
        (invocation, listing): (Invocation<Target>, Option<Box<Part>>),
        sink: &Arc<dyn Sink>,
        outer: Option<CallId>,
    ) -> Result<Accepted, RpcError> {
        let params = &request.params;
        let Invocation { entry, input, uri, unchecked } = invocation;
        let progress_token = params.meta_get("progressToken");
        // A progress token has the same form as an id (PGR-1).
        if progress_token.as_ref().is_some_and(|token| RequestId::new(token.clone()).is_none()) {
            return Err(RpcError::invalid_params(
                "Invalid params: progressToken must be a string or an integer",
            ));
        }
        let task = match &listing {
            None if entry.kind == Kind::Tool => {
                let served = || self.0.abilities().0;
                wanted(&entry, &client, params, served)?
            }
            _ => Wanted::Never,
        };
        let wrapped = match outer {
            Some(_) => None,
            None => self.around_entry(&request.method, &entry)?,
        };
        let around = wrapped.map(|wrapped| match Arc::ptr_eq(&wrapped.entry, &entry) {
            true => wrapped.around_operation(scope),
            false => wrapped.around(&entry),
        });
        let context = Arc::new(CallContext {
            request_id: Some(request.id.clone()),
            client,
            meta: params.meta(),
            session_id: scope.peer().and_then(|peer| peer.session_id().cloned()),
            entry,
            uri,
            progress_token,
            arrival: scope.arrival(),
            task_id: OnceLock::new(),
            state: OnceLock::new(),
            around,
        });
        // The state of a retry is bound to the arguments in their checked form.
        let asks = if unchecked { Asks::default() } else { self.resume_asks(params, &context, &input)? };
        let retried = context.client.revision.is_modern()
            && (params.get("requestState").is_some() || params.get("inputResponses").is_some());
        // Before 2026-07-28 the member is an unknown one.
        let state = if retried && context.entry.once_only { params.get_str("requestState")? } else { None };
        let admission = Admission::of(state.as_deref(), task);
        let may_be_task = task == Wanted::Later;
        let (admission, check) = match unchecked {
            false => (admission, None),
            true => (None, Some(Box::new(Check { params: Some(params.clone()), admission }))),
        };
        let start =
            Start { asks, retried, listing, admission, may_be_task, check, outer, ..Start::of(input) };
        self.start(scope, context, start, sink)
    }

    /// The middleware around the request, unless middleware makes the request.
    #[inline]
    fn around(&self, request: &Request, outer: Option<CallId>) -> Option<Arc<Wrapped>> {
        if outer.is_some() { None } else { self.0.layers.of(&request.method) }
    }

    /// The answers that a modern retry contains.
    pub(in crate::host) fn resume_asks(
        &self,
        params: &Params,
        context: &CallContext,
        input: &JsonSlice,
    ) -> Result<Asks, RpcError> {
        if !context.client.revision.is_modern() {
            return Ok(Asks::default());
        }
        let responses = params.get("inputResponses");
        if responses.as_ref().is_some_and(|responses| responses.kind() != JsonKind::Object) {
            return Err(RpcError::invalid_params("Invalid params: inputResponses must be an object"));
        }
        // Answers without the state of the request for them: the client knows the handler's questions (MR-15).
        let Some(state) = params.get_str("requestState")? else { return Ok(Asks::supplied(responses)) };
        let shared = &self.0;
        Asks::resume(
            &state,
            responses.as_ref(),
            &shared.sealer,
            || shared.binding(context, input),
            &shared.limits,
            &*shared.environment,
        )
    }

    pub(in crate::host) fn start(
        &self,
        scope: &Scope,
        context: Arc<CallContext>,
        start: Start,
        sink: &Arc<dyn Sink>,
    ) -> Result<Accepted, RpcError> {
        self.start_for(scope.peer().cloned(), context, start, sink)
    }

    pub(in crate::host) fn start_for(
        &self,
        peer: Option<Arc<Peer>>,
        context: Arc<CallContext>,
        start: Start,
        sink: &Arc<dyn Sink>,
    ) -> Result<Accepted, RpcError> {
        let Start { input, asks, retried, listing, admission, check, may_be_task, own, thread, outer, life } =
            start;
        let shared = &self.0;
        // Read first, so that a panic of the clock leaves nothing behind.
        let now = shared.now();
        // A call within another call is counted with the outer call.
        let share = context.arrival.share.as_ref().filter(|_| outer.is_none());
        let part = shares::part(share, shares::Kind::Calls)?;
        let lane = shared.lane_of(&context);
        if life.is_some() {
            // A call that waits for the start must not prevent the start hooks from running.
            lane.acquire_unbounded();
        } else if !lane.acquire() {
            return Err(shared.busy("calls of this handler's lane", lane.limit()));
        }
        let timeout = life.or(context.entry.timeout).unwrap_or(shared.limits.call_timeout);
        let unchecked = check.is_some();
        let admitting = admission.is_some() || own == Some(Own::Timed);
        let deadline = match own {
            Some(Own::Untimed) => None,
            _ => now.checked_add(if admitting { shared.limits.store_timeout } else { timeout }),
        };
        // For its client, a call within another call does not exist.
        let tracked = peer.filter(|_| outer.is_none());
        let of_session = !context.client.revision.is_modern();
        let insert = |session| {
            let flight = InFlightCall {
                context: context.clone(),
                input: input.clone(),
                sink: sink.clone(),
                peer: tracked.clone(),
                session,
                lane: lane.clone(),
                timeout,
                began: now,
                told_slow: false,
                asks,
                waiters: Vec::new(),
                local: None,
                outbox: None,
                last_progress: None,
                progress_at: None,
                delivered: false,
                parked: false,
                admitting,
                retried,
                listing,
                check,
                task: None,
                may_be_task,
                outer,
                following: None,
                on_cancel: Vec::new(),
                place: Place::None,
                part,
            };
            match life {
                Some(_) => Ok(shared.calls.insert_unbounded(deadline, |_| flight)),
                None => shared.calls.insert(deadline, |_| flight),
            }
        };
        let started = match (&tracked, &context.request_id) {
            (Some(peer), Some(id)) => peer.track(id, shared.limits.max_peer_calls, of_session, insert),
            (Some(peer), None) => {
                // The hook for a session's end runs however many calls the client has in flight.
                let ends = context.entry.kind == Kind::Hook && context.entry.name == SESSION_END;
                let most = if ends { usize::MAX } else { shared.limits.max_peer_calls };
                peer.enter(most, || insert(NO_SESSION))
            }
            (None, _) => insert(NO_SESSION).map_err(|Full| Untracked::Full),
        };
        let (call, earliest) = started.map_err(|untracked| {
            lane.release();
            match untracked {
                Untracked::Full => shared.busy("calls", shared.limits.max_calls),
                Untracked::PeerFull => shared.busy("calls of this client", shared.limits.max_peer_calls),
                Untracked::InFlight => in_flight(),
                Untracked::Closed if shared.closing.load(Ordering::Acquire) => shared.shutting_down(),
                Untracked::Closed => RpcError::invalid_request("Invalid request: the connection is closing"),
            }
        })?;
        if let Some(outer) = outer {
            if !shared.belongs(outer, call) {
                shared.end(call, End::Silent(CancelReason::Suspended));
                return Ok(Accepted::Started(call));
            }
        } else if
        // Checked after the call is in the table: either the thread that closes the server finds it, or this check
        // sees the close.
        life.is_none() && shared.closing.load(Ordering::Acquire) {
            shared.end(call, End::Closing);
            return Ok(Accepted::Started(call));
        }
        if earliest {
            shared.wake_timer();
        }
        if own.is_some() {
            return Ok(Accepted::Started(call));
        }
        let port = self.port();
        if unchecked {
            port.check_aside(call);
            return Ok(Accepted::Pending(call));
        }
        let pending = match admission {
            Some(admission) => port.admit(call, admission),
            None if life.is_some() => {
                shared.acquire_and_run(&port, call, input, context, thread);
                false
            }
            None => {
                shared.dispatch(&port, call, input, context, thread);
                false
            }
        };
        Ok(if pending { Accepted::Pending(call) } else { Accepted::Started(call) })
    }
}

pub(in crate::host) fn in_flight() -> RpcError {
    RpcError::invalid_request("Invalid request: a request with this id is in flight")
}
