//! The interface of transports: each of a server's transports knows how it starts and how it ends.

use crate::dispatch::limits::Limits;
use crate::error::Error;
use crate::host::Engine;
use crate::locks::Mutex;
use crate::proto::http::Access;
use crate::runtime::http::{Budget, Embedded, HttpService, Listener};
use crate::runtime::server::lifecycle::Lifecycle;
use crate::runtime::threads::executor::Executor;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A way to serve that has not been started.
pub(crate) trait Transport: fmt::Debug + Send {
    /// Fails where something is missing that must be there before any transport starts.
    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    /// When it starts among the others.
    fn turn(&self) -> StartOrder;

    /// Whether it serves what the program hands over.
    fn is_embedded(&self) -> bool {
        false
    }

    /// How long calls in flight may finish where it is served.
    fn drain_timeout(&self, limits: &Limits) -> Duration {
        limits.drain_timeout
    }

    /// Starts; on error nothing of it is left.
    fn start(self: Box<Self>, site: &ServeContext) -> Result<Box<dyn Serving>, Error>;
}

/// The order of starts: what most likely fails, and changes nothing in the process, comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StartOrder {
    /// Takes an address, which may be in use.
    Address,
    /// Takes a path of an address, which may be there already.
    Path,
    /// Takes descriptors, for one client.
    Descriptors,
}

/// A transport that has been started.
///
/// The steps of its end are called in this order, each for all transports before the next. Each blocks no longer than the
/// lifecycle's deadline says; none is called on a thread of a transport.
pub(crate) trait Serving: Send + Sync {
    /// Lets clients in, once all transports have started.
    fn open(&self) {}

    /// Accepts no client and keeps none that has no call in flight, where it has more than one. Returns at once.
    fn begin_end(&self);

    /// Waits until calls in flight have ended, at most until the deadline.
    fn drain(&self);

    /// Waits until what has been said is written, at most until shortly after the deadline, and cuts off the rest.
    fn flush(&self);

    /// Waits for its threads or tasks, and puts back what it took.
    fn close(&self);

    /// The address it listens on, if it has one.
    fn address(&self) -> Option<SocketAddr> {
        None
    }

    /// Where other machines may reach it, as the log says it; nothing if they do not. Asked before it lets clients in.
    fn exposed(&self) -> Option<String> {
        None
    }

    /// Where the program hands requests over, if it does.
    fn embedded(&self) -> Option<&Embedded> {
        None
    }

    /// How clients reach it, if that can be said.
    fn reach(&self) -> Option<&PublicUrl> {
        None
    }
}

/// The URL of a transport.
pub(crate) enum PublicUrl {
    Http(String),
    WebSocket(String),
    Sse(String),
}

/// What the transports of one start share.
pub(crate) struct ServeContext {
    pub(in crate::runtime) engine: Engine,
    pub(in crate::runtime) lifecycle: Arc<Lifecycle>,
    pub(in crate::runtime) executor: Executor,
    pub(in crate::runtime) lines: Arc<Lines>,
    http: OnceLock<HttpService>,
    /// The listeners of this start, with their addresses as they were written.
    listeners: Mutex<Vec<(Option<String>, Arc<Listener>)>>,
}

impl ServeContext {
    pub(in crate::runtime) fn new(engine: &Engine, lifecycle: Arc<Lifecycle>, executor: Executor) -> ServeContext {
        ServeContext {
            engine: engine.clone(),
            lifecycle,
            executor,
            lines: Arc::default(),
            http: OnceLock::new(),
            listeners: Mutex::default(),
        }
    }

    /// A transport is about to begin, perhaps where other machines reach it. One that lets clients in before all have started
    /// says so here, before the first client comes.
    pub(in crate::runtime) fn expose(&self, place: Option<String>) {
        if let Some(place) = place {
            self.engine.expose(&place);
        }
    }

    /// Remembers a listener, for paths that join it.
    pub(in crate::runtime) fn listens(&self, address: Option<&str>, listener: &Arc<Listener>) {
        self.listeners.lock().push((address.map(str::to_owned), listener.clone()));
    }

    /// The listener on this very address. Each port that the system chooses is another.
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

    /// All are there: nothing joins any more.
    pub(in crate::runtime) fn settle(&self) {
        let listeners = std::mem::take(&mut *self.listeners.lock());
        drop(listeners);
    }

    /// The endpoint whose sessions, streams and account of memory all HTTP transports share.
    pub(in crate::runtime) fn http(&self, first: impl FnOnce() -> HttpService) -> &HttpService {
        self.http.get_or_init(first)
    }

    /// The account of what is held for clients of sockets, whatever they speak.
    pub(in crate::runtime) fn budget(&self) -> Arc<Budget> {
        self.http(|| HttpService::with_engine(&self.engine, Access::public())).budget().clone()
    }
}

/// The channels that have one client each. The server ends with the last of them, as the child that it is of its clients,
/// unless it has other transports and was told to go on.
#[derive(Default)]
pub(in crate::runtime) struct Lines {
    open: AtomicUsize,
    goes_on: AtomicBool,
}

impl Lines {
    /// So many will be there; `ends` says whether the server ends with the last of them.
    pub(in crate::runtime) fn expect(&self, count: usize, ends: bool) {
        self.open.store(count, Ordering::SeqCst);
        self.goes_on.store(!ends, Ordering::SeqCst);
    }

    /// One has ended; says whether the server ends with it. One that is `leading` takes the server along while others are
    /// still there.
    pub(in crate::runtime) fn leave(&self, leading: bool) -> bool {
        let last = self.open.fetch_sub(1, Ordering::SeqCst) == 1;
        (last || leading) && !self.goes_on.load(Ordering::SeqCst)
    }
}
