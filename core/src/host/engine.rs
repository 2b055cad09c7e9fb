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

/// The transport's side of the engine. Cheap to clone; every method may be called from any thread, and none waits for
/// a host.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Shared>);

/// Where a message came in, which decides its era.
#[derive(Clone)]
pub enum Scope {
    /// A channel that one peer has to itself: each message decides its own era (ERA-8).
    Channel(Arc<Peer>),
    /// A legacy HTTP session.
    Session {
        /// The session.
        peer: Arc<Peer>,
        /// How the message came.
        arrival: Arrival,
    },
    /// Modern HTTP: nothing is remembered between requests. The envelope has been read already, because the headers
    /// had to agree with it.
    Stateless {
        /// What the envelope says.
        client: Client,
        /// The headers that repeat arguments.
        params: ParamFields,
        /// How the message came.
        arrival: Arrival,
    },
}

/// What became of a message that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// A request; its response has gone to the sink already, or follows what is on its way there.
    Answered,
    /// A request that became a call; its response will go to the sink.
    Started(CallId),
    /// The same, but whether its handler may run is still being asked.
    Pending(CallId),
    /// A request that became a listen stream, which is no call; its acknowledgement has gone to the sink or will, and its
    /// answer comes when the server ends it.
    Listening(ListenId),
    /// A notification or a response; nothing will go to the sink.
    Noted,
}

impl Scope {
    pub(super) fn peer(&self) -> Option<&Arc<Peer>> {
        match self {
            Scope::Channel(peer) | Scope::Session { peer, .. } => Some(peer),
            Scope::Stateless { .. } => None,
        }
    }

    /// How the message came.
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
    /// Marks the engine as being served; `false` if it was already.
    pub(crate) fn begin_serving(&self) -> bool {
        !self.0.serving.swap(true, Ordering::AcqRel)
    }

    /// Has every further call refused, because the server is closing. Calls in flight go on.
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
            // Under the lock: who is attached from now on belongs to the next start.
            self.0.serving.store(false, Ordering::Release);
            std::mem::take(&mut *attached)
        };
        attached.iter().filter_map(|one| one.who.upgrade()).for_each(|who| who.wake());
    }

    /// The clients in the process whose calls are in flight.
    #[cfg(feature = "runtime")]
    pub(crate) fn attached(&self) -> Vec<Arc<Peer>> {
        let mut peers: Vec<Arc<Peer>> =
            self.0.attached.lock().iter().filter_map(|one| one.peer.upgrade()).collect();
        peers.retain(|peer| peer.in_flight() > 0);
        peers
    }

    /// A client in the process. Has `who` called once, when the engine is no longer served; `false` if it is not served now.
    pub(crate) fn attach(&self, who: Weak<dyn Wake>, peer: &Arc<Peer>) -> bool {
        let mut attached = self.0.attached.lock();
        // Looked at under the lock: whoever ends it looks at the list afterwards.
        if !self.0.serving.load(Ordering::Acquire) {
            return false;
        }
        if attached.len() == attached.capacity() {
            attached.retain(|one| one.who.strong_count() > 0);
        }
        attached.push(Attached { peer: Arc::downgrade(peer), who });
        true
    }

    /// Has `who` hear of the threads that inline handlers occupy.
    #[cfg(feature = "runtime")]
    pub(crate) fn tell_occupancy(&self, who: std::sync::Weak<dyn super::Occupancy>) {
        self.0.occupied.tell(who);
    }

    /// How the engine's threads start, for a host that starts some of its own.
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

    /// Whether a tool's result is no object by its output schema.
    pub(crate) fn wraps(&self, tool: &str) -> bool {
        self.0.catalog.get(crate::proto::catalog::kind::Kind::Tool, tool).is_some_and(|entry| entry.wraps)
    }

    /// The revisions it speaks.
    pub(crate) fn revisions(&self) -> Revisions {
        self.0.shaper.revisions()
    }

    /// The environment the engine was made with.
    pub(crate) fn environment(&self) -> &Arc<dyn crate::dispatch::environment::Environment> {
        &self.0.environment
    }

    /// What outlives a request.
    pub(crate) fn store(&self) -> &Arc<dyn crate::dispatch::store::Store> {
        &self.0.store
    }

    /// Where the engine says what no client is told.
    pub(crate) fn log(&self) -> &Arc<dyn crate::dispatch::log::Log> {
        &self.0.log
    }

    /// The host's side of this engine.
    pub fn port(&self) -> HostPort {
        HostPort(self.0.clone())
    }

    /// Takes one message from a channel, or a batch of them from a client of 2025-03-26, the one revision that has
    /// batches (BAT-10). Whatever is wrong with it is answered on the channel; the next message is not affected.
    ///
    /// Panics of what it runs stay within: the request is answered with -32603.
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

    /// Reads a message or a batch. What panics has its answer too: under the message's id, if another reader finds it.
    // What is read is larger than the error, as for `Message::decode`.
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

    /// Takes the members of a batch. Their answers go to the sink as one array, once the last of them has ended;
    /// events go out at once. Each member that is no message is answered by one error (BAT-7). Says whether anything in it
    /// wants an answer (BAT-5).
    pub(crate) fn accept_batch(&self, scope: &Scope, members: Vec<Decoded>, sink: &Arc<dyn Sink>) -> bool {
        let wants_answer = |member: &Decoded| !matches!(member, Ok(message) if !message.is_request());
        // Counted first: no answer may look like the last one.
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
            // A panic at the delivery of its answer leaves the others theirs.
            self.0.guard("a member of a batch", || match (member, scope.peer()) {
                (Ok(message), _) => {
                    self.accept(scope, message, &own);
                }
                (Err(malformed), Some(peer)) => {
                    self.spoiled(peer, &malformed);
                    self.refuse(peer, &own, &malformed);
                }
                // Batches are of sessions.
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

    /// Fails the question that a malformed message was meant to answer; `false` if there is none.
    pub(crate) fn spoiled(&self, peer: &Peer, malformed: &Malformed) -> bool {
        let request = malformed.reply.as_ref().and_then(question_id);
        let Some(question) = request.and_then(|request| peer.take_ask(request)) else { return false };
        let text = format!("the client's answer is not usable: {}", malformed.error.message);
        self.hear_answer(&question, Err(text));
        true
    }

    /// Takes the answer to a question. A panic ends the call that asked it.
    fn hear_answer(&self, question: &Question, outcome: Result<JsonSlice, String>) {
        let answered = caught(|| {
            faults::pass("hear");
            self.port().answered(question.call, question.ask, outcome, Thread::Receiver);
        });
        if let Err(panicked) = answered {
            self.0.fail_panicked(question.call, &panicked);
        }
    }

    /// Takes back a [question](Outgoing::Question) that a sink had taken and then could not deliver. It goes to the
    /// peer's own sink, or fails.
    pub fn undelivered(&self, peer: &Peer, id: u64, body: Bytes) {
        self.port().undelivered(peer, id, body);
    }

    /// Answers a channel for text that is no message.
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

    /// The answer to a question of ours; anything else is ignored (BAD-9).
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

    /// Ends a call: with an error if the server is closing, otherwise without an answer. `false` if it had ended
    /// already.
    ///
    /// A task that its client has been told of goes on without it (MH-53).
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

    /// Names a call that has not ended in the time that the end of its server or connection leaves.
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

    /// Ends the calls of a peer that wait for its answers: it will send no more messages, but may still read. Later
    /// questions to it fail at once.
    pub fn end_input(&self, peer: &Arc<Peer>) {
        self.session_ends(peer);
        for call in peer.end_input() {
            let waits = self.0.calls.with(call, |flight| !flight.asks.pending.is_empty());
            if waits == Some(true) {
                self.cancel(call, CancelReason::Disconnected);
            }
        }
    }

    /// Ends everything a peer has in flight, and lets it start nothing more.
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

    /// Calls in flight in the whole server.
    pub fn in_flight(&self) -> usize {
        self.0.calls.len()
    }

    /// Has `wake` called whenever [`Engine::next_deadline`] becomes earlier.
    pub fn set_timer(&self, wake: Arc<dyn Wake>) {
        let before = self.0.timer.lock().replace(wake);
        drop(before);
    }

    /// When [`Engine::handle_timeout`] should be called next. It may change after any other method.
    pub fn next_deadline(&self) -> Option<Instant> {
        let dues = [self.0.calls.next_deadline(), self.0.bus.due(), self.0.tasks.due(), self.0.spacing_due()];
        dues.into_iter().flatten().min()
    }

    /// Tells the sinks of calls that have been in flight for at least `after` so, each once.
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

    /// Ends the calls whose deadline has passed, and tells clients of what has changed.
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
            // A modern attempt waits for nobody: its questions go out with its end.
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
