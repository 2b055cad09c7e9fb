//! Handles POST: passes the message to the engine, and makes a response of its outcome.

use super::http_service::HttpService;
use crate::dispatch::observer::{RequestEnd, RequestScope, StreamKind, StreamScope};
use crate::faults;
use crate::host::{Accepted, RequestOrigin, Scope, Sink, null_sink};
use crate::proto::http::{self as rules, Forms, Refusal, Route};
use crate::proto::messages::id::RequestId;
use crate::proto::messages::message::Message;
use crate::proto::version::Revision;
use crate::runtime::http::connection::caller::Caller;
use crate::runtime::http::connection::read::read;
use crate::runtime::http::response::body::{Exchange, InFlight, ResponseBody};
use crate::runtime::http::response::response_channel::{ResponseChannel, ResponseEnd, ResponseForm};
use crate::runtime::http::response::responses::{body_error, complete_response, empty, event_stream};
use crate::runtime::http::session::legacy_session::Lease;
use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};
use http_body::Body;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

/// What has become of a request that the engine has received.
enum Called {
    Answered(Response<ResponseBody>),
    Waits(Exchange),
}

impl HttpService {
    pub(super) async fn post<B>(
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
        let arrival = caller.request_origin(head, self.forwarded(head, caller).client);
        let body = match read(body, limits.max_message_bytes, caller.budget).await {
            Ok(body) => body,
            Err(error) => {
                self.0.engine.refused_unread(Some(error.refuser()));
                return Ok(body_error(error, limits.max_message_bytes, head.version, caller));
            }
        };
        if Message::is_batch(&body)
            && let Some(named) = rules::batch_session(&head.headers)
        {
            let lease = self.session(caller.principal, &named, None).await.inspect_err(|refusal| {
                self.0.engine.refused_unread(refusal.refuser);
            })?;
            if lease.peer().revision() == Some(Revision::V2025_03_26) {
                return self.batch(lease, arrival, body, forms, caller).await;
            }
        }
        let message = match self.0.engine.decode(&body, Message::decode) {
            Ok(message) => message,
            Err(malformed) => {
                self.0.engine.refused_unread(malformed.error.refuser());
                self.fail_pending_question(caller.principal, &head.headers, &malformed).await;
                return Err(Refusal::malformed(&malformed));
            }
        };
        if let Message::Request(request) = &message {
            let _ = named.set(request.id.clone());
        }
        let observed = self.0.engine.received(&message, |_| rules::claimed_revision(&head.headers));
        let refused = |refusal: Refusal| {
            observed.rejected_by(refusal.refuser);
            refusal
        };
        faults::pass("http");
        let route = rules::route(&head.headers, &message, self.0.engine.revisions());
        let called = match route.map_err(refused)? {
            Route::Modern(client) => {
                let params = rules::param_fields(&head.headers);
                let scope = Scope::Stateless { client, params, arrival };
                self.call(&scope, (message, &observed), forms, None, caller)
            }
            Route::Notification(client) => {
                let params = rules::param_fields(&head.headers);
                let scope = Scope::Stateless { client, params, arrival };
                self.0.engine.accept_received(&scope, message, observed.clone(), &null_sink());
                return Ok(empty(StatusCode::ACCEPTED));
            }
            Route::Ignored => {
                observed.finished(RequestEnd::Ok, 0);
                return Ok(empty(StatusCode::ACCEPTED));
            }
            Route::Initialize(id) => {
                // A client that has lost its session may still send the old session's header (LH-11).
                if let Some(session) = rules::session_id(&head.headers)
                    && self.0.sessions.find(session, caller.principal).await.is_ok()
                {
                    return Err(refused(Refusal::initialized(&id)));
                }
                drop(message);
                return self.initialize(arrival, (&body, &observed), forms, caller).await.map_err(refused);
            }
            Route::Session(named) => {
                let id = match &message {
                    Message::Request(request) => Some(&request.id),
                    _ => None,
                };
                let lease = self.session(caller.principal, &named, id).await.map_err(refused)?;
                let scope = Scope::Session { peer: lease.peer().clone(), arrival };
                if !matches!(message, Message::Request(_)) {
                    self.0.engine.accept_received(&scope, message, observed.clone(), &null_sink());
                    return Ok(empty(StatusCode::ACCEPTED));
                }
                self.call(&scope, (message, &observed), forms, Some(lease), caller)
            }
        };
        match called {
            Ok(Called::Answered(response)) => Ok(response),
            Ok(Called::Waits(exchange)) => Ok(self.respond(exchange, forms, caller).await),
            Err(refusal) => Err(refused(refusal)),
        }
    }

    /// Passes a request to the engine.
    fn call(
        &self,
        scope: &Scope,
        (message, observed): (Message, &RequestScope),
        forms: Forms,
        lease: Option<Lease>,
        caller: Caller<'_>,
    ) -> Result<Called, Refusal> {
        let engine = &self.0.engine;
        let modern = matches!(scope, Scope::Stateless { .. });
        let listens = rules::listens(&message, forms)?;
        let limits = engine.limits();
        let most = if listens { limits.max_listen_bytes } else { limits.max_outbound_bytes };
        let part = if listens { caller.stream()? } else { None };
        let channel = Arc::new(ResponseChannel::new(caller.budget, most, forms.stream).on(caller.connection));
        let sink: Arc<dyn Sink> = channel.clone();
        let in_flight = match engine.accept_received(scope, message, observed.clone(), &sink) {
            Accepted::Started(call) => InFlight::Call(call),
            Accepted::Listening(listen) => {
                self.0.streams.end_if_closing(|| engine.end_listen(listen));
                InFlight::Listen(listen)
            }
            Accepted::Answered | Accepted::NoReply => {
                let end = channel.take_end().unwrap_or(ResponseEnd::Dropped);
                let mut response = complete_response(end, modern, forms, caller);
                // The client has ended the session while this request was in flight (LH-8).
                let ended = lease.is_some_and(|lease| lease.session().has_ended());
                if ended && response.status() != StatusCode::OK {
                    *response.status_mut() = StatusCode::NOT_FOUND;
                }
                return Ok(Called::Answered(response));
            }
        };
        let exchange =
            Exchange::new(engine.clone(), channel, modern.then_some(in_flight), lease, caller.connection);
        Ok(Called::Waits(exchange.with_part(part)))
    }

    /// Handles the members of a batch. Their responses are sent as one array (BAT-5, BAT-7).
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
            .map_err(|malformed| Refusal::malformed(&malformed))
            .inspect_err(|refusal| engine.refused_unread(refusal.refuser))?;
        let most = engine.limits().max_outbound_bytes;
        let channel = Arc::new(ResponseChannel::new(caller.budget, most, forms.stream).on(caller.connection));
        let sink: Arc<dyn Sink> = channel.clone();
        let scope = Scope::Session { peer: lease.peer().clone(), arrival };
        if !engine.accept_batch(&scope, members, &sink) {
            return Ok(empty(StatusCode::ACCEPTED));
        }
        let exchange = Exchange::new(engine.clone(), channel, None, Some(lease), caller.connection);
        Ok(self.respond(exchange, forms, caller).await)
    }

    /// The response to a request in flight. The first message decides whether it is JSON or a stream.
    async fn respond(
        &self,
        mut exchange: Exchange,
        forms: Forms,
        caller: Caller<'_>,
    ) -> Response<ResponseBody> {
        let modern = exchange.in_flight.is_some();
        match poll_fn(|task| exchange.poll_first(task)).await {
            ResponseForm::Whole(end) => {
                exchange.finish();
                complete_response(end, modern, forms, caller)
            }
            ResponseForm::Stream => {
                self.make_resumable(&exchange, false);
                // A listen stream reports itself, over every transport.
                let listens = matches!(exchange.in_flight, Some(InFlight::Listen(_)));
                self.stream(exchange, (!listens).then_some(StreamKind::Response))
            }
        }
    }

    /// Starts the event log of a legacy session's stream, so that the client can resume the stream (LH-27). The modern
    /// era has no resumption (MH-44).
    pub(in crate::runtime::http) fn make_resumable(&self, exchange: &Exchange, listens: bool) {
        let Some(session) = exchange.session() else { return };
        if !self.0.sessions.resumable().begin(&self.0.engine, session, &exchange.channel, listens) {
            exchange.channel.cancel_closing();
        }
    }

    /// An event stream. If the stream is complete already, it is sent in one piece.
    /// `kind` is what observers are told of it.
    pub(in crate::runtime::http) fn stream(
        &self,
        mut exchange: Exchange,
        kind: Option<StreamKind>,
    ) -> Response<ResponseBody> {
        let body = match exchange.channel.take_complete(exchange.reader) {
            Some(bytes) => {
                exchange.finish();
                ResponseBody::whole(bytes)
            }
            None => {
                let entry = self.0.streams.enter(&exchange.channel);
                let observers = self.0.engine.observers();
                let scope = kind.map(|kind| StreamScope::open(observers, kind)).unwrap_or_default();
                ResponseBody::stream(exchange, entry, scope)
            }
        };
        event_stream(body)
    }
}

/// Checks the headers before the body is read. Returns the forms that the client accepts for the response.
pub(super) fn readable(head: &Parts) -> Result<Forms, Refusal> {
    rules::check_content(&head.headers)?;
    rules::accepted_forms(&head.headers)
}
