//! Handles requests: the engine answers them at once, or starts a call.

use crate::dispatch::calls::ask_replay::Asks;
use crate::dispatch::calls::table::CallId;
use crate::dispatch::observer::RequestEnd;
use crate::dispatch::route::{Asker, Invocation, Route, address, route};
use crate::host::Target;
use crate::host::admission::interface::{Round, StageData};
use crate::host::admission::stages::argument_checks::Check;
use crate::host::admission::stages::confirmation::confirm_text;
use crate::host::admission::stages::once_only::{round_key, state_key};
use crate::host::builtin::listing::{ListPage, Part};
use crate::host::calls::dispatch::Thread;
use crate::host::calls::op::CallContext;
use crate::host::calls::received::ReceivedRequest;
use crate::host::calls::start::{CallSpec, Role, in_flight};
use crate::host::delivery::sink::{Outgoing, Sink};
use crate::host::engine::{Accepted, Engine, Scope};
use crate::host::functions::{Decided, Look};
use crate::host::middleware::WrappedOperation;
use crate::host::tasks::{TaskMode, task_mode};
use crate::json::{JsonSlice, Kind as JsonKind};
use crate::panics::caught;
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::envelope;
use crate::proto::messages::envelope::Client;
use crate::proto::messages::error::{Refuser, RpcError, stage};
use crate::proto::messages::id::RequestId;
use crate::proto::messages::message::Params;
use crate::proto::operation::Op;
use crate::proto::session::logging;
use crate::proto::version::Revision;
use bytes::Bytes;
use std::sync::Arc;

/// Refuses arguments that do not fit their schema.
pub(in crate::host) const ARGUMENTS: Refuser = Refuser { stage: stage::ARGUMENTS, by: "schema" };

/// What a request continues when it is performed. A request that has just arrived continues nothing.
#[derive(Clone, Copy, Default)]
pub(in crate::host) struct Continues<'a> {
    /// The call whose middleware makes the request.
    pub(in crate::host) outer: Option<CallId>,
    /// The call that the request was while it waited.
    pub(in crate::host) own: Option<CallId>,
    /// What functions of the program have decided about it.
    pub(in crate::host) decided: Option<&'a Decided>,
}

impl Continues<'_> {
    /// The thread that performs the request. Only the thread that received it runs inline handlers.
    fn thread(&self) -> Thread {
        if self.is_new() { Thread::Receiver } else { Thread::Other }
    }

    /// Whether the request has just arrived.
    #[inline]
    fn is_new(&self) -> bool {
        self.outer.is_none() && self.decided.is_none()
    }
}

/// The result of handling a request.
pub(in crate::host) enum Step {
    Answer(Bytes),
    Started(Accepted),
}

impl Engine {
    pub(in crate::host) fn request(
        &self,
        scope: &Scope,
        request: &ReceivedRequest<'_>,
        sink: &Arc<dyn Sink>,
    ) -> Accepted {
        let modern = scope.is_modern(&request.params);
        // A call that is in the table has its own panic boundary, so that a panic gets only one response.
        let result = caught(|| {
            if self.is_duplicate(scope, request, modern) {
                Err(in_flight())
            } else if modern {
                self.modern(scope, request, sink)
            } else {
                self.legacy(scope, request, sink)
            }
        });
        let result = result.unwrap_or_else(|panicked| {
            let doing = format_args!("the request {} with id {}", request.method.as_str(), request.id.raw());
            Err(self.0.panicked(doing, &panicked))
        });
        match result {
            Ok(Step::Answer(body)) => {
                request.observed.finished(RequestEnd::Ok, body.len());
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
                let outgoing = self.0.error(Some(&request.id), revision, &error);
                request.observed.rejected(&error, outgoing.size());
                self.audit_refused(scope, request, error.refuser());
                sink.send(outgoing);
                Accepted::Answered
            }
        }
    }

    fn modern(
        &self,
        scope: &Scope,
        request: &ReceivedRequest<'_>,
        sink: &Arc<dyn Sink>,
    ) -> Result<Step, RpcError> {
        let client = match scope {
            Scope::Stateless { client, .. } => client.clone(),
            _ => envelope::read(&request.params).map_err(|error| error.limited_to(self.revisions()))?,
        };
        let served = self.revisions();
        if !served.has(client.revision) {
            return Err(RpcError::unserved_version(client.revision.as_str(), served));
        }
        self.perform(scope, request, client, sink, Continues::default())
    }

    fn legacy(
        &self,
        scope: &Scope,
        request: &ReceivedRequest<'_>,
        sink: &Arc<dyn Sink>,
    ) -> Result<Step, RpcError> {
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
        self.perform(scope, request, client, sink, Continues::default())
    }

    /// Whether a call in flight has the same id (RPC-8). Calls themselves are checked when they are tracked.
    fn is_duplicate(&self, scope: &Scope, request: &ReceivedRequest<'_>, modern: bool) -> bool {
        if request.method.needs_handler() {
            return false;
        }
        let Some(peer) = scope.peer() else { return false };
        // Ids of the session that `initialize` ends are free again.
        let begins = !modern && request.method.is(Op::Initialize);
        let known = |call| !begins || self.outlives_session(call);
        peer.call(&request.id).is_some_and(known) || peer.listen(&request.id).is_some()
    }

    /// Answers a request of a known client.
    pub(in crate::host) fn perform(
        &self,
        scope: &Scope,
        request: &ReceivedRequest<'_>,
        client: Client,
        sink: &Arc<dyn Sink>,
        continues: Continues<'_>,
    ) -> Result<Step, RpcError> {
        let Continues { outer, .. } = continues;
        // A stream that is opened has limits of its own.
        if let (Some(limits), true) = (&self.0.rate_limiting.requests, continues.is_new())
            && !request.method.is(Op::Listen)
            && let Some(step) = self.count_request(limits, (scope, request), &client, sink)?
        {
            return Ok(step);
        }
        let (id, params, revision) = (&request.id, &request.params, client.revision);
        let snapshot = self.0.catalog.snapshot();
        let shaper = &self.0.shaper;
        let fields = match scope {
            Scope::Stateless { params, .. } => Some(params),
            _ => None,
        };
        let principal = scope.principal();
        let principal = principal.as_deref();
        let mut caller = self.0.caller(principal);
        let hidden;
        if self.0.looks_first() {
            match self.look(request, caller, &snapshot, continues)? {
                Look::Hidden(found) => hidden = found,
                Look::Asks(asked) => {
                    return self.perform_later((scope, request), client, sink, continues, *asked);
                }
            }
            caller.hidden = hidden.as_deref();
        }
        let declared = self.0.declared_to(principal, snapshot.capabilities());
        let asker = Asker { revision, caller, fields };
        match route(&request.method, params, asker, &snapshot, declared)? {
            Route::Own(
                op @ (Op::TasksGet | Op::TasksUpdate | Op::TasksCancel | Op::TasksResult | Op::TasksList),
            ) => self.about_tasks(scope, request, client, (op, continues.own), sink).map(Step::Started),
            Route::Call(invocation) => {
                self.call(scope, request, client, (invocation, None), sink, continues).map(Step::Started)
            }
            Route::List(kind, operation) => {
                if let Some(wrapped) = self.around(request, outer) {
                    let (entry, input) = (wrapped.entry.clone(), params.object());
                    let invocation = Invocation { entry, input, uri: None, unchecked: false };
                    return self
                        .call(scope, request, client, (invocation, None), sink, continues)
                        .map(Step::Started);
                }
                match self.list((kind, operation), &snapshot, id, params, (caller, revision))? {
                    ListPage::Page(body) => Ok(Step::Answer(body)),
                    ListPage::FromProvider(entry, input, part) => {
                        let invocation = Invocation { entry, input, uri: None, unchecked: false };
                        self.call(scope, request, client, (invocation, Some(part)), sink, continues)
                            .map(Step::Started)
                    }
                }
            }
            Route::Pages(invocation, operation) => {
                let private = self.0.answers_differ() || invocation.entry.access().is_some();
                let (input, part) = self.page_of(operation, params, (principal, revision), private)?;
                let invocation = Invocation { input, ..invocation };
                self.call(scope, request, client, (invocation, Some(part)), sink, continues)
                    .map(Step::Started)
            }
            Route::Failed(text) => {
                request.observed.refused(ARGUMENTS);
                match (outer, continues.own) {
                    (Some(_), _) => {}
                    // The call that the request is has an audit event of its own.
                    (None, Some(own)) => _ = self.0.calls.with(own, |flight| flight.refused(ARGUMENTS)),
                    (None, None) => self.audit_refused(scope, request, Some(ARGUMENTS)),
                }
                Ok(Step::Answer(shaper.failed(id, revision, &text)))
            }
            Route::Own(Op::Discover) => {
                let capabilities = self.0.abilities();
                let private = caller.refuses_anonymous;
                Ok(Step::Answer(shaper.discover(id, revision, capabilities, &client.capabilities, private)))
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
                    (Some(peer), Op::Subscribe) => self.subscribe(peer, uri, caller, continues.thread())?,
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
        request: &ReceivedRequest<'_>,
        client: Client,
        (invocation, listing): (Invocation<Target>, Option<Box<Part>>),
        sink: &Arc<dyn Sink>,
        continues: Continues<'_>,
    ) -> Result<Accepted, RpcError> {
        let Continues { outer, .. } = continues;
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
                task_mode(&entry, &client, params, served)?
            }
            _ => TaskMode::Never,
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
            meta: params.meta(),
            uri,
            progress_token,
            around,
            ..CallContext::of(Some(scope), client, entry)
        });
        // The state of a retry is bound to the arguments in their checked form.
        let asks = if unchecked { Asks::default() } else { self.resume_asks(params, &context, &input)? };
        let retried = context.client.revision.is_modern()
            && (params.get("requestState").is_some() || params.get("inputResponses").is_some());
        // Before 2026-07-28 the member is an unknown one.
        let once = context.entry.policies.once_only == Some(true) || confirm_text(&context).is_some();
        // A round without answers is another call.
        let answers = || params.get("inputResponses").is_some_and(|all| all.members().next().is_some());
        let rated = context.entry.rate_limits.is_some() || context.entry.miss_limits.is_some();
        let limited = rated && retried && answers();
        let state = if retried && (once || limited) { params.get_str("requestState")? } else { None };
        let (task, may_be_task) = match task {
            TaskMode::Now(ttl) => (Some(ttl), false),
            TaskMode::Later => (None, true),
            TaskMode::Never => (None, false),
        };
        let stage_data = (unchecked || state.is_some() || task.is_some()).then(|| {
            let check = unchecked.then(|| Box::new(Check { params: Some(params.clone()) }));
            let state = state.as_deref();
            let state_key = state.filter(|_| once).map(state_key);
            // With `once_only`, a state that is used again is refused in any case.
            let round = state
                .filter(|_| limited)
                .map(|state| if once { Round::Once } else { Round::Key(round_key(state)) });
            Box::new(StageData { check, state_key, round, task, ..StageData::default() })
        });
        let role = outer.map_or(Role::Message, Role::Inner);
        let spec = CallSpec::of(scope.peer(), context, input, sink);
        let observed = request.observed.clone();
        let (continues, thread) = (continues.own, continues.thread());
        self.start(CallSpec {
            asks,
            retried,
            listing,
            stage_data,
            may_be_task,
            role,
            observed,
            continues,
            thread,
            ..spec
        })
    }

    /// The middleware around the request, unless middleware makes the request.
    #[inline]
    pub(in crate::host) fn around(
        &self,
        request: &ReceivedRequest<'_>,
        outer: Option<CallId>,
    ) -> Option<Arc<WrappedOperation>> {
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
}
