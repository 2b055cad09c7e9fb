//! Finds the principal of a request, before its body is read and before its session is looked up.

use super::http_service::HttpService;
use crate::dispatch::principal::Principal;
use crate::host::{PrincipalFuture, PrincipalRefusal, Resolution, Sender};
use crate::runtime::http::connection::caller::Caller;
use crate::runtime::http::connection::connection_state::ConnectionState;
use crate::runtime::http::connection::forwarded::Forwarded;
use crate::runtime::http::connection::request_extensions::attached_principal;
use http::request::Parts;
use std::sync::Arc;

impl HttpService {
    /// What a trusted proxy says about a request.
    pub(in crate::runtime::http) fn forwarded(&self, head: &Parts, caller: Caller<'_>) -> Forwarded {
        self.0.proxies.read(caller.share().map(|share| share.key()), &head.headers)
    }

    fn sender<'c>(&self, head: &Parts, caller: Caller<'c>) -> Sender<'c> {
        let client = self.forwarded(head, caller).client.or_else(|| caller.share().map(|share| share.key()));
        Sender { client, last: caller.connection.map(|connection| connection.last_verified()) }
    }

    /// The principal of a request whose framing, method, host and origin were checked.
    pub(in crate::runtime::http) async fn principal(
        &self,
        head: &Arc<Parts>,
        caller: Caller<'_>,
    ) -> Result<Option<Principal>, PrincipalRefusal> {
        match self
            .engine()
            .resolve_principal(attached_principal(head), Some(head), || self.sender(head, caller))
        {
            Resolution::Ready(found) => found,
            Resolution::Pending(future) => pending(future, caller.connection).await,
        }
    }
}

async fn pending(
    future: PrincipalFuture,
    connection: Option<&Arc<ConnectionState>>,
) -> Result<Option<Principal>, PrincipalRefusal> {
    // Meanwhile the socket checks whether the client is still connected.
    let _watch = connection.map(|connection| {
        connection.wait(true);
        Watch(connection)
    });
    future.await
}

struct Watch<'c>(&'c ConnectionState);

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.0.wait(false);
    }
}
