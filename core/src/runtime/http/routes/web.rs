//! WebSocket and HTTP+SSE as transports. Each uses paths of its own listener, or of a listener that exists already.

use crate::error::Error;
use crate::proto::http::Access;
use crate::runtime::http::connection::listener::{Listener, Served};
use crate::runtime::http::legacy_sse::SseEndpoint;
use crate::runtime::http::routes::paths::Route;
use crate::runtime::server::options::Place;
use crate::runtime::server::transport::{PublicUrl, ServeContext, Serving, StartOrder, Transport};
use crate::runtime::server::web_options::{Spot, SseOptions, WebSocketOptions};
use std::sync::Arc;

/// Finds the listener that a spot names, or makes one; with the hosts and origins that hold there.
fn listener(site: &ServeContext, what: &str, spot: &Spot) -> Result<(Arc<Listener>, Access, bool), Error> {
    let allowed = &spot.allowed;
    allowed.check(&format!("{what} "))?;
    let named = |access: Access| allowed.add_to(access);
    let shared = match &spot.address {
        Some(address) => site.listener(address),
        None => Some(site.first_listener().ok_or_else(|| {
            Error::invalid(format!(
                "{what} path {:?} is one of an HTTP address, and none is served: write host:port{0}",
                spot.path
            ))
        })?),
    };
    match (shared, &spot.address) {
        (Some(listener), _) => {
            let own = !allowed.hosts.is_empty() || !allowed.origins.is_empty();
            let access = match (own, listener.is_loopback()) {
                (false, _) => named(listener.access.clone()),
                (true, true) => named(Access::loopback()),
                (true, false) => named(Access::public()),
            };
            Ok((listener, access, false))
        }
        (None, address) => {
            let place = Place::Address(address.clone().unwrap_or_default());
            let listener = Listener::bind(site, &place, named)?;
            let access = listener.access.clone();
            Ok((listener, access, true))
        }
    }
}

impl Transport for WebSocketOptions {
    fn turn(&self) -> StartOrder {
        StartOrder::Path
    }

    fn start(self: Box<Self>, site: &ServeContext) -> Result<Box<dyn Serving>, Error> {
        let spot = &self.spot;
        let (listener, access, leads) = listener(site, "websocket", spot)?;
        let exposed = listener.exposed(&access, leads);
        listener.add(&spot.path, Route::WebSocket(Arc::new(access)))?;
        let reach = listener.url("ws", &spot.path).map(PublicUrl::WebSocket);
        Ok(Box::new(Served { listener, leads, reach, exposed }))
    }
}

impl Transport for SseOptions {
    fn turn(&self) -> StartOrder {
        StartOrder::Path
    }

    fn start(self: Box<Self>, site: &ServeContext) -> Result<Box<dyn Serving>, Error> {
        let spot = &self.spot;
        let (listener, access, leads) = listener(site, "sse", spot)?;
        let messages = self.messages_path();
        let exposed = listener.exposed(&access, leads);
        let endpoint = SseEndpoint::new(listener.service(), access, &messages);
        listener.add(&spot.path, Route::Events(endpoint.clone()))?;
        listener.add(&messages, Route::Messages(endpoint))?;
        let reach = listener.url("http", &spot.path).map(PublicUrl::Sse);
        Ok(Box::new(Served { listener, leads, reach, exposed }))
    }
}
