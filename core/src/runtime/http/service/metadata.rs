//! The document with the metadata of a protected resource (RFC 9728, AU-5 to AU-7, AU-14), as a response.

use super::http_service::HttpService;
use crate::proto::http::ALLOW_PAGE;
use crate::runtime::http::connection::caller::Caller;
use crate::runtime::http::response::body::ResponseBody;
use crate::runtime::http::response::responses::{empty, json};
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode, Uri};
use tenon_tokens::WELL_KNOWN;

/// How long clients may cache the metadata.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// The headers that may name the URL.
const VARY: &str = "Host, Forwarded, X-Forwarded-Host, X-Forwarded-Proto";

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
pub(in crate::runtime::http) fn metadata(
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
