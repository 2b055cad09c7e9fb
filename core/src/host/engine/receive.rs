//! Received messages: single ones, batches, and answers to the engine's questions.

use crate::dispatch::observer::{RequestEnd, RequestScope};
use crate::faults;
use crate::host::calls::dispatch::Thread;
use crate::host::calls::received::{ReceivedRequest, revision_of};
use crate::host::delivery::sink::{Outgoing, Sink};
use crate::host::engine::{Accepted, Engine, Scope};
use crate::host::session::batch::Batch;
use crate::host::session::peer::{Peer, Question};
use crate::json::{self, JsonSlice};
use crate::panics::caught;
use crate::proto::messages::error::clip;
use crate::proto::messages::id::RequestId;
use crate::proto::messages::message::{Decoded, Malformed, Message, Response};
use crate::proto::version::Revision;
use bytes::Bytes;
use std::sync::Arc;

impl Engine {
    /// Takes one message from a channel. A client of 2025-03-26, the only revision with batches, may also send a
    /// batch (BAT-10). An error in the message is answered on the channel and does not affect the next message.
    ///
    /// Panics of the code that it runs are caught: the request gets error -32603.
    pub fn receive(&self, peer: &Arc<Peer>, sink: &Arc<dyn Sink>, text: Bytes) {
        self.0.guard("a message", || self.receive_within(peer, sink, text));
    }

    fn receive_within(&self, peer: &Arc<Peer>, sink: &Arc<dyn Sink>, text: Bytes) {
        if Message::is_batch(&text) && peer.revision() == Some(Revision::V2025_03_26) {
            let members = self.decode(&text, Message::decode_batch);
            drop(text);
            match members {
                Ok(members) => {
                    self.accept_batch(&Scope::Channel(peer.clone()), members, sink);
                }
                Err(malformed) => self.refuse(peer, sink, &malformed),
            }
            return;
        }
        let message = self.decode(&text, Message::decode);
        drop(text);
        match message {
            Ok(message) => {
                self.accept(&Scope::Channel(peer.clone()), message, sink);
            }
            Err(malformed) if !self.fail_pending_question(peer, &malformed) && malformed.answer => {
                self.refuse(peer, sink, &malformed)
            }
            Err(malformed) => self.refused_unread(malformed.error.refuser()),
        }
    }

    /// Reads a message or a batch. If reading panics, an error response is sent too: it has the message's id if
    /// another reader finds it.
    // The result of reading is larger than the error, as for `Message::decode`.
    #[allow(clippy::result_large_err)]
    pub(crate) fn decode<T>(
        &self,
        text: &Bytes,
        read: impl FnOnce(Bytes, &json::Limits) -> Result<T, Malformed>,
    ) -> Result<T, Malformed> {
        let reading = || {
            faults::pass("decode");
            read(text.clone(), &self.0.limits.json())
        };
        caught(reading).unwrap_or_else(|panicked| Err(self.0.unread(text, &panicked)))
    }

    /// Takes the members of a batch. Their responses are sent to the sink as one array after the last member has
    /// ended; events are sent at once. Each member that is not a message gets one error response (BAT-7). Returns
    /// whether any member needs a response (BAT-5).
    pub(crate) fn accept_batch(&self, scope: &Scope, members: Vec<Decoded>, sink: &Arc<dyn Sink>) -> bool {
        let wants_answer = |member: &Decoded| !matches!(member, Ok(message) if !message.is_request());
        // Counted first, so that no response is taken for the last one.
        let count = members.iter().filter(|member| wants_answer(member)).count();
        let batch = Batch::new(count, count < members.len(), sink.clone());
        let mut answered = 0;
        for member in members {
            let own = if wants_answer(&member) {
                answered += 1;
                batch.member(answered - 1)
            } else {
                sink.clone()
            };
            // If the delivery of one response panics, the other members still get theirs.
            self.0.guard("a member of a batch", || match (member, scope.peer()) {
                (Ok(message), _) => {
                    self.accept(scope, message, &own);
                }
                (Err(malformed), Some(peer)) => {
                    self.fail_pending_question(peer, &malformed);
                    self.refuse(peer, &own, &malformed);
                }
                // Only sessions have batches.
                (Err(_), None) => drop(own.send(Outgoing::Dropped)),
            });
        }
        answered > 0
    }

    /// Fails the question that a malformed response was meant to answer. Returns `false` if there is none.
    pub(crate) fn fail_pending_question(&self, peer: &Peer, malformed: &Malformed) -> bool {
        let request = malformed.reply.as_ref().and_then(question_id);
        let Some(question) = request.and_then(|request| peer.take_ask(request)) else { return false };
        let text = format!("the client's answer is not usable: {}", malformed.error.message);
        self.take_answer(&question, Err(text));
        true
    }

    /// Takes the answer to a question. If this panics, the call that asked ends.
    fn take_answer(&self, question: &Question, outcome: Result<JsonSlice, String>) {
        let answered = caught(|| {
            faults::pass("hear");
            self.port().answered(question.call, question.ask, outcome, Thread::Receiver);
        });
        if let Err(panicked) = answered {
            self.0.fail_panicked(question.call, &panicked);
        }
    }

    /// Takes back a [question](Outgoing::Question) that a sink had accepted and then could not deliver. The question
    /// is sent to the peer's own sink, or fails.
    pub fn undelivered(&self, peer: &Peer, id: u64, body: Bytes) {
        self.port().undelivered(peer, id, body);
    }

    /// Sends an error response on a channel for text that is not a message.
    pub(crate) fn refuse(&self, peer: &Arc<Peer>, sink: &Arc<dyn Sink>, malformed: &Malformed) {
        self.refused_unread(malformed.error.refuser());
        sink.send(self.0.error(malformed.id.as_ref(), peer.revision(), &malformed.error));
    }

    /// Takes one decoded message.
    // Always inlined, because a message is large and would be copied once more.
    #[inline(always)]
    pub(crate) fn accept(&self, scope: &Scope, message: Message, sink: &Arc<dyn Sink>) -> Accepted {
        let observed = self.received(&message, |params| revision_of(scope, params));
        self.accept_received(scope, message, observed, sink)
    }

    /// The same, for a message that was [reported](Engine::received) to observers.
    #[inline(always)]
    pub(crate) fn accept_received(
        &self,
        scope: &Scope,
        message: Message,
        observed: RequestScope,
        sink: &Arc<dyn Sink>,
    ) -> Accepted {
        match message {
            // Borrowed, because a request is large.
            Message::Request(ref request) => {
                self.request(scope, &ReceivedRequest { request, observed }, sink)
            }
            Message::Notification(notification) => {
                if !self.0.guard("a notification", || self.notification(scope, notification, &observed)) {
                    observed.finished(RequestEnd::Error, 0);
                }
                Accepted::NoReply
            }
            Message::Response(response) => {
                self.0.guard("a response", || self.response(scope, response));
                Accepted::NoReply
            }
        }
    }

    /// Takes the answer to one of the engine's questions. Ignores any other response (BAD-9).
    fn response(&self, scope: &Scope, response: Response) {
        let Some(peer) = scope.peer() else { return };
        let Some(question) = question_id(&response.id).and_then(|id| peer.take_ask(id)) else { return };
        let outcome = response.outcome.map_err(|error| {
            let message = error.member("message");
            let message = message.as_ref().and_then(|message| message.decode_str());
            format!("the client failed: {}", clip(message.as_deref().unwrap_or("no message")))
        });
        self.take_answer(&question, outcome);
    }
}

/// The number of the question that a response answers by its id.
fn question_id(id: &RequestId) -> Option<u64> {
    id.raw().as_str().parse().ok()
}
