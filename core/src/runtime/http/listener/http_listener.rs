//! An HTTP listener, which accepts connections and ends them at shutdown.

use crate::error::{Error, ErrorKind};
use crate::locks::Mutex;
use crate::proto::http::Access;
use crate::runtime::http::listener::config::ListenerConfig;
use crate::runtime::http::listener::endpoint::{Endpoint, tick};
use crate::runtime::http::routes::route::Route;
use crate::runtime::http::routes::table::RouteTable;
use crate::runtime::http::routes::{metadata, pages};
use crate::runtime::http::service::http_service::HttpService;
use crate::runtime::options::http::ListenAddress;
use crate::runtime::options::transports::TransportKind;
use crate::runtime::sockets::accept::accept;
use crate::runtime::sockets::address::{exposed, is_local};
use crate::runtime::sockets::inherited_sockets;
use crate::runtime::sockets::inherited_sockets::Listening;
use crate::runtime::sockets::io;
use crate::runtime::sockets::io::Accept;
use crate::runtime::sockets::panic_boundary::essential_task;
use crate::runtime::sockets::served_connections::ServedConnections;
use crate::runtime::sockets::unix;
use crate::runtime::threads::pool::Reactors;
use crate::runtime::transport::interface::ServeContext;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// The number of the listener's own tasks: one accepts connections, and one runs the periodic work.
const OWN_TASKS: usize = 2;

/// A listener that has been started.
pub(crate) struct Listener {
    pub(super) service: HttpService,
    pub(in crate::runtime::http) connections: ServedConnections,
    /// The routes, which are set when the listener begins to accept connections. Until then, transports may add routes.
    routes: OnceLock<Arc<RouteTable>>,
    pending: Mutex<PendingListener>,
    at: BoundAddress,
    /// The hosts and origins of the first transport. Other transports use them if they set none of their own.
    pub(in crate::runtime::http) access: Access,
}

/// A listener that does not accept connections yet.
struct PendingListener {
    routes: RouteTable,
    begin: Option<Box<dyn FnOnce(Arc<RouteTable>) + Send>>,
}

/// The address of a listener.
pub(in crate::runtime::http) enum BoundAddress {
    Tcp(SocketAddr),
    Unix(PathBuf),
    /// A Unix socket without a known file.
    Unknown,
}

impl BoundAddress {
    /// The hosts and origins that are allowed by default.
    fn default_access(&self) -> Access {
        match self {
            BoundAddress::Tcp(address) if is_local(address.ip()) => Access::loopback(),
            // A web page can reach a Unix socket only through a proxy, which other machines may reach too.
            BoundAddress::Tcp(_) | BoundAddress::Unix(_) | BoundAddress::Unknown => Access::public(),
        }
    }
}

impl Listener {
    /// Binds the address of `config`. Fails if the address cannot be bound, or if two routes have the same path.
    pub(in crate::runtime::http) fn bind(
        context: &ServeContext,
        config: ListenerConfig,
    ) -> Result<Arc<Listener>, Error> {
        let reactors = context.executor.reactors()?;
        let reactor = reactors.first().handle.clone();
        let _entered = reactor.enter();
        let place = config.place.clone();
        let listener = match &place {
            ListenAddress::Address(address) => {
                let (acceptor, address) = io::bind(address)?;
                Listener::new(context, reactors, acceptor, BoundAddress::Tcp(address), config)?
            }
            ListenAddress::Unix(unix) => {
                let bound = unix::bind(&unix.path, unix.mode)?;
                Listener::new(context, reactors, bound, BoundAddress::Unix(unix.path.clone()), config)?
            }
            ListenAddress::Socket(socket) => {
                let io = |error| Error::new(ErrorKind::Io, format!("socket: {error}"));
                match inherited_sockets::listening(socket.try_clone().map_err(io)?)? {
                    Listening::Tcp(listener) => {
                        let address = BoundAddress::Tcp(listener.local_addr().map_err(io)?);
                        Listener::new(context, reactors, listener, address, config)?
                    }
                    Listening::Unix(listener) => {
                        let address = listener.local_addr().map_err(io)?;
                        let at = address
                            .as_pathname()
                            .map(Path::to_owned)
                            .map_or(BoundAddress::Unknown, BoundAddress::Unix);
                        Listener::new(context, reactors, listener, at, config)?
                    }
                }
            }
        };
        let text = match &place {
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
        at: BoundAddress,
        config: ListenerConfig,
    ) -> Result<Arc<Listener>, Error> {
        let ListenerConfig { place: _, allowed, limits, routes } = config;
        let access = allowed.add_to(at.default_access());
        let service = context.http().clone();
        // The task for the periodic work runs until the end.
        let served = ServedConnections::new(&context.lifecycle, 1);
        let connections = &served.connections;
        // The guards are created now, so that the shutdown waits for the acceptor, which holds the address.
        let (ticks, accepts) = (connections.enter(), connections.enter());
        let (shared, all) = (service.clone(), connections.clone());
        let lifecycle = context.lifecycle.clone();
        let begin = move |routes: Arc<RouteTable>| {
            let endpoint = Endpoint { service: shared.clone(), routes: routes.clone(), limits };
            let handle = reactors.first().handle.clone();
            let shares = shared.engine().0.shares.clone();
            let max = limits.max_connections + OWN_TASKS;
            let engine = shared.engine().clone();
            handle.spawn(tick(shared, routes, ticks));
            let accepts = move || accept(endpoint, acceptor, reactors, all, (max, shares), accepts);
            handle.spawn(essential_task(engine, lifecycle, "a listener", accepts));
        };
        let mut table = RouteTable::default();
        // Pages may be added and removed while the server runs, so no path is reserved for them.
        let pages = pages::route(&service).with_access(access.clone());
        table.add(pages).expect("it is the first route");
        let pending = PendingListener { routes: table, begin: Some(Box::new(begin)) };
        let listener = Arc::new(Listener {
            service,
            connections: served,
            routes: OnceLock::new(),
            pending: Mutex::new(pending),
            at,
            access,
        });
        let access = &listener.access;
        let routes = routes.into_iter().chain(metadata::route(&listener.service));
        routes.into_iter().try_for_each(|route| listener.add(route.with_access(access.clone())))?;
        Ok(listener)
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

    /// The hosts and origins that are allowed by default at this address.
    pub(in crate::runtime::http) fn default_access(&self) -> Access {
        self.at.default_access()
    }

    /// Adds a route. Fails if another route or a page already has its path.
    pub(in crate::runtime::http) fn add(&self, route: Route) -> Result<(), Error> {
        let (name, path) = (route.name, route.path.clone());
        self.service.engine().0.pages.take(path.clone(), name)?;
        self.pending.lock().routes.add(route).map_err(|present| {
            let url = self
                .url(TransportKind::Http.row().scheme, path.path())
                .unwrap_or_else(|| path.path().to_owned());
            Error::invalid(format!(
                "{url} is used twice, by {present} and by {name}: give each of them a path of its own"
            ))
        })
    }

    /// The URL of a path. For a Unix socket, it has the form that [`HttpOptions::new`](crate::HttpOptions::new) accepts.
    pub(in crate::runtime::http) fn url(&self, scheme: &str, path: &str) -> Option<String> {
        match &self.at {
            BoundAddress::Tcp(address) => Some(format!("{scheme}://{address}{path}")),
            BoundAddress::Unix(file) => Some(format!("unix:{}:{path}", file.display())),
            BoundAddress::Unknown => None,
        }
    }

    /// The address, if the listener accepts TCP connections.
    pub(in crate::runtime::http) fn address(&self) -> Option<SocketAddr> {
        match self.at {
            BoundAddress::Tcp(address) => Some(address),
            BoundAddress::Unix(_) | BoundAddress::Unknown => None,
        }
    }

    /// Begins to accept connections.
    pub(in crate::runtime::http) fn start_accepting(&self) {
        let (routes, begin) = {
            let mut pending = self.pending.lock();
            (Arc::new(std::mem::take(&mut pending.routes)), pending.begin.take())
        };
        if let Some(begin) = begin {
            let _ = self.routes.set(routes.clone());
            begin(routes);
        }
    }

    /// Ends listen streams and idle connections at once.
    pub(in crate::runtime::http) fn begin_end(&self) {
        // A listener that never accepted connections must release its address here.
        let begin = self.pending.lock().begin.take();
        drop(begin);
        if let Some(routes) = self.routes.get() {
            routes.end();
        }
        self.connections.begin_end();
    }
}
