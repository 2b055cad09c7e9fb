//! Answers one request with one response: the endpoint, without a server around it.

use crate::dispatch::limits::Limits;
use crate::faults;
use crate::host::{Accepted, Engine, Peer, RequestOrigin, Scope, Sink};
use crate::proto::http::{self as rules, Access, Forms, Refusal, Route, SessionHead, Verb};
use crate::proto::messages::id::RequestId;
use crate::proto::messages::message::{Malformed, Message};
use crate::proto::session::version::Revision;
use crate::runtime::http::connection::body::{Exchange, Held, ResponseBody};
use crate::runtime::http::connection::budget::Budget;
use crate::runtime::http::connection::caller::{Caller, RemoteAddress};
use crate::runtime::http::connection::panic_boundary::bounded;
use crate::runtime::http::connection::read::read;
use crate::runtime::http::response::response_channel::{End, First, Slot};
use crate::runtime::http::response::responses::{
    cut_off, drain_and_refuse, empty, event_stream, no_session, refused, shared_with, unread, whole,
};
use crate::runtime::http::resumption::open_streams::Streams;
use crate::runtime::http::session::sessions::{Lease, Sessions};
use crate::runtime::sockets::client_address::key;
use crate::server::Server;
use bytes::Bytes;
use http::header::HeaderValue;
use http::request::Parts;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// The MCP endpoint of a server as a function from requests to responses, for programs that have their own HTTP
/// server. It is cheap to clone; clones are the same endpoint.
///
/// The server around it limits the number and the duration of connections. Bytes that are held for clients count
/// toward [`Limits::max_buffered_bytes`](crate::Limits::max_buffered_bytes) here too.
///
/// It needs no particular executor and uses no clock but the server's. [`tick`](HttpService::tick) does everything
/// that depends on time, so the program must call it.
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
    budget: Arc<Budget>,
}

/// A stream sends something at least this often, so that no proxy closes it as idle.
pub(in crate::runtime::http) const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How often [`HttpService::tick`] should be called at least.
pub(in crate::runtime::http) const TICK: Duration = Duration::from_secs(5);

/// The maximum body of an `initialize`, because its content is kept as long as its session, and is not counted.
const MAX_HANDSHAKE: usize = 16 << 10;

impl HttpService {
    /// The endpoint of `server`. `access` defines which hosts and origins it answers.
    pub fn new(server: &Server, access: Access) -> HttpService {
        if !access.is_local() || access.public_host().is_some() {
            server.engine().expose("the program's own HTTP server");
        }
        HttpService::with_engine(server.engine(), access)
    }

    pub(in crate::runtime) fn with_engine(engine: &Engine, access: Access) -> HttpService {
        HttpService(Arc::new(Inner {
            engine: engine.clone(),
            access,
            sessions: Sessions::new(engine.clone()),
            streams: Arc::default(),
            budget: Budget::new(engine.limits().max_buffered_bytes),
        }))
    }

    /// The same endpoint for requests that arrive another way. Sessions, streams and the count of bytes are shared.
    pub(in crate::runtime::http) fn with_access(&self, access: Access) -> HttpService {
        let Inner { engine, sessions, streams, budget, .. } = &*self.0;
        HttpService(Arc::new(Inner {
            engine: engine.clone(),
            access,
            sessions: sessions.clone(),
            streams: streams.clone(),
            budget: budget.clone(),
        }))
    }

    /// Answers one request, whatever its path: the caller has decided that it is for this endpoint.
    ///
    /// Dropping the future before it is ready, or the response's body before its end, means that the client has
    /// disconnected. That cancels a call of the modern era; a call of a legacy session continues.
    ///
    /// An `initialize` may have 16 KiB, because its content is kept with the session; a longer one gets 413.
    ///
    /// A body over [`Limits::max_message_bytes`](crate::Limits::max_message_bytes) gets 413. Up to four times the
    /// limit is read and discarded, so that the connection stays usable. Beyond that, the response has `Connection:
    /// close`. If a request is refused because of its head, up to 64 KiB of its body are read and discarded.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<ResponseBody>
    where
        B: Body<Data = Bytes>,
    {
        if let Err(refusal) = rules::check_framing(request.headers()) {
            return cut_off(refusal, request.version());
        }
        let address = request.extensions().get::<RemoteAddress>();
        let share = address.map(|address| self.0.engine.0.shares.of(key(address.0)));
        self.handle_for(request, Caller { budget: &self.0.budget.of(share.as_ref()), link: None }).await
    }

    /// The same for a known caller, after the framing of the body is known.
    pub(in crate::runtime::http) async fn handle_for<B>(
        &self,
        request: Request<B>,
        caller: Caller<'_>,
    ) -> Response<ResponseBody>
    where
        B: Body<Data = Bytes>,
    {
        let (head, body) = request.into_parts();
        let head = Arc::new(head);
        let body = pin!(body);
        let checked = rules::verb(&head.method)
            .and_then(|verb| Ok((verb, self.0.access.check(&head.uri, &head.headers)?)));
        let (verb, origin) = match checked {
            Ok(checked) => checked,
            Err(refusal) => {
                return drain_and_refuse(refused(refusal), &head, body).await;
            }
        };
        let named = OnceLock::new();
        let answer = pin!(async {
            match verb {
                Verb::Post => match readable(&head) {
                    Ok(forms) => self.post(&head, body, forms, caller, &named).await,
                    Err(refusal) => Ok(drain_and_refuse(refused(refusal), &head, body).await),
                },
                Verb::Get => self.get(&head, caller).await,
                Verb::Delete => self.delete(&head, caller).await,
                Verb::Options => {
                    let mut response = empty(StatusCode::NO_CONTENT);
                    *response.headers_mut() = self.0.access.preflight(rules::ALLOW, &head.headers, origin);
                    Ok(response)
                }
            }
        });
        let answer = bounded(&self.0.engine, &named, answer).await;
        shared_with(origin, answer.unwrap_or_else(refused))
    }

    /// Does everything that depends on time. It makes streams of slow responses and keeps quiet streams alive, ends
    /// idle sessions, stops waiting for a store that does not answer, and applies call timeouts. Call it every five
    /// seconds, or more often if a limit is less than twenty seconds. A program that does not also
    /// [start](crate::Server::start) the server, whose timer is exact, must call it every second.
    pub fn tick(&self) {
        let engine = &self.0.engine;
        let now = engine.now();
        if engine.next_deadline().is_some_and(|next| next <= now) {
            engine.handle_timeout(now);
        }
        engine.start_streaming_slow_calls(now, engine.limits().stream_after);
        self.0.streams.keep_alive(now, KEEP_ALIVE - TICK);
        self.0.sessions.sweep(now);
    }

    pub(in crate::runtime::http) fn session_table(&self) -> &Arc<Sessions> {
        &self.0.sessions
    }

    pub(in crate::runtime) fn budget(&self) -> &Arc<Budget> {
        &self.0.budget
    }

    pub(in crate::runtime::http) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(in crate::runtime::http) fn now(&self) -> Instant {
        self.0.engine.now()
    }

    pub(in crate::runtime::http) fn limits(&self) -> &Limits {
        self.0.engine.limits()
    }

    /// How often [`HttpService::tick`] should be called so that times are exact to a quarter.
    pub(in crate::runtime::http) fn tick_period(&self) -> Duration {
        let limits = self.0.engine.limits();
        let shortest = limits
            .session_idle
            .min(limits.handshake_timeout)
            .min(limits.store_timeout)
            .min(limits.stream_after)
            .min(limits.resume_timeout);
        (shortest / 4).clamp(Duration::from_millis(10), TICK)
    }

    /// The number of legacy sessions that this endpoint knows.
    pub fn sessions(&self) -> usize {
        self.0.sessions.len()
    }

    /// Ends all listening streams and refuses new ones, because the server is closing. Calls in flight continue.
    pub fn end_streams(&self) {
        self.0.streams.end();
        self.0.engine.end_listens();
        self.0.sessions.end_streams();
    }

    async fn post<B>(
        &self,
        head: &Arc<Parts>,
        body: Pin<&mut B>,
        forms: Forms,
        caller: Caller<'_>,
        named: &OnceLock<RequestId>,
    ) -> Result<Response<ResponseBody>, Refusal>
    where
        B: Body<Data = Bytes>,
    {
        let limits = self.0.engine.limits();
        let arrival = caller.arrival(head);
        let body = match read(body, limits.max_message_bytes, caller.budget).await {
            Ok(body) => body,
            Err(error) => return Ok(unread(error, limits.max_message_bytes, head.version, caller)),
        };
        if Message::is_batch(&body)
            && let Some(named) = rules::batch_session(&head.headers)
        {
            let lease = self.session(arrival.principal.as_ref(), &named, None).await?;
            if lease.peer().revision() == Some(Revision::V2025_03_26) {
                return self.batch(lease, arrival, body, forms, caller).await;
            }
        }
        let message = match self.0.engine.decode(&body, Message::decode) {
            Ok(message) => message,
            Err(malformed) => {
                self.fail_pending_question(arrival.principal.as_ref(), &head.headers, &malformed).await;
                return Err(Refusal::malformed(&malformed));
            }
        };
        if let Message::Request(request) = &message {
            let _ = named.set(request.id.clone());
        }
        faults::pass("http");
        match rules::route(&head.headers, &message, self.0.engine.revisions())? {
            Route::Modern(client) => {
                let params = rules::param_fields(&head.headers);
                let scope = Scope::Stateless { client, params, arrival };
                self.call(scope, message, forms, None, caller).await
            }
            Route::Notification(client) => {
                let params = rules::param_fields(&head.headers);
                let scope = Scope::Stateless { client, params, arrival };
                let sink: Arc<dyn Sink> = Arc::new(Slot::new(caller.budget, 0, false));
                self.0.engine.accept(&scope, message, &sink);
                Ok(empty(StatusCode::ACCEPTED))
            }
            Route::Ignored => Ok(empty(StatusCode::ACCEPTED)),
            Route::Initialize(id) => {
                // A client that lost its session may still send its header (LH-11).
                if let Some(session) = rules::session_id(&head.headers)
                    && self.0.sessions.find(session, arrival.principal.as_ref()).await.is_ok()
                {
                    return Err(Refusal::initialized(&id));
                }
                drop(message);
                self.initialize(arrival, &body, forms, caller).await
            }
            Route::Session(named) => {
                let id = match &message {
                    Message::Request(request) => Some(&request.id),
                    _ => None,
                };
                let lease = self.session(arrival.principal.as_ref(), &named, id).await?;
                let scope = Scope::Session { peer: lease.peer().clone(), arrival };
                if matches!(message, Message::Request(_)) {
                    return self.call(scope, message, forms, Some(lease), caller).await;
                }
                let sink: Arc<dyn Sink> = Arc::new(Slot::new(caller.budget, 0, false));
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
        caller: Caller<'_>,
    ) -> Result<Response<ResponseBody>, Refusal> {
        let engine = &self.0.engine;
        let modern = matches!(scope, Scope::Stateless { .. });
        let listens = rules::listens(&message, forms)?;
        let limits = engine.limits();
        let most = if listens { limits.max_listen_bytes } else { limits.max_outbound_bytes };
        let part = if listens { caller.stream()? } else { None };
        let slot = Arc::new(Slot::new(caller.budget, most, forms.stream).on(caller.link));
        let sink: Arc<dyn Sink> = slot.clone();
        let held = match engine.accept(&scope, message, &sink) {
            Accepted::Started(call) | Accepted::Pending(call) => Held::Call(call),
            Accepted::Listening(listen) => {
                self.0.streams.settle(|| engine.end_listen(listen));
                Held::Listen(listen)
            }
            Accepted::Answered | Accepted::NoReply => {
                let mut response =
                    whole(slot.take_end().unwrap_or(End::Dropped), modern, forms, caller.budget);
                // Its client ended it while this request was in flight (LH-8).
                let ended = lease.is_some_and(|lease| lease.session().has_ended());
                if ended && response.status() != StatusCode::OK {
                    *response.status_mut() = StatusCode::NOT_FOUND;
                }
                return Ok(response);
            }
        };
        let exchange = Exchange::new(engine.clone(), slot, modern.then_some(held), lease, caller.link);
        let exchange = exchange.counted(part);
        Ok(self.respond(exchange, modern, forms).await)
    }

    /// Takes the members of a batch. Their responses are sent as one array (BAT-5, BAT-7).
    async fn batch(
        &self,
        lease: Lease,
        arrival: RequestOrigin,
        body: Bytes,
        forms: Forms,
        caller: Caller<'_>,
    ) -> Result<Response<ResponseBody>, Refusal> {
        let engine = &self.0.engine;
        let members = engine
            .decode(&body, Message::decode_batch)
            .map_err(|malformed| Refusal::malformed(&malformed))?;
        let most = engine.limits().max_outbound_bytes;
        let slot = Arc::new(Slot::new(caller.budget, most, forms.stream).on(caller.link));
        let sink: Arc<dyn Sink> = slot.clone();
        let scope = Scope::Session { peer: lease.peer().clone(), arrival };
        if !engine.accept_batch(&scope, members, &sink) {
            return Ok(empty(StatusCode::ACCEPTED));
        }
        let exchange = Exchange::new(engine.clone(), slot, None, Some(lease), caller.link);
        Ok(self.respond(exchange, false, forms).await)
    }

    /// The response to a request in flight. Its first message decides the form.
    async fn respond(&self, mut exchange: Exchange, modern: bool, forms: Forms) -> Response<ResponseBody> {
        match poll_fn(|task| exchange.poll_first(task)).await {
            First::Whole(end) => {
                exchange.finish();
                whole(end, modern, forms, &exchange.slot.budget)
            }
            First::Stream => {
                self.keep(&exchange, false);
                self.stream(exchange)
            }
        }
    }

    /// Keeps the events of a legacy session's stream, so that it can be resumed (LH-27; the modern era has no
    /// resumption, MH-44).
    pub(in crate::runtime::http) fn keep(&self, exchange: &Exchange, listens: bool) {
        let Some(session) = exchange.session() else { return };
        if !self.0.sessions.kept().begin(&self.0.engine, session, &exchange.slot, listens) {
            exchange.slot.keep_open();
        }
    }

    /// An event stream. What is already complete is sent in one piece.
    pub(in crate::runtime::http) fn stream(&self, mut exchange: Exchange) -> Response<ResponseBody> {
        let body = match exchange.slot.take_complete(exchange.reader) {
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

    async fn initialize(
        &self,
        arrival: RequestOrigin,
        body: &Bytes,
        forms: Forms,
        caller: Caller<'_>,
    ) -> Result<Response<ResponseBody>, Refusal> {
        if body.len() > MAX_HANDSHAKE {
            return Err(Refusal::too_large(MAX_HANDSHAKE));
        }
        let (engine, sessions) = (&self.0.engine, &self.0.sessions);
        let message = engine.decode(body, Message::decode).map_err(|error| Refusal::malformed(&error))?;
        let id = match &message {
            Message::Request(request) => Some(request.id.clone()),
            _ => None,
        };
        let refuse = |why| no_session(why, id.as_ref());
        let peer = Peer::of(Some(sessions.mint().map_err(refuse)?), arrival.principal.clone());
        let slot = Arc::new(Slot::new(caller.budget, 0, forms.stream));
        let sink: Arc<dyn Sink> = slot.clone();
        let scope = Scope::Session { peer: peer.clone(), arrival };
        engine.accept(&scope, message, &sink);
        let end = slot.take_end().unwrap_or(End::Dropped);
        let opened = matches!(end, End::Response(_, None));
        let mut response = whole(end, false, forms, caller.budget);
        if opened {
            sessions.open(peer.clone()).await.map_err(refuse)?;
            let id = peer.session_id().and_then(|id| HeaderValue::from_str(id).ok());
            if let Some(id) = id {
                response.headers_mut().insert(rules::SESSION_ID, id);
            }
        }
        Ok(response)
    }

    /// The session of a request, with an optional id for a refusal to repeat (RPC-14).
    pub(in crate::runtime::http) async fn session(
        &self,
        principal: Option<&Arc<str>>,
        named: &SessionHead<'_>,
        id: Option<&RequestId>,
    ) -> Result<Lease, Refusal> {
        let found = self.0.sessions.find(named.id, principal).await;
        let lease = found.map_err(|why| no_session(why, id))?;
        if let Some(revision) = lease.peer().revision() {
            named.check(revision)?;
        }
        Ok(lease)
    }

    /// Fails the engine's question that a malformed message was meant to answer.
    async fn fail_pending_question(
        &self,
        principal: Option<&Arc<str>>,
        headers: &HeaderMap,
        malformed: &Malformed,
    ) {
        if malformed.reply.is_none() {
            return;
        }
        if let Ok(named) = rules::session_request(headers, self.0.engine.revisions())
            && let Ok(lease) = self.session(principal, &named, None).await
        {
            self.0.engine.fail_pending_question(lease.peer(), malformed);
        }
    }
}

/// Checks whether the body should be read, and which forms the response may have.
fn readable(head: &Parts) -> Result<Forms, Refusal> {
    rules::check_content(&head.headers)?;
    rules::accepted_forms(&head.headers)
}
