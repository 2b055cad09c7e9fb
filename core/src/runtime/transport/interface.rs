//! The interface of transports: how each transport of a server starts and ends.

use crate::dispatch::limits::Limits;
use crate::error::Error;
use crate::host::Engine;
use crate::locks::Mutex;
use crate::proto::http::Access;
use crate::runtime::http::{Budget, Embedded, HttpService, Listener};
use crate::runtime::options::transports::TransportKind;
use crate::runtime::threads::executor::Executor;
use crate::runtime::transport::lifecycle::Lifecycle;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The server half of a transport, before its start. The options that a program passes implement it.
pub(crate) trait ServerTransport: fmt::Debug + Send {
    /// The row of this transport in the table.
    fn kind(&self) -> TransportKind;

    /// Checks what must exist before any transport starts. Fails if something is missing.
    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    /// The position of this transport in the order of starts.
    fn start_order(&self) -> StartOrder;

    /// Starts the transport. If the start fails, the transport leaves nothing behind.
    fn start(self: Box<Self>, context: &ServeContext) -> Result<Box<dyn Serving>, Error>;
}

/// The time that calls in flight may take at shutdown if this transport is served. A channel with one client has the
/// timeout of stdio.
pub(in crate::runtime) fn drain_timeout(order: StartOrder, limits: &Limits) -> Duration {
    match order {
        StartOrder::Descriptors => limits.drain_timeout.min(limits.stdio_drain_timeout),
        StartOrder::Address | StartOrder::Path => limits.drain_timeout,
    }
}

/// The order of starts. The transports that are most likely to fail and that change nothing in the process start first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StartOrder {
    /// The transport binds an address, which may be in use.
    Address,
    /// The transport takes a path of an address, which may be in use.
    Path,
    /// The transport takes descriptors for one client.
    Descriptors,
}

/// The server half of a transport, after its start.
///
/// At shutdown the steps are called in the order of this trait. Each step is called for all transports before the next
/// step. Each step blocks at most until the lifecycle's deadline. No step is called on a thread of a transport.
pub(crate) trait Serving: Send + Sync {
    /// Starts to accept clients. Called after all transports have started.
    fn open(&self) {}

    /// Stops accepting clients. A transport with more than one client disconnects those without a call in flight.
    /// Returns at once.
    fn begin_end(&self);

    /// Waits until calls in flight have ended, at most until the deadline.
    fn drain(&self);

    /// Waits until all queued messages are written, or until shortly after the deadline, and drops the rest.
    fn flush(&self);

    /// Waits until the threads or tasks of the transport have ended, and restores what the transport changed.
    fn close(&self);

    /// The address on which the transport listens, if it has one.
    fn address(&self) -> Option<SocketAddr> {
        None
    }

    /// The address at which other machines may reach the transport, for the log; `None` if they cannot. Called before
    /// the transport accepts clients.
    fn exposed(&self) -> Option<String> {
        None
    }

    /// The endpoint to which the program passes requests, if it has one.
    fn embedded(&self) -> Option<&Embedded> {
        None
    }

    /// The URL for clients, if there is one.
    fn public_url(&self) -> Option<&str> {
        None
    }
}

/// The state that the transports of one start share.
pub(crate) struct ServeContext {
    pub(in crate::runtime) engine: Engine,
    pub(in crate::runtime) lifecycle: Arc<Lifecycle>,
    pub(in crate::runtime) executor: Executor,
    pub(in crate::runtime) channels: Arc<SingleClientChannels>,
    http: OnceLock<HttpService>,
    /// The listeners of this start, each with its address as the program wrote it. A listener without an address has
    /// `None`.
    listeners: Mutex<Vec<(Option<String>, Arc<Listener>)>>,
}

impl ServeContext {
    pub(in crate::runtime) fn new(
        engine: &Engine,
        lifecycle: Arc<Lifecycle>,
        executor: Executor,
    ) -> ServeContext {
        ServeContext {
            engine: engine.clone(),
            lifecycle,
            executor,
            channels: Arc::default(),
            http: OnceLock::new(),
            listeners: Mutex::default(),
        }
    }

    /// Reports to the engine that other machines can reach a transport at `place`. A transport that accepts clients
    /// before all transports have started calls this before its first client.
    pub(in crate::runtime) fn expose(&self, place: Option<String>) {
        if let Some(place) = place {
            self.engine.expose(&place);
        }
    }

    /// Records a listener, so that other transports can add paths to it.
    pub(in crate::runtime) fn listens(&self, address: Option<&str>, listener: &Arc<Listener>) {
        self.listeners.lock().push((address.map(str::to_owned), listener.clone()));
    }

    /// The listener with exactly this address. An address with port 0 never matches, because the system chooses a new
    /// port.
    pub(in crate::runtime) fn listener(&self, address: &str) -> Option<Arc<Listener>> {
        let listeners = self.listeners.lock();
        let same = |own: &Option<String>| own.as_deref() == Some(address) && !address.ends_with(":0");
        let found = listeners.iter().find(|(own, _)| same(own));
        found.map(|(_, listener)| listener.clone())
    }

    /// The listener that was recorded first.
    pub(in crate::runtime) fn first_listener(&self) -> Option<Arc<Listener>> {
        self.listeners.lock().first().map(|(_, listener)| listener.clone())
    }

    /// Releases the listeners after all transports have started. After this call no path can be added.
    pub(in crate::runtime) fn end_registration(&self) {
        let listeners = std::mem::take(&mut *self.listeners.lock());
        drop(listeners);
    }

    /// The HTTP endpoint, which is made at the first call. All HTTP transports share its sessions, its streams and its
    /// byte budget.
    pub(in crate::runtime) fn http(&self) -> &HttpService {
        self.http.get_or_init(|| HttpService::with_engine(&self.engine, Access::public()))
    }

    /// The budget for bytes that are buffered for the clients of sockets, for any protocol.
    pub(in crate::runtime) fn budget(&self) -> Arc<Budget> {
        self.http().budget().clone()
    }
}

/// The channels that have one client each. A server with such channels is usually a child process of these clients, so
/// it ends when the last channel ends. It continues if it has other transports and is set to continue.
#[derive(Default)]
pub(in crate::runtime) struct SingleClientChannels {
    open: AtomicUsize,
    continues: AtomicBool,
}

impl SingleClientChannels {
    /// Sets the number of channels. If `ends` is `true`, the server ends with the last of them.
    pub(in crate::runtime) fn set_count(&self, count: usize, ends: bool) {
        self.open.store(count, Ordering::SeqCst);
        self.continues.store(!ends, Ordering::SeqCst);
    }

    /// Records the end of a channel, and returns whether the server ends with it. If the channel is `leading`, the
    /// server ends even if other channels are open.
    pub(in crate::runtime) fn end_one(&self, leading: bool) -> bool {
        let last = self.open.fetch_sub(1, Ordering::SeqCst) == 1;
        (last || leading) && !self.continues.load(Ordering::SeqCst)
    }
}
