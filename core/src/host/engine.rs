//! The engine's interface for transports: it takes received messages, starts calls, and cancels or times them out.

use super::bus::{ListenId, StreamEnd};
use crate::dispatch::calls::table::CallId;
use crate::dispatch::limits::Limits;
use crate::dispatch::log::{self, LogLevel};
use crate::faults;
use crate::host::admission::concurrency_limit::Place;
use crate::host::calls::arrival::Arrival;
use crate::host::calls::completion::End;
use crate::host::calls::op::CancelReason;
use crate::host::delivery::sink::{Outgoing, Sink};
use crate::host::engine_state::{Attached, Shared, Thread};
use crate::host::lanes::port::HostPort;
use crate::host::lanes::threads::Threads;
use crate::host::lanes::wake::Wake;
use crate::host::session::batch::Batch;
use crate::host::session::peer::{Peer, Question};
use crate::json::{self, JsonSlice};
use crate::panics::caught;
use crate::proto::catalog::header_params::ParamFields;
use crate::proto::messages::envelope;
use crate::proto::messages::envelope::Client;
use crate::proto::messages::error::{RpcError, clip};
use crate::proto::messages::id::RequestId;
use crate::proto::messages::message::{Decoded, Malformed, Message, Params, Response};
use crate::proto::session::version::{Revision, Revisions};
use bytes::Bytes;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// The transports' interface of the engine. It is cheap to clone. Every method may be called from any thread, and
/// none waits for a host.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Shared>);

/// Where a message was received, which decides its era.
#[derive(Clone)]
pub enum Scope {
    /// A channel that belongs to one peer. Each message decides its own era (ERA-8).
    Channel(Arc<Peer>),
    /// A legacy HTTP session.
    Session {
        /// The session.
        peer: Arc<Peer>,
        /// How the message arrived.
        arrival: Arrival,
    },
    /// Modern HTTP: nothing is remembered between requests. The transport has already read the envelope, because the
    /// headers must match it.
    Stateless {
        /// What the envelope says.
        client: Client,
        /// The headers that repeat arguments.
        params: ParamFields,
        /// How the message arrived.
        arrival: Arrival,
    },
}

/// The result of accepting a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// A request. Its response has been sent to the sink, or follows the messages that are on their way there.
    Answered,
    /// A request that became a call. Its response will be sent to the sink.
    Started(CallId),
    /// Like `Started`, but the call's admission is not finished.
    Pending(CallId),
    /// A request that became a listen stream, which is not a call. Its acknowledgement has been or will be sent to
    /// the sink. Its response is sent when the server ends the stream.
    Listening(ListenId),
    /// A notification or a response. Nothing will be sent to the sink.
    Noted,
}

impl Scope {
    pub(super) fn peer(&self) -> Option<&Arc<Peer>> {
        match self {
            Scope::Channel(peer) | Scope::Session { peer, .. } => Some(peer),
            Scope::Stateless { .. } => None,
        }
    }

    /// How the message arrived.
    pub(super) fn arrival(&self) -> Arrival {
        match self {
            Scope::Channel(peer) => Arrival {
                principal: peer.principal().cloned(),
                share: peer.share().cloned(),
                ..Arrival::default()
            },
            Scope::Session { arrival, .. } | Scope::Stateless { arrival, .. } => arrival.clone(),
        }
    }

    pub(super) fn is_modern(&self, params: &Params) -> bool {
        match self {
            Scope::Channel(_) => envelope::is_modern(params),
            Scope::Session { .. } => false,
            Scope::Stateless { .. } => true,
        }
    }
}

impl Engine {
    /// Marks the engine as served. Returns `false` if it already was.
    pub(crate) fn begin_serving(&self) -> bool {
        !self.0.serving.swap(true, Ordering::AcqRel)
    }

    /// Makes the engine refuse further calls, because the server is closing. Calls in flight continue.
    pub(crate) fn begin_closing(&self) {
        self.0.closing.store(true, Ordering::Release);
    }

    /// Marks the engine as no longer served, so that it may be served again.
    pub(crate) fn end_serving(&self) {
        self.end_life();
        #[cfg(feature = "runtime")]
        self.0.pages.release();
        let attached = {
            let mut attached = self.0.attached.lock();
            self.0.closing.store(false, Ordering::Release);
            // Under the lock: a client that attaches from now on belongs to the next start.
            self.0.serving.store(false, Ordering::Release);
            std::mem::take(&mut *attached)
        };
        attached.iter().filter_map(|one| one.who.upgrade()).for_each(|who| who.wake());
    }

    /// The in-process clients that have calls in flight.
    #[cfg(feature = "runtime")]
    pub(crate) fn attached(&self) -> Vec<Arc<Peer>> {
        let mut peers: Vec<Arc<Peer>> =
            self.0.attached.lock().iter().filter_map(|one| one.peer.upgrade()).collect();
        peers.retain(|peer| peer.in_flight() > 0);
        peers
    }

    /// Attaches an in-process client. `who` is called once, when the engine is no longer served. Returns `false` if
    /// it is not served now.
    pub(crate) fn attach(&self, who: Weak<dyn Wake>, peer: &Arc<Peer>) -> bool {
        let mut attached = self.0.attached.lock();
        // Checked under the lock: the thread that ends serving reads the list afterwards.
        if !self.0.serving.load(Ordering::Acquire) {
            return false;
        }
        if attached.len() == attached.capacity() {
            attached.retain(|one| one.who.strong_count() > 0);
        }
        attached.push(Attached { peer: Arc::downgrade(peer), who });
        true
    }

    /// Registers `who` to be notified of the threads that inline handlers occupy.
    #[cfg(feature = "runtime")]
    pub(crate) fn tell_occupancy(&self, who: std::sync::Weak<dyn super::Occupancy>) {
        self.0.occupied.tell(who);
    }

    /// The settings of the engine's threads, for a host that starts threads of its own.
    pub fn threads(&self) -> &Threads {
        &self.0.threads
    }

    /// Whether both are the same engine.
    pub fn is(&self, other: &Engine) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// The present time, by the engine's clock.
    pub fn now(&self) -> Instant {
        self.0.now()
    }

    /// Whether the output schema of a tool allows a result that is not an object, so that the result must be wrapped.
    pub(crate) fn wraps(&self, tool: &str) -> bool {
        self.0.catalog.get(crate::proto::catalog::kind::Kind::Tool, tool).is_some_and(|entry| entry.wraps)
    }

    /// The revisions that the engine supports.
    pub(crate) fn revisions(&self) -> Revisions {
        self.0.shaper.revisions()
    }

    /// The environment that the engine was created with.
    pub(crate) fn environment(&self) -> &Arc<dyn crate::dispatch::environment::Environment> {
        &self.0.environment
    }

    /// The store, which keeps what outlives a request.
    pub(crate) fn store(&self) -> &Arc<dyn crate::dispatch::store::Store> {
        &self.0.store
    }

    /// The server's log, for what clients do not receive.
    pub(crate) fn log(&self) -> &Arc<dyn crate::dispatch::log::Log> {
        &self.0.log
    }

    /// The interface of this engine for hosts.
    pub fn port(&self) -> HostPort {
        HostPort(self.0.clone())
    }

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
        self.take(peer, sink, message);
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
                    self.spoiled(peer, &malformed);
                    self.refuse(peer, &own, &malformed);
                }
                // Only sessions have batches.
                (Err(_), None) => drop(own.send(Outgoing::Dropped)),
            });
        }
        answered > 0
    }

    fn take(&self, peer: &Arc<Peer>, sink: &Arc<dyn Sink>, message: Decoded) {
        match message {
            Ok(message) => {
                self.accept(&Scope::Channel(peer.clone()), message, sink);
            }
            Err(malformed) if self.spoiled(peer, &malformed) => {}
            Err(malformed) if malformed.answer => self.refuse(peer, sink, &malformed),
            Err(_) => {}
        }
    }

    /// Fails the question that a malformed response was meant to answer. Returns `false` if there is none.
    pub(crate) fn spoiled(&self, peer: &Peer, malformed: &Malformed) -> bool {
        let request = malformed.reply.as_ref().and_then(question_id);
        let Some(question) = request.and_then(|request| peer.take_ask(request)) else { return false };
        let text = format!("the client's answer is not usable: {}", malformed.error.message);
        self.hear_answer(&question, Err(text));
        true
    }

    /// Takes the answer to a question. If this panics, the call that asked ends.
    fn hear_answer(&self, question: &Question, outcome: Result<JsonSlice, String>) {
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
        sink.send(self.0.error(malformed.id.as_ref(), peer.revision(), &malformed.error));
    }

    /// Takes one decoded message.
    pub(crate) fn accept(&self, scope: &Scope, message: Message, sink: &Arc<dyn Sink>) -> Accepted {
        match message {
            Message::Request(request) => self.request(scope, request, sink),
            Message::Notification(notification) => {
                self.0.guard("a notification", || self.notification(scope, notification));
                Accepted::Noted
            }
            Message::Response(response) => {
                self.0.guard("a response", || self.response(scope, response));
                Accepted::Noted
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
        self.hear_answer(&question, outcome);
    }

    /// Ends a call: with an error if the server is closing, otherwise without a response. Returns `false` if it had
    /// already ended.
    ///
    /// If the call is a task that its client knows of, the task continues without its client (MH-53).
    pub fn cancel(&self, call: CallId, reason: CancelReason) -> bool {
        let left = reason == CancelReason::Disconnected
            && self
                .0
                .calls
                .with(call, |flight| flight.task.clone())
                .flatten()
                .is_some_and(|task| task.is_handed_out());
        if left {
            return false;
        }
        if reason == CancelReason::Closing {
            self.say_overdue(call);
        }
        self.0.end(call, if reason == CancelReason::Closing { End::Closing } else { End::Silent(reason) })
    }

    /// Logs a call that did not end within the timeout for the end of its server or connection.
    fn say_overdue(&self, call: CallId) {
        let about = self.0.calls.with(call, |flight| (flight.context.clone(), flight.began));
        let Some((context, began)) = about else { return };
        log::say(&**self.log(), LogLevel::Info, log::CALL, || {
            let entry = &context.entry;
            let request = match &context.request_id {
                Some(id) => format!("request {}", id.raw().as_str()),
                None => "no request".to_owned(),
            };
            let age = self.now().saturating_duration_since(began).as_secs_f64();
            let ended = if self.0.closing.load(Ordering::Acquire) { "server" } else { "connection" };
            format!(
                "{} {:?} ({request}) had not ended {age:.1} s after it began, when the {ended}'s end cut it off",
                entry.kind.noun(),
                clip(&entry.name)
            )
        });
    }

    /// Ends the calls of a peer that wait for its answers. The peer will send no more messages, but may still read.
    /// Later questions to it fail at once.
    pub fn end_input(&self, peer: &Arc<Peer>) {
        self.session_ends(peer);
        for call in peer.end_input() {
            let waits = self.0.calls.with(call, |flight| !flight.asks.pending.is_empty());
            if waits == Some(true) {
                self.cancel(call, CancelReason::Disconnected);
            }
        }
    }

    /// Ends all calls of a peer, and refuses further ones.
    pub fn close_peer(&self, peer: &Arc<Peer>, reason: CancelReason) {
        self.session_ends(peer);
        let end = if reason == CancelReason::Closing { StreamEnd::Closing } else { StreamEnd::Silent };
        for call in peer.close() {
            self.cancel(call, reason.clone());
        }
        self.0.end_spaced(peer, reason != CancelReason::Closing);
        for listen in peer.take_listens() {
            self.end_stream(listen, end);
        }
        self.unsubscribe_all(peer);
        self.0.bus.leave(peer);
    }

    /// Ends every call in flight, as the last step of a shutdown.
    pub fn cancel_all(&self, reason: CancelReason) {
        for call in self.0.calls.select(|_| true) {
            self.cancel(call, reason.clone());
        }
        self.0.send_all_spaced();
    }

    /// The number of calls in flight in the whole server.
    pub fn in_flight(&self) -> usize {
        self.0.calls.len()
    }

    /// Sets `wake` to be called whenever [`Engine::next_deadline`] becomes earlier.
    pub fn set_timer(&self, wake: Arc<dyn Wake>) {
        let before = self.0.timer.lock().replace(wake);
        drop(before);
    }

    /// When [`Engine::handle_timeout`] should be called next. It may change after any other method.
    pub fn next_deadline(&self) -> Option<Instant> {
        let dues = [self.0.calls.next_deadline(), self.0.bus.due(), self.0.tasks.due(), self.0.spacing_due()];
        dues.into_iter().flatten().min()
    }

    /// Notifies the sinks of calls that have been in flight for at least `after`, once per call.
    pub(crate) fn start_streaming_slow_calls(&self, now: Instant, after: Duration) {
        if self.0.calls.is_empty() {
            return;
        }
        let mut slow = Vec::new();
        self.0.calls.for_each(|flight| {
            if !flight.told_slow && now.saturating_duration_since(flight.began) >= after {
                flight.told_slow = true;
                slow.push(flight.sink.clone());
            }
        });
        for sink in slow {
            sink.slow();
        }
    }

    /// Ends the calls whose deadline has passed, and notifies clients of changes.
    pub fn handle_timeout(&self, now: Instant) {
        self.0.guard("sending answers that waited", || self.0.send_spaced(now));
        self.0.guard("telling of changes", || self.tell_changes(now));
        self.0.guard("looking after tasks", || self.port().tend_tasks(now));
        if self.0.calls.next_deadline().is_none_or(|next| next > now) {
            return;
        }
        for call in self.0.calls.expired(now) {
            self.0.guard("the time-out of a call", || self.expire(call));
        }
    }

    /// Ends a call whose deadline has passed.
    fn expire(&self, call: CallId) {
        if self.0.calls.with(call, |flight| flight.admitting) == Some(true) {
            return self.0.fail(call, &Shared::no_store("it did not answer in time"));
        }
        if self.0.calls.with(call, |flight| flight.place) == Some(Place::Waits) {
            let text = "Server busy: other calls of this handler did not end in time";
            return self.0.fail(call, &RpcError::busy(text));
        }
        if self.0.is_held(call) {
            return self.0.fail(call, &RpcError::busy("Server busy: it has not started in time"));
        }
        let why = self.0.calls.with(call, |flight| {
            let (entry, timeout) = (&flight.context.entry, flight.timeout);
            // A modern attempt does not wait for answers: its questions are sent when it ends.
            let sent = flight.asks.pending.iter().any(|pending| pending.request.is_some());
            let waits = sent || flight.task.is_some() && !flight.asks.pending.is_empty();
            if !waits {
                (format!("{entry} timed out after {} ms", timeout.as_millis()), Some(entry.clone()))
            } else {
                let most = self.0.limits.ask_timeout.as_secs();
                (format!("{entry} got no answer from the client in {most} s"), None)
            }
        });
        let Some((text, late)) = why else { return };
        let ended = self.0.end(call, End::Failed(CancelReason::TimedOut, text.clone()));
        if let Some(entry) = late.filter(|_| ended) {
            self.hook_error(&entry, &text);
        }
    }
}

/// The number of the question that a response answers by its id.
fn question_id(id: &RequestId) -> Option<u64> {
    id.raw().as_str().parse().ok()
}
