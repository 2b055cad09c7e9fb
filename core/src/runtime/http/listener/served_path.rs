//! The routes of one transport on a listener, as a started transport.

use crate::error::Error;
use crate::proto::http::Access;
use crate::runtime::http::listener::config::ListenerConfig;
use crate::runtime::http::listener::http_listener::Listener;
use crate::runtime::http::routes::route::RouteConfig;
use crate::runtime::options::http::ListenAddress;
use crate::runtime::options::transports::TransportKind;
use crate::runtime::options::web::EndpointAddress;
use crate::runtime::transport::interface::{ServeContext, Serving};
use std::net::SocketAddr;
use std::sync::Arc;

/// A transport on a path of a listener. The first transport of a listener also opens and ends the listener.
pub(in crate::runtime::http) struct ServedPath {
    listener: Arc<Listener>,
    is_first: bool,
    public_url: Option<String>,
    exposed: Option<String>,
}

impl ServedPath {
    /// Makes a listener for a transport of this kind. The path of its first route is the one for clients.
    pub(in crate::runtime::http) fn listen(
        context: &ServeContext,
        kind: TransportKind,
        config: ListenerConfig,
    ) -> Result<ServedPath, Error> {
        let path = path_for_clients(&config.routes);
        let listener = Listener::bind(context, config)?;
        let access = listener.access.clone();
        Ok(ServedPath::new(listener, kind, &path, &access, true))
    }

    /// Serves a transport of this kind on the listener with the address of `endpoint`, which is made if there is none.
    pub(in crate::runtime::http) fn at(
        context: &ServeContext,
        kind: TransportKind,
        endpoint: &EndpointAddress,
        routes: Vec<RouteConfig>,
    ) -> Result<ServedPath, Error> {
        let (what, allowed) = (kind.row().name, &endpoint.allowed);
        allowed.check(&format!("{what} "))?;
        let shared = match &endpoint.address {
            Some(address) => context.listener(address),
            None => Some(context.first_listener().ok_or_else(|| {
                Error::invalid(format!(
                    "{what} path {:?} needs an HTTP address, but none is served: add one, or write host:port{0}",
                    endpoint.path
                ))
            })?),
        };
        let Some(listener) = shared else {
            let place = ListenAddress::Address(endpoint.address.clone().unwrap_or_default());
            let config = ListenerConfig::new(context, place, allowed.clone(), routes);
            return ServedPath::listen(context, kind, config);
        };
        let access = match allowed.hosts.is_empty() && allowed.origins.is_empty() {
            true => listener.access.clone(),
            false => listener.default_access(),
        };
        let access = allowed.add_to(access);
        let path = path_for_clients(&routes);
        routes.into_iter().try_for_each(|route| listener.add(route.with_access(access.clone())))?;
        Ok(ServedPath::new(listener, kind, &path, &access, false))
    }

    fn new(
        listener: Arc<Listener>,
        kind: TransportKind,
        path: &str,
        access: &Access,
        is_first: bool,
    ) -> ServedPath {
        let public_url = listener.url(kind.row().scheme, path);
        let exposed = listener.exposed(access, is_first);
        ServedPath { listener, is_first, public_url, exposed }
    }
}

/// The path that clients are told, which is the one of the first route.
fn path_for_clients(routes: &[RouteConfig]) -> String {
    routes.first().map(|route| route.path.path().to_owned()).unwrap_or_default()
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
        self.listener.connections.drain();
    }

    fn flush(&self) {
        self.listener.connections.flush();
    }

    fn close(&self) {
        self.listener.connections.close();
        self.listener.service.session_table().leave_all();
    }

    fn address(&self) -> Option<SocketAddr> {
        self.listener.address()
    }

    fn exposed(&self) -> Option<String> {
        self.exposed.clone()
    }

    fn public_url(&self) -> Option<&str> {
        self.public_url.as_deref()
    }
}
