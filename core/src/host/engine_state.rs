//! The state that [`Engine`](crate::host::Engine) (for transports) and [`HostPort`](crate::host::HostPort) (for
//! hosts) share.

use crate::dispatch::access::{AccessRules, Caller};
use crate::dispatch::aead::StateCipher;
use crate::dispatch::audit::AuditKey;
use crate::dispatch::calls::ask_replay::binding;
use crate::dispatch::calls::table::{CallId, CallTable};
use crate::dispatch::environment::Environment;
use crate::dispatch::limits::Limits;
use crate::dispatch::limits::live::LiveLimits;
use crate::dispatch::log::{self, LiveLevel, LogLevel};
use crate::dispatch::observer::{AuditFile, Observers};
use crate::dispatch::options::PublicUrl;
use crate::dispatch::principal::Principal;
use crate::dispatch::rate_table::RateTable;
use crate::dispatch::registry::catalog::Catalog;
use crate::dispatch::registry::entry_policies::EntryPolicies;
use crate::dispatch::shares::Shares;
use crate::dispatch::store::Store;
#[cfg(feature = "runtime")]
use crate::dispatch::web_pages::WebPages;
use crate::host::Registered;
use crate::host::Target;
use crate::host::builtin::skills::{Skills, Work};
use crate::host::bus::Bus;
use crate::host::calls::host_store::HostStore;
use crate::host::calls::in_flight::InFlightCall;
use crate::host::calls::masking::Masking;
use crate::host::calls::op::{CallContext, CancelReason, Outcome};
use crate::host::delivery::sink::Outgoing;
use crate::host::delivery::spacing::Spacing;
use crate::host::elicitation::url_elicitation::UrlElicitations;
use crate::host::engine::Scope;
use crate::host::functions::HostFunctions;
use crate::host::lanes::inline::OccupancyListener;
use crate::host::lanes::lane::{LaneId, LaneQueue, Lanes};
use crate::host::lanes::local::Spawn;
use crate::host::lanes::threads::Threads;
use crate::host::lanes::wake::Wake;
use crate::host::lifecycle::Life;
use crate::host::middleware::Layers;
use crate::host::mounts::Mounts;
use crate::host::principal::{Authenticates, Deadlines, Expirations, PrincipalResolver};
use crate::host::rate_limits::RateLimiting;
use crate::host::reload::Reload;
use crate::host::resilience::Resilience;
use crate::host::session::peer::Peer;
use crate::host::tasks::Tasks;
use crate::json::JsonSlice;
use crate::locks::{Mutex, RwLock};
use crate::panics::caught;
use crate::proto::messages::error::{RpcError, stage};
use crate::proto::messages::id::RequestId;
use crate::proto::results::shape;
use crate::proto::results::shape::Shaper;
use crate::proto::session::capability::{Capabilities, Capability};
use crate::proto::session::extension::Extensions;
use crate::proto::version::Revision;
use std::any::Any;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

pub(crate) struct Shared {
    pub(crate) shaper: Shaper,
    pub(crate) limits: LiveLimits,
    pub(crate) catalog: Catalog<Target>,
    /// The access rules for all entries.
    pub(crate) access: AccessRules,
    /// The policies that settings give to entries.
    pub(crate) entry_policies: EntryPolicies,
    /// Whether callers without a principal are refused, unless an entry is public.
    refuses_anonymous: AtomicBool,
    /// Whether a setting says so.
    anonymous_is_set: bool,
    /// What authenticates requests, if something can.
    pub(super) authentication: OnceLock<Arc<dyn Authenticates>>,
    /// The settings of the server as a protected resource.
    #[cfg_attr(not(feature = "runtime"), allow(dead_code))]
    pub(crate) authorization_servers: Vec<String>,
    /// The URL of the endpoint as clients know it.
    #[cfg_attr(not(feature = "runtime"), allow(dead_code))]
    pub(crate) public_url: Option<PublicUrl>,
    /// The principal of the client on standard input and output.
    #[cfg_attr(not(feature = "runtime"), allow(dead_code))]
    pub(crate) stdio_principal: Option<Principal>,
    /// Capabilities that do not follow from the registered entries.
    pub(crate) declared: Capabilities,
    /// Whether clients get only a reference to an exception, not its text.
    pub(crate) masking: Masking,
    /// Whether the end of standard input ends a server that has other transports.
    pub(crate) end_with_stdin: bool,
    pub(crate) environment: Arc<dyn Environment>,
    pub(crate) store: Arc<dyn Store>,
    /// Finds the principals of requests, if it is not what the program attached.
    pub(super) resolver: OnceLock<Arc<dyn PrincipalResolver>>,
    pub(super) resolutions: Deadlines,
    /// The functions of the program that are asked about requests.
    pub(super) functions: HostFunctions,
    /// What ends with the credential of its principal.
    pub(super) expirations: Expirations,
    pub(crate) observers: Observers,
    /// The same store, if a host runs it.
    pub(super) host_store: Option<Arc<HostStore>>,
    /// Log records below this level are not built.
    pub(crate) log_level: Arc<LiveLevel>,
    pub(crate) reload: Box<Reload>,
    pub(crate) rate_limiting: Box<RateLimiting>,
    /// What the program limits itself.
    pub(crate) resilience: Box<Resilience>,
    pub(crate) threads: Threads,
    /// Runs argument checks that take longer. Without it, the receiving thread does them.
    pub(super) checks: Option<Arc<dyn Work>>,
    pub(super) calls: CallTable<InFlightCall>,
    /// The fair shares of clients: how much of each limit one client may take.
    pub(crate) shares: Arc<Shares>,
    /// Counts the new connections of each client address.
    #[cfg_attr(not(feature = "runtime"), allow(dead_code))]
    pub(crate) connects: RateTable,
    /// The addresses of trusted proxies, as texts.
    #[cfg_attr(not(feature = "runtime"), allow(dead_code))]
    pub(crate) trusted_proxies: Vec<String>,
    pub(crate) sealer: StateCipher,
    /// The key of the digests in audit events.
    pub(crate) audit_key: AuditKey,
    /// The file to which audit events go, if they do not go to the log.
    #[cfg_attr(not(feature = "runtime"), allow(dead_code))]
    pub(crate) audit_file: Option<Arc<dyn AuditFile>>,
    pub(super) visits: UrlElicitations,
    pub(super) bus: Bus,
    pub(super) spacing: Spacing,
    /// The skills of the server, if it has any.
    pub(super) skills: Mutex<Option<Arc<Skills>>>,
    pub(super) tasks: Tasks,
    /// The entry of requests that the engine answers itself later.
    pub(super) own_entry: OnceLock<Arc<Registered>>,
    pub(super) layers: Layers,
    lanes: Lanes,
    pub(super) local: Arc<LaneQueue>,
    /// Counts the calls that wait for their concurrency limit and are in no lane.
    pub(super) waiting: Arc<LaneQueue>,
    /// Counts the calls that the engine starts for itself. They take no credit of a lane from calls of clients.
    pub(super) own_calls: Arc<LaneQueue>,
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
    pub(crate) access: AccessRules,
    pub(crate) entry_policies: EntryPolicies,
    pub(crate) refuses_anonymous: bool,
    pub(crate) anonymous_is_set: bool,
    pub(crate) authorization_servers: Vec<String>,
    pub(crate) trusted_proxies: Vec<String>,
    pub(crate) public_url: Option<PublicUrl>,
    pub(crate) stdio_principal: Option<Principal>,
    pub(crate) declared: Capabilities,
    pub(crate) masking: Masking,
    pub(crate) end_with_stdin: bool,
    pub(crate) sealer: StateCipher,
    pub(crate) audit_key: AuditKey,
    pub(crate) audit_file: Option<Arc<dyn AuditFile>>,
    pub(crate) environment: Arc<dyn Environment>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) observers: Observers,
    pub(crate) host_store: Option<Arc<HostStore>>,
    /// Log records below this level are not built.
    pub(crate) log_level: Arc<LiveLevel>,
    pub(crate) reload: Box<Reload>,
    pub(crate) rate_limiting: Box<RateLimiting>,
    /// What the program limits itself.
    pub(crate) resilience: Box<Resilience>,
    pub(crate) threads: Threads,
    pub(crate) checks: Option<Arc<dyn Work>>,
    pub(crate) resolver: Option<Arc<dyn PrincipalResolver>>,
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
        let Setup {
            access,
            entry_policies,
            refuses_anonymous,
            anonymous_is_set,
            authorization_servers,
            trusted_proxies,
            public_url,
            stdio_principal,
            ..
        } = setup;
        let Limits { max_address_connects, max_counted_addresses, .. } = limits;
        let Setup {
            audit_key,
            audit_file,
            host_store,
            observers,
            log_level,
            reload,
            rate_limiting,
            resilience,
            threads,
            checks,
            resolver,
            ..
        } = setup;
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
            own_calls: Arc::new(LaneQueue::new(usize::MAX)),
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
            access,
            entry_policies,
            refuses_anonymous: AtomicBool::new(refuses_anonymous),
            anonymous_is_set,
            authentication: OnceLock::new(),
            authorization_servers,
            trusted_proxies,
            connects: RateTable::new(max_address_connects, Duration::from_secs(60), max_counted_addresses),
            public_url,
            stdio_principal,
            shaper,
            limits: LiveLimits::new(limits),
            declared,
            masking,
            end_with_stdin,
            sealer,
            audit_key,
            audit_file,
            environment,
            store,
            resolver: resolver.map(OnceLock::from).unwrap_or_default(),
            resolutions: Deadlines::default(),
            expirations: Expirations::default(),
            own_entry: OnceLock::new(),
            functions: HostFunctions::default(),
            observers,
            host_store,
            log_level,
            reload,
            rate_limiting,
            resilience,
            threads,
            checks,
        }
    }

    /// A caller with this principal.
    #[inline]
    pub(crate) fn caller<'a>(&self, principal: Option<&'a Principal>) -> Caller<'a> {
        Caller { principal, refuses_anonymous: self.refuses_anonymous(), hidden: None }
    }

    /// From now on, callers without a principal are refused, unless a setting allows them.
    pub(super) fn refuse_anonymous(&self) {
        if !self.anonymous_is_set {
            self.refuses_anonymous.store(true, Ordering::Relaxed);
        }
    }

    /// Whether callers without a principal are refused, unless an entry is public.
    #[inline]
    pub(crate) fn refuses_anonymous(&self) -> bool {
        self.refuses_anonymous.load(Ordering::Relaxed)
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

    /// Ends a call with an error from the engine.
    pub(super) fn fail(&self, id: CallId, error: &RpcError) {
        if let Some(flight) = self.calls.remove(id) {
            self.fail_removed(id, flight, error);
        }
    }

    /// Ends a call that was removed from the table, with an error.
    pub(super) fn fail_removed(&self, id: CallId, mut flight: InFlightCall, error: &RpcError) {
        if flight.id().is_none() {
            self.deliver_outcome(&flight, &Outcome::Failed(error.message.clone()));
        }
        let outgoing = self.failure(&flight, error);
        flight.rejected(error, outgoing.size());
        self.finish(id, &mut flight, outgoing, None);
    }

    /// Passes an outcome to the sink of its call. A panic there must not prevent the end of the call.
    pub(super) fn deliver_outcome(&self, flight: &InFlightCall, outcome: &Outcome) {
        self.guard("the delivery of an outcome", || flight.sink.outcome(outcome));
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
        Outgoing::Response { body: shape::error(id, revision, error), error: Some(error.into()) }
    }

    /// Sends the `input_required` response that ends a modern attempt (MR-2).
    pub(super) fn input_required(&self, id: CallId, mut flight: InFlightCall) {
        let outgoing = caught(|| self.questions_of(&flight)).unwrap_or_else(|panicked| {
            let error = self.panicked(format_args!("the questions of {}", flight.entry()), &panicked);
            self.failure(&flight, &error)
        });
        self.finish(id, &mut flight, outgoing, Some(CancelReason::Suspended));
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
        self.observers.diagnose(LogLevel::Error, log::CALL, message);
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
        (own.and(self.declared_to(scope.principal().as_deref(), own)), snapshot.extensions())
    }

    /// The capabilities that a server declares to one client, besides those that follow from the registered entries
    /// (T1-14).
    pub(super) fn declared_to(&self, caller: Option<&Principal>, own: Capabilities) -> Capabilities {
        let known = own.has(Capability::Tasks) && caller.is_some();
        if known { self.declared.with(Capability::TaskList) } else { self.declared }
    }

    pub(super) fn shutting_down(&self) -> RpcError {
        RpcError::busy("Server busy: the server is shutting down").refused_by(stage::LIFECYCLE, "closing")
    }

    /// The limit `name` is reached.
    pub(super) fn busy(&self, what: &str, name: &'static str, limit: usize) -> RpcError {
        RpcError::busy(format!("Server busy: {limit} {what} ({name}); retry later"))
            .refused_by(stage::LIMITS, name)
    }
}
