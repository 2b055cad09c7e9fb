//! What the engine's two faces, [`Engine`](super::Engine) and [`HostPort`](super::HostPort), share.

use super::lane::{LaneId, LaneQueue};
use super::local::{LocalState, Spawn, Waiter};
use super::op::{CallContext, CancelReason, HostCall, HostOp, Outcome};
use super::peer::Peer;
use super::sink::{Outgoing, Sink};
use super::wake::Wake;
use super::{Target, ToolEntry};
use crate::dispatch::asks::{AskError, AskId, Asks, binding};
use crate::dispatch::calls::{CallId, CallTable};
use crate::dispatch::environment::Environment;
use crate::dispatch::limits::Limits;
use crate::dispatch::registry::Registry;
use crate::dispatch::seal::Sealer;
use crate::dispatch::store::Store;
use crate::json::JsonSlice;
use crate::proto::error::{RpcError, code};
use crate::proto::id::RequestId;
use crate::proto::method::Method;
use crate::proto::shape::{self, Shaper, ToolResult};
use crate::proto::version::Revision;
use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

pub(crate) struct Shared {
    pub(crate) shaper: Shaper,
    pub(crate) limits: Limits,
    pub(crate) registry: Registry<Target>,
    pub(crate) environment: Arc<dyn Environment>,
    pub(crate) store: Arc<dyn Store>,
    pub(super) calls: CallTable<Flight>,
    pub(super) sealer: Sealer,
    pub(super) lanes: RwLock<HashMap<LaneId, Arc<LaneQueue>>>,
    pub(super) local: Arc<LaneQueue>,
    pub(super) spawn: RwLock<Option<Arc<dyn Spawn>>>,
    pub(super) timer: Mutex<Option<Arc<dyn Wake>>>,
    pub(super) serving: AtomicBool,
}

/// A call in flight.
pub(super) struct Flight {
    pub(super) context: Arc<CallContext>,
    pub(super) arguments: JsonSlice,
    pub(super) sink: Arc<dyn Sink>,
    pub(super) peer: Option<Arc<Peer>>,
    /// Holds the call's credit.
    pub(super) lane: Arc<LaneQueue>,
    pub(super) timeout: Duration,
    pub(super) asks: Asks,
    /// Answers that a local handler awaits.
    pub(super) waiters: Vec<(AskId, Waiter)>,
    pub(super) local: Option<Arc<LocalState>>,
    pub(super) last_progress: Option<f64>,
    /// The host has seen the call, so it must hear of its end.
    pub(super) delivered: bool,
    /// The handler returned and will be run again once its questions are answered.
    pub(super) parked: bool,
}

impl Flight {
    fn revision(&self) -> Revision {
        self.context.client.revision
    }

    fn id(&self) -> &RequestId {
        &self.context.request_id
    }

    fn tool(&self) -> &ToolEntry {
        &self.context.tool
    }
}

/// How a call ends without its handler's outcome.
pub(super) enum End {
    /// The client gets no answer.
    Silent(CancelReason),
    /// The client gets this failure.
    Failed(CancelReason, String),
}

impl Shared {
    pub(crate) fn new(
        shaper: Shaper,
        limits: Limits,
        registry: Registry<Target>,
        sealer: Sealer,
        environment: Arc<dyn Environment>,
        store: Arc<dyn Store>,
    ) -> Shared {
        Shared {
            calls: CallTable::new(limits.max_calls),
            local: Arc::new(LaneQueue::new(limits.max_lane_calls)),
            lanes: RwLock::default(),
            spawn: RwLock::default(),
            timer: Mutex::default(),
            serving: AtomicBool::new(false),
            shaper,
            limits,
            registry,
            sealer,
            environment,
            store,
        }
    }

    pub(super) fn now(&self) -> Instant {
        self.environment.now()
    }

    pub(super) fn lane(&self, id: LaneId) -> Arc<LaneQueue> {
        if let Some(lane) = self.lanes.read().get(&id) {
            return lane.clone();
        }
        let limit = self.limits.max_lane_calls;
        self.lanes.write().entry(id).or_insert_with(|| Arc::new(LaneQueue::new(limit))).clone()
    }

    pub(super) fn wake_timer(&self) {
        let timer = self.timer.lock().clone();
        if let Some(timer) = timer {
            timer.wake();
        }
    }

    /// Looks at a call in flight and perhaps gives it another deadline.
    pub(super) fn with_deadline<R>(
        &self,
        call: CallId,
        f: impl FnOnce(&mut Flight, &mut Option<Instant>) -> R,
    ) -> Option<R> {
        let (result, earliest) = self.calls.with_deadline(call, f)?;
        if earliest {
            self.wake_timer();
        }
        Some(result)
    }

    /// Hands a call to its host, or to its local handler.
    pub(super) fn dispatch(
        &self,
        port: &super::HostPort,
        id: CallId,
        arguments: JsonSlice,
        context: Arc<CallContext>,
    ) {
        match context.tool.target.clone() {
            Target::Lane { lane, handler } => {
                let op = HostOp::Call(HostCall { id, handler, arguments, context });
                let live = |op: &HostOp| op.starts().is_none_or(|id| self.calls.with(id, |_| ()).is_some());
                if self.lane(lane).push_bounded(op, live).is_err() {
                    self.answer(id, |_| Err(RpcError::busy("Server busy: the handler's queue is full")));
                }
            }
            Target::Local(handler) => {
                let state = Arc::new(LocalState::default());
                if self.calls.with(id, |flight| flight.local = Some(state.clone())).is_some() {
                    let call = super::local::LocalCall::new(port.clone(), id, arguments, context, state);
                    super::local::start(handler, call, self.spawn.read().clone());
                }
            }
        }
    }

    /// Ends a call with a result or an error of the engine's own.
    pub(super) fn answer(&self, id: CallId, result: impl FnOnce(&Flight) -> Result<Bytes, RpcError>) {
        if let Some(flight) = self.calls.remove(id) {
            let outgoing = match result(&flight) {
                Ok(body) => Outgoing::Response { body, error: None },
                Err(error) => self.error(Some(flight.id()), Some(flight.revision()), &error),
            };
            self.finish(id, flight, outgoing, None);
        }
    }

    pub(super) fn error(
        &self,
        id: Option<&RequestId>,
        revision: Option<Revision>,
        error: &RpcError,
    ) -> Outgoing {
        Outgoing::Response { body: shape::error(id, revision, error), error: Some(error.class) }
    }

    /// Ends a call that its handler did not end. `false` if it had ended already.
    pub(super) fn end(&self, id: CallId, end: End) -> bool {
        let Some(flight) = self.calls.remove(id) else { return false };
        let (reason, outgoing) = match end {
            End::Silent(reason) => (reason, Outgoing::Dropped),
            End::Failed(reason, text) => {
                let body = self.shaper.tool_result(flight.id(), flight.revision(), ToolResult::Failed(&text));
                (reason, Outgoing::Response { body, error: None })
            }
        };
        self.finish(id, flight, outgoing, Some(reason));
        true
    }

    /// What a handler came to, or the failure that it came to too much.
    fn bounded(&self, tool: &ToolEntry, outcome: Outcome) -> Outcome {
        let size = match &outcome {
            Outcome::Text(text) | Outcome::Failed(text) => text.len(),
            Outcome::Json(value) => value.as_bytes().len(),
            Outcome::Error(error) => {
                error.message.len() + error.data.as_ref().map_or(0, |data| data.as_bytes().len())
            }
            Outcome::Suspend => 0,
        };
        if size <= self.limits.max_result_bytes {
            return outcome;
        }
        let (name, limit) = (&tool.name, self.limits.max_result_bytes);
        Outcome::Failed(format!("tool {name:?} returned {size} bytes; the limit is {limit}"))
    }

    /// The response to a call whose handler completed.
    pub(super) fn complete(&self, id: CallId, flight: Flight, outcome: Outcome) {
        let outcome = self.bounded(flight.tool(), outcome);
        let (request, revision) = (flight.id(), flight.revision());
        let shaped = |result: ToolResult<'_>| Outgoing::Response {
            body: self.shaper.tool_result(request, revision, result),
            error: None,
        };
        let outgoing = match &outcome {
            Outcome::Text(text) => shaped(ToolResult::Text(text)),
            Outcome::Failed(text) => shaped(ToolResult::Failed(text)),
            Outcome::Json(value) if !flight.tool().structured => shaped(ToolResult::Value(value)),
            Outcome::Json(value) => match flight.tool().output.as_ref().map(|schema| schema.check(value)) {
                Some(Err(reason)) => {
                    let name = &flight.tool().name;
                    shaped(ToolResult::Failed(&format!(
                        "tool {name:?} returned a result that does not fit its output schema: {reason}"
                    )))
                }
                _ => shaped(ToolResult::Structured(value)),
            },
            // The code for a client that lacks a capability is younger than the legacy revisions.
            Outcome::Error(error)
                if error.code == code::MISSING_CLIENT_CAPABILITY && !revision.is_modern() =>
            {
                shaped(ToolResult::Failed(&error.message))
            }
            Outcome::Error(error) => self.error(Some(request), Some(revision), error),
            Outcome::Suspend => {
                let name = &flight.tool().name;
                shaped(ToolResult::Failed(&format!("tool {name:?} suspended without asking anything")))
            }
        };
        self.finish(id, flight, outgoing, None);
    }

    /// The `input_required` answer that ends a modern attempt (MR-2).
    pub(super) fn input_required(&self, id: CallId, flight: Flight) {
        let binding = self.binding(&flight.context, &flight.arguments);
        let state = flight.asks.seal(&self.sealer, &binding, &self.limits, &*self.environment);
        let outgoing = match state {
            Ok(state) => {
                let requests = flight.asks.requests();
                let body = self.shaper.input_required(flight.id(), flight.revision(), requests, &state);
                Outgoing::Response { body, error: None }
            }
            Err(error) => self.error(Some(flight.id()), Some(flight.revision()), &error),
        };
        self.finish(id, flight, outgoing, Some(CancelReason::Suspended));
    }

    pub(super) fn binding(&self, context: &CallContext, arguments: &JsonSlice) -> Vec<u8> {
        binding("", Method::ToolsCall.as_str(), &context.tool.name, arguments)
    }

    /// The one way out of the table: credit back, peer told, host told if it still works on the call.
    fn finish(&self, id: CallId, flight: Flight, outgoing: Outgoing, tell_host: Option<CancelReason>) {
        flight.lane.release();
        if let Some(peer) = &flight.peer {
            // Before the response: who has it may use the id again at once (RPC-7).
            peer.forget(&flight.context.request_id);
        }
        let cancelled = matches!(outgoing, Outgoing::Dropped);
        for request in flight.asks.pending.iter().filter_map(|pending| pending.request) {
            if let Some(peer) = &flight.peer {
                peer.take_ask(request);
            }
            let reason = if cancelled { "the call was cancelled" } else { "the call has ended" };
            flight.sink.send(Outgoing::Event { body: shape::cancelled(request, reason), droppable: false });
        }
        flight.sink.send(outgoing);
        if let Some(peer) = &flight.peer {
            // After the response: an idle peer may be closed.
            peer.settle();
        }
        if let Some(local) = &flight.local {
            local.cancel();
        }
        // The questions may have been asked by a task that outlives the handler.
        for (_, waiter) in flight.waiters {
            waiter(Err(AskError::Stale));
        }
        if let (Some(reason), true, Target::Lane { lane, .. }) =
            (tell_host, flight.delivered && !flight.parked, &flight.context.tool.target)
        {
            self.lane(*lane).push(HostOp::Cancel { call: id, reason });
        }
    }

    pub(super) fn busy(&self, what: &str, limit: usize) -> RpcError {
        RpcError::busy(format!("Server busy: {limit} {what} are in flight"))
    }
}
