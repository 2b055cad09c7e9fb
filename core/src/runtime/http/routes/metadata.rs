//! The route of the metadata of a protected resource (RFC 9728, AU-5 to AU-7, AU-14).

use crate::dispatch::path_pattern::PathPattern;
use crate::proto::http::ALLOW_PAGE;
use crate::runtime::http::connection::caller::Caller;
use crate::runtime::http::connection::connection_state::ConnectionState;
use crate::runtime::http::response::body::ResponseBody;
use crate::runtime::http::response::responses::{drain_and_refuse, empty, json};
use crate::runtime::http::routes::route::{
    Answer, Answering, RouteConfig, RouteHandler, RouteRequest, RouteTarget,
};
use crate::runtime::http::service::http_service::HttpService;
use crate::runtime::options::transports::TransportKind;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode, Uri};
use std::pin::pin;
use std::sync::Arc;
use tenon_tokens::WELL_KNOWN;

/// How long clients may cache the metadata.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// The headers that may name the URL.
const VARY: &str = "Host, Forwarded, X-Forwarded-Host, X-Forwarded-Proto";

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

/// Whether a request that a program has passed to the service is for the metadata of an endpoint.
pub(in crate::runtime::http) fn is_named(service: &HttpService, uri: &Uri) -> bool {
    let has_servers = !service.engine().0.authorization_servers.is_empty();
    let named = || uri.path().strip_prefix(WELL_KNOWN);
    has_servers && named().is_some_and(|named| named.is_empty() || named.starts_with('/'))
}

/// The response to such a request. The program's router knows the endpoints.
pub(in crate::runtime::http) fn of_service(
    service: &HttpService,
    head: &Parts,
    caller: Caller<'_>,
) -> Response<ResponseBody> {
    let has_url = service.engine().0.public_url.is_some();
    metadata(service, head, caller, |named| (!named.is_empty() && !has_url).then(|| named.to_owned()))
}

/// The response to a request for metadata. `path_of` has the path of the endpoint that is named. "" names the server's
/// only endpoint.
fn metadata(
    service: &HttpService,
    head: &Parts,
    caller: Caller<'_>,
    path_of: impl Fn(&str) -> Option<String>,
) -> Response<ResponseBody> {
    let named = head.uri.path().strip_prefix(WELL_KNOWN).unwrap_or_default().trim_end_matches('/');
    let public = service.engine().0.public_url.as_ref().map(|url| url.parts().1);
    let path = match public {
        Some(public) if named.is_empty() || named == public => Some(public.to_owned()),
        _ => path_of(named),
    };
    let found = path.and_then(|path| service.metadata(head, caller, &path));
    let mut response = match (&head.method, found) {
        (&Method::OPTIONS, _) => {
            let mut response = empty(StatusCode::NO_CONTENT);
            let headers = response.headers_mut();
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(ALLOW_PAGE));
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*"));
            response
        }
        (&Method::GET, Some(text)) => json(StatusCode::OK, Bytes::from(text)),
        (&Method::HEAD, Some(_)) => json(StatusCode::OK, Bytes::new()),
        (&Method::GET | &Method::HEAD, None) => empty(StatusCode::NOT_FOUND),
        _ => {
            let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(ALLOW_PAGE));
            response
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    if head.method != Method::OPTIONS {
        headers.insert(header::CACHE_CONTROL, CACHE);
        // The URL in the document is that of the request, unless a setting names it.
        headers.insert(header::VARY, HeaderValue::from_static(VARY));
    }
    response
}
