//! An HTTP listener, which accepts connections and ends them at shutdown.

use crate::error::{Error, ErrorKind};
use crate::locks::Mutex;
use crate::proto::http::Access;
use crate::runtime::http::listener::endpoint::{Endpoint, tick};
use crate::runtime::http::routes::pages::FixedPages;
use crate::runtime::http::routes::paths::{Paths, Route};
use crate::runtime::http::service::http_service::HttpService;
use crate::runtime::options::http::{HttpTransport, ListenAddress};
use crate::runtime::sockets::accept::accept;
use crate::runtime::sockets::address::{exposed, is_local};
use crate::runtime::sockets::connections::{Connections, Phase};
use crate::runtime::sockets::inherited_sockets;
use crate::runtime::sockets::inherited_sockets::Listening;
use crate::runtime::sockets::io;
use crate::runtime::sockets::io::Accept;
use crate::runtime::sockets::panic_boundary::essential_task;
use crate::runtime::sockets::unix;
use crate::runtime::threads::pool::Reactors;
use crate::runtime::transport::interface::{PublicUrl, ServeContext, Serving, StartOrder, Transport};
use crate::runtime::transport::lifecycle::{FLUSH_TIMEOUT, Lifecycle};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// The number of the listener's own tasks: one accepts connections, and one runs the periodic work.
const OWN_TASKS: usize = 2;

/// A listener that has been started.
pub(crate) struct Listener {
    service: HttpService,
    connections: Arc<Connections>,
    lifecycle: Arc<Lifecycle>,
    /// The paths, which are set when the listener begins to accept connections. Until then, transports may add paths.
    paths: OnceLock<Arc<Paths>>,
    pending: Mutex<PendingListener>,
    at: BoundAddress,
    /// The hosts and origins of the first transport. Other transports use them if they set none of their own.
    pub(in crate::runtime::http) access: Access,
}

/// A listener that does not accept connections yet.
struct PendingListener {
    paths: Paths,
    begin: Option<Box<dyn FnOnce(Arc<Paths>) + Send>>,
}

/// The address of a listener.
pub(in crate::runtime::http) enum BoundAddress {
    Tcp(SocketAddr),
    Unix(PathBuf),
    /// A Unix socket without a known file.
    Unknown,
}

/// One path of a listener, as a started transport. The first path also opens and ends the listener.
pub(in crate::runtime::http) struct ServedPath {
    pub(in crate::runtime::http) listener: Arc<Listener>,
    pub(in crate::runtime::http) is_first: bool,
    pub(in crate::runtime::http) public_url: Option<PublicUrl>,
    pub(in crate::runtime::http) exposed: Option<String>,
}

impl Transport for HttpTransport {
    fn check(&self) -> Result<(), Error> {
        match &self.place {
            ListenAddress::Address(_) => Ok(()),
            ListenAddress::Unix(unix) => unix::check_mode(unix.mode),
            ListenAddress::Socket(socket) => inherited_sockets::inspect(socket).map(drop),
        }
    }

    fn start_order(&self) -> StartOrder {
        StartOrder::Address
    }

    /// Binds the address. Connections are accepted after all transports have started.
    fn start(self: Box<Self>, context: &ServeContext) -> Result<Box<dyn Serving>, Error> {
        self.allowed.check("http ")?;
        let named = |access: Access| self.allowed.add_to(access);
        Ok(Box::new(Listener::bind(context, &self.place, named)?.with_mcp(&self.path)?))
    }
}

impl Listener {
    /// Listens on an address. `named` adds the hosts and origins that are allowed. Fails if the address cannot be
    /// bound.
    pub(in crate::runtime::http) fn bind(
        context: &ServeContext,
        place: &ListenAddress,
        named: impl Fn(Access) -> Access,
    ) -> Result<Arc<Listener>, Error> {
        let reactors = context.executor.reactors()?;
        let reactor = reactors.first().handle.clone();
        let _entered = reactor.enter();
        let tcp = |address: SocketAddr| {
            named(if is_local(address.ip()) { Access::loopback() } else { Access::public() })
        };
        // A web page can reach a Unix socket only through a proxy, which other machines may reach too.
        let access = || named(Access::public());
        let listener = match place {
            ListenAddress::Address(address) => {
                let (acceptor, address) = io::bind(address)?;
                Listener::new(context, reactors, acceptor, tcp(address), BoundAddress::Tcp(address))
            }
            ListenAddress::Unix(unix) => {
                let bound = unix::bind(&unix.path, unix.mode)?;
                Listener::new(context, reactors, bound, access(), BoundAddress::Unix(unix.path.clone()))
            }
            ListenAddress::Socket(socket) => {
                let io = |error| Error::new(ErrorKind::Io, format!("socket: {error}"));
                match inherited_sockets::listening(socket.try_clone().map_err(io)?)? {
                    Listening::Tcp(listener) => {
                        let address = listener.local_addr().map_err(io)?;
                        Listener::new(context, reactors, listener, tcp(address), BoundAddress::Tcp(address))
                    }
                    Listening::Unix(listener) => {
                        let address = listener.local_addr().map_err(io)?;
                        let at = address
                            .as_pathname()
                            .map(Path::to_owned)
                            .map_or(BoundAddress::Unknown, BoundAddress::Unix);
                        Listener::new(context, reactors, listener, access(), at)
                    }
                }
            }
        };
        let text = match place {
            ListenAddress::Address(address) => Some(address.as_str()),
            ListenAddress::Unix(_) | ListenAddress::Socket(_) => None,
        };
        context.listens(text, &listener);
        Ok(listener)
    }

    /// Creates a listener for the connections of any `acceptor`. It accepts connections after
    /// [`Listener::start_accepting`].
    pub(in crate::runtime::http) fn new(
        context: &ServeContext,
        reactors: Arc<Reactors>,
        acceptor: impl Accept,
        access: Access,
        at: BoundAddress,
    ) -> Arc<Listener> {
        let service = context.http(|| HttpService::with_engine(&context.engine, Access::public())).clone();
        let connections: Arc<Connections> = Arc::default();
        // The guards are created now, so that the shutdown waits for the acceptor, which holds the address.
        let (ticks, accepts) = (connections.enter(), connections.enter());
        let (shared, all) = (service.clone(), connections.clone());
        let pages = Arc::new(FixedPages::new(access.clone()));
        let lifecycle = context.lifecycle.clone();
        let begin = move |paths: Arc<Paths>| {
            let endpoint = Endpoint { service: shared.clone(), paths: paths.clone(), pages };
            let handle = reactors.first().handle.clone();
            let shares = shared.engine().0.shares.clone();
            let max = shared.limits().max_connections + OWN_TASKS;
            let engine = shared.engine().clone();
            handle.spawn(tick(shared, paths, ticks));
            let accepts = move || accept(endpoint, acceptor, reactors, all, (max, shares), accepts);
            handle.spawn(essential_task(engine, lifecycle, "a listener", accepts));
        };
        let pending = PendingListener { paths: Paths::default(), begin: Some(Box::new(begin)) };
        Arc::new(Listener {
            service,
            connections,
            lifecycle: context.lifecycle.clone(),
            paths: OnceLock::new(),
            pending: Mutex::new(pending),
            at,
            access,
        })
    }

    /// Serves Streamable HTTP on this path. Fails if the path is already in use.
    pub(in crate::runtime::http) fn with_mcp(self: Arc<Self>, path: &str) -> Result<ServedPath, Error> {
        self.add(path, Route::Mcp(self.service.with_access(self.access.clone())))?;
        let public_url = self.url("http", path).map(PublicUrl::Http);
        let exposed = self.exposed(&self.access, true);
        Ok(ServedPath { listener: self, is_first: true, public_url, exposed })
    }

    /// The address at which other machines may reach a path with the rules `access`, for the log; `None` if they
    /// cannot. If several paths share an address, only the first path reports it.
    pub(in crate::runtime::http) fn exposed(&self, access: &Access, is_first: bool) -> Option<String> {
        let at = match &self.at {
            BoundAddress::Tcp(address) => exposed(*address),
            // HTTP on a Unix socket is usually for a proxy, so it counts as reachable.
            BoundAddress::Unix(file) => Some(format!("the Unix socket {}", file.display())),
            BoundAddress::Unknown => Some("a Unix socket".to_owned()),
        };
        match at {
            Some(place) => is_first.then_some(place),
            None => access.public_host().map(|host| format!("a loopback address for hosts such as {host}")),
        }
    }

    pub(in crate::runtime::http) fn service(&self) -> &HttpService {
        &self.service
    }

    /// Whether the listener's address is a loopback address.
    pub(in crate::runtime::http) fn is_loopback(&self) -> bool {
        matches!(self.at, BoundAddress::Tcp(address) if is_local(address.ip()))
    }

    /// Adds a path. Fails if another transport or a page already uses the path.
    pub(in crate::runtime::http) fn add(&self, path: &str, route: Route) -> Result<(), Error> {
        self.service.engine().0.pages.take(path, route.name())?;
        if self.pending.lock().paths.add(path, route) {
            return Ok(());
        }
        let url = self.url("http", path).unwrap_or_else(|| path.to_owned());
        Err(Error::invalid(format!("{url} is used twice: each transport needs its own path")))
    }

    /// The URL of a path. For a Unix socket, it has the form that [`HttpOptions::new`] accepts.
    pub(in crate::runtime::http) fn url(&self, scheme: &str, path: &str) -> Option<String> {
        match &self.at {
            BoundAddress::Tcp(address) => Some(format!("{scheme}://{address}{path}")),
            BoundAddress::Unix(file) => Some(format!("unix:{}:{path}", file.display())),
            BoundAddress::Unknown => None,
        }
    }

    /// Begins to accept connections.
    fn start_accepting(&self) {
        let (paths, begin) = {
            let mut pending = self.pending.lock();
            (Arc::new(std::mem::take(&mut pending.paths)), pending.begin.take())
        };
        if let Some(begin) = begin {
            let _ = self.paths.set(paths.clone());
            begin(paths);
        }
    }

    fn begin_end(&self) {
        // A listener that never accepted connections must release its address here.
        let begin = self.pending.lock().begin.take();
        drop(begin);
        self.lifecycle.on_earlier_deadline(self.connections.clone());
        if let Some(paths) = self.paths.get() {
            paths.end();
        }
        self.connections.advance(Phase::Draining);
    }
}

impl Serving for ServedPath {
    fn open(&self) {
        if self.is_first {
            self.listener.start_accepting();
        }
    }

    /// Ends listen streams and idle connections at once.
    fn begin_end(&self) {
        if self.is_first {
            self.listener.begin_end();
        }
    }

    fn drain(&self) {
        // One task is left: the task for the periodic work runs until the end.
        self.listener.connections.wait(1, || self.listener.lifecycle.deadline());
    }

    fn flush(&self) {
        self.listener.connections.wait(1, || self.listener.lifecycle.deadline() + FLUSH_TIMEOUT);
        self.listener.connections.advance(Phase::Dead);
    }

    fn close(&self) {
        // The other tasks need only one more poll to end.
        self.listener.connections.wait(0, || self.listener.lifecycle.deadline() + 2 * FLUSH_TIMEOUT);
    }

    fn address(&self) -> Option<SocketAddr> {
        match self.listener.at {
            BoundAddress::Tcp(address) if matches!(self.public_url, Some(PublicUrl::Http(_))) => {
                Some(address)
            }
            _ => None,
        }
    }

    fn exposed(&self) -> Option<String> {
        self.exposed.clone()
    }

    fn public_url(&self) -> Option<&PublicUrl> {
        self.public_url.as_ref()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.connections.advance(Phase::Dead);
    }
}
