//! One peer: the client on a shared channel, or one legacy HTTP session. It keeps the session's state, the requests
//! in flight, and the questions that the engine sent to the client.

use crate::dispatch::calls::ask::AskId;
use crate::dispatch::calls::table::{CallId, Full};
use crate::dispatch::observer::SessionScope;
use crate::dispatch::principal::Principal;
use crate::dispatch::shares::{Key, Share};
use crate::host::delivery::sink::{Delivery, Outgoing, Sink};
use crate::host::lanes::wake::Wake;
use crate::host::principal::ExpiryGuard;
use crate::host::session::peer_principal::PeerPrincipal;
use crate::locks::Mutex;
use crate::proto::messages::envelope::Client;
use crate::proto::messages::id::RequestId;
use crate::proto::session::lifecycle::Lifecycle;
use crate::proto::session::logging::Level;
use crate::proto::version::Revision;
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The state that the engine keeps for one peer.
#[derive(Default)]
pub struct Peer {
    session_id: Option<Arc<str>>,
    principal: PeerPrincipal,
    /// The client's fair share, if the peer has a channel of its own.
    share: Option<Arc<Share>>,
    /// The address of the client, if a trusted proxy reports one.
    address: Option<Key>,
    state: Mutex<State>,
    /// Whether the client has ended its input. This flag is not in `state`, because it is read while the call table's
    /// lock is held. `state` must be locked before the call table.
    input_ended: AtomicBool,
}

#[derive(Default)]
struct State {
    lifecycle: Lifecycle,
    /// The number of sessions that began here. A client may begin another one on the same channel.
    session: u64,
    calls: HashMap<Bytes, CallId>,
    /// The number of calls whose response has not been sent. An id leaves `calls` just before that.
    unsettled: usize,
    /// How many of the unsettled calls are requests of the present session, and how many of former ones.
    present: usize,
    former: usize,
    /// Callbacks that wait until no request of a former session is unsettled.
    after_former: Vec<Box<dyn FnOnce() + Send>>,
    asks: HashMap<u64, Question>,
    next_ask: u64,
    idle: Option<Arc<dyn Wake>>,
    /// A second waker for the last call's end, which is set when the server ends.
    drained: Option<Arc<dyn Wake>>,
    /// The minimum level of log messages for the client, once the client has set it.
    log_level: Option<Level>,
    sink: Option<Arc<dyn Sink>>,
    closed: bool,
    /// The program was notified of the session's start here, but not of its end yet.
    begun: bool,
    /// The peer's number on the bus, while it is notified of list changes.
    joined: Option<u64>,
    /// The peer's subscriptions; `None` until the first one.
    told: Option<Box<Subscriptions>>,
    /// The session for observers.
    scope: SessionScope,
}

/// The session number of requests without a session: requests of 2026-07-28, and calls that no client has requested.
pub(in crate::host) const NO_SESSION: u64 = 0;

/// A client's subscriptions on the event bus.
#[derive(Default)]
struct Subscriptions {
    /// The client's listen streams, by the keys of their requests' ids.
    listens: HashMap<Bytes, u64>,
    /// The session's key on the bus, once it has subscribed to something.
    subscriber: Option<u64>,
    /// What ends the subscriptions to resources, by address, with the credentials with which they were made.
    expiries: HashMap<String, ExpiryGuard>,
}

impl State {
    fn listens(&self, id: &RequestId) -> Option<u64> {
        self.told.as_ref()?.listens.get(id.key()).copied()
    }
}

/// A question of the engine that has no answer yet.
#[derive(Clone, Copy)]
pub(in crate::host) struct Question {
    pub(in crate::host) call: CallId,
    pub(in crate::host) ask: AskId,
    /// Whether the question was sent to the peer's own sink, because the call's sink could not deliver it.
    pub(in crate::host) moved: bool,
}

/// Why a request did not become a call.
pub(in crate::host) enum Untracked {
    /// The peer is being closed.
    Closed,
    /// A request with the same id is in flight.
    InFlight,
    /// The call table is full.
    Full,
    /// This peer has reached its limit of calls in flight.
    PeerFull,
}

impl Peer {
    /// A peer that has sent nothing yet. `session_id` names its session on transports that have sessions.
    pub fn new(session_id: Option<Arc<str>>) -> Arc<Peer> {
        Peer::of(session_id, None)
    }

    /// The same, with a known principal.
    pub fn of(session_id: Option<Arc<str>>, principal: Option<Principal>) -> Arc<Peer> {
        let peer = Peer { session_id, ..Peer::default() };
        peer.principal.set(principal);
        Arc::new(peer)
    }

    /// The peer of a channel of its own, whose calls count to this share. A trusted proxy may report its address.
    #[cfg_attr(not(feature = "runtime"), allow(dead_code))]
    pub(crate) fn sharing(share: Option<Arc<Share>>, address: Option<Key>) -> Arc<Peer> {
        Arc::new(Peer { share, address, ..Peer::default() })
    }

    /// Sets what runs when the credential of the channel's principal ends. By default, the channel stays open without a
    /// principal.
    #[cfg_attr(not(feature = "runtime"), allow(dead_code))]
    pub(crate) fn on_expired(&self, run: Arc<dyn Fn() + Send + Sync>) {
        self.principal.on_expired(run);
    }

    pub(super) fn peer_principal(&self) -> &PeerPrincipal {
        &self.principal
    }

    pub(in crate::host) fn share(&self) -> Option<&Arc<Share>> {
        self.share.as_ref()
    }

    pub(in crate::host) fn address(&self) -> Option<Key> {
        self.address
    }

    /// A peer whose session began earlier, perhaps in another process.
    pub fn resume(session_id: Arc<str>, principal: Option<Principal>, client: Client) -> Arc<Peer> {
        let peer = Peer::of(Some(session_id), principal);
        peer.state.lock().lifecycle = Lifecycle::resume(client);
        peer
    }

    /// The principal that opened the channel or the session, or that has logged in on the channel, if known. No other
    /// principal may use the session.
    #[inline]
    pub fn principal(&self) -> Option<Principal> {
        self.principal.get()
    }

    /// Whether this is the principal of the client.
    #[cfg_attr(not(feature = "runtime"), allow(dead_code))]
    pub(crate) fn is_of(&self, principal: Option<&Principal>) -> bool {
        self.principal.is(principal)
    }

    /// The session's id.
    pub fn session_id(&self) -> Option<&Arc<str>> {
        self.session_id.as_ref()
    }

    /// The client, once `initialize` succeeded.
    pub fn client(&self) -> Option<Client> {
        self.state.lock().lifecycle.client().cloned()
    }

    /// The negotiated revision, once `initialize` succeeded.
    pub fn revision(&self) -> Option<Revision> {
        self.state.lock().lifecycle.revision()
    }

    /// Replaces the client data of `initialize` by an equal copy in memory that is shared with something else.
    pub(crate) fn rebase(&self, client: Client) {
        let before = self.state.lock().lifecycle.rebase(client);
        drop(before);
    }

    /// The number of this peer's calls in flight: their response has not been sent to the sink.
    pub fn in_flight(&self) -> usize {
        self.state.lock().unsettled
    }

    /// The number of the engine's questions that this peer has not answered yet.
    pub fn questions(&self) -> usize {
        self.state.lock().asks.len()
    }

    /// Gives the peer a sink of its own, besides those of its requests: for messages that a request's sink cannot
    /// deliver.
    pub fn set_sink(&self, sink: Arc<dyn Sink>) {
        let before = self.state.lock().sink.replace(sink);
        drop(before);
    }

    /// Sends a message that belongs to no request, or that a request's sink cannot deliver.
    pub(in crate::host) fn send(&self, message: Outgoing) -> Delivery {
        let sink = self.state.lock().sink.clone();
        sink.map_or(Delivery::Gone, |sink| sink.send(message))
    }

    /// The minimum level of log messages that the session has set.
    pub(in crate::host) fn log_level(&self) -> Option<Level> {
        self.state.lock().log_level
    }

    pub(in crate::host) fn set_log_level(&self, level: Level) {
        self.state.lock().log_level = Some(level);
    }

    /// Sets `wake` to be called whenever the last call in flight ends.
    pub fn on_idle(&self, wake: Arc<dyn Wake>) {
        let before = self.state.lock().idle.replace(wake);
        drop(before);
    }

    /// Sets a second waker, which is called in the same case. It is set when the server ends.
    pub(crate) fn on_drained(&self, wake: Arc<dyn Wake>) {
        let before = self.state.lock().drained.replace(wake);
        drop(before);
    }

    pub(in crate::host) fn lifecycle<R>(&self, f: impl FnOnce(&mut Lifecycle) -> R) -> R {
        f(&mut self.state.lock().lifecycle)
    }

    /// Registers a request under its id, with the call that `start` makes. At most `max` requests are in flight at a
    /// time. `start` gets the number of the request's session, or [`NO_SESSION`] if it belongs to none.
    pub(in crate::host) fn track<R>(
        &self,
        id: &RequestId,
        max: usize,
        of_session: bool,
        start: impl FnOnce(u64) -> Result<(CallId, R), Full>,
    ) -> Result<(CallId, R), Untracked> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(Untracked::Closed);
        }
        if state.calls.contains_key(id.key()) || state.listens(id).is_some() {
            return Err(Untracked::InFlight);
        }
        if state.calls.len() >= max {
            return Err(Untracked::PeerFull);
        }
        let session = if of_session { state.session } else { NO_SESSION };
        let started = start(session).map_err(|Full| Untracked::Full)?;
        state.calls.insert(id.key().clone(), started.0);
        state.unsettled += 1;
        state.present += usize::from(session != NO_SESSION);
        Ok(started)
    }

    /// Counts a call that answers no request, which `start` makes. The engine waits for its end as for the end of
    /// other calls, and it counts toward the same limit `max`.
    pub(in crate::host) fn enter<R>(
        &self,
        max: usize,
        start: impl FnOnce() -> Result<R, Full>,
    ) -> Result<R, Untracked> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(Untracked::Closed);
        }
        if state.unsettled >= max {
            return Err(Untracked::PeerFull);
        }
        // Counted under the same lock, because the thread that ends the call settles it only afterwards.
        let started = start().map_err(|Full| Untracked::Full)?;
        state.unsettled += 1;
        Ok(started)
    }

    /// Records that the program's hook for the session's start is called.
    pub(in crate::host) fn begin(&self) {
        self.state.lock().begun = true;
    }

    /// Returns `true` once, at the end of a session whose start was notified here. A session that another process
    /// opened ends there.
    pub(in crate::host) fn leave(&self) -> bool {
        std::mem::take(&mut self.state.lock().begun)
    }

    /// Replaces the session that observers know of. The caller drops the previous one, which reports its end.
    pub(in crate::host) fn replace_scope(&self, scope: SessionScope) -> SessionScope {
        std::mem::replace(&mut self.state.lock().scope, scope)
    }

    pub(in crate::host) fn call(&self, id: &RequestId) -> Option<CallId> {
        self.state.lock().calls.get(id.key()).copied()
    }

    /// Frees the id of a call that has ended. [`Peer::settle`] follows after its response has been sent.
    pub(in crate::host) fn forget(&self, id: &RequestId) {
        self.state.lock().calls.remove(id.key());
    }

    pub(in crate::host) fn settle(&self, session: u64) {
        let (after, wakes) = {
            let mut state = self.state.lock();
            state.unsettled -= 1;
            let mut after = Vec::new();
            if session == NO_SESSION {
            } else if session == state.session {
                state.present -= 1;
            } else {
                state.former -= 1;
                if state.former == 0 {
                    after = std::mem::take(&mut state.after_former);
                }
            }
            let idle = state.unsettled == 0;
            (after, if idle { [state.idle.clone(), state.drained.clone()] } else { [None, None] })
        };
        after.into_iter().for_each(|then| then());
        wakes.into_iter().flatten().for_each(|wake| wake.wake());
    }

    /// Begins a session with a client that has sent `initialize`. If the client had a session before, this returns the
    /// calls in flight. The caller must end those that belong to the previous session.
    pub(in crate::host) fn begin_session(&self, client: Client) -> Vec<CallId> {
        let mut state = self.state.lock();
        state.lifecycle.begin(client);
        state.session += 1;
        state.log_level = None;
        state.former += std::mem::take(&mut state.present);
        if state.session == 1 { Vec::new() } else { state.calls.values().copied().collect() }
    }

    /// Calls `then` after the last message of every request of former sessions has been sent, which may be at once.
    pub(in crate::host) fn after_former(&self, then: impl FnOnce() + Send + 'static) {
        {
            let mut state = self.state.lock();
            if state.former > 0 {
                return state.after_former.push(Box::new(then));
            }
        }
        then();
    }

    /// The number of the present session. The first session that began here has number 1.
    pub(in crate::host) fn session(&self) -> u64 {
        self.state.lock().session
    }

    /// Registers a question, and returns the id of the engine's request.
    pub(in crate::host) fn add_ask(&self, call: CallId, ask: AskId) -> u64 {
        let mut state = self.state.lock();
        state.next_ask += 1;
        let id = state.next_ask;
        state.asks.insert(id, Question { call, ask, moved: false });
        id
    }

    pub(in crate::host) fn ask(&self, id: u64) -> Option<Question> {
        self.state.lock().asks.get(&id).copied()
    }

    pub(in crate::host) fn take_ask(&self, id: u64) -> Option<Question> {
        self.state.lock().asks.remove(&id)
    }

    /// Removes and returns all unanswered questions.
    pub(in crate::host) fn take_asks(&self) -> Vec<(u64, Question)> {
        self.state.lock().asks.drain().collect()
    }

    /// Records that a question was sent to the peer's own sink. Returns `false` if nothing waits for its answer any
    /// more.
    pub(in crate::host) fn move_ask(&self, id: u64) -> bool {
        self.state.lock().asks.get_mut(&id).map(|question| question.moved = true).is_some()
    }

    /// Registers a listen stream under the id of its request. At most `max` streams are open at a time.
    pub(in crate::host) fn add_listen(&self, id: &RequestId, key: u64, max: usize) -> Result<(), Untracked> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(Untracked::Closed);
        }
        if state.calls.contains_key(id.key()) {
            return Err(Untracked::InFlight);
        }
        let told = state.told.get_or_insert_default();
        if told.listens.contains_key(id.key()) {
            return Err(Untracked::InFlight);
        }
        if told.listens.len() >= max {
            return Err(Untracked::PeerFull);
        }
        told.listens.insert(id.key().clone(), key);
        Ok(())
    }

    /// The listen stream that a request began.
    pub(in crate::host) fn listen(&self, id: &RequestId) -> Option<u64> {
        self.state.lock().listens(id)
    }

    /// Frees the id of a listen stream's request.
    pub(in crate::host) fn forget_listen(&self, id: &RequestId, key: u64) {
        let mut state = self.state.lock();
        let Some(told) = &mut state.told else { return };
        if told.listens.get(id.key()) == Some(&key) {
            told.listens.remove(id.key());
        }
    }

    /// Removes and returns the listen streams. No new ones are accepted.
    pub(in crate::host) fn take_listens(&self) -> Vec<u64> {
        let mut state = self.state.lock();
        state
            .told
            .as_mut()
            .map(|told| std::mem::take(&mut told.listens).into_values().collect())
            .unwrap_or_default()
    }

    /// The session's key on the bus, if it has one.
    pub(in crate::host) fn subscriber(&self) -> Option<u64> {
        self.state.lock().told.as_ref()?.subscriber
    }

    pub(in crate::host) fn set_subscriber(&self, key: u64) {
        self.state.lock().told.get_or_insert_default().subscriber = Some(key);
    }

    /// Keeps what ends a subscription with its credential, until the subscription ends. Returns the former one, which must
    /// be dropped without a lock.
    pub(in crate::host) fn keep_expiry(&self, uri: &str, guard: Option<ExpiryGuard>) -> Option<ExpiryGuard> {
        let mut state = self.state.lock();
        match guard {
            Some(guard) => state.told.get_or_insert_default().expiries.insert(uri.to_owned(), guard),
            None => state.told.as_mut()?.expiries.remove(uri),
        }
    }

    pub(in crate::host) fn take_subscriber(&self) -> Option<u64> {
        self.state.lock().told.as_mut()?.subscriber.take()
    }

    pub(in crate::host) fn set_joined(&self, number: u64) {
        self.state.lock().joined = Some(number);
    }

    pub(in crate::host) fn take_joined(&self) -> Option<u64> {
        self.state.lock().joined.take()
    }

    /// Whether the peer starts no more calls.
    pub(in crate::host) fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// Refuses further calls and returns those in flight.
    pub(in crate::host) fn close(&self) -> Vec<CallId> {
        let mut state = self.state.lock();
        state.closed = true;
        state.calls.values().copied().collect()
    }

    /// Records that no more answers will arrive, and returns the calls in flight.
    pub(in crate::host) fn end_input(&self) -> Vec<CallId> {
        self.input_ended.store(true, Ordering::Release);
        self.calls()
    }

    pub(in crate::host) fn input_ended(&self) -> bool {
        self.input_ended.load(Ordering::Acquire)
    }

    fn calls(&self) -> Vec<CallId> {
        self.state.lock().calls.values().copied().collect()
    }
}
