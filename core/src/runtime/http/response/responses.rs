//! Responses other than those of calls that continue, and the headers that all responses have.

use crate::proto::framing::sse;
use crate::proto::http::{self as rules, Forms, Refusal};
use crate::proto::messages::id::RequestId;
use crate::runtime::http::connection::body::ResponseBody;
use crate::runtime::http::connection::budget::Budget;
use crate::runtime::http::connection::caller::Caller;
use crate::runtime::http::connection::read::{ReadError, SMALL, drain};
use crate::runtime::http::response::response_channel::End;
use crate::runtime::http::session::sessions::NoSession;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Response, StatusCode, Version};
use http_body::Body;
use std::pin::{Pin, pin};
use std::sync::Arc;

/// Has a page of this origin see the response.
pub(in crate::runtime::http) fn shared_with(
    origin: Option<&HeaderValue>,
    mut response: Response<ResponseBody>,
) -> Response<ResponseBody> {
    if let Some(origin) = origin {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers
            .insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(rules::EXPOSED_HEADERS));
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    }
    response
}

/// The response to a request that does not become a WebSocket; without a reason it is its body that is in the way.
pub(in crate::runtime::http) async fn refuse_upgrade<B: Body<Data = Bytes>>(
    why: Option<Refusal>,
    head: &Parts,
    body: B,
) -> Response<ResponseBody> {
    let in_the_way =
        || Refusal::plain(StatusCode::BAD_REQUEST, "Bad request: a WebSocket begins without a body");
    let mut response = refused(why.unwrap_or_else(in_the_way));
    if response.status() == StatusCode::UPGRADE_REQUIRED {
        response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    }
    drain_and_refuse(response, head, pin!(body)).await
}

/// The response to a body that could not be read.
pub(in crate::runtime::http) fn unread(
    error: ReadError,
    max: usize,
    version: Version,
    caller: Caller<'_>,
) -> Response<ResponseBody> {
    let late = caller.link.is_some_and(|link| link.is_late());
    let (refusal, usable) = match error {
        ReadError::Full => (Refusal::at_limit(&caller.budget.refusal()), false),
        ReadError::TooLarge { drained } => (Refusal::too_large(max), drained),
        ReadError::Broken if late => (
            Refusal::plain(StatusCode::REQUEST_TIMEOUT, "Request timeout: the body did not come in time"),
            false,
        ),
        ReadError::Broken => (
            Refusal::plain(StatusCode::BAD_REQUEST, "Bad request: the body is malformed, or ended too early"),
            false,
        ),
    };
    last_if(!usable, refused(refusal), version)
}

/// The response to a request whose body nobody wants.
pub(in crate::runtime::http) async fn drain_and_refuse<B: Body<Data = Bytes>>(
    response: Response<ResponseBody>,
    head: &Parts,
    body: Pin<&mut B>,
) -> Response<ResponseBody> {
    // One that asks before it sends would be told to go on.
    let waits = head.headers.contains_key(header::EXPECT);
    let usable = !waits && !is_long(&head.headers) && drain(body).await;
    last_if(!usable, response, head.version)
}

/// Whether more is announced than is worth reading, of a body that does not know its length itself.
fn is_long(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    length.is_some_and(|length: u64| length > SMALL)
}

/// The response to a request of which nobody can say where it ends: nothing behind its head is read.
pub(in crate::runtime::http) fn cut_off(refusal: Refusal, version: Version) -> Response<ResponseBody> {
    last_if(true, refused(refusal), version)
}

/// Says that the connection ends with this response, if it does.
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

/// What MH-42 asks of a stream, so that nobody on the way stores it or holds it back.
pub(in crate::runtime::http) fn event_stream(body: ResponseBody) -> Response<ResponseBody> {
    let mut response = response(StatusCode::OK, body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// The response to a request that ended before anything else was said.
pub(in crate::runtime::http) fn whole(
    end: End,
    modern: bool,
    forms: Forms,
    budget: &Arc<Budget>,
) -> Response<ResponseBody> {
    match end {
        End::Response(body, error) => {
            let status = error.map_or(StatusCode::OK, |class| rules::status(class, modern));
            if forms.json || status != StatusCode::OK {
                return json(status, body);
            }
            let mut stream = Vec::with_capacity(body.len() + 16);
            sse::encode(None, None, &body, &mut stream);
            drop(body);
            event_stream(ResponseBody::whole(budget.keep(stream.into())))
        }
        // The client cancelled it and gets no answer: a stream without events says just that.
        End::Dropped if !modern => event_stream(ResponseBody::empty()),
        // Only the end of the server does this to a client that is still there.
        End::Dropped => refused(Refusal::busy("Server busy: the server is shutting down")),
    }
}

pub(in crate::runtime::http) fn refused(refusal: Refusal) -> Response<ResponseBody> {
    let mut response = json(refusal.status, refusal.body);
    if let Some(allow) = refusal.allow {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    }
    response
}

/// Why a request has no session, as its refusal.
pub(in crate::runtime::http) fn no_session(why: NoSession, id: Option<&RequestId>) -> Refusal {
    match why {
        NoSession::Missing => Refusal::no_session(id),
        NoSession::Full => Refusal::unavailable(id, "Server busy: too many sessions are open"),
        NoSession::Unavailable(why) => {
            Refusal::unavailable(id, format!("Server busy: sessions are unavailable: {why}"))
        }
    }
}
