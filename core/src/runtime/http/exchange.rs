//! One request, one response: the endpoint, without a server around it.

use super::body::{Exchange, ResponseBody};
use super::read::{ReadError, read};
use super::sessions::{Lease, NoSession, Session, Sessions};
use super::slot::{End, First, Slot};
use super::streams::Streams;
use crate::dispatch::calls::CallId;
use crate::host::{Accepted, Engine, Peer, Scope, Sink};
use crate::proto::http::{self as rules, Access, Forms, Refusal, Route, SessionHead, Verb};
use crate::proto::message::Message;
use crate::proto::sse;
use crate::server::Server;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Request, Response, StatusCode, Version};
use http_body::Body;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// The MCP endpoint of a server as a function from requests to responses, for programs that have an HTTP server of
/// their own. Cheap to clone; clones are the same endpoint.
///
/// It needs no particular executor and looks at no clock but the server's. What depends on time happens in
/// [`tick`](HttpService::tick), which somebody has to call.
///
/// ```
/// use tenon_mcp::{Server, http::{Access, HttpService}};
///
/// let server = Server::new("demo", "1.0.0");
/// let service = HttpService::new(&server, Access::public().allow_hosts(["mcp.example.com"]));
/// // For each request of a server of one's own, `http::Request<impl Body<Data = Bytes>>`:
/// // let response = service.handle(request).await;
/// # let _ = service;
/// ```
#[derive(Clone)]
pub struct HttpService(Arc<Inner>);

struct Inner {
    engine: Engine,
    access: Access,
    sessions: Arc<Sessions>,
    streams: Arc<Streams>,
}

/// A stream carries something at least this often, so that nobody on the way takes it for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How often [`HttpService::tick`] should be called.
pub(super) const TICK: Duration = Duration::from_secs(5);

/// Longest body of an `initialize`: what a client says there is kept for as long as its session.
const MAX_HANDSHAKE: usize = 64 << 10;

impl HttpService {
    /// The endpoint of `server`. `access` says which hosts and origins it answers.
    pub fn new(server: &Server, access: Access) -> HttpService {
        HttpService::with_engine(server.engine(), access)
    }

    pub(super) fn with_engine(engine: &Engine, access: Access) -> HttpService {
        HttpService(Arc::new(Inner {
            engine: engine.clone(),
            access,
            sessions: Sessions::new(engine.clone()),
            streams: Arc::default(),
        }))
    }

    /// Answers one request, whatever its path: the caller has decided that it is for this endpoint.
    ///
    /// Dropping the future before it is ready, or the response's body before its end, says that the client is gone.
    /// That cancels a call of the modern era; one of a legacy session goes on.
    ///
    /// An `initialize` may have 64 KiB, because what it says is kept with the session.
    ///
    /// A body over [`Limits::max_message_bytes`](crate::Limits::max_message_bytes) is answered with 413. Up to four
    /// times the limit is read and thrown away, which leaves the connection usable; beyond that the response says
    /// `Connection: close`.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<ResponseBody>
    where
        B: Body<Data = Bytes>,
    {
        let (head, body) = request.into_parts();
        let body = pin!(body);
        let checked = rules::verb(&head.method)
            .and_then(|verb| Ok((verb, self.0.access.check(&head.uri, &head.headers)?)));
        let (verb, origin) = match checked {
            Ok(checked) => checked,
            Err(refusal) => {
                // A client that is still sending would lose the answer.
                let _ = read(body, self.0.engine.limits().max_message_bytes).await;
                return refused(refusal);
            }
        };
        let answer = match verb {
            Verb::Post => self.post(&head, body).await,
            Verb::Get => self.get(&head.headers).await,
            Verb::Delete => self.delete(&head.headers).await,
            Verb::Options => {
                let mut response = empty(StatusCode::NO_CONTENT);
                *response.headers_mut() = rules::preflight_headers(&head.headers, origin);
                Ok(response)
            }
        };
        let mut response = answer.unwrap_or_else(refused);
        if let Some(origin) = origin {
            let headers = response.headers_mut();
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static(rules::EXPOSED_HEADERS),
            );
            headers.insert(header::VARY, HeaderValue::from_static("Origin"));
        }
        response
    }

    /// Does what depends on time: keeps quiet streams alive, ends idle sessions, times calls out. To be called every
    /// five seconds, and every second by programs that do not also [start](crate::Server::start) the server, whose
    /// timer is exact.
    pub fn tick(&self) {
        let engine = &self.0.engine;
        let now = engine.now();
        if engine.next_deadline().is_some_and(|next| next <= now) {
            engine.handle_timeout(now);
        }
        self.0.streams.keep_alive(now, KEEP_ALIVE - TICK);
        self.0.sessions.sweep(now);
    }

    /// Legacy sessions this endpoint knows.
    pub fn sessions(&self) -> usize {
        self.0.sessions.len()
    }

    /// Ends all listening streams and lets no new one stay open: the server is closing. Calls in flight go on.
    pub fn end_streams(&self) {
        self.0.sessions.end_streams();
    }

    async fn post<B>(
        &self,
        head: &Parts,
        body: std::pin::Pin<&mut B>,
    ) -> Result<Response<ResponseBody>, Refusal>
    where
        B: Body<Data = Bytes>,
    {
        let limits = self.0.engine.limits();
        let body = match read(body, limits.max_message_bytes).await {
            Ok(body) => body,
            Err(error) => return Ok(unread(error, limits.max_message_bytes, head.version)),
        };
        rules::check_content_type(&head.headers)?;
        let forms = rules::accepted_forms(&head.headers)?;
        let message =
            Message::decode(body.clone(), &limits.json()).map_err(|error| Refusal::malformed(&error))?;
        match rules::route(&head.headers, &message)? {
            Route::Modern(client) => self.call(Scope::Stateless(client), message, forms, None).await,
            Route::Ignored => Ok(empty(StatusCode::ACCEPTED)),
            Route::Initialize => {
                drop(message);
                self.initialize(&body, forms).await
            }
            Route::Session(named) => {
                let session = self.session(&named).await?;
                let scope = Scope::Session(session.peer.clone());
                if matches!(message, Message::Request(_)) {
                    return self.call(scope, message, forms, Some(session.lease())).await;
                }
                let sink: Arc<dyn Sink> = Arc::new(Slot::new(0, false));
                self.0.engine.accept(&scope, message, &sink);
                Ok(empty(StatusCode::ACCEPTED))
            }
        }
    }

    async fn call(
        &self,
        scope: Scope,
        message: Message,
        forms: Forms,
        lease: Option<Lease>,
    ) -> Result<Response<ResponseBody>, Refusal> {
        let engine = &self.0.engine;
        let modern = matches!(scope, Scope::Stateless(_));
        let slot = Arc::new(Slot::new(engine.limits().max_outbound_bytes, forms.stream));
        let sink: Arc<dyn Sink> = slot.clone();
        let call: CallId = match engine.accept(&scope, message, &sink) {
            Accepted::Started(call) => call,
            Accepted::Answered | Accepted::Noted => {
                return Ok(whole(slot.take_end().unwrap_or(End::Dropped), modern, forms));
            }
        };
        let mut exchange =
            Exchange { engine: engine.clone(), slot, call: modern.then_some(call), _lease: lease };
        match poll_fn(|task| exchange.slot.poll_first(task)).await {
            First::Whole(end) => {
                exchange.finish();
                Ok(whole(end, modern, forms))
            }
            First::Stream => Ok(self.stream(exchange)),
        }
    }

    /// An event stream; what is complete already leaves in one piece.
    fn stream(&self, mut exchange: Exchange) -> Response<ResponseBody> {
        let body = match exchange.slot.take_complete() {
            Some(bytes) => {
                exchange.finish();
                ResponseBody::whole(bytes)
            }
            None => {
                let entry = self.0.streams.enter(&exchange.slot);
                ResponseBody::stream(exchange, entry)
            }
        };
        event_stream(body)
    }

    async fn initialize(&self, body: &Bytes, forms: Forms) -> Result<Response<ResponseBody>, Refusal> {
        if body.len() > MAX_HANDSHAKE {
            return Err(Refusal::too_large(MAX_HANDSHAKE));
        }
        let (engine, sessions) = (&self.0.engine, &self.0.sessions);
        // Copied, because the session keeps parts of it and must not keep the connection's buffer.
        let message = Message::decode(Bytes::copy_from_slice(body), &engine.limits().json())
            .map_err(|error| Refusal::malformed(&error))?;
        let peer = Peer::new(Some(sessions.mint().map_err(no_session)?));
        let slot = Arc::new(Slot::new(0, forms.stream));
        let sink: Arc<dyn Sink> = slot.clone();
        engine.accept(&Scope::Session(peer.clone()), message, &sink);
        let end = slot.take_end().unwrap_or(End::Dropped);
        let opened = matches!(end, End::Response(_, None));
        let mut response = whole(end, false, forms);
        if opened {
            sessions.open(peer.clone()).await.map_err(no_session)?;
            let id = peer.session_id().and_then(|id| HeaderValue::from_str(id).ok());
            if let Some(id) = id {
                response.headers_mut().insert(rules::SESSION_ID, id);
            }
        }
        Ok(response)
    }

    async fn session(&self, named: &SessionHead<'_>) -> Result<Arc<Session>, Refusal> {
        let session = self.0.sessions.find(named.id).await.map_err(no_session)?;
        if let Some(revision) = session.peer.revision() {
            named.check(revision)?;
        }
        Ok(session)
    }

    async fn get(&self, headers: &HeaderMap) -> Result<Response<ResponseBody>, Refusal> {
        let named = rules::session_request(headers)?;
        rules::check_listen(headers)?;
        let session = self.session(&named).await?;
        if headers.contains_key(rules::LAST_EVENT_ID) {
            // No event ever had an id (LH-34).
            return Err(Refusal::plain(StatusCode::BAD_REQUEST, "Bad request: unknown last-event-id"));
        }
        let engine = self.0.engine.clone();
        let slot = Arc::new(Slot::new(engine.limits().max_outbound_bytes, true));
        session.listen(&slot);
        Ok(self.stream(Exchange { engine, slot, call: None, _lease: Some(session.lease()) }))
    }

    async fn delete(&self, headers: &HeaderMap) -> Result<Response<ResponseBody>, Refusal> {
        let named = rules::session_request(headers)?;
        self.session(&named).await?;
        self.0.sessions.end(named.id).await.map_err(no_session)?;
        Ok(empty(StatusCode::NO_CONTENT))
    }
}

fn no_session(why: NoSession) -> Refusal {
    match why {
        NoSession::Missing => Refusal::no_session(),
        NoSession::Full => Refusal::busy("Server busy: too many sessions are open"),
        NoSession::Unavailable(why) => Refusal::busy(format!("Server busy: sessions are unavailable: {why}")),
    }
}

/// The response to a body that could not be read.
fn unread(error: ReadError, max: usize, version: Version) -> Response<ResponseBody> {
    let (refusal, usable) = match error {
        ReadError::TooLarge { drained } => (Refusal::too_large(max), drained),
        ReadError::Broken => (
            Refusal::plain(StatusCode::REQUEST_TIMEOUT, "Request timeout: the body did not come to its end"),
            false,
        ),
    };
    let mut response = refused(refusal);
    if !usable && version <= Version::HTTP_11 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn response(status: StatusCode, body: ResponseBody) -> Response<ResponseBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

fn empty(status: StatusCode) -> Response<ResponseBody> {
    response(status, ResponseBody::empty())
}

fn json(status: StatusCode, body: Bytes) -> Response<ResponseBody> {
    let mut response = response(status, ResponseBody::whole(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// What MH-42 asks of a stream, so that nobody on the way stores it or holds it back.
fn event_stream(body: ResponseBody) -> Response<ResponseBody> {
    let mut response = response(StatusCode::OK, body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// The response to a request that ended before anything else was said.
fn whole(end: End, modern: bool, forms: Forms) -> Response<ResponseBody> {
    match end {
        End::Response(body, error) => {
            let status = error.map_or(StatusCode::OK, |class| rules::status(class, modern));
            if forms.json || status != StatusCode::OK {
                return json(status, body);
            }
            let mut stream = Vec::with_capacity(body.len() + 16);
            sse::encode(None, None, &body, &mut stream);
            event_stream(ResponseBody::whole(stream.into()))
        }
        // The client cancelled it and gets no answer: a stream without events says just that.
        End::Dropped if !modern => event_stream(ResponseBody::empty()),
        // Only the end of the server does this to a client that is still there.
        End::Dropped => refused(Refusal::busy("Server busy: it is shutting down")),
    }
}

fn refused(refusal: Refusal) -> Response<ResponseBody> {
    let mut response = json(refusal.status, refusal.body);
    if let Some(allow) = refusal.allow {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    }
    response
}
