//! `initialize`: begins a session. A channel can have several sessions, one after the other (VER-19).
//!
//! Some clients keep the process or the connection, connect again, and send `initialize` once more. They remember
//! nothing of the earlier session and reuse its ids. So every request of that session ends without a response before
//! the response to `initialize` is sent. A session of Streamable HTTP has an id in a header, and never begins again.

use crate::dispatch::calls::table::CallId;
use crate::dispatch::observer::{RequestEnd, RequestScope, SessionScope};
use crate::host::calls::dispatch::Thread;
use crate::host::calls::op::CancelReason;
use crate::host::calls::received::ReceivedRequest;
use crate::host::delivery::sink::{Outgoing, Sink};
use crate::host::engine::{Engine, Scope};
use crate::host::session::peer::Peer;
use crate::proto::messages::error::RpcError;
use crate::proto::results::shape;
use crate::proto::session::lifecycle::negotiate;
use std::sync::Arc;

impl Engine {
    /// Begins a session and sends the response. The response follows all remaining messages of a former session.
    pub(in crate::host) fn initialize(
        &self,
        scope: &Scope,
        peer: &Arc<Peer>,
        request: &ReceivedRequest<'_>,
        sink: &Arc<dyn Sink>,
    ) -> Result<(), RpcError> {
        let client = negotiate(&request.params, self.revisions())?;
        let capabilities = self.0.abilities_for(scope);
        let body = self.0.shaper.initialize(&request.id, client.revision, capabilities, &client.capabilities);
        // The program is notified of the end before the peer has a new client.
        self.session_ends(peer);
        let former = peer.begin_session(client);
        drop(peer.replace_scope(SessionScope::default()));
        for call in former {
            if !self.outlives_session(call) {
                self.cancel(call, CancelReason::Disconnected);
            }
        }
        if peer.session() > 1 {
            self.0.drop_former_spaced(peer);
            self.forget_session(peer);
        }
        let (shared, sink) = (self.0.clone(), sink.clone());
        // A session that the transport has yet to store may still be refused.
        if !matches!(scope, Scope::NewSession { .. }) {
            self.session_has_begun(peer, &request.observed, body.len());
        }
        peer.after_former(move || {
            // The end of a former call may run this.
            shared.guard("the delivery of an answer", || {
                sink.send(Outgoing::Response { body, error: None });
            });
        });
        Ok(())
    }

    /// Reports to observers that a session has begun, and that its `initialize` has ended with a response of `output`
    /// bytes.
    pub(crate) fn session_has_begun(&self, peer: &Peer, observed: &RequestScope, output: usize) {
        if let Some(revision) = peer.revision() {
            let scope = SessionScope::begin(self.observers(), peer.session_id(), revision, false);
            drop(peer.replace_scope(scope));
        }
        observed.finished(RequestEnd::Ok, output);
    }

    /// Whether a call belongs to no session. Requests of 2026-07-28 share a channel with sessions, and nothing else.
    pub(in crate::host) fn outlives_session(&self, call: CallId) -> bool {
        self.0.calls.with(call, |flight| flight.revision().is_modern()) == Some(true)
    }

    /// Removes the state of a session, except its calls.
    fn forget_session(&self, peer: &Arc<Peer>) {
        self.unsubscribe_all(peer);
        self.0.bus.leave(peer);
        self.0.bus.drop_owed(peer);
        self.0.visits.forget(peer);
        // These are questions of tasks, which continue. The client that asks for their results is asked again.
        for (request, question) in peer.take_asks() {
            let body = shape::cancelled(request, "the session has ended");
            peer.send(Outgoing::Event { body, droppable: false });
            if !self.port().question_is_back(question.call, question.ask) {
                let text = "the client has started another session".to_owned();
                self.port().answered(question.call, question.ask, Err(text), Thread::Receiver);
            }
        }
    }
}
