//! Responses that are complete at once, and the headers that all responses have.

use crate::dispatch::policy::whole_seconds;
use crate::host::{PrincipalRefusal, RefusalKind};
use crate::proto::framing::sse;
use crate::proto::http::{self as rules, Forms, Refusal};
use crate::proto::messages::error::RpcError;
use crate::runtime::http::connection::caller::Caller;
use crate::runtime::http::connection::read::{MAX_DRAINED, ReadError, drain};
use crate::runtime::http::response::body::ResponseBody;
use crate::runtime::http::response::challenge::Challenge;
use crate::runtime::http::response::response_channel::ResponseEnd;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Response, StatusCode, Version};
use http_body::Body;
use std::pin::{Pin, pin};
use std::time::Duration;

/// Adds the CORS headers that allow a page of this origin to read the response.
pub(in crate::runtime::http) fn add_cors(
    origin: Option<&HeaderValue>,
    response: &mut Response<ResponseBody>,
) {
    if let Some(origin) = origin {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers
            .insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(rules::EXPOSED_HEADERS));
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    }
}

/// The response to a request that does not become a WebSocket. If `why` is `None`, the reason is that the request has a
/// body.
pub(in crate::runtime::http) async fn refuse_upgrade<B: Body<Data = Bytes>>(
    why: Option<Refusal>,
    head: &Parts,
    body: B,
) -> Response<ResponseBody> {
    let in_the_way = || {
        Refusal::plain(StatusCode::BAD_REQUEST, "Bad request: a request for a WebSocket must not have a body")
    };
    let mut response = refused(why.unwrap_or_else(in_the_way));
    if response.status() == StatusCode::UPGRADE_REQUIRED {
        response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    }
    drain_and_refuse(response, head, pin!(body)).await
}

/// The response to a request whose body could not be read.
pub(in crate::runtime::http) fn body_error(
    error: ReadError,
    max: usize,
    version: Version,
    caller: Caller<'_>,
) -> Response<ResponseBody> {
    let late = caller.connection.is_some_and(|connection| connection.is_late());
    let (refusal, usable) = match error {
        ReadError::Full => (Refusal::at_limit(&caller.budget.refusal()), false),
        ReadError::TooLarge { drained } => (Refusal::too_large(max), drained),
        ReadError::Incomplete if late => (
            Refusal::plain(StatusCode::REQUEST_TIMEOUT, "Request timeout: the body did not arrive in time"),
            false,
        ),
        ReadError::Incomplete => (
            Refusal::plain(StatusCode::BAD_REQUEST, "Bad request: the body is malformed, or ended too early"),
            false,
        ),
    };
    last_if(!usable, refused(refusal), version)
}

/// Discards the body of a refused request, and returns the response. The response closes the connection if the body
/// could not be read to its end.
pub(in crate::runtime::http) async fn drain_and_refuse<B: Body<Data = Bytes>>(
    response: Response<ResponseBody>,
    head: &Parts,
    body: Pin<&mut B>,
) -> Response<ResponseBody> {
    // Reading the body of a request with `Expect` would make the client send the body.
    let waits = head.headers.contains_key(header::EXPECT);
    let usable = !waits && !is_long(&head.headers) && drain(body).await;
    last_if(!usable, response, head.version)
}

/// The response to a request whose principal was refused. Its body is not read, not even to discard it. So the response
/// closes the connection if there is a body.
pub(in crate::runtime::http) fn refuse_unread<B: Body>(
    refusal: PrincipalRefusal,
    head: &Parts,
    body: &B,
) -> Response<ResponseBody> {
    let PrincipalRefusal { kind, message, challenges, error, retry_after } = refusal;
    let mut response = refused(match kind {
        RefusalKind::Unauthorized => Refusal::plain(StatusCode::UNAUTHORIZED, message),
        RefusalKind::Forbidden => Refusal::plain(StatusCode::FORBIDDEN, message),
        RefusalKind::Malformed => Refusal::plain(StatusCode::BAD_REQUEST, message),
        RefusalKind::TooMany => Refusal::at_limit(&RpcError::too_many(message)),
        RefusalKind::Unavailable => Refusal::busy(message),
        RefusalKind::Failed => Refusal::internal(None, &RpcError::internal(message)),
    });
    set_retry_after(&mut response, retry_after);
    if challenges.is_empty() && (kind == RefusalKind::Unauthorized || error.is_some()) {
        response.extensions_mut().insert(Challenge { error, ..Challenge::default() });
    }
    for challenge in challenges {
        response.headers_mut().append(header::WWW_AUTHENTICATE, challenge);
    }
    last_if(!body.is_end_stream(), response, head.version)
}

/// Says when the client may repeat the request, if that is known.
fn set_retry_after(response: &mut Response<ResponseBody>, time: Option<Duration>) {
    if let Some(time) = time {
        response.headers_mut().insert(header::RETRY_AFTER, whole_seconds(time).into());
    }
}

/// Whether `Content-Length` announces more than [`MAX_DRAINED`] bytes.
fn is_long(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    length.is_some_and(|length: u64| length > MAX_DRAINED)
}

/// The response to a request with ambiguous framing. It closes the connection, because nothing after the head can be
/// trusted.
pub(in crate::runtime::http) fn refuse_framing(refusal: Refusal, version: Version) -> Response<ResponseBody> {
    last_if(true, refused(refusal), version)
}

/// Adds `Connection: close` if this is the last response on an HTTP/1 connection.
fn last_if(last: bool, mut response: Response<ResponseBody>, version: Version) -> Response<ResponseBody> {
    if last && version <= Version::HTTP_11 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn response(status: StatusCode, body: ResponseBody) -> Response<ResponseBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

pub(in crate::runtime::http) fn empty(status: StatusCode) -> Response<ResponseBody> {
    response(status, ResponseBody::empty())
}

pub(in crate::runtime::http) fn json(status: StatusCode, body: Bytes) -> Response<ResponseBody> {
    let mut response = response(status, ResponseBody::whole(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// An event stream with the headers of MH-42, so that proxies neither cache nor buffer the stream.
pub(in crate::runtime::http) fn event_stream(body: ResponseBody) -> Response<ResponseBody> {
    let mut response = response(StatusCode::OK, body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// The response to a request that has ended before any event was sent.
pub(in crate::runtime::http) fn complete_response(
    end: ResponseEnd,
    modern: bool,
    forms: Forms,
    caller: Caller<'_>,
) -> Response<ResponseBody> {
    match end {
        ResponseEnd::Response(body, error) => {
            let status = error.as_ref().map_or(StatusCode::OK, |error| rules::status(error.class, modern));
            match error {
                Some(error) if status != StatusCode::OK => {
                    let mut response = json(status, body);
                    set_retry_after(&mut response, error.retry_after);
                    if let Some(challenge) = Challenge::of(error, modern, caller.principal) {
                        response.extensions_mut().insert(challenge);
                    }
                    response
                }
                _ if forms.json => json(status, body),
                _ => {
                    let mut stream = Vec::with_capacity(body.len() + 16);
                    sse::encode(None, None, &body, &mut stream);
                    drop(body);
                    event_stream(ResponseBody::whole(caller.budget.count(stream.into())))
                }
            }
        }
        // The client has cancelled the request, and gets an empty stream.
        ResponseEnd::Dropped if !modern => event_stream(ResponseBody::empty()),
        // Only a shutdown drops the request of a client that is still connected.
        ResponseEnd::Dropped => refused(Refusal::busy("Server busy: the server is shutting down")),
    }
}

pub(in crate::runtime::http) fn refused(refusal: Refusal) -> Response<ResponseBody> {
    let mut response = json(refusal.status, refusal.body);
    if let Some(allow) = refusal.allow {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    }
    response
}
