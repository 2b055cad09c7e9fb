//! The requests of legacy sessions only: GET opens or resumes a stream, and DELETE ends the session.

use crate::dispatch::observer::StreamKind;
use crate::proto::http::{self as rules, Refusal};
use crate::proto::messages::error::RpcError;
use crate::runtime::http::connection::caller::Caller;
use crate::runtime::http::response::body::{Exchange, ResponseBody};
use crate::runtime::http::response::response_channel::ResponseChannel;
use crate::runtime::http::response::responses::empty;
use crate::runtime::http::service::http_service::HttpService;
use crate::runtime::http::session::sessions::no_session;
use http::request::Parts;
use http::{Response, StatusCode};
use std::sync::Arc;

impl HttpService {
    pub(in crate::runtime::http) async fn get(
        &self,
        head: &Arc<Parts>,
        caller: Caller<'_>,
    ) -> Result<Response<ResponseBody>, Refusal> {
        let named = rules::session_request(&head.headers, self.engine().revisions())?;
        rules::check_listen(&head.headers)?;
        let mut lease = self.session(caller.principal, &named, None).await?;
        let part = caller.stream()?;
        if let Some(id) = rules::last_event_id(&head.headers)? {
            return self.resume(lease, id, (caller, part)).await;
        }
        let most = self.limits().max_session_listens;
        if !lease.listens(most) {
            return Err(Refusal::at_limit(&RpcError::too_many(format!(
                "Too many requests: one session may have {most} GET streams open (max_session_listens)"
            ))));
        }
        let most = self.limits().max_outbound_bytes;
        let channel = Arc::new(ResponseChannel::new(caller.budget, most, true).on(caller.connection));
        let exchange =
            Exchange::new(self.engine().clone(), channel.clone(), None, Some(lease), caller.connection);
        let exchange = exchange.with_part(part).until_expiry(caller.principal);
        self.make_resumable(&exchange, true);
        if let Some(session) = exchange.session() {
            session.listen(&channel);
        }
        Ok(self.stream(exchange, Some(StreamKind::Get)))
    }

    pub(in crate::runtime::http) async fn delete(
        &self,
        head: &Arc<Parts>,
        caller: Caller<'_>,
    ) -> Result<Response<ResponseBody>, Refusal> {
        let named = rules::session_request(&head.headers, self.engine().revisions())?;
        self.session(caller.principal, &named, None).await?;
        self.session_table().end(named.id).await.map_err(|why| no_session(why, None))?;
        Ok(empty(StatusCode::NO_CONTENT))
    }
}
