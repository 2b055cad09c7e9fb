//! Handles `initialize`, which opens a legacy session, and finds the session of later requests.

use super::http_service::HttpService;
use crate::dispatch::observer::RequestScope;
use crate::dispatch::principal::Principal;
use crate::host::{Peer, RequestOrigin, Scope, Sink};
use crate::proto::http::{self as rules, Forms, Refusal, SessionHead};
use crate::proto::messages::id::RequestId;
use crate::proto::messages::message::{Malformed, Message};
use crate::runtime::http::connection::caller::Caller;
use crate::runtime::http::response::body::ResponseBody;
use crate::runtime::http::response::response_channel::{ResponseChannel, ResponseEnd};
use crate::runtime::http::response::responses::complete_response;
use crate::runtime::http::session::legacy_session::Lease;
use crate::runtime::http::session::sessions::no_session;
use bytes::Bytes;
use http::header::HeaderValue;
use http::{HeaderMap, Response};
use std::sync::Arc;

/// The maximum body of an `initialize`. Its content is stored with the session, and is not counted in the budget.
const MAX_HANDSHAKE: usize = 16 << 10;

impl HttpService {
    pub(super) async fn initialize(
        &self,
        arrival: RequestOrigin,
        (body, observed): (&Bytes, &RequestScope),
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
        let peer = Peer::of(Some(sessions.new_id().map_err(refuse)?), arrival.principal.clone());
        let channel = Arc::new(ResponseChannel::new(caller.budget, 0, forms.stream));
        let sink: Arc<dyn Sink> = channel.clone();
        let scope = Scope::NewSession { peer: peer.clone(), arrival };
        engine.accept_received(&scope, message, observed.clone(), &sink);
        let end = channel.take_end().unwrap_or(ResponseEnd::Dropped);
        let opened = match &end {
            ResponseEnd::Response(body, None) => Some(body.len()),
            _ => None,
        };
        let mut response = complete_response(end, false, forms, caller);
        if let Some(size) = opened {
            sessions.open(peer.clone()).await.map_err(refuse)?;
            engine.session_has_begun(&peer, observed, size);
            let id = peer.session_id().and_then(|id| HeaderValue::from_str(id).ok());
            if let Some(id) = id {
                response.headers_mut().insert(rules::SESSION_ID, id);
            }
        }
        Ok(response)
    }

    /// Finds the session of a request. `id` is the request's id for a refusal (RPC-14).
    pub(in crate::runtime::http) async fn session(
        &self,
        principal: Option<&Principal>,
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

    /// Fails the question to which a malformed message was a response.
    pub(super) async fn fail_pending_question(
        &self,
        principal: Option<&Principal>,
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
