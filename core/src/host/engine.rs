//! The receiving side: what a transport hands in, and what becomes of it.

use super::Target;
use super::op::{CallContext, CancelReason};
use super::peer::{Peer, Untracked};
use super::port::HostPort;
use super::shared::{End, Flight, Shared};
use super::sink::{Outgoing, Sink};
use super::wake::Wake;
use crate::dispatch::asks::Asks;
use crate::dispatch::calls::{CallId, Full};
use crate::dispatch::limits::Limits;
use crate::json::{JsonSlice, Kind};
use crate::proto::envelope::{self, Client};
use crate::proto::error::{RpcError, clip};
use crate::proto::id::RequestId;
use crate::proto::message::{Decoded, Malformed, Message, Notification, Params, Request, Response};
use crate::proto::method::Method;
use crate::proto::version::Revision;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// The transport's side of the engine. Cheap to clone; every method may be called from any thread, and none waits for
/// a host.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Shared>);

/// Where a message came in, which decides its era.
#[derive(Clone)]
pub enum Scope {
    /// A channel that one peer has to itself: each message decides its own era (ERA-8).
    Channel(Arc<Peer>),
    /// A legacy HTTP session.
    Session(Arc<Peer>),
    /// Modern HTTP: nothing is remembered between requests. The envelope has been read already, because the headers
    /// had to agree with it.
    Stateless(Client),
}

/// What became of a message that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// A request; its response has gone to the sink already.
    Answered,
    /// A request that became a call; its response will go to the sink.
    Started(CallId),
    /// A notification or a response; nothing will go to the sink.
    Noted,
}

impl Scope {
    fn peer(&self) -> Option<&Arc<Peer>> {
        match self {
            Scope::Channel(peer) | Scope::Session(peer) => Some(peer),
            Scope::Stateless(_) => None,
        }
    }

    fn is_modern(&self, params: &Params) -> bool {
        match self {
            Scope::Channel(_) => envelope::is_modern(params),
            Scope::Session(_) => false,
            Scope::Stateless(_) => true,
        }
    }
}

impl Engine {
    /// Marks the engine as being served; `false` if it was already.
    pub fn begin_serving(&self) -> bool {
        !self.0.serving.swap(true, Ordering::AcqRel)
    }

    /// Marks the engine as no longer served, so that it may be served again.
    pub fn end_serving(&self) {
        self.0.serving.store(false, Ordering::Release);
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// The present time, by the engine's clock.
    pub fn now(&self) -> Instant {
        self.0.now()
    }

    /// The environment the engine was made with.
    pub fn environment(&self) -> &Arc<dyn crate::dispatch::environment::Environment> {
        &self.0.environment
    }

    /// What outlives a request.
    pub fn store(&self) -> &Arc<dyn crate::dispatch::store::Store> {
        &self.0.store
    }

    /// The host's side of this engine.
    pub fn port(&self) -> HostPort {
        HostPort(self.0.clone())
    }

    /// Takes one message from a channel, or a batch of them from a client of 2025-03-26, the one revision that has
    /// batches (BAT-10). Whatever is wrong with it is answered on the channel; the next message is not affected.
    pub fn receive(&self, peer: &Arc<Peer>, sink: &Arc<dyn Sink>, text: Bytes) {
        let limits = self.0.limits.json();
        if Message::is_batch(&text) && peer.revision() == Some(Revision::V2025_03_26) {
            match Message::decode_batch(text, &limits) {
                Ok(members) => members.into_iter().for_each(|member| self.take(peer, sink, member)),
                Err(malformed) => self.refuse(peer, sink, &malformed),
            }
            return;
        }
        self.take(peer, sink, Message::decode(text, &limits));
    }

    fn take(&self, peer: &Arc<Peer>, sink: &Arc<dyn Sink>, message: Decoded) {
        match message {
            Ok(message) => {
                self.accept(&Scope::Channel(peer.clone()), message, sink);
            }
            Err(malformed) if malformed.answer => self.refuse(peer, sink, &malformed),
            Err(_) => {}
        }
    }

    /// Answers a channel for text that is no message.
    pub fn refuse(&self, peer: &Arc<Peer>, sink: &Arc<dyn Sink>, malformed: &Malformed) {
        sink.send(self.0.error(malformed.id.as_ref(), peer.revision(), &malformed.error));
    }

    /// Takes one decoded message.
    pub fn accept(&self, scope: &Scope, message: Message, sink: &Arc<dyn Sink>) -> Accepted {
        match message {
            Message::Request(request) => self.request(scope, request, sink),
            Message::Notification(notification) => {
                self.notification(scope, notification);
                Accepted::Noted
            }
            Message::Response(response) => {
                self.response(scope, response);
                Accepted::Noted
            }
        }
    }

    fn request(&self, scope: &Scope, request: Request, sink: &Arc<dyn Sink>) -> Accepted {
        let modern = scope.is_modern(&request.params);
        let result = if is_duplicate(scope, &request) {
            Err(in_flight())
        } else if modern {
            self.modern(scope, &request, sink)
        } else {
            self.legacy(scope, &request, sink)
        };
        match result {
            Ok(Step::Answer(body)) => {
                sink.send(Outgoing::Response { body, error: None });
                Accepted::Answered
            }
            Ok(Step::Started(call)) => Accepted::Started(call),
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
            Scope::Stateless(client) => client.clone(),
            _ => envelope::read(&request.params)?,
        };
        let revision = client.revision;
        match &request.method {
            Method::Discover => Ok(Step::Answer(self.0.shaper.discover(&request.id, revision))),
            Method::ToolsList => self.tools_list(request, revision),
            Method::ToolsCall => self.tools_call(scope, request, client, sink),
            method => Err(RpcError::method_not_found(method.as_str())),
        }
    }

    fn legacy(&self, scope: &Scope, request: &Request, sink: &Arc<dyn Sink>) -> Result<Step, RpcError> {
        let peer = scope.peer().ok_or_else(|| RpcError::invalid_request("Invalid request: no session"))?;
        let (id, params) = (&request.id, &request.params);
        if request.method == Method::Initialize {
            let revision =
                peer.lifecycle(|lifecycle| lifecycle.initialize(params).map(|client| client.revision))?;
            return Ok(Step::Answer(self.0.shaper.initialize(id, revision)));
        }
        if request.method == Method::Ping {
            return Ok(Step::Answer(self.0.shaper.empty(id, Revision::NEWEST_LEGACY)));
        }
        if request.method == Method::Discover {
            // Only an envelope makes this method exist; a client that probes without one falls back (DISC-7).
            return Err(match envelope::claimed_version(params) {
                Err(error) => error,
                Ok(_) => RpcError::method_not_found(request.method.as_str()),
            });
        }
        let Some(client) = peer.client() else {
            return Err(RpcError::invalid_request("Invalid request: the first request must be initialize"));
        };
        match &request.method {
            Method::ToolsList => self.tools_list(request, client.revision),
            Method::ToolsCall => self.tools_call(scope, request, client, sink),
            method => Err(RpcError::method_not_found(method.as_str())),
        }
    }

    fn tools_list(&self, request: &Request, revision: Revision) -> Result<Step, RpcError> {
        if request.params.get_str("cursor")?.is_some() {
            // The list is one page, so no cursor was ever given out (PG-3).
            return Err(RpcError::invalid_params("Invalid params: unknown cursor"));
        }
        let snapshot = self.0.registry.snapshot();
        let array = snapshot.tools_list(revision);
        Ok(Step::Answer(self.0.shaper.list(&request.id, revision, "tools", array)))
    }

    fn tools_call(
        &self,
        scope: &Scope,
        request: &Request,
        client: Client,
        sink: &Arc<dyn Sink>,
    ) -> Result<Step, RpcError> {
        let params = &request.params;
        let revision = client.revision;
        let name = params
            .get_str("name")?
            .ok_or_else(|| RpcError::invalid_params("Invalid params: name is missing"))?;
        let snapshot = self.0.registry.snapshot();
        let tool = snapshot
            .tool(&name)
            .ok_or_else(|| RpcError::invalid_params(format!("Unknown tool: {}", clip(&name))))?;
        let arguments = match params.get("arguments") {
            None => JsonSlice::from_trusted(Bytes::from_static(b"{}")),
            Some(arguments) if arguments.kind() == Kind::Object => arguments,
            Some(_) => return Err(RpcError::invalid_params("Invalid params: arguments must be an object")),
        };
        if let Err(reasons) = tool.input.check(&arguments) {
            let text = format!("Invalid arguments for tool {name:?}: {reasons}");
            // From 2025-11-25 on the model sees it and can correct itself (TL-13).
            if revision < Revision::V2025_11_25 {
                return Err(RpcError::invalid_params(text));
            }
            let result = crate::proto::shape::ToolResult::Failed(&text);
            return Ok(Step::Answer(self.0.shaper.tool_result(&request.id, revision, result)));
        }
        let progress_token = params.meta_get("progressToken");
        // A token is what an id is (PGR-1).
        if progress_token.as_ref().is_some_and(|token| RequestId::new(token.clone()).is_none()) {
            return Err(RpcError::invalid_params(
                "Invalid params: progressToken must be a string or an integer",
            ));
        }
        let context = Arc::new(CallContext {
            request_id: request.id.clone(),
            client,
            meta: params.meta(),
            session_id: scope.peer().and_then(|peer| peer.session_id().cloned()),
            tool: tool.clone(),
            progress_token,
        });
        let asks = self.resume_asks(params, &context, &arguments)?;
        self.start(scope, context, arguments, asks, sink).map(Step::Started)
    }

    /// The answers a modern retry brings along.
    fn resume_asks(
        &self,
        params: &Params,
        context: &CallContext,
        arguments: &JsonSlice,
    ) -> Result<Asks, RpcError> {
        if !context.client.revision.is_modern() {
            return Ok(Asks::default());
        }
        let responses = params.get("inputResponses");
        if responses.as_ref().is_some_and(|responses| responses.kind() != Kind::Object) {
            return Err(RpcError::invalid_params("Invalid params: inputResponses must be an object"));
        }
        // Answers without the state that asked for them count for nothing: they are asked for again (MR-15).
        let Some(state) = params.get_str("requestState")? else { return Ok(Asks::default()) };
        let binding = self.0.binding(context, arguments);
        let shared = &self.0;
        Asks::resume(
            &state,
            responses.as_ref(),
            &shared.sealer,
            &binding,
            &shared.limits,
            &*shared.environment,
        )
    }

    fn start(
        &self,
        scope: &Scope,
        context: Arc<CallContext>,
        arguments: JsonSlice,
        asks: Asks,
        sink: &Arc<dyn Sink>,
    ) -> Result<CallId, RpcError> {
        let shared = &self.0;
        let lane = match &context.tool.target {
            Target::Lane { lane, .. } => shared.lane(*lane),
            Target::Local(_) => shared.local.clone(),
        };
        if !lane.acquire() {
            return Err(shared.busy("calls of this handler's lane", lane.limit()));
        }
        let timeout = context.tool.timeout.unwrap_or(shared.limits.call_timeout);
        let deadline = shared.now().checked_add(timeout);
        let insert = || {
            let flight = Flight {
                context: context.clone(),
                arguments: arguments.clone(),
                sink: sink.clone(),
                peer: scope.peer().cloned(),
                lane: lane.clone(),
                timeout,
                asks,
                waiters: Vec::new(),
                local: None,
                last_progress: None,
                delivered: false,
                parked: false,
            };
            shared.calls.insert(deadline, |_| flight)
        };
        let started = match scope.peer() {
            Some(peer) => peer.track(&context.request_id, insert),
            None => insert().map_err(|Full| Untracked::Full),
        };
        let (call, earliest) = started.map_err(|untracked| {
            lane.release();
            match untracked {
                Untracked::Full => shared.busy("calls", shared.limits.max_calls),
                Untracked::InFlight => in_flight(),
                Untracked::Closed => RpcError::invalid_request("Invalid request: the connection is closing"),
            }
        })?;
        if earliest {
            shared.wake_timer();
        }
        shared.dispatch(&self.port(), call, arguments, context);
        Ok(call)
    }

    fn notification(&self, scope: &Scope, notification: Notification) {
        let Some(peer) = scope.peer() else { return };
        match notification.method {
            Method::Initialized => peer.lifecycle(|lifecycle| lifecycle.initialized()),
            Method::Cancelled => {
                let id = notification.params.get("requestId").and_then(RequestId::new);
                if let Some(call) = id.and_then(|id| peer.call(&id)) {
                    let reason = notification.params.get_str("reason").ok().flatten();
                    self.0.end(call, End::Silent(CancelReason::Requested(reason)));
                }
            }
            _ => {}
        }
    }

    /// The answer to a question of ours; anything else is ignored (BAD-9).
    fn response(&self, scope: &Scope, response: Response) {
        let Some(peer) = scope.peer() else { return };
        let Ok(request) = response.id.raw().as_str().parse::<u64>() else { return };
        let Some((call, ask)) = peer.take_ask(request) else { return };
        let outcome = response.outcome.map_err(|error| {
            let message = error.member("message");
            let message = message.as_ref().and_then(|message| message.decode_str());
            clip(message.as_deref().unwrap_or("no message")).to_owned()
        });
        self.port().answered(call, ask, outcome);
    }

    /// Ends a call without an answer. `false` if it had ended already.
    pub fn cancel(&self, call: CallId, reason: CancelReason) -> bool {
        self.0.end(call, End::Silent(reason))
    }

    /// Ends the calls of a peer that wait for its answers: it will send no more messages, but may still read. Later
    /// questions to it fail at once.
    pub fn end_input(&self, peer: &Peer) {
        for call in peer.end_input() {
            let waits = self.0.calls.with(call, |flight| !flight.asks.pending.is_empty());
            if waits == Some(true) {
                self.cancel(call, CancelReason::Disconnected);
            }
        }
    }

    /// Ends everything a peer has in flight, and lets it start nothing more.
    pub fn close_peer(&self, peer: &Peer, reason: CancelReason) {
        for call in peer.close() {
            self.cancel(call, reason.clone());
        }
    }

    /// Ends every call in flight, as the last step of a shutdown.
    pub fn cancel_all(&self, reason: CancelReason) {
        for call in self.0.calls.select(|_| true) {
            self.cancel(call, reason.clone());
        }
    }

    /// Calls in flight in the whole server.
    pub fn in_flight(&self) -> usize {
        self.0.calls.len()
    }

    /// Has `wake` called whenever [`Engine::next_deadline`] becomes earlier.
    pub fn set_timer(&self, wake: Arc<dyn Wake>) {
        *self.0.timer.lock() = Some(wake);
    }

    /// When [`Engine::handle_timeout`] should be called next. It may change after any other method.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.0.calls.next_deadline()
    }

    /// Ends the calls whose deadline has passed.
    pub fn handle_timeout(&self, now: Instant) {
        for call in self.0.calls.expired(now) {
            let Some(text) = self.0.calls.with(call, |flight| {
                let (name, timeout) = (&flight.context.tool.name, flight.timeout);
                if flight.asks.pending.is_empty() {
                    format!("tool {name:?} timed out after {} ms", timeout.as_millis())
                } else {
                    format!(
                        "tool {name:?} got no answer from the client in {} s",
                        self.0.limits.ask_timeout.as_secs()
                    )
                }
            }) else {
                continue;
            };
            self.0.end(call, End::Failed(CancelReason::TimedOut, text));
        }
    }
}

/// Whether the id is that of a call in flight (RPC-8). Calls themselves are looked up when they are tracked.
fn is_duplicate(scope: &Scope, request: &Request) -> bool {
    request.method != Method::ToolsCall && scope.peer().is_some_and(|peer| peer.call(&request.id).is_some())
}

fn in_flight() -> RpcError {
    RpcError::invalid_request("Invalid request: a request with this id is in flight")
}

enum Step {
    Answer(Bytes),
    Started(CallId),
}
