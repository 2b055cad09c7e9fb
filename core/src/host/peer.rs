//! One peer on a shared channel, or one legacy HTTP session: its lifecycle, its requests, our questions to it.

use super::wake::Wake;
use crate::dispatch::asks::AskId;
use crate::dispatch::calls::{CallId, Full};
use crate::proto::envelope::Client;
use crate::proto::id::RequestId;
use crate::proto::lifecycle::Lifecycle;
use crate::proto::version::Revision;
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the engine remembers about one peer.
pub struct Peer {
    session_id: Option<Arc<str>>,
    state: Mutex<State>,
    /// Not in the state: it is read under the call table's lock, which is taken inside the state's.
    input_ended: AtomicBool,
}

#[derive(Default)]
struct State {
    lifecycle: Lifecycle,
    calls: HashMap<Bytes, CallId>,
    /// Calls whose response has not gone out; an id leaves `calls` just before.
    unsettled: usize,
    asks: HashMap<u64, (CallId, AskId)>,
    next_ask: u64,
    idle: Option<Arc<dyn Wake>>,
    closed: bool,
}

/// Why a request did not become a call.
pub(super) enum Untracked {
    /// The peer is being closed.
    Closed,
    /// A request with its id is in flight.
    InFlight,
    /// The call table is full.
    Full,
}

impl Peer {
    /// A peer that has said nothing yet. `session_id` names its session on transports that have them.
    pub fn new(session_id: Option<Arc<str>>) -> Arc<Peer> {
        Arc::new(Peer { session_id, state: Mutex::default(), input_ended: AtomicBool::new(false) })
    }

    /// A peer whose session was opened earlier, perhaps in another process.
    pub fn resume(session_id: Arc<str>, client: Client) -> Arc<Peer> {
        let peer = Peer::new(Some(session_id));
        peer.state.lock().lifecycle = Lifecycle::resume(client);
        peer
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

    /// Calls of this peer that are in flight: their response has not gone to the sink.
    pub fn in_flight(&self) -> usize {
        self.state.lock().unsettled
    }

    /// Questions of ours that this peer has not answered yet.
    pub fn questions(&self) -> usize {
        self.state.lock().asks.len()
    }

    /// Has `wake` called whenever the last call in flight ends.
    pub fn on_idle(&self, wake: Arc<dyn Wake>) {
        self.state.lock().idle = Some(wake);
    }

    pub(super) fn lifecycle<R>(&self, f: impl FnOnce(&mut Lifecycle) -> R) -> R {
        f(&mut self.state.lock().lifecycle)
    }

    /// Registers a request under its id, with the call that `start` makes.
    pub(super) fn track<R>(
        &self,
        id: &RequestId,
        start: impl FnOnce() -> Result<(CallId, R), Full>,
    ) -> Result<(CallId, R), Untracked> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(Untracked::Closed);
        }
        if state.calls.contains_key(id.key()) {
            return Err(Untracked::InFlight);
        }
        let started = start().map_err(|Full| Untracked::Full)?;
        state.calls.insert(id.key().clone(), started.0);
        state.unsettled += 1;
        Ok(started)
    }

    pub(super) fn call(&self, id: &RequestId) -> Option<CallId> {
        self.state.lock().calls.get(id.key()).copied()
    }

    /// Frees the id of a call that has ended; [`Peer::settle`] follows once its response is out.
    pub(super) fn forget(&self, id: &RequestId) {
        self.state.lock().calls.remove(id.key());
    }

    pub(super) fn settle(&self) {
        let wake = {
            let mut state = self.state.lock();
            state.unsettled -= 1;
            if state.unsettled == 0 { state.idle.clone() } else { None }
        };
        if let Some(wake) = wake {
            wake.wake();
        }
    }

    /// Registers a question and gives it the id of our request.
    pub(super) fn add_ask(&self, call: CallId, ask: AskId) -> u64 {
        let mut state = self.state.lock();
        state.next_ask += 1;
        let id = state.next_ask;
        state.asks.insert(id, (call, ask));
        id
    }

    pub(super) fn take_ask(&self, id: u64) -> Option<(CallId, AskId)> {
        self.state.lock().asks.remove(&id)
    }

    /// Refuses further calls and returns those in flight.
    pub(super) fn close(&self) -> Vec<CallId> {
        let mut state = self.state.lock();
        state.closed = true;
        state.calls.values().copied().collect()
    }

    /// Remembers that no more answers will come, and returns the calls in flight.
    pub(super) fn end_input(&self) -> Vec<CallId> {
        self.input_ended.store(true, Ordering::Release);
        self.calls()
    }

    pub(super) fn input_ended(&self) -> bool {
        self.input_ended.load(Ordering::Acquire)
    }

    fn calls(&self) -> Vec<CallId> {
        self.state.lock().calls.values().copied().collect()
    }
}
