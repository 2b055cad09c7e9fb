//! The server half of HTTP+SSE: two paths of its own listener, or of a listener that another transport has started.

use super::endpoint::SseEndpoint;
use crate::error::Error;
use crate::proto::http::Access;
use crate::runtime::http::connection::connection_state::ConnectionState;
use crate::runtime::http::listener::served_path::ServedPath;
use crate::runtime::http::routes::route::{
    Answer, Answering, RouteConfig, RouteHandler, RouteRequest, RouteTarget,
};
use crate::runtime::options::transports::TransportKind;
use crate::runtime::options::web::SseTransport;
use crate::runtime::transport::interface::{ServeContext, ServerTransport, Serving, StartOrder};
use std::sync::Arc;
use std::time::Instant;

impl ServerTransport for SseTransport {
    fn kind(&self) -> TransportKind {
        TransportKind::Sse
    }

    fn start_order(&self) -> StartOrder {
        StartOrder::Path
    }

    fn start(self: Box<Self>, context: &ServeContext) -> Result<Box<dyn Serving>, Error> {
        let messages = self.messages_path();
        let endpoint = SseEndpoint::new(context.http(), &messages);
        let events = {
            let endpoint = endpoint.clone();
            route(&self.endpoint.path, move |access| {
                RouteTarget::Other(Arc::new(Events { endpoint, access }))
            })
        };
        let messages =
            route(&messages, move |access| RouteTarget::Other(Arc::new(Messages { endpoint, access })));
        Ok(Box::new(ServedPath::at(context, TransportKind::Sse, &self.endpoint, vec![events, messages])?))
    }
}

/// The endpoint checks the methods, because it checks the access first.
fn route(path: &str, handler: impl FnOnce(Access) -> RouteTarget + Send + 'static) -> RouteConfig {
    RouteConfig {
        name: TransportKind::Sse.row().title,
        path: path.into(),
        methods: None,
        handler: Box::new(handler),
    }
}

/// The path of the event streams.
struct Events {
    endpoint: Arc<SseEndpoint>,
    access: Access,
}

/// The path to which clients post their messages.
struct Messages {
    endpoint: Arc<SseEndpoint>,
    access: Access,
}

impl RouteHandler for Events {
    fn answer<'r>(
        &'r self,
        request: RouteRequest<'r>,
        connection: &'r Arc<ConnectionState>,
    ) -> Answering<'r> {
        Box::pin(async { Answer::Response(self.endpoint.listen(request, &self.access, connection).await) })
    }

    fn tick(&self, now: Instant) {
        self.endpoint.tick(now);
    }

    fn end(&self) {
        self.endpoint.end();
    }
}

impl RouteHandler for Messages {
    fn answer<'r>(
        &'r self,
        request: RouteRequest<'r>,
        connection: &'r Arc<ConnectionState>,
    ) -> Answering<'r> {
        Box::pin(async { Answer::Response(self.endpoint.post(request, &self.access, connection).await) })
    }
}
