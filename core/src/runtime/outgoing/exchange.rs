//! One request from its connection to its complete response, with its redirects.

use crate::runtime::outgoing::connection::{Connection, MAX_HEAD};
use crate::runtime::outgoing::connector::Connector;
use crate::runtime::outgoing::error::{HttpClientError, Phase, Progress, with_causes};
use crate::runtime::outgoing::pool::{Key, Pool};
use crate::runtime::outgoing::request::{OutgoingRequest, OutgoingResponse};
use crate::runtime::outgoing::url::Url;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// The most redirects that one request follows.
const MAX_REDIRECTS: usize = 5;
/// The most bytes that are read of the body of a redirect, so that its connection can be reused.
const MAX_REDIRECT_BODY: usize = 16 << 10;
/// How long the body of a redirect is waited for, before its connection is closed.
const REDIRECT_BODY_TIME: Duration = Duration::from_millis(100);
/// The memory that is reserved before the first byte of a body arrives, at most.
const FIRST_CAPACITY: usize = 64 << 10;
const USER_AGENT: &str = concat!("tenon/", env!("CARGO_PKG_VERSION"));

/// What all requests of a client share.
pub(super) struct Exchanges {
    pub(super) connector: Connector,
    pub(super) pool: Arc<Pool>,
    /// A permit for each request that may be in flight.
    pub(super) in_flight: Semaphore,
}

impl Exchanges {
    pub(super) async fn run(
        &self,
        request: OutgoingRequest,
        url: Url,
        progress: &Progress,
    ) -> Result<OutgoingResponse, HttpClientError> {
        match tokio::time::timeout(request.timeout, self.follow(&request, url, progress)).await {
            Ok(done) => done,
            Err(_) => Err(progress.timeout(request.timeout)),
        }
    }

    async fn follow(
        &self,
        request: &OutgoingRequest,
        mut url: Url,
        progress: &Progress,
    ) -> Result<OutgoingResponse, HttpClientError> {
        let permit = self.in_flight.acquire().await;
        let _permit = permit.map_err(|error| progress.unavailable(error.to_string()))?;
        for _ in 0..=MAX_REDIRECTS {
            let key = Key { origin: url.origin.clone(), trust: request.trust };
            let (response, connection) = self.respond(request, &url, &key, progress).await?;
            progress.enter(Phase::Body);
            let (head, body) = response.into_parts();
            let target = match head.headers.get(header::LOCATION) {
                Some(location) if is_redirect(head.status.as_u16()) => {
                    Some(redirected(request, &url, location, progress)?)
                }
                _ => None,
            };
            let Some(target) = target else {
                plain(&head.headers).map_err(|reason| progress.failed(reason))?;
                let body = read(body, request.max_response_bytes, progress).await?;
                self.release(key, connection).await;
                return Ok(OutgoingResponse { status: head.status, headers: head.headers, body });
            };
            let skipped = read(body, MAX_REDIRECT_BODY, progress);
            if let Ok(Ok(_)) = tokio::time::timeout(REDIRECT_BODY_TIME, skipped).await {
                self.release(key, connection).await;
            }
            url = target;
        }
        Err(progress.redirect(format!("there were {MAX_REDIRECTS} redirects before it")))
    }

    /// Keeps a connection after its response was read.
    async fn release(&self, key: Key, mut connection: Connection) {
        if connection.becomes_reusable().await {
            self.pool.put(key, connection);
        }
    }

    /// Sends a request on an idle connection, or on a new one.
    async fn respond(
        &self,
        request: &OutgoingRequest,
        url: &Url,
        key: &Key,
        progress: &Progress,
    ) -> Result<(Response<Incoming>, Connection), HttpClientError> {
        if let Some(mut connection) = self.pool.take(key) {
            progress.enter(Phase::Head);
            match connection.send(message(request, url, &connection, progress)?).await {
                Ok(response) => return Ok((response, connection)),
                // The server may close an idle connection at any time. If it cannot have taken the request, or taking
                // it twice changes nothing, a new connection is used.
                Err(error) if error.message().is_some() => {}
                Err(error) if request.is_repeatable() && !error.error().is_parse() => {}
                Err(error) => return Err(head_failed(error.error(), progress)),
            }
        }
        let mut connection = self.connector.connect(key, progress).await?;
        progress.enter(Phase::Head);
        let sent = connection.send(message(request, url, &connection, progress)?).await;
        sent.map(|response| (response, connection)).map_err(|error| head_failed(error.error(), progress))
    }
}

fn head_failed(error: &hyper::Error, progress: &Progress) -> HttpClientError {
    match error.is_parse_too_large() {
        true => progress.too_large(Phase::Head, MAX_HEAD),
        false => progress.failed(with_causes(error)),
    }
}

/// The request as it is sent on this connection.
fn message(
    request: &OutgoingRequest,
    url: &Url,
    connection: &Connection,
    progress: &Progress,
) -> Result<Request<Full<Bytes>>, HttpClientError> {
    let target = match connection.forwarder {
        Some(_) => url.to_string(),
        None => url.path.clone(),
    };
    let host =
        HeaderValue::try_from(url.origin.authority()).map_err(|error| progress.invalid(error.to_string()))?;
    let message = Request::builder().method(request.method.clone()).uri(target);
    let mut message =
        message.body(Full::new(request.body.clone())).map_err(|error| progress.invalid(error.to_string()))?;
    let headers = message.headers_mut();
    headers.clone_from(&request.headers);
    headers.insert(header::HOST, host);
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static(USER_AGENT));
    if let Some(authorization) = connection.forwarder.as_ref().and_then(|proxy| proxy.authorization.clone()) {
        headers.insert(header::PROXY_AUTHORIZATION, authorization);
    }
    Ok(message)
}

fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

fn redirected(
    request: &OutgoingRequest,
    url: &Url,
    location: &HeaderValue,
    progress: &Progress,
) -> Result<Url, HttpClientError> {
    let target = url.redirected(location).map_err(|reason| progress.redirect(reason))?;
    match request.method == Method::GET || request.method == Method::HEAD {
        true => Ok(target),
        false => Err(progress
            .redirect(format!("only GET and HEAD follow redirects, and the method is {}", request.method))),
    }
}

/// Fails if the body has an encoding.
fn plain(headers: &HeaderMap) -> Result<(), String> {
    for (name, allowed) in [(header::CONTENT_ENCODING, "identity"), (header::TRANSFER_ENCODING, "chunked")] {
        for value in headers.get_all(&name) {
            if !value.as_bytes().trim_ascii().eq_ignore_ascii_case(allowed.as_bytes()) {
                return Err(format!(
                    "the response has the {name} {value:?}, which was not asked for; only {allowed} is accepted"
                ));
            }
        }
    }
    Ok(())
}

/// Reads a body of at most `limit` bytes.
async fn read(mut body: Incoming, limit: usize, progress: &Progress) -> Result<Bytes, HttpClientError> {
    let claimed = body.size_hint().lower();
    if claimed > limit as u64 {
        return Err(progress.too_large(Phase::Body, limit));
    }
    let mut bytes = BytesMut::with_capacity(FIRST_CAPACITY.min(claimed as usize));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| progress.failed(with_causes(&error)))?;
        let Ok(data) = frame.into_data() else { continue };
        if data.len() > limit - bytes.len() {
            return Err(progress.too_large(Phase::Body, limit));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}
