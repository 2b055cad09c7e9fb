//! What the engine's two faces, [`Engine`](super::Engine) and [`HostPort`](super::HostPort), share.

use super::bus::Bus;
use super::engine::Scope;
use super::inline::Occupied;
use super::lane::{LaneId, LaneQueue, Lanes};
use super::listing::Part;
use super::local::{LocalState, Spawn, Waiter};
use super::middleware::{Following, Layers};
use super::mounts::Mounts;
use super::op::{CallContext, CancelReason, HandlerId, HostCall, HostOp, Outcome};
use super::outbox::{Outbox, Sent};
use super::peer::Peer;
use super::places::Place;
use super::sink::{Outgoing, Sink};
use super::skills::Skills;
use super::tasks::{Live, Tasks};
use super::visits::Visits;
use super::wake::Wake;
use super::{Registered, Target};
use crate::dispatch::ask::{AskError, AskId};
use crate::dispatch::asks::{Asks, binding};
use crate::dispatch::calls::{CallId, CallTable};
use crate::dispatch::catalog::Catalog;
use crate::dispatch::environment::Environment;
use crate::dispatch::limits::Limits;
use crate::dispatch::log::{self, Log, LogLevel};
use crate::dispatch::seal::Sealer;
use crate::dispatch::store::Store;
use crate::json::JsonSlice;
use crate::locks::{Mutex, RwLock};
use crate::proto::cache::{CacheHints, Cacheable};
use crate::proto::capability::{Capabilities, Capability};
use crate::proto::content::address;
use crate::proto::error::RpcError;
use crate::proto::extension::Extensions;
use crate::proto::id::RequestId;
use crate::proto::kind::Kind;
use crate::proto::result::{Called, Checked, Returned};
use crate::proto::shape::{self, Shaper};
use crate::proto::version::Revision;
use std::any::Any;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

pub(crate) struct Shared {
    pub(crate) shaper: Shaper,
    pub(crate) limits: Limits,
    pub(crate) catalog: Catalog<Target>,
    /// Capabilities besides those of what is registered.
    pub(crate) declared: Capabilities,
    /// Whether clients are told of exceptions by a reference only.
    pub(crate) mask_errors: bool,
    pub(crate) environment: Arc<dyn Environment>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) log: Arc<dyn Log>,
    pub(super) calls: CallTable<Flight>,
    pub(crate) sealer: Sealer,
    pub(super) visits: Visits,
    pub(super) bus: Bus,
    /// What the server has of skills, once it has some.
    pub(super) skills: Mutex<Option<Arc<Skills>>>,
    pub(super) tasks: Tasks,
    pub(super) layers: Layers,
    lanes: Lanes,
    pub(super) local: Arc<LaneQueue>,
    /// Counts the calls that wait for a place and are in no lane.
    pub(super) waiting: Arc<LaneQueue>,
    /// For who has nothing but this.
    pub(super) this: Weak<Shared>,
    pub(super) spawn: RwLock<Option<Arc<dyn Spawn>>>,
    pub(super) timer: Mutex<Option<Arc<dyn Wake>>>,
    pub(super) serving: AtomicBool,
    pub(super) occupied: Occupied,
    /// No call starts any more.
    pub(super) closing: AtomicBool,
    /// What it is mounted in.
    pub(super) mounts: Mounts,
    /// What keeps it served for clients in the process, if they have started it.
    pub(crate) held: Mutex<Weak<dyn Any + Send + Sync>>,
    /// Who is told when it is no longer served.
    pub(super) attached: Mutex<Vec<Weak<dyn Wake>>>,
}

/// What a server is built with.
pub(crate) struct Setup {
    pub(crate) shaper: Shaper,
    pub(crate) limits: Limits,
    pub(crate) declared: Capabilities,
    pub(crate) mask_errors: bool,
    pub(crate) sealer: Sealer,
    pub(crate) environment: Arc<dyn Environment>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) log: Arc<dyn Log>,
}

/// A call in flight.
pub(super) struct Flight {
    pub(super) context: Arc<CallContext>,
    pub(super) input: JsonSlice,
    pub(super) sink: Arc<dyn Sink>,
    pub(super) peer: Option<Arc<Peer>>,
    /// Holds the call's credit.
    pub(super) lane: Arc<LaneQueue>,
    pub(super) timeout: Duration,
    /// When it began, until its sink has been told that it is slow.
    pub(super) began: Option<Instant>,
    pub(super) asks: Asks,
    /// Answers that a local handler awaits.
    pub(super) waiters: Vec<(AskId, Waiter)>,
    pub(super) local: Option<Arc<LocalState>>,
    /// Made when the call says something before its response; from then on everything goes through it.
    pub(super) outbox: Option<Arc<Outbox>>,
    pub(super) last_progress: Option<f64>,
    /// The host has seen the call, so it must hear of its end.
    pub(super) delivered: bool,
    /// The handler returned and will be run again once its questions are answered.
    pub(super) parked: bool,
    /// It is not known yet whether its handler may run.
    pub(super) admitting: bool,
    /// The request carried answers, or the state of an earlier round.
    pub(super) retried: bool,
    /// The list that the answer is a part of.
    pub(super) listing: Option<Box<Part>>,
    /// The task that it is.
    pub(super) task: Option<Arc<Live>>,
    /// It becomes a task when its handler says so.
    pub(super) may_be_task: bool,
    /// The call that it is within.
    pub(super) outer: Option<CallId>,
    /// What its middleware waits for.
    pub(super) following: Option<Box<Following>>,
    pub(super) place: Place,
}

impl Flight {
    /// Takes the next place for a message. [`HostPort::flush`](super::HostPort) sends it, once the table's lock is released.
    pub(super) fn queue(&mut self, message: Outgoing) -> Arc<Outbox> {
        let new = || Arc::new(Outbox::new(self.sink.clone(), self.peer.clone()));
        let outbox = self.outbox.get_or_insert_with(new);
        outbox.queue(message);
        outbox.clone()
    }

    fn revision(&self) -> Revision {
        self.context.client.revision
    }

    fn id(&self) -> Option<&RequestId> {
        self.context.request_id.as_ref()
    }

    fn entry(&self) -> &Registered {
        &self.context.entry
    }
}

/// Who hands a call over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Thread {
    /// The thread that received the call, or an answer to it, and that inline handlers may run on.
    Receiver,
    /// Any other: of the program, or one that many calls depend on.
    Other,
}

/// How a call ends without its handler's outcome.
pub(super) enum End {
    /// The client gets no answer.
    Silent(CancelReason),
    /// The client gets this failure.
    Failed(CancelReason, String),
    /// The server is closing; the client gets an error that says so (RPC-14).
    Closing,
}

impl Shared {
    pub(crate) fn new(setup: Setup) -> Arc<Shared> {
        Arc::new_cyclic(|this| Shared::made(setup, this.clone()))
    }

    fn made(setup: Setup, this: Weak<Shared>) -> Shared {
        let Setup { shaper, limits, declared, mask_errors, sealer, environment, store, log } = setup;
        Shared {
            calls: CallTable::new(limits.max_calls),
            bus: Bus::default(),
            skills: Mutex::default(),
            tasks: Tasks::default(),
            visits: Visits::new(limits.max_visits, limits.state_lifetime),
            local: Arc::new(LaneQueue::new(limits.max_lane_calls)),
            waiting: Arc::new(LaneQueue::new(usize::MAX)),
            layers: Layers::default(),
            this,
            lanes: Lanes::new(limits.max_lane_calls),
            spawn: RwLock::default(),
            timer: Mutex::default(),
            serving: AtomicBool::new(false),
            occupied: Occupied::default(),
            closing: AtomicBool::new(false),
            mounts: Mounts::default(),
            held: Mutex::new(Weak::<()>::new()),
            attached: Mutex::default(),
            catalog: Catalog::default(),
            shaper,
            limits,
            declared,
            mask_errors,
            sealer,
            environment,
            store,
            log,
        }
    }

    pub(super) fn now(&self) -> Instant {
        self.environment.now()
    }

    pub(super) fn lane(&self, id: LaneId) -> Arc<LaneQueue> {
        self.lanes.get(id)
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
        input: JsonSlice,
        context: Arc<CallContext>,
        thread: Thread,
    ) {
        if let Some(places) = &context.entry.places
            && !self.take_place(places, id, &context)
        {
            return;
        }
        self.hand_over(port, id, input, context, thread);
    }

    /// Hands over a call that may run.
    pub(super) fn hand_over(
        &self,
        port: &super::HostPort,
        id: CallId,
        input: JsonSlice,
        context: Arc<CallContext>,
        thread: Thread,
    ) {
        match context.target().clone() {
            Target::Inline { handler, host, .. } if thread == Thread::Receiver => {
                self.occupied.run(&*host, HostCall { id, handler, input, context });
            }
            Target::Lane { lane, handler } | Target::Inline { lane, handler, .. } => {
                let lane = context.arrival.lane(lane);
                let op = HostOp::Call(HostCall { id, handler, input, context });
                let live = |op: &HostOp| op.starts().is_none_or(|id| self.calls.with(id, |_| ()).is_some());
                if self.lane(lane).push_bounded(op, live).is_err() {
                    self.fail(id, &RpcError::busy("Server busy: the handler's queue is full"));
                }
            }
            Target::Aside(aside) => {
                aside.answer(HostCall { id, handler: HandlerId(0), input, context }, port)
            }
            Target::Local(handler) => {
                let here = context.entry.inline && thread == Thread::Receiver;
                let call = super::local::LocalCall::new(port.clone(), id, input, context);
                let spawn = self.spawn.read().clone();
                super::local::start(handler, call, spawn, here);
            }
        }
    }

    /// Ends a call with an error of the engine's own.
    pub(super) fn fail(&self, id: CallId, error: &RpcError) {
        if let Some(flight) = self.calls.remove(id) {
            let outgoing = self.failure(&flight, error);
            self.finish(id, flight, outgoing, None);
        }
    }

    /// The error response to a call.
    fn failure(&self, flight: &Flight, error: &RpcError) -> Outgoing {
        match flight.id() {
            Some(id) => self.error(Some(id), Some(flight.revision()), error),
            None => Outgoing::Dropped,
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
            End::Failed(reason, text) => (reason, self.shape(&flight, &Outcome::Failed(text))),
            End::Closing if flight.task.as_ref().is_some_and(|task| task.is_handed_out()) => {
                let error = RpcError::internal("The server was shut down before the task came to its end");
                (CancelReason::Closing, self.failure(&flight, &error))
            }
            End::Closing => (CancelReason::Closing, self.failure(&flight, &self.shutting_down())),
        };
        self.finish(id, flight, outgoing, Some(reason));
        true
    }

    /// What a handler came to, or the failure that it came to too much.
    fn bounded(&self, entry: &Registered, outcome: Outcome) -> Outcome {
        let size = outcome.size();
        if size <= self.limits.max_result_bytes {
            return outcome;
        }
        let limit = self.limits.max_result_bytes;
        let text = format!("{entry} returned {size} bytes; the limit is {limit}");
        self.blame(|| text.clone());
        Outcome::Failed(text)
    }

    /// The response to a call whose handler completed.
    pub(super) fn complete(&self, id: CallId, flight: Flight, outcome: Outcome) {
        if let (Some(outer), None) = (flight.outer, &flight.listing) {
            // For middleware, as the handler gave it.
            self.finish(id, flight, Outgoing::Dropped, None);
            self.followed(outer, outcome);
            return;
        }
        let outcome = match self.bounded(flight.entry(), outcome) {
            // A string like any other, which its schema has to allow (TL-21).
            Outcome::Text(text) if flight.entry().output.is_some() => {
                Outcome::Json(JsonSlice::from_value(&text.into()))
            }
            Outcome::Exception(text) => Outcome::Failed(self.masked(flight.entry(), text)),
            outcome => outcome,
        };
        let outgoing = self.shape(&flight, &outcome);
        self.finish(id, flight, outgoing, None);
    }

    /// What a client is told of an exception.
    fn masked(&self, entry: &Registered, text: String) -> String {
        if !self.mask_errors {
            return text;
        }
        let mut random = [0; 8];
        let reference = match self.environment.random(&mut random) {
            Ok(()) => format!("{:016x}", u64::from_be_bytes(random)),
            Err(_) => "none".to_owned(),
        };
        self.blame(|| format!("{entry} failed, which the client knows as {reference}: {text}"));
        format!("{} failed; the server's log has the reason under {reference}", entry.kind.noun())
    }

    /// The response that an outcome is for a call.
    fn shape(&self, flight: &Flight, outcome: &Outcome) -> Outgoing {
        let (entry, revision) = (flight.entry(), flight.revision());
        let Some(request) = flight.id() else {
            // Exceptions are logged where they are caught.
            match outcome {
                Outcome::Failed(text) => self.blame(|| format!("{entry} failed: {text}")),
                Outcome::Error(error) => self.blame(|| format!("{entry} failed: {error}")),
                _ => {}
            }
            return Outgoing::Dropped;
        };
        let is_tool = entry.kind == Kind::Tool;
        let shaped = |body| Outgoing::Response { body, error: None };
        // Only tools have failures of their own; those of others are the protocol's.
        let failed = |text: &str| match is_tool {
            true => shaped(self.shaper.failed(request, revision, text)),
            false => self.error(Some(request), Some(revision), &RpcError::internal(text)),
        };
        let returned = match outcome {
            Outcome::Text(text) => Returned::Text(text),
            Outcome::Json(value) => Returned::Json(value),
            Outcome::Bytes(bytes) => Returned::Bytes(bytes),
            Outcome::Content(value) => Returned::Content(value),
            Outcome::Result(value) => Returned::Result(value),
            Outcome::Failed(text) | Outcome::Exception(text) if is_tool => Returned::Failed(text),
            Outcome::Failed(text) | Outcome::Exception(text) => return failed(text),
            Outcome::Error(error) if !error.exists_in(revision) => return failed(&error.message),
            Outcome::Error(error) => return self.error(Some(request), Some(revision), error),
            Outcome::Suspend => return failed(&format!("{entry} suspended without asking anything")),
        };
        let uri = address(flight.context.uri.as_deref().unwrap_or_default());
        let called = Called { definition: entry.definition(), uri: &uri, structured: entry.structured };
        let checked = Checked::new(called, returned).and_then(|checked| {
            self.fits(entry, &checked)?;
            Ok(checked)
        });
        match checked {
            Ok(checked) => match &flight.listing {
                Some(listing) => self.list_on(flight, request, listing, &checked),
                None => {
                    let hints = self.hints(flight, outcome);
                    shaped(self.shaper.result(request, revision, &checked, hints))
                }
            },
            Err(reason) => {
                self.blame(|| reason.clone());
                failed(&reason)
            }
        }
    }

    /// Whether a tool's structured content is what its output schema wants (TL-21, TL-25).
    fn fits(&self, entry: &Registered, checked: &Checked<'_>) -> Result<(), String> {
        let Some(schema) = entry.output.as_ref().filter(|_| !checked.is_failed()) else { return Ok(()) };
        let fit = match checked.structured() {
            Some(value) => schema.check(&value),
            None => Err("it has no structured content".to_owned()),
        };
        fit.map_err(|reason| {
            format!("{entry} returned a result that does not fit its output schema: {reason}")
        })
    }

    /// How long and by whom a handler's answer may be kept, and whether the handler may say otherwise.
    fn hints(&self, flight: &Flight, outcome: &Outcome) -> Option<(CacheHints, bool)> {
        let entry = flight.entry();
        match entry.kind {
            Kind::Resource | Kind::ResourceTemplate => {
                let hints = self.shaper.hints(Cacheable::Read, entry.cache, flight.retried);
                Some((hints, !flight.retried))
            }
            Kind::Method => {
                let of = Cacheable::method(&entry.name)?;
                let says = |value: &JsonSlice| {
                    value.member("ttlMs").is_some() || value.member("cacheScope").is_some()
                };
                let own = matches!(outcome, Outcome::Json(value) | Outcome::Result(value) if says(value));
                (!own).then(|| (self.shaper.hints(of, None, flight.retried), false))
            }
            _ => None,
        }
    }

    /// The `input_required` answer that ends a modern attempt (MR-2).
    pub(super) fn input_required(&self, id: CallId, flight: Flight) {
        let binding = self.binding(&flight.context, &flight.input);
        let state = flight.asks.seal(&self.sealer, &binding, &self.limits, &*self.environment);
        let outgoing = match (state, flight.id()) {
            (Ok(state), Some(request)) => {
                let requests = flight.asks.requests();
                let body = self.shaper.input_required(request, flight.revision(), requests, &state);
                Outgoing::Response { body, error: None }
            }
            (Ok(_), None) => Outgoing::Dropped,
            (Err(error), _) => {
                self.blame(|| format!("{} cannot suspend: {}", flight.entry(), error.message));
                self.failure(&flight, &error)
            }
        };
        self.finish(id, flight, outgoing, Some(CancelReason::Suspended));
    }

    /// What a sealed state is bound to.
    pub(super) fn binding(&self, context: &CallContext, input: &JsonSlice) -> Vec<u8> {
        let entry = &context.entry;
        let target = context.uri.as_deref().unwrap_or(&entry.name);
        binding(context.arrival.principal(), entry.kind.as_str(), target, input)
    }

    /// The one way out of the table: credit back, peer told, host told if it still works on the call.
    pub(super) fn finish(
        &self,
        id: CallId,
        flight: Flight,
        outgoing: Outgoing,
        tell_host: Option<CancelReason>,
    ) {
        flight.lane.release();
        if let Some(places) = &flight.context.entry.places {
            self.end_place(places, id, flight.place);
        }
        if let Some(following) = &flight.following {
            self.end_following(following);
        }
        if let (Some(peer), Some(request)) = (&flight.peer, flight.id()) {
            // Before the response: who has it may use the id again at once (RPC-7).
            peer.forget(request);
        }
        let cancelled = matches!(outgoing, Outgoing::Dropped) || tell_host == Some(CancelReason::Closing);
        let reason = if cancelled { "the call was cancelled" } else { "the call has ended" };
        for request in flight.asks.pending.iter().filter_map(|pending| pending.request) {
            let Some(peer) = &flight.peer else { continue };
            let Some(question) = peer.take_ask(request) else { continue };
            let withdrawal = Outgoing::Event { body: shape::cancelled(request, reason), droppable: false };
            match &flight.outbox {
                Some(outbox) if !question.moved => outbox.queue(withdrawal),
                _ => drop(peer.send(withdrawal)),
            }
        }
        match &flight.outbox {
            Some(outbox) => {
                outbox.queue(outgoing);
                // Its questions were taken back above, so that none is left to go elsewhere.
                outbox.flush(|sent| {
                    if let Sent::End = sent {
                        settle(outbox.peer.as_deref());
                    }
                });
            }
            None => {
                flight.sink.send(outgoing);
                settle(flight.peer.as_deref());
            }
        }
        if let Some(local) = &flight.local {
            local.cancel();
        }
        // The questions may have been asked by a task that outlives the handler.
        for (_, waiter) in flight.waiters {
            waiter(Err(AskError::Stale));
        }
        if let (Some(reason), true, Target::Lane { .. }) =
            (tell_host, flight.delivered && !flight.parked, flight.context.target())
        {
            flight.lane.push(HostOp::Cancel { call: id, reason });
        }
    }

    /// Says what is the program's own fault.
    pub(super) fn blame(&self, message: impl FnOnce() -> String) {
        log::say(&*self.log, LogLevel::Error, log::CALL, message);
    }

    /// What the server can do at present.
    pub(crate) fn abilities(&self) -> (Capabilities, Extensions) {
        let snapshot = self.catalog.snapshot();
        (snapshot.capabilities().and(self.declared), snapshot.extensions())
    }

    /// The same toward who asks.
    pub(super) fn abilities_for(&self, scope: &Scope) -> (Capabilities, Extensions) {
        let snapshot = self.catalog.snapshot();
        let own = snapshot.capabilities();
        (own.and(self.declared_to(scope, own)), snapshot.extensions())
    }

    /// The capabilities that a server has toward who asks, besides those of what is registered (T1-14).
    pub(super) fn declared_to(&self, scope: &Scope, own: Capabilities) -> Capabilities {
        let known = own.has(Capability::Tasks) && !scope.arrival().principal().is_empty();
        if known { self.declared.with(Capability::TaskList) } else { self.declared }
    }

    pub(super) fn shutting_down(&self) -> RpcError {
        RpcError::busy("Server busy: it is shutting down")
    }

    pub(super) fn busy(&self, what: &str, limit: usize) -> RpcError {
        RpcError::busy(format!("Server busy: {limit} {what} are in flight"))
    }
}

/// After the response: an idle peer may be closed.
pub(super) fn settle(peer: Option<&Peer>) {
    if let Some(peer) = peer {
        peer.settle();
    }
}
