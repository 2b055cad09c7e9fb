//! Everything from which a listener is made.

use crate::dispatch::limits::Limits;
use crate::runtime::http::routes::route::RouteConfig;
use crate::runtime::options::allowed::Allowed;
use crate::runtime::options::http::ListenAddress;
use crate::runtime::transport::interface::ServeContext;
use std::time::Duration;

/// A listener before it is bound.
pub(in crate::runtime::http) struct ListenerConfig {
    /// The address, Unix socket or inherited socket.
    pub(in crate::runtime::http) place: ListenAddress,
    /// The hosts, origins and headers that are allowed beside the defaults of the address.
    pub(in crate::runtime::http) allowed: Allowed,
    pub(in crate::runtime::http) limits: ListenerLimits,
    /// The routes. Before the listener accepts connections, other transports may add further ones.
    pub(in crate::runtime::http) routes: Vec<RouteConfig>,
}

/// The limits of a listener and its connections. They are described at [`Limits`].
#[derive(Clone, Copy, Debug)]
pub(in crate::runtime::http) struct ListenerLimits {
    pub(in crate::runtime::http) max_connections: usize,
    pub(in crate::runtime::http) header_timeout: Duration,
    pub(in crate::runtime::http) request_timeout: Duration,
    pub(in crate::runtime::http) write_timeout: Duration,
}

impl ListenerConfig {
    /// A listener with the limits of the server.
    pub(in crate::runtime::http) fn new(
        context: &ServeContext,
        place: ListenAddress,
        allowed: Allowed,
        routes: Vec<RouteConfig>,
    ) -> ListenerConfig {
        ListenerConfig { place, allowed, limits: context.engine.limits().into(), routes }
    }
}

impl From<&Limits> for ListenerLimits {
    fn from(limits: &Limits) -> ListenerLimits {
        let &Limits { max_connections, header_timeout, request_timeout, write_timeout, .. } = limits;
        ListenerLimits { max_connections, header_timeout, request_timeout, write_timeout }
    }
}
