//! The interface of transports: each of a server's transports knows how it starts and how it ends.

use crate::dispatch::limits::Limits;
use crate::error::Error;
use crate::host::Engine;
use crate::locks::Mutex;
use crate::proto::http::Access;
use crate::runtime::http::{Budget, Embedded, HttpService, Listener};
use crate::runtime::threads::executor::Executor;
use crate::runtime::transport::lifecycle::Lifecycle;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A transport that has not been started.
pub(crate) trait Transport: fmt::Debug + Send {
    /// Fails if something is missing that must exist before any transport starts.
    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Its place in the order of starts.
    fn start_order(&self) -> StartOrder;

    /// Whether it serves requests that the program passes in.
    fn is_embedded(&self) -> bool {
        false
    }

    /// How long calls in flight may take if this transport is served.
    fn drain_timeout(&self, limits: &Limits) -> Duration {
        limits.drain_timeout
    }

    /// Starts it. If there is an error, nothing of it is left.
    fn start(self: Box<Self>, context: &ServeContext) -> Result<Box<dyn Serving>, Error>;
}

/// The order of starts. Transports that are most likely to fail, and change nothing in the process, come first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StartOrder {
    /// Binds an address, which may be in use.
    Address,
    /// Takes a path of an address, which may be in use.
    Path,
    /// Takes descriptors for one client.
    Descriptors,
}

/// A transport that has been started.
///
/// The steps of its shutdown are called in this order, each for all transports before the next. Each step blocks at
/// most until the lifecycle's deadline. None is called on a thread of a transport.
pub(crate) trait Serving: Send + Sync {
    /// Accepts clients, after all transports have started.
    fn open(&self) {}

    /// Accepts no more clients. If it has more than one client, it disconnects those without a call in flight.
    /// Returns at once.
    fn begin_end(&self);

    /// Waits until calls in flight have ended, at most until the deadline.
    fn drain(&self);

    /// Waits until all queued messages are written, at most until shortly after the deadline, and drops the rest.
    fn flush(&self);

    /// Waits for its threads or tasks to end, and restores what it changed.
    fn close(&self);

    /// The address it listens on, if it has one.
    fn address(&self) -> Option<SocketAddr> {
        None
    }

    /// The place where other machines may reach it, for the log; `None` if they cannot. Called before it accepts
    /// clients.
    fn exposed(&self) -> Option<String> {
        None
    }

    /// The endpoint to which the program passes requests, if it has one.
    fn embedded(&self) -> Option<&Embedded> {
        None
    }

    /// The URL for clients, if there is one.
    fn public_url(&self) -> Option<&PublicUrl> {
        None
    }
}

/// The URL of a transport.
pub(crate) enum PublicUrl {
    Http(String),
    WebSocket(String),
    Sse(String),
}

/// The state that the transports of one start share.
pub(crate) struct ServeContext {
    pub(in crate::runtime) engine: Engine,
    pub(in crate::runtime) lifecycle: Arc<Lifecycle>,
    pub(in crate::runtime) executor: Executor,
    pub(in crate::runtime) channels: Arc<SingleClientChannels>,
    http: OnceLock<HttpService>,
    /// The listeners of this start, with their addresses as they were given.
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

    /// Called when a transport is about to begin, perhaps where other machines can reach it. A transport that accepts
    /// clients before all have started calls this before its first client.
    pub(in crate::runtime) fn expose(&self, place: Option<String>) {
        if let Some(place) = place {
            self.engine.expose(&place);
        }
    }

    /// Records a listener, so that paths can join it.
    pub(in crate::runtime) fn listens(&self, address: Option<&str>, listener: &Arc<Listener>) {
        self.listeners.lock().push((address.map(str::to_owned), listener.clone()));
    }

    /// The listener with exactly this address. Ports that the system chooses never match.
    pub(in crate::runtime) fn listener(&self, address: &str) -> Option<Arc<Listener>> {
        let listeners = self.listeners.lock();
        let same = |own: &Option<String>| own.as_deref() == Some(address) && !address.ends_with(":0");
        let found = listeners.iter().find(|(own, _)| same(own));
        found.map(|(_, listener)| listener.clone())
    }

    /// The listener that was named first.
    pub(in crate::runtime) fn first_listener(&self) -> Option<Arc<Listener>> {
        self.listeners.lock().first().map(|(_, listener)| listener.clone())
    }

    /// Called after all transports have started: no more paths can join.
    pub(in crate::runtime) fn end_registration(&self) {
        let listeners = std::mem::take(&mut *self.listeners.lock());
        drop(listeners);
    }

    /// The HTTP endpoint. All HTTP transports share its sessions, its streams and its count of bytes.
    pub(in crate::runtime) fn http(&self, first: impl FnOnce() -> HttpService) -> &HttpService {
        self.http.get_or_init(first)
    }

    /// The count of bytes that are held for clients of sockets, for any protocol.
    pub(in crate::runtime) fn budget(&self) -> Arc<Budget> {
        self.http(|| HttpService::with_engine(&self.engine, Access::public())).budget().clone()
    }
}

/// The channels that have one client each. The server ends when the last of them ends, because it is a child process
/// of these clients, unless it has other transports and is set to continue.
#[derive(Default)]
pub(in crate::runtime) struct SingleClientChannels {
    open: AtomicUsize,
    continues: AtomicBool,
}

impl SingleClientChannels {
    /// Sets the number of channels. `ends` says whether the server ends with the last of them.
    pub(in crate::runtime) fn set_count(&self, count: usize, ends: bool) {
        self.open.store(count, Ordering::SeqCst);
        self.continues.store(!ends, Ordering::SeqCst);
    }

    /// Records the end of a channel, and returns whether the server ends with it. If the channel is `leading`, the
    /// server ends even if others still exist.
    pub(in crate::runtime) fn end_one(&self, leading: bool) -> bool {
        let last = self.open.fetch_sub(1, Ordering::SeqCst) == 1;
        (last || leading) && !self.continues.load(Ordering::SeqCst)
    }
}
