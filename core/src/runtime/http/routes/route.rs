//! One route: the paths that it answers, and its handler.

use crate::dispatch::path_pattern::PathPattern;
use crate::proto::http::{Access, Refusal};
use crate::runtime::http::connection::caller::Caller;
use crate::runtime::http::connection::connection_state::ConnectionState;
use crate::runtime::http::connection::request_body::RequestBody;
use crate::runtime::http::connection::upgrade::Upgrade;
use crate::runtime::http::response::body::ResponseBody;
use crate::runtime::http::response::responses::{drain_and_refuse, refused};
use crate::runtime::http::service::http_service::HttpService;
use http::{Method, Request, Response};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Instant;

/// The result of a request.
// Most results are responses, and a box would cost each of them an allocation.
#[allow(clippy::large_enum_variant)]
pub(in crate::runtime::http) enum Answer {
    /// A response. If its body is open, the response is a stream.
    Response(Response<ResponseBody>),
    /// The connection continues in another protocol, which writes the response to the request.
    Upgrade(Upgrade),
}

/// The result of a request, as soon as it is known.
pub(in crate::runtime::http) type Answering<'r> = Pin<Box<dyn Future<Output = Answer> + Send + 'r>>;

/// A request on one of the engine's connections.
pub(in crate::runtime::http) type RouteRequest<'r> = Request<RequestBody<'r>>;

/// Answers the requests of a route.
pub(in crate::runtime::http) trait RouteHandler: Send + Sync {
    /// Answers one request. The framing of its body and the method were checked already.
    fn answer<'r>(&'r self, request: RouteRequest<'r>, connection: &'r Arc<ConnectionState>)
    -> Answering<'r>;

    /// Does periodic work, about every five seconds.
    fn tick(&self, _now: Instant) {}

    /// Ends the streams of this route, because the server is closing.
    fn end(&self) {}
}

/// What answers the requests of a route.
pub(in crate::runtime::http) enum RouteTarget {
    /// The endpoint of Streamable HTTP. Most requests are for this endpoint, so they are answered without the box of
    /// [`RouteHandler::answer`].
    Mcp(HttpService),
    /// Any other handler.
    Other(Arc<dyn RouteHandler>),
}

impl RouteTarget {
    pub(in crate::runtime::http) fn tick(&self, now: Instant) {
        match self {
            RouteTarget::Mcp(service) => service.tick(),
            RouteTarget::Other(handler) => handler.tick(now),
        }
    }

    pub(in crate::runtime::http) fn end(&self) {
        match self {
            RouteTarget::Mcp(service) => service.end_streams(),
            RouteTarget::Other(handler) => handler.end(),
        }
    }
}

/// The methods of a route, and the refusal of the others.
#[derive(Clone, Copy, Debug)]
pub(in crate::runtime::http) struct Methods {
    pub(in crate::runtime::http) allowed: &'static [Method],
    pub(in crate::runtime::http) refusal: fn() -> Refusal,
}

/// A route before its listener has an address.
pub(in crate::runtime::http) struct RouteConfig {
    /// The name of the route in errors.
    pub(in crate::runtime::http) name: &'static str,
    pub(in crate::runtime::http) path: PathPattern,
    /// The allowed methods; `None` if the handler checks the method itself.
    pub(in crate::runtime::http) methods: Option<Methods>,
    /// Makes the handler. The hosts and origins that are allowed depend on the address.
    pub(in crate::runtime::http) handler: Box<dyn FnOnce(Access) -> RouteTarget + Send>,
}

/// One row of a listener's table.
pub(in crate::runtime::http) struct Route {
    pub(in crate::runtime::http) name: &'static str,
    pub(in crate::runtime::http) path: PathPattern,
    pub(in crate::runtime::http) methods: Option<Methods>,
    pub(in crate::runtime::http) handler: RouteTarget,
}

impl RouteConfig {
    /// Makes the route of a listener with the rules `access`.
    pub(in crate::runtime::http) fn with_access(self, access: Access) -> Route {
        let RouteConfig { name, path, methods, handler } = self;
        Route { name, path, methods, handler: handler(access) }
    }
}

impl Route {
    pub(in crate::runtime::http) async fn answer(
        &self,
        request: Request<RequestBody<'_>>,
        connection: &Arc<ConnectionState>,
    ) -> Answer {
        if let Some(methods) = &self.methods
            && !methods.allowed.contains(request.method())
        {
            let (head, body) = request.into_parts();
            let refusal = refused((methods.refusal)());
            return Answer::Response(drain_and_refuse(refusal, &head, pin!(body)).await);
        }
        match &self.handler {
            RouteTarget::Mcp(service) => {
                Answer::Response(service.handle_for(request, Caller::on(connection)).await)
            }
            RouteTarget::Other(handler) => handler.answer(request, connection).await,
        }
    }
}
