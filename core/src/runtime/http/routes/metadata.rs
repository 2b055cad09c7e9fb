//! The route of the metadata of a protected resource (RFC 9728, AU-5 to AU-7, AU-14).

use crate::dispatch::path_pattern::PathPattern;
use crate::runtime::http::connection::caller::Caller;
use crate::runtime::http::connection::connection_state::ConnectionState;
use crate::runtime::http::response::responses::drain_and_refuse;
use crate::runtime::http::routes::route::{
    Answer, Answering, RouteConfig, RouteHandler, RouteRequest, RouteTarget,
};
use crate::runtime::http::service::http_service::HttpService;
use crate::runtime::http::service::metadata::metadata;
use crate::runtime::options::transports::TransportKind;
use std::pin::pin;
use std::sync::Arc;
use tenon_tokens::WELL_KNOWN;

/// The metadata of the endpoints of a server.
struct Metadata {
    service: HttpService,
}

/// The routes, if the server has authorization servers: the paths of the metadata of all endpoints.
pub(in crate::runtime::http) fn route(service: &HttpService) -> Option<RouteConfig> {
    let service = service.clone();
    let has_servers = !service.engine().0.authorization_servers.is_empty();
    has_servers.then(|| RouteConfig {
        name: "the metadata of the resource",
        path: PathPattern::Prefix(WELL_KNOWN.to_owned()),
        methods: None,
        // The document is public, so no host and no origin is refused.
        handler: Box::new(|_| RouteTarget::Other(Arc::new(Metadata { service }))),
    })
}

impl RouteHandler for Metadata {
    fn answer<'r>(
        &'r self,
        request: RouteRequest<'r>,
        connection: &'r Arc<ConnectionState>,
    ) -> Answering<'r> {
        Box::pin(async {
            let (head, body) = request.into_parts();
            let pages = &self.service.engine().0.pages;
            let endpoint = TransportKind::Http.row();
            let path_of = |named: &str| match named {
                "" => pages.path_of(endpoint.title).or(endpoint.default_path.map(str::to_owned)),
                // A page is no endpoint.
                named => pages.is_taken(named).then(|| named.to_owned()),
            };
            let response = metadata(&self.service, &head, Caller::on(connection), path_of);
            Answer::Response(drain_and_refuse(response, &head, pin!(body)).await)
        })
    }
}
