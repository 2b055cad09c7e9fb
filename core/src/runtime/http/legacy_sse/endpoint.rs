//! HTTP+SSE of revision 2024-11-05: an event stream, and an address to which the client posts its messages.
//!
//! Each stream is one session. The first event of the stream contains the address, with a random token that cannot be
//! guessed. All responses are sent on the stream. When the stream ends, the session ends (SSE-1 to SSE-12).

use super::stream::SseStream;
use crate::dispatch::observer::{RequestEnd, StreamKind, StreamScope};
use crate::dispatch::principal::Principal;
use crate::faults;
use crate::host::CancelReason;
use crate::host::{Engine, Outgoing, Peer, Scope, Sink};
use crate::locks::Mutex;
use crate::panics::caught;
use crate::proto::framing::sse;
use crate::proto::http::{self as rules, Access, Refusal, Verb};
use crate::proto::messages::envelope;
use crate::proto::messages::error::{RpcError, stage};
use crate::proto::messages::id::RequestId;
use crate::proto::messages::message::{Malformed, Message, Params};
use crate::proto::results::shape;
use crate::proto::version::{Era, Revision, Revisions};
use crate::runtime::http::connection::caller::Caller;
use crate::runtime::http::connection::connection_state::ConnectionState;
use crate::runtime::http::connection::read::read;
use crate::runtime::http::response::body::ResponseBody;
use crate::runtime::http::response::queue::Queue;
use crate::runtime::http::response::responses::{
    add_cors, body_error, drain_and_refuse, empty, event_stream, refused,
};
use crate::runtime::http::service::http_service::{HttpService, KEEP_ALIVE, TICK};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::HeaderValue;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body::Body;
use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// The error for a client that does not read the responses to its earlier messages.
const BUSY: &str = "Server busy: too many responses wait to be read from the event stream; read them first";

/// The query parameter of the address that contains the session's id.
const SESSION: &str = "session";

/// The two paths of one endpoint: one for the event stream, and one for messages.
pub(super) struct SseEndpoint {
    service: HttpService,
    /// The path to which messages are posted.
    messages: String,
    pub(super) sessions: Mutex<HashMap<Arc<str>, Arc<Session>>>,
    ending: AtomicBool,
}

/// The session of one client.
pub(super) struct Session {
    pub(super) id: Arc<str>,
    pub(super) peer: Arc<Peer>,
    pub(super) queue: Arc<Queue>,
    sink: Arc<dyn Sink>,
}

fn preflight(
    access: &Access,
    methods: &'static str,
    head: &Parts,
    origin: Option<&HeaderValue>,
) -> Response<ResponseBody> {
    let mut response = empty(StatusCode::NO_CONTENT);
    *response.headers_mut() = access.preflight(methods, &head.headers, origin);
    add_cors(origin, &mut response);
    response
}

impl SseEndpoint {
    pub(super) fn new(service: &HttpService, messages: &str) -> Arc<SseEndpoint> {
        Arc::new(SseEndpoint {
            service: service.clone(),
            messages: messages.to_owned(),
            sessions: Mutex::default(),
            ending: AtomicBool::new(false),
        })
    }

    pub(super) fn engine(&self) -> &Engine {
        self.service.engine()
    }

    /// Handles a request on the path of the event stream. GET opens the stream of a client.
    pub(super) async fn listen<B: Body<Data = Bytes>>(
        self: &Arc<Self>,
        request: Request<B>,
        access: &Access,
        connection: &Arc<ConnectionState>,
    ) -> Response<ResponseBody> {
        let (head, body) = request.into_parts();
        let head = Arc::new(head);
        let checked = access.check(&head.uri, &head.headers);
        if let (Ok(origin), Ok(Verb::Options)) = (&checked, rules::verb(&head.method)) {
            return preflight(access, rules::ALLOW_EVENTS, &head, *origin);
        }
        let checked = checked.and_then(|origin| match rules::verb(&head.method) {
            Ok(Verb::Get) => Ok(origin),
            _ => Err(Refusal::not_allowed(
                rules::ALLOW_EVENTS,
                "Method not allowed: open the event stream with GET",
            )),
        });
        let caller = Caller::on(connection);
        let opened = match checked {
            Ok(origin) => match self.service.principal(&head, caller).await {
                Ok(principal) => self.begin(&head, connection, principal).map(|stream| (origin, stream)),
                Err(refusal) => {
                    let mut response = self.service.refuse_principal(refusal, &head, &body, caller);
                    add_cors(origin, &mut response);
                    return response;
                }
            },
            Err(refusal) => Err(refusal),
        };
        match opened {
            Ok((origin, stream)) => {
                let mut response = event_stream(ResponseBody::channel(Box::new(stream)));
                add_cors(origin, &mut response);
                response
            }
            Err(refusal) => drain_and_refuse(refused(refusal), &head, pin!(body)).await,
        }
    }

    fn begin(
        self: &Arc<Self>,
        head: &Parts,
        connection: &Arc<ConnectionState>,
        principal: Option<Principal>,
    ) -> Result<SseStream, Refusal> {
        rules::check_listen(&head.headers)?;
        caught(|| self.open(connection, principal)).unwrap_or_else(|panicked| {
            let error = self.engine().0.panicked("the begin of an event stream", &panicked);
            Err(Refusal::internal(None, &error))
        })
    }

    fn open(
        self: &Arc<Self>,
        connection: &Arc<ConnectionState>,
        principal: Option<Principal>,
    ) -> Result<SseStream, Refusal> {
        let part = Caller::on(connection).stream()?;
        let mut token = [0; 24];
        if let Err(error) = self.engine().environment().random(&mut token) {
            return Err(Refusal::busy(format!("Server busy: sessions are unavailable: {error}")));
        }
        let id: Arc<str> = URL_SAFE_NO_PAD.encode(token).into();
        let most = self.engine().limits().max_outbound_bytes;
        let queue = Queue::new(connection.budget(), most, connection.wake_queue());
        let (peer, sink): (_, Arc<dyn Sink>) = (Peer::of(Some(id.clone()), principal.clone()), queue.clone());
        peer.set_sink(sink.clone());
        let session = Arc::new(Session { id: id.clone(), peer, queue, sink });
        self.sessions.lock().insert(id, session.clone());
        // `end` either finds the session in the table, or has set `ending` before this check.
        if self.ending.load(Ordering::SeqCst) {
            session.end();
        }
        connection.wait(true);
        let (engine, weak) = (self.engine().clone(), Arc::downgrade(&session));
        let expiry = self.engine().until_expiry(principal.as_ref(), move || {
            if let Some(session) = weak.upgrade() {
                engine.close_peer(&session.peer, CancelReason::Closing);
                session.end();
            }
        });
        let address = format!("{}?{SESSION}={}", self.messages, session.id);
        Ok(SseStream {
            endpoint: self.clone(),
            session,
            connection: connection.clone(),
            address: Some(address),
            ended: false,
            _part: part,
            _expiry: expiry,
            _scope: StreamScope::open(self.engine().observers(), StreamKind::Sse),
        })
    }

    /// Handles a request on the path for messages. POST sends a message to one of the sessions.
    pub(super) async fn post<B: Body<Data = Bytes>>(
        &self,
        request: Request<B>,
        access: &Access,
        connection: &Arc<ConnectionState>,
    ) -> Response<ResponseBody> {
        let (head, body) = request.into_parts();
        let head = Arc::new(head);
        let origin = match access.check(&head.uri, &head.headers) {
            Ok(origin) => origin,
            Err(refusal) => return drain_and_refuse(refused(refusal), &head, pin!(body)).await,
        };
        let caller = Caller::on(connection);
        let (principal, found) = match rules::verb(&head.method) {
            Ok(Verb::Options) => return preflight(access, rules::ALLOW_MESSAGES, &head, origin),
            Ok(Verb::Post) => match self.service.principal(&head, caller).await {
                Ok(principal) => {
                    let found = self.find(&head, principal.as_ref());
                    let content = rules::check_content(&head.headers);
                    (principal, found.and_then(|session| content.map(|()| session)))
                }
                Err(refusal) => {
                    let mut response = self.service.refuse_principal(refusal, &head, &body, caller);
                    add_cors(origin, &mut response);
                    return response;
                }
            },
            _ => (None, Err(Refusal::only_post("Method not allowed: send messages with POST"))),
        };
        let caller = Caller { principal: principal.as_ref(), ..caller };
        let mut response = match found {
            Err(refusal) => drain_and_refuse(refused(refusal), &head, pin!(body)).await,
            Ok(session) => {
                let max = self.engine().limits().max_message_bytes;
                match read(pin!(body), max, caller.budget).await {
                    Err(error) => {
                        self.engine().refused_unread(Some(error.refuser()));
                        body_error(error, max, head.version, caller)
                    }
                    Ok(body) => {
                        let named = OnceLock::new();
                        match caught(|| self.receive(&session, &head, (body, &named), caller)) {
                            Ok(Ok(())) => empty(StatusCode::ACCEPTED),
                            Ok(Err(refusal)) => refused(refusal),
                            Err(panicked) => {
                                let error = self.engine().0.panicked("an HTTP request", &panicked);
                                self.fail(&session, named.into_inner(), error)
                            }
                        }
                    }
                }
            }
        };
        add_cors(origin, &mut response);
        response
    }

    /// The response to a message whose handling panicked. If the message has an id, the error is sent on the stream.
    fn fail(&self, session: &Session, id: Option<RequestId>, error: RpcError) -> Response<ResponseBody> {
        if id.is_none() {
            return refused(Refusal::internal(None, &error));
        }
        let malformed = Malformed { id, error, answer: true, reply: None };
        self.engine().0.guard("the delivery of an answer", || {
            self.engine().refuse(&session.peer, &session.sink, &malformed);
        });
        empty(StatusCode::ACCEPTED)
    }

    /// The session that a request names. For another principal than the one that opened it, it does not exist.
    fn find(&self, head: &Parts, principal: Option<&Principal>) -> Result<Arc<Session>, Refusal> {
        let Some(id) = rules::named_once(head.uri.query().unwrap_or_default(), SESSION)? else {
            return Err(Refusal::plain(
                StatusCode::BAD_REQUEST,
                "Bad request: send messages to the URL in the first event of the event stream",
            ));
        };
        let session = self.sessions.lock().get(id).cloned();
        let session = session.filter(|session| session.peer.is_of(principal));
        session.ok_or_else(|| {
            Refusal::plain(StatusCode::NOT_FOUND, "Session not found: its event stream has ended")
        })
    }

    /// Passes a message to the engine. Responses are sent on the stream. A message that cannot be decoded fails the
    /// HTTP request.
    fn receive(
        &self,
        session: &Session,
        head: &Arc<Parts>,
        (body, named): (Bytes, &OnceLock<RequestId>),
        caller: Caller<'_>,
    ) -> Result<(), Refusal> {
        let (engine, peer, sink) = (self.engine(), &session.peer, &session.sink);
        if session.queue.is_full() {
            let error = RpcError::busy(BUSY).refused_by(stage::LIMITS, "max_outbound_bytes");
            engine.refused_unread(error.refuser());
            return Err(Refusal::at_limit(&error));
        }
        let arrival = caller.request_origin(head, self.service.forwarded(head, caller).client);
        let scope = Scope::Session { peer: peer.clone(), arrival };
        if Message::is_batch(&body) && peer.revision() == Some(Revision::V2025_03_26) {
            let members = engine
                .decode(&body, Message::decode_batch)
                .map_err(|wrong| Refusal::malformed(&wrong))
                .inspect_err(|refusal| engine.refused_unread(refusal.refuser))?;
            members.iter().flatten().for_each(|member| session.record_pong(member));
            // If a message has an id, the client waits for the error on the stream. If no message has an id, the HTTP
            // status reports the error (BAD-7).
            let bad = members.iter().all(|member| matches!(member, Err(wrong) if wrong.id.is_none()));
            engine.accept_batch(&scope, members, sink);
            return if bad { Err(Refusal::no_messages()) } else { Ok(()) };
        }
        let message = match engine.decode(&body, Message::decode) {
            Ok(message) => message,
            Err(wrong) if engine.fail_pending_question(peer, &wrong) => {
                return Err(Refusal::malformed(&wrong));
            }
            // The message has an id, so the client waits for the error on the stream.
            Err(wrong) if wrong.answer && wrong.id.is_some() => {
                engine.refuse(peer, sink, &wrong);
                return Ok(());
            }
            Err(wrong) => {
                engine.refused_unread(wrong.error.refuser());
                return Err(Refusal::malformed(&wrong));
            }
        };
        if let Message::Request(request) = &message {
            let _ = named.set(request.id.clone());
        }
        faults::pass("post");
        session.record_pong(&message);
        match &message {
            // These sessions are always legacy (ERA-15).
            Message::Request(request) if envelope::is_modern(&request.params) => {
                let served: Revisions =
                    engine.revisions().iter().filter(|revision| revision.era() == Era::Legacy).collect();
                let error = match envelope::claimed_version(&request.params) {
                    Ok(claimed) => RpcError::unserved_version(&claimed, served),
                    Err(error) => error,
                };
                let body = shape::error(Some(&request.id), None, &error);
                let claimed = |_: &Params| Some(Revision::V2026_07_28);
                engine.received(&message, claimed).rejected(&error, body.len());
                engine.0.guard("the delivery of an answer", || {
                    sink.send(Outgoing::Response { body, error: Some((&error).into()) });
                });
            }
            Message::Notification(said) if envelope::is_modern(&said.params) => {
                let claimed = |_: &Params| Some(Revision::V2026_07_28);
                engine.received(&message, claimed).finished(RequestEnd::Ok, 0);
            }
            // The engine answers a panic itself, so a second response would be wrong.
            _ => {
                engine.0.guard("the delivery of an answer", || {
                    engine.accept(&scope, message, sink);
                });
            }
        }
        Ok(())
    }

    /// Requests a comment on streams on which nothing was sent.
    pub(super) fn tick(&self, now: Instant) {
        // The sessions are collected first. A stream that is woken under the lock and ends at once would cause a
        // deadlock.
        let open: Vec<_> = self.sessions.lock().values().cloned().collect();
        open.iter().for_each(|session| session.queue.keep_alive(now, KEEP_ALIVE - TICK));
    }

    /// Ends the streams at shutdown: each stream ends after its last call.
    pub(super) fn end(&self) {
        self.ending.store(true, Ordering::SeqCst);
        let open: Vec<_> = self.sessions.lock().values().cloned().collect();
        open.iter().for_each(|session| session.end());
    }
}

impl Session {
    /// Records the answer to a ping. Any answer, even an error, shows that the client has read everything before the
    /// ping. If a client answers without reading, it harms only itself.
    fn record_pong(&self, message: &Message) {
        if let Some(number) = sse::pong(message) {
            self.queue.ponged(number);
        }
    }

    fn end(&self) {
        self.peer.on_idle(self.queue.clone());
        self.queue.end();
    }
}
