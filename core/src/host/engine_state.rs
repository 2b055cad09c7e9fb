//! The state that [`Engine`](crate::host::Engine) (for transports) and [`HostPort`](crate::host::HostPort) (for
//! hosts) share.

use crate::dispatch::aead::StateCipher;
use crate::dispatch::calls::ask::AskId;
use crate::dispatch::calls::ask_replay::{Asks, binding};
use crate::dispatch::calls::table::{CallId, CallTable};
use crate::dispatch::environment::Environment;
use crate::dispatch::limits::Limits;
use crate::dispatch::log::{self, Log, LogLevel};
use crate::dispatch::registry::catalog::Catalog;
use crate::dispatch::shares::{Part as ClientPart, Shares};
use crate::dispatch::store::Store;
#[cfg(feature = "runtime")]
use crate::dispatch::web_pages::WebPages;
use crate::faults;
use crate::host::admission::concurrency_limit::Permit;
use crate::host::builtin::listing::Part;
use crate::host::builtin::skills::{Skills, Work};
use crate::host::bus::Bus;
use crate::host::calls::host_store::HostStore;
use crate::host::calls::masking::Masking;
use crate::host::calls::op::{CallContext, CancelReason, HandlerId, HostCall, HostOp, Outcome};
use crate::host::calls::start::Check;
use crate::host::delivery::outbox::Outbox;
use crate::host::delivery::sink::{Outgoing, Sink};
use crate::host::delivery::spacing::Spacing;
use crate::host::elicitation::url_elicitation::UrlElicitations;
use crate::host::engine::Scope;
use crate::host::lanes::inline::OccupancyListener;
use crate::host::lanes::lane::{LaneId, LaneQueue, Lanes};
use crate::host::lanes::local::{LocalState, Spawn, Waiter};
use crate::host::lanes::threads::Threads;
use crate::host::lanes::wake::Wake;
use crate::host::lifecycle::Life;
use crate::host::middleware::{Following, Layers};
use crate::host::mounts::Mounts;
use crate::host::session::peer::Peer;
use crate::host::tasks::{Live, Tasks};
use crate::host::{Registered, Target};
use crate::json::JsonSlice;
use crate::locks::{Mutex, RwLock};
use crate::panics::caught;
use crate::proto::messages::error::RpcError;
use crate::proto::messages::id::RequestId;
use crate::proto::results::shape;
use crate::proto::results::shape::Shaper;
use crate::proto::session::capability::{Capabilities, Capability};
use crate::proto::session::extension::Extensions;
use crate::proto::version::Revision;
use std::any::Any;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

pub(crate) struct Shared {
    pub(crate) shaper: Shaper,
    pub(crate) limits: Limits,
    pub(crate) catalog: Catalog<Target>,
    /// Capabilities that do not follow from the registered entries.
    pub(crate) declared: Capabilities,
    /// Whether clients get only a reference to an exception, not its text.
    pub(crate) masking: Masking,
    /// Whether the end of standard input ends a server that has other transports.
    pub(crate) end_with_stdin: bool,
    pub(crate) environment: Arc<dyn Environment>,
    pub(crate) store: Arc<dyn Store>,
    /// The same store, if a host runs it.
    pub(super) host_store: Option<Arc<HostStore>>,
    pub(crate) log: Arc<dyn Log>,
    /// Log records below this level are not built.
    pub(crate) log_level: LogLevel,
    pub(crate) threads: Threads,
    /// Runs argument checks that take longer. Without it, the receiving thread does them.
    pub(super) checks: Option<Arc<dyn Work>>,
    pub(super) calls: CallTable<InFlightCall>,
    /// The fair shares of clients: how much of each limit one client may take.
    pub(crate) shares: Arc<Shares>,
    pub(crate) sealer: StateCipher,
    pub(super) visits: UrlElicitations,
    pub(super) bus: Bus,
    pub(super) spacing: Spacing,
    /// The skills of the server, if it has any.
    pub(super) skills: Mutex<Option<Arc<Skills>>>,
    pub(super) tasks: Tasks,
    pub(super) layers: Layers,
    lanes: Lanes,
    pub(super) local: Arc<LaneQueue>,
    /// Counts the calls that wait for their concurrency limit and are in no lane.
    pub(super) waiting: Arc<LaneQueue>,
    /// This value itself, for methods that have a reference but need an `Arc`.
    pub(super) this: Weak<Shared>,
    pub(super) spawn: RwLock<Option<Arc<dyn Spawn>>>,
    pub(super) timer: Mutex<Option<Arc<dyn Wake>>>,
    pub(super) serving: AtomicBool,
    pub(super) occupied: OccupancyListener,
    /// No more calls start.
    pub(super) closing: AtomicBool,
    /// The state of the `start` and `stop` hooks.
    pub(super) life: Life,
    /// The servers that this server is mounted in, and the servers that are mounted in it.
    pub(super) mounts: Mounts,
    /// The fixed pages that listeners serve.
    #[cfg(feature = "runtime")]
    pub(crate) pages: WebPages,
    /// Keeps the engine served for in-process clients, if they started it.
    pub(crate) held: Mutex<Option<Box<dyn Any + Send>>>,
    /// In-process clients.
    pub(super) attached: Mutex<Vec<Attached>>,
}

/// An in-process client. It is notified when its server is no longer served.
pub(super) struct Attached {
    pub(super) peer: Weak<Peer>,
    pub(super) who: Weak<dyn Wake>,
}

/// The settings that a server is built with.
pub(crate) struct Setup {
    pub(crate) shaper: Shaper,
    pub(crate) limits: Limits,
    pub(crate) declared: Capabilities,
    pub(crate) masking: Masking,
    pub(crate) end_with_stdin: bool,
    pub(crate) sealer: StateCipher,
    pub(crate) environment: Arc<dyn Environment>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) host_store: Option<Arc<HostStore>>,
    pub(crate) log: Arc<dyn Log>,
    /// Log records below this level are not built.
    pub(crate) log_level: LogLevel,
    pub(crate) threads: Threads,
    pub(crate) checks: Option<Arc<dyn Work>>,
}

/// A call in flight.
pub(super) struct InFlightCall {
    pub(super) context: Arc<CallContext>,
    pub(super) input: JsonSlice,
    pub(super) sink: Arc<dyn Sink>,
    pub(super) peer: Option<Arc<Peer>>,
    /// The number of the request's session; the peer counts its sessions.
    pub(super) session: u64,
    /// Holds the call's credit.
    pub(super) lane: Arc<LaneQueue>,
    pub(super) timeout: Duration,
    pub(super) began: Instant,
    /// Whether the sink has been notified that the call is slow.
    pub(super) notified_slow: bool,
    pub(super) asks: Asks,
    /// Answers that a local handler awaits.
    pub(super) waiters: Vec<(AskId, Waiter)>,
    pub(super) local: Option<Arc<LocalState>>,
    /// Created when the call sends something before its response. From then on, everything is sent through it.
    pub(super) outbox: Option<Arc<Outbox>>,
    pub(super) last_progress: Option<f64>,
    /// The time of the last message that the client may lose if it reads the message together with the response.
    pub(super) progress_at: Option<Instant>,
    /// The host has seen the call, so it must be notified of its end.
    pub(super) delivered: bool,
    /// The handler returned and will be run again once its questions are answered.
    pub(super) parked: bool,
    /// Whether the admission of the call is not finished.
    pub(super) admitting: bool,
    /// The request carried answers, or the state of an earlier round.
    pub(super) retried: bool,
    /// The list that the response is a part of.
    pub(super) listing: Option<Box<Part>>,
    /// The task that the call is.
    pub(super) task: Option<Arc<Live>>,
    /// Whether the call becomes a task when its handler starts the task.
    pub(super) may_be_task: bool,
    /// The outer call, if this call runs within one.
    pub(super) outer: Option<CallId>,
    /// The inner call that this call's middleware waits for.
    pub(super) following: Option<Box<Following>>,
    /// Callbacks to run if the call ends before its handler completes it.
    pub(super) on_cancel: Vec<OnCancel>,
    pub(super) permit: Permit,
    /// The part of the client's share that the call uses.
    pub(super) part: Option<ClientPart>,
    /// A check of the call's input that must finish before the call runs.
    pub(super) check: Option<Box<Check>>,
}

impl InFlightCall {
    /// Queues a message. [`HostPort::flush`](crate::host::HostPort) sends it after the table's lock is released.
    pub(super) fn queue(&mut self, message: Outgoing) -> Arc<Outbox> {
        let new = || Arc::new(Outbox::new(self.sink.clone(), self.peer.clone(), self.session));
        let outbox = self.outbox.get_or_insert_with(new);
        outbox.queue(message);
        outbox.clone()
    }

    pub(super) fn revision(&self) -> Revision {
        self.context.client.revision
    }

    pub(super) fn id(&self) -> Option<&RequestId> {
        self.context.request_id.as_ref()
    }

    pub(super) fn entry(&self) -> &Registered {
        &self.context.entry
    }
}

/// A callback to run if a call ends before its handler completes it.
pub(super) type OnCancel = Box<dyn FnOnce() + Send>;

/// The thread that passes a call to its host.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Thread {
    /// The thread that received the call, or an answer to one of its questions. Inline handlers may run on it.
    Receiver,
    /// Any other thread: a thread of the program, or a thread that many calls depend on.
    Other,
}

impl Shared {
    pub(crate) fn new(setup: Setup) -> Arc<Shared> {
        let shared = Arc::new_cyclic(|this| Shared::made(setup, this.clone()));
        if let Some(store) = &shared.host_store {
            store.attach(&shared);
        }
        shared
    }

    fn made(setup: Setup, this: Weak<Shared>) -> Shared {
        let Setup { shaper, limits, declared, masking, end_with_stdin, sealer, environment, store, .. } =
            setup;
        let Setup { host_store, log, log_level, threads, checks, .. } = setup;
        Shared {
            calls: CallTable::new(limits.max_calls),
            shares: Shares::new(&limits),
            bus: Bus::default(),
            spacing: Spacing::default(),
            skills: Mutex::default(),
            tasks: Tasks::default(),
            visits: UrlElicitations::new(limits.max_visits, limits.state_lifetime),
            local: Arc::new(LaneQueue::new(limits.max_lane_calls)),
            waiting: Arc::new(LaneQueue::new(usize::MAX)),
            layers: Layers::default(),
            this,
            lanes: Lanes::new(limits.max_lane_calls),
            spawn: RwLock::default(),
            timer: Mutex::default(),
            serving: AtomicBool::new(false),
            occupied: OccupancyListener::default(),
            closing: AtomicBool::new(false),
            life: Life::default(),
            mounts: Mounts::default(),
            #[cfg(feature = "runtime")]
            pages: WebPages::default(),
            held: Mutex::default(),
            attached: Mutex::default(),
            catalog: Catalog::default(),
            shaper,
            limits,
            declared,
            masking,
            end_with_stdin,
            sealer,
            environment,
            store,
            host_store,
            log,
            log_level,
            threads,
            checks,
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
            self.guard("waking the timer", || timer.wake());
        }
    }

    /// Reads a call in flight, and may change its deadline.
    pub(super) fn with_deadline<R>(
        &self,
        call: CallId,
        f: impl FnOnce(&mut InFlightCall, &mut Option<Instant>) -> R,
    ) -> Option<R> {
        let (result, earliest) = self.calls.with_deadline(call, f)?;
        if earliest {
            self.wake_timer();
        }
        Some(result)
    }

    /// Hands a call to its host, or to its local handler, once the server has started.
    pub(super) fn dispatch(
        &self,
        port: &crate::host::HostPort,
        id: CallId,
        input: JsonSlice,
        context: Arc<CallContext>,
        thread: Thread,
    ) {
        if !self.queue_until_started(id, &context) {
            self.acquire_and_run(port, id, input, context, thread);
        }
    }

    /// Like `dispatch`, but without a check that the server has started.
    pub(super) fn acquire_and_run(
        &self,
        port: &crate::host::HostPort,
        id: CallId,
        input: JsonSlice,
        context: Arc<CallContext>,
        thread: Thread,
    ) {
        if let Some(semaphore) = &context.entry.semaphore
            && !self.acquire_permit(semaphore, id, &context)
        {
            return;
        }
        self.dispatch_to_target(port, id, input, context, thread);
    }

    /// Hands over a call that may run. If the host or a waker panics, the call ends.
    pub(super) fn dispatch_to_target(
        &self,
        port: &crate::host::HostPort,
        id: CallId,
        input: JsonSlice,
        context: Arc<CallContext>,
        thread: Thread,
    ) {
        if let Err(panicked) = caught(|| self.hand_to_host(port, id, input, context, thread)) {
            self.fail_panicked(id, &panicked);
        }
    }

    fn hand_to_host(
        &self,
        port: &crate::host::HostPort,
        id: CallId,
        input: JsonSlice,
        context: Arc<CallContext>,
        thread: Thread,
    ) {
        faults::pass("start");
        match context.target().clone() {
            Target::Inline { handler, host, .. } if thread == Thread::Receiver => {
                self.occupied.run(&*host, HostCall { id, handler, input, context });
            }
            Target::Lane { lane, handler } | Target::Inline { lane, handler, .. } => {
                let lane = context.arrival.lane(lane);
                let op = HostOp::Call(HostCall { id, handler, input, context });
                let live = |op: &HostOp| op.starts().is_none_or(|id| self.calls.with(id, |_| ()).is_some());
                if self.lane(lane).push_bounded(op, live).is_err() {
                    self.fail(
                        id,
                        &RpcError::busy(format!(
                            "Server busy: the handler's queue is full (max_lane_calls is {}); retry later",
                            self.limits.max_lane_calls
                        )),
                    );
                }
            }
            Target::Builtin(aside) => {
                aside.answer(HostCall { id, handler: HandlerId(0), input, context }, port)
            }
            Target::Local(handler) => {
                let here = context.entry.inline && thread == Thread::Receiver;
                let call = crate::host::lanes::local::LocalCall::new(port.clone(), id, input, context);
                let spawn = self.spawn.read().clone();
                crate::host::lanes::local::start(handler, call, spawn, here);
            }
        }
    }

    /// Ends a call with an error from the engine.
    pub(super) fn fail(&self, id: CallId, error: &RpcError) {
        if let Some(flight) = self.calls.remove(id) {
            if flight.id().is_none() {
                flight.sink.outcome(&Outcome::Failed(error.message.clone()));
            }
            let outgoing = self.failure(&flight, error);
            self.finish(id, flight, outgoing, None);
        }
    }

    /// The error response to a call.
    pub(super) fn failure(&self, flight: &InFlightCall, error: &RpcError) -> Outgoing {
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

    /// Sends the `input_required` response that ends a modern attempt (MR-2).
    pub(super) fn input_required(&self, id: CallId, flight: InFlightCall) {
        let outgoing = caught(|| self.questions_of(&flight)).unwrap_or_else(|panicked| {
            let error = self.panicked(format_args!("the questions of {}", flight.entry()), &panicked);
            self.failure(&flight, &error)
        });
        self.finish(id, flight, outgoing, Some(CancelReason::Suspended));
    }

    fn questions_of(&self, flight: &InFlightCall) -> Outgoing {
        let binding = self.binding(&flight.context, &flight.input);
        let state = flight.asks.seal(&self.sealer, &binding, &self.limits, &*self.environment);
        match (state, flight.id()) {
            (Ok(state), Some(request)) => {
                let requests = flight.asks.requests();
                let body = self.shaper.input_required(request, flight.revision(), requests, &state);
                Outgoing::Response { body, error: None }
            }
            (Ok(_), None) => Outgoing::Dropped,
            (Err(error), _) => {
                self.log_handler_fault(|| {
                    format!("{} cannot ask its questions: {}", flight.entry(), error.message)
                });
                self.failure(flight, &error)
            }
        }
    }

    /// The data that a sealed state is bound to.
    pub(super) fn binding(&self, context: &CallContext, input: &JsonSlice) -> Vec<u8> {
        let entry = &context.entry;
        let target = context.uri.as_deref().unwrap_or(&entry.name);
        binding(context.arrival.principal(), entry.kind.as_str(), target, input)
    }

    /// Logs a fault of the program.
    pub(super) fn log_handler_fault(&self, message: impl FnOnce() -> String) {
        log::say(&*self.log, LogLevel::Error, log::CALL, message);
    }

    /// The capabilities and extensions that the server has now.
    pub(crate) fn abilities(&self) -> (Capabilities, Extensions) {
        let snapshot = self.catalog.snapshot();
        (snapshot.capabilities().and(self.declared), snapshot.extensions())
    }

    /// The capabilities and extensions for one client.
    pub(super) fn abilities_for(&self, scope: &Scope) -> (Capabilities, Extensions) {
        let snapshot = self.catalog.snapshot();
        let own = snapshot.capabilities();
        (own.and(self.declared_to(scope, own)), snapshot.extensions())
    }

    /// The capabilities that a server declares to one client, besides those that follow from the registered entries
    /// (T1-14).
    pub(super) fn declared_to(&self, scope: &Scope, own: Capabilities) -> Capabilities {
        let known = own.has(Capability::Tasks) && !scope.arrival().principal().is_empty();
        if known { self.declared.with(Capability::TaskList) } else { self.declared }
    }

    pub(super) fn shutting_down(&self) -> RpcError {
        RpcError::busy("Server busy: the server is shutting down")
    }

    pub(super) fn busy(&self, what: &str, limit: usize) -> RpcError {
        RpcError::busy(format!("Server busy: {limit} {what}; retry later"))
    }
}
