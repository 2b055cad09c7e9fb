//! WebSocket and HTTP+SSE as transports. Each uses paths of its own listener, or of a listener that another transport
//! has started.

use crate::error::Error;
use crate::proto::http::Access;
use crate::runtime::http::legacy_sse::endpoint::SseEndpoint;
use crate::runtime::http::listener::http_listener::{Listener, ServedPath};
use crate::runtime::http::routes::paths::Route;
use crate::runtime::options::http::ListenAddress;
use crate::runtime::options::web::{EndpointAddress, SseTransport, WebSocketTransport};
use crate::runtime::transport::interface::{PublicUrl, ServeContext, Serving, StartOrder, Transport};
use std::sync::Arc;

/// Finds the listener with the endpoint's address, or makes one. Returns the listener, the hosts and origins for its
/// path, and whether the listener is new.
fn listener(
    context: &ServeContext,
    what: &str,
    endpoint: &EndpointAddress,
) -> Result<(Arc<Listener>, Access, bool), Error> {
    let allowed = &endpoint.allowed;
    allowed.check(&format!("{what} "))?;
    let named = |access: Access| allowed.add_to(access);
    let shared = match &endpoint.address {
        Some(address) => context.listener(address),
        None => Some(context.first_listener().ok_or_else(|| {
            Error::invalid(format!(
                "{what} path {:?} needs an HTTP address, but none is served: add one, or write host:port{0}",
                endpoint.path
            ))
        })?),
    };
    match (shared, &endpoint.address) {
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
            let place = ListenAddress::Address(address.clone().unwrap_or_default());
            let listener = Listener::bind(context, &place, named)?;
            let access = listener.access.clone();
            Ok((listener, access, true))
        }
    }
}

impl Transport for WebSocketTransport {
    fn start_order(&self) -> StartOrder {
        StartOrder::Path
    }

    fn start(self: Box<Self>, context: &ServeContext) -> Result<Box<dyn Serving>, Error> {
        let endpoint = &self.endpoint;
        let (listener, access, is_first) = listener(context, "websocket", endpoint)?;
        let exposed = listener.exposed(&access, is_first);
        listener.add(&endpoint.path, Route::WebSocket(Arc::new(access)))?;
        let public_url = listener.url("ws", &endpoint.path).map(PublicUrl::WebSocket);
        Ok(Box::new(ServedPath { listener, is_first, public_url, exposed }))
    }
}

impl Transport for SseTransport {
    fn start_order(&self) -> StartOrder {
        StartOrder::Path
    }

    fn start(self: Box<Self>, context: &ServeContext) -> Result<Box<dyn Serving>, Error> {
        let endpoint = &self.endpoint;
        let (listener, access, is_first) = listener(context, "sse", endpoint)?;
        let messages = self.messages_path();
        let exposed = listener.exposed(&access, is_first);
        let events = SseEndpoint::new(listener.service(), access, &messages);
        listener.add(&endpoint.path, Route::Events(events.clone()))?;
        listener.add(&messages, Route::Messages(events))?;
        let public_url = listener.url("http", &endpoint.path).map(PublicUrl::Sse);
        Ok(Box::new(ServedPath { listener, is_first, public_url, exposed }))
    }
}
