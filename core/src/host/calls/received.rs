//! Received messages, with what observers are told of them.

use crate::dispatch::calls::table::CallId;
use crate::dispatch::observer::RequestScope;
use crate::host::engine::{Engine, Scope};
use crate::host::engine_state::Shared;
use crate::proto::messages::envelope;
use crate::proto::messages::error::Refuser;
use crate::proto::messages::message::{Message, Notification, Params, Request};
use crate::proto::version::Revision;
use std::ops::Deref;

/// A request, with what observers are told of it.
pub(in crate::host) struct ReceivedRequest<'m> {
    pub(in crate::host) request: &'m Request,
    pub(in crate::host) observed: RequestScope,
}

impl Deref for ReceivedRequest<'_> {
    type Target = Request;

    #[inline]
    fn deref(&self) -> &Request {
        self.request
    }
}

impl Shared {
    /// A call in flight, as observers know it.
    pub(in crate::host) fn observed(&self, call: CallId) -> RequestScope {
        match RequestScope::is_wanted(&self.observers) {
            true => self.calls.with(call, |flight| flight.observed.clone()).unwrap_or_default(),
            false => RequestScope::default(),
        }
    }
}

impl Engine {
    /// Reports a message that has arrived, if it is a request or a notification.
    #[inline]
    pub(crate) fn received(
        &self,
        message: &Message,
        revision: impl FnOnce(&Params) -> Option<Revision>,
    ) -> RequestScope {
        let (method, params) = match message {
            Message::Request(Request { method, params, .. }) => (method, params),
            Message::Notification(Notification { method, params }) => (method, params),
            Message::Response(_) => return RequestScope::default(),
        };
        RequestScope::received(
            self.observers(),
            self.environment(),
            || Some(method.as_str()),
            || revision(params),
            || params.object().as_bytes().len(),
        )
    }

    /// Reports a message that is refused before its method is known. `None`: the server has failed.
    pub(crate) fn refused_unread(&self, refuser: Option<Refuser>) {
        let unknown = RequestScope::received(self.observers(), self.environment(), || None, || None, || 0);
        unknown.rejected_by(refuser);
    }
}

/// The revision of a message, as far as it is known before the message is handled.
pub(in crate::host) fn revision_of(scope: &Scope, params: &Params) -> Option<Revision> {
    match scope {
        Scope::Stateless { client, .. } => Some(client.revision),
        Scope::Channel(_) if envelope::is_modern(params) => {
            envelope::read(params).ok().map(|client| client.revision)
        }
        Scope::Session { peer, .. } | Scope::NewSession { peer, .. } | Scope::Channel(peer) => {
            peer.revision()
        }
    }
}
