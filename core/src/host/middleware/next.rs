//! Runs the next step of middleware as a call within the call, if the middleware's host cannot run that step itself.

use super::super::engine::Engine;
use super::Inner;
use crate::dispatch::calls::table::CallId;
use crate::dispatch::observer::RequestScope;
use crate::host::calls::completion::End;
use crate::host::calls::dispatch::Thread;
use crate::host::calls::in_flight::InFlightCall;
use crate::host::calls::op::{CallContext, HostOp, Outcome, Stale};
use crate::host::calls::received::ReceivedRequest;
use crate::host::calls::requests::{Continues, Step};
use crate::host::calls::start::{CallSpec, Role};
use crate::host::delivery::sink::{Delivery, Outgoing, Sink};
use crate::host::engine_state::Shared;
use crate::host::lanes::port::HostPort;
use crate::json::{JsonSlice, JsonWriter};
use crate::proto::messages::error::RpcError;
use crate::proto::messages::message::{Message, Request};
use crate::proto::messages::reply::Reply;
use std::fmt;
use std::sync::Arc;

/// The state of a call whose middleware has asked for the next step.
pub(in crate::host) struct Following {
    then: Then,
    /// The inner call, once it exists.
    child: Option<CallId>,
}

/// The receiver of the outcome.
pub(in crate::host) enum Then {
    /// The host, by its lane.
    Lane,
    /// A future.
    Local(Box<dyn FnOnce(Outcome) + Send>),
}

/// Why the next step cannot run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NextError {
    /// The call has ended.
    Stale,
    /// The next step is already running, or the host must run it itself.
    State(&'static str),
    /// The arguments are not valid; the text gives the reason.
    Invalid(String),
}

impl fmt::Display for NextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NextError::Stale => f.write_str("the call has ended"),
            NextError::State(what) => f.write_str(what),
            NextError::Invalid(reason) => write!(f, "the arguments are not valid: {reason}"),
        }
    }
}

impl std::error::Error for NextError {}

impl From<Stale> for NextError {
    fn from(_: Stale) -> NextError {
        NextError::Stale
    }
}

impl HostPort {
    /// The input of a call's handler: the same as [`HostCall::input`](crate::HostCall::input).
    pub fn input(&self, id: CallId) -> Result<JsonSlice, Stale> {
        self.0.calls.with(id, |flight| flight.input.clone()).ok_or(Stale)
    }

    /// Checks and completes other arguments that middleware passes on, like those of a client. They satisfy the
    /// entry's schema.
    pub fn prepare(&self, id: CallId, input: JsonSlice) -> Result<JsonSlice, NextError> {
        let context = self.0.calls.with(id, |flight| flight.context.clone()).ok_or(NextError::Stale)?;
        context.entry.prepare(input).map_err(NextError::Invalid)
    }

    /// Makes the engine run the next step of middleware, if the host does not run that step itself, such as a view or a
    /// list. If `input` is given, it replaces the call's own input, and is checked. [`HostOp::Next`] reports the
    /// outcome, once. After that, `next` may be called again.
    pub fn next(&self, id: CallId, input: Option<JsonSlice>) -> Result<(), NextError> {
        self.next_with(id, input, Then::Lane)
    }

    pub(in crate::host) fn next_with(
        &self,
        id: CallId,
        input: Option<JsonSlice>,
        then: Then,
    ) -> Result<(), NextError> {
        let own = |flight: &mut InFlightCall| (flight.context.clone(), flight.input.clone());
        let (context, before) = self.0.calls.with(id, own).ok_or(NextError::Stale)?;
        let Some(around) = &context.around else {
            return Err(NextError::State("the call has no middleware"));
        };
        let input = match input {
            Some(input) => context.entry.prepare(input).map_err(NextError::Invalid)?,
            None => before.clone(),
        };
        if let Inner::Handler = around.inner {
            return Err(NextError::State("the host runs the handler itself"));
        }
        let begun = self.0.calls.with(id, |flight| {
            let free = flight.following.is_none();
            if free {
                flight.following = Some(Box::new(Following { then, child: None }));
            }
            free
        });
        if !begun.ok_or(NextError::Stale)? {
            return Err(NextError::State(
                "next is already running for this call; wait for its result before calling next again",
            ));
        }
        let sink: Arc<dyn Sink> = Arc::new(InnerSink { port: self.clone(), outer: id });
        let engine = Engine(self.0.clone());
        let step = match &around.inner {
            Inner::Operation(scope) => engine.operation_of(scope, &context, &before, &input, (id, &sink)),
            _ => engine.handler_of(&context, input, (id, &sink)),
        };
        match step {
            Ok(Step::Answer(body)) => self.0.followed(id, outcome_of(&body)),
            Ok(Step::Started(_)) => {}
            Err(error) => self.0.followed(id, Outcome::Error(error)),
        }
        Ok(())
    }
}

impl Engine {
    /// The same operation, without middleware.
    fn operation_of(
        &self,
        scope: &super::super::engine::Scope,
        context: &CallContext,
        before: &JsonSlice,
        input: &JsonSlice,
        (outer, sink): (CallId, &Arc<dyn Sink>),
    ) -> Result<Step, RpcError> {
        let request = self.request_of(context, before, input)?;
        // The outer call is the request that observers know.
        let request = ReceivedRequest { request: &request, observed: RequestScope::default() };
        let continues = Continues { outer: Some(outer), ..Continues::default() };
        self.perform(scope, &request, context.client.clone(), sink, continues)
    }

    /// The request that a call represents.
    fn request_of(
        &self,
        context: &CallContext,
        before: &JsonSlice,
        input: &JsonSlice,
    ) -> Result<Request, RpcError> {
        let internal = || RpcError::internal("The request cannot be repeated inside its middleware");
        let id = context.request_id.as_ref().ok_or_else(internal)?;
        let mut out = JsonWriter::new();
        out.begin_object().key("jsonrpc").str("2.0").key("id").slice(id.raw());
        out.key("method").str(&context.entry.name).key("params").begin_object();
        for member in input.members() {
            let name = member.name(input.as_bytes());
            out.key(&name).slice(&input.subslice(member.value));
        }
        // `_meta` contains the envelope of a modern request.
        if let (None, Some(meta)) = (input.member("_meta"), before.member("_meta")) {
            out.key("_meta").slice(&meta);
        }
        out.end_object().end_object();
        match Message::decode(out.into_bytes(), &self.0.limits.json()) {
            Ok(Message::Request(request)) => Ok(request),
            Ok(_) => Err(internal()),
            Err(malformed) => Err(malformed.error),
        }
    }

    /// A call of the entry's own handler, without middleware.
    fn handler_of(
        &self,
        context: &CallContext,
        input: JsonSlice,
        (outer, sink): (CallId, &Arc<dyn Sink>),
    ) -> Result<Step, RpcError> {
        let spec = CallSpec::of(None, Arc::new(context.without_middleware()), input, sink);
        let spec = CallSpec { thread: Thread::Other, role: Role::Inner(outer), ..spec };
        self.start(spec).map(Step::Started)
    }
}

impl Shared {
    /// Records an inner call that has begun: it ends with the outer one. Returns `false` if the outer call has ended.
    pub(in crate::host) fn belongs(&self, outer: CallId, child: CallId) -> bool {
        let known = self.calls.with(outer, |flight| match &mut flight.following {
            Some(following) => {
                following.child = Some(child);
                true
            }
            None => false,
        });
        known == Some(true)
    }

    /// Ends the inner call of a call that has ended.
    pub(in crate::host) fn end_following(&self, following: &Following) {
        if let Some(child) = following.child {
            self.end(child, End::Silent(crate::host::calls::op::CancelReason::Suspended));
        }
    }

    /// Reports the outcome of the next step to middleware.
    pub(in crate::host) fn followed(&self, outer: CallId, outcome: Outcome) {
        let found = self.calls.with(outer, |flight| {
            flight.following.take().map(|following| (following.then, flight.lane.clone()))
        });
        match found.flatten() {
            Some((Then::Lane, lane)) => lane.push(HostOp::Next { call: outer, outcome }),
            Some((Then::Local(waiter), _)) => waiter(outcome),
            None => {}
        }
    }
}

/// The sink of an inner call: its response goes to the middleware, all other messages go where the outer call's go.
struct InnerSink {
    port: HostPort,
    outer: CallId,
}

impl Sink for InnerSink {
    fn send(&self, message: Outgoing) -> Delivery {
        let shared = &self.port.0;
        match message {
            Outgoing::Response { body, .. } => shared.followed(self.outer, outcome_of(&body)),
            Outgoing::Event { .. } => {
                let Some(outbox) = shared.calls.with(self.outer, |flight| flight.queue(message)) else {
                    return Delivery::Gone;
                };
                self.port.flush(&outbox);
            }
            // An inner call asks no questions. If an inner call ends without a response, the outer call also ends
            // without a response.
            Outgoing::Question { .. } => return Delivery::Gone,
            Outgoing::Dropped => {}
        }
        Delivery::Queued
    }

    /// An outer call without a client gets the failures of the engine in this way.
    fn outcome(&self, outcome: &Outcome) {
        self.port.0.followed(self.outer, outcome.clone());
    }
}

/// A result without the members that every result gets when it is sent.
fn without_frame(result: &JsonSlice) -> JsonSlice {
    let mut out = JsonWriter::with_capacity(result.as_bytes().len());
    out.begin_object();
    for member in result.members() {
        let name = member.name(result.as_bytes());
        if !["_meta", "resultType"].contains(&&*name) {
            out.key(&name).slice(&result.subslice(member.value));
        }
    }
    out.end_object();
    out.into_slice()
}

/// Converts a response of the engine to an outcome, for middleware in the program.
fn outcome_of(body: &bytes::Bytes) -> Outcome {
    match Reply::of(body).map(|reply| reply.outcome) {
        Some(Ok(result)) => Outcome::Json(without_frame(&result)),
        Some(Err(error)) => {
            let code = error.member("code").and_then(|code| code.deserialize().ok()).unwrap_or_default();
            let message = error.member("message");
            let message = message.as_ref().and_then(|text| text.decode_str()).unwrap_or_default();
            let failed = RpcError::new(code, message);
            Outcome::Error(match error.member("data") {
                Some(data) => failed.with_data(data),
                None => failed,
            })
        }
        None => Outcome::Failed("the engine returned no answer".to_owned()),
    }
}
