//! What needs no answer: notifications of clients, hooks of the program, and what clients are told of changes.

use super::arrival::Arrival;
use super::engine::{Engine, Scope};
use super::op::{CallContext, CancelReason};
use super::peer::Peer;
use super::requests::Start;
use super::shared::{End, Shared, Thread};
use super::sink::{Delivery, Outgoing, Sink};
use crate::dispatch::asks::Asks;
use crate::dispatch::catalog::capability;
use crate::json::JsonSlice;
use crate::locks::Mutex;
use crate::proto::envelope::{self, Client};
use crate::proto::id::RequestId;
use crate::proto::kind::Kind;
use crate::proto::message::Notification;
use crate::proto::operation::{Method, Op, Operation};
use crate::proto::shape;
use crate::proto::version::Revision;
use bytes::Bytes;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How long changes gather before clients are told.
const TICK: Duration = Duration::from_millis(10);

/// When a client that does not read is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// A session that is open begins, ends, or its roots change.
const SESSION_START: &str = "session_start";
pub(super) const SESSION_END: &str = "session_end";
const ROOTS_CHANGED: &str = "roots_changed";

/// The legacy sessions that are told of changes.
#[derive(Default)]
pub(super) struct Audience {
    peers: Mutex<Vec<Weak<Peer>>>,
    /// When changes are told, if there are any.
    due: Mutex<Option<Instant>>,
    /// Who does not read at present and has to be told all the same, once of each.
    owed: Mutex<Vec<(Weak<Peer>, &'static str)>>,
}

/// Where the answers of handlers go that nobody waits for.
struct Nowhere;

impl Sink for Nowhere {
    fn send(&self, _: Outgoing) -> Delivery {
        Delivery::Gone
    }
}

impl Audience {
    fn join(&self, peer: &Arc<Peer>) {
        let mut peers = self.peers.lock();
        // Those that have gone make room whenever the list would grow.
        if peers.len() == peers.capacity() {
            peers.retain(|peer| peer.strong_count() > 0);
        }
        peers.push(Arc::downgrade(peer));
    }

    fn everybody(&self) -> Vec<Arc<Peer>> {
        self.peers.lock().iter().filter_map(Weak::upgrade).collect()
    }

    /// When the next changes are to be told.
    pub(super) fn due(&self) -> Option<Instant> {
        *self.due.lock()
    }
}

impl Engine {
    /// Takes a notification of a client; what it cannot mean is ignored.
    pub(super) fn notification(&self, scope: &Scope, notification: Notification) {
        let Notification { method, params } = notification;
        if let Some(peer) = scope.peer() {
            match &method {
                Method::Known(Operation { op: Op::Initialized, .. })
                    if peer.lifecycle(|lifecycle| lifecycle.initialized()) =>
                {
                    self.0.audience.join(peer);
                    peer.begin();
                    self.hook(scope, SESSION_START);
                }
                Method::Known(Operation { op: Op::Cancelled, .. }) => {
                    let id = params.get("requestId").and_then(RequestId::new);
                    if let Some(call) = id.and_then(|id| peer.call(&id)) {
                        let reason = params.get_str("reason").ok().flatten();
                        self.0.end(call, End::Silent(CancelReason::Requested(reason)));
                    }
                }
                // Only a session has roots that change.
                Method::Known(Operation { op: Op::RootsChanged, .. }) if peer.client().is_some() => {
                    self.hook(scope, ROOTS_CHANGED);
                }
                _ => {}
            }
        }
        let client = || match scope {
            Scope::Channel(_) if envelope::is_modern(&params) => envelope::read(&params).ok(),
            scope => self.client_of(scope),
        };
        self.tell(scope, (Kind::Notification, method.as_str()), client, || params.object());
    }

    fn hook(&self, scope: &Scope, name: &str) {
        self.tell(scope, (Kind::Hook, name), || self.client_of(scope), JsonSlice::empty_object);
    }

    fn client_of(&self, scope: &Scope) -> Option<Client> {
        match scope {
            Scope::Stateless { client, .. } => Some(client.clone()),
            Scope::Channel(peer) | Scope::Session { peer, .. } => peer.client(),
        }
    }

    /// Runs the handler of a notification or a hook, if there is one. It has a call of its own, whose answer goes nowhere.
    fn tell(
        &self,
        scope: &Scope,
        (kind, name): (Kind, &str),
        client: impl FnOnce() -> Option<Client>,
        input: impl FnOnce() -> JsonSlice,
    ) {
        let snapshot = self.0.catalog.snapshot();
        if !snapshot.has(kind) {
            return;
        }
        let Some(entry) = snapshot.find(kind, name).cloned() else { return };
        let input = match entry.prepare(input()) {
            Ok(input) => input,
            Err(reason) => return self.0.blame(|| format!("{entry} is not told: {reason}")),
        };
        let client = client();
        if client.as_ref().is_some_and(|client| !self.revisions().has(client.revision)) {
            return;
        }
        let unknown =
            Client { revision: Revision::V2026_07_28, info: None, capabilities: JsonSlice::empty_object() };
        let context = Arc::new(CallContext {
            request_id: None,
            client: client.unwrap_or(unknown),
            meta: input.member("_meta"),
            session_id: scope.peer().and_then(|peer| peer.session_id().cloned()),
            entry,
            uri: None,
            progress_token: None,
            arrival: scope.arrival(),
        });
        // A session's end may come from any thread, also one that many others depend on.
        let ends = kind == Kind::Hook && name == SESSION_END;
        let start = Start {
            input,
            asks: Asks::default(),
            retried: false,
            listing: None,
            admission: None,
            thread: if ends { Thread::Other } else { Thread::Receiver },
        };
        let nowhere: Arc<dyn Sink> = Arc::new(Nowhere);
        let entry = context.entry.clone();
        if let Err(error) = self.start(scope, context, start, &nowhere) {
            self.0.blame(|| format!("{entry} is not told: {}", error.message));
        }
    }

    /// Tells the program that a legacy session ends, once.
    pub(super) fn session_ends(&self, peer: &Arc<Peer>) {
        if peer.leave() {
            let scope = Scope::Session { peer: peer.clone(), arrival: Arrival::default() };
            self.hook(&scope, SESSION_END);
        }
    }

    /// Tells a session that was begun elsewhere of what changes from now on.
    pub(crate) fn joins(&self, peer: &Arc<Peer>) {
        self.0.audience.join(peer);
    }

    /// Tells the program of the end of every session, because the server ends, and gives back those for which that takes
    /// its time.
    pub(crate) fn end_sessions(&self) -> Vec<Arc<Peer>> {
        if self.0.catalog.snapshot().find(Kind::Hook, SESSION_END).is_none() {
            return Vec::new();
        }
        let mut peers = self.0.audience.everybody();
        peers.iter().for_each(|peer| self.session_ends(peer));
        peers.retain(|peer| peer.in_flight() > 0);
        peers
    }

    /// Sends a notification of the program's own to every legacy session; says how many can be reached.
    pub fn notify(&self, method: &str, params: &JsonSlice) -> usize {
        let body = shape::notification(method, Some(params));
        let tell = |peer: &Arc<Peer>| {
            peer.send(Outgoing::Event { body: body.clone(), droppable: true }) != Delivery::Gone
        };
        self.0.audience.everybody().iter().filter(|peer| tell(peer)).count()
    }

    /// Has clients told of what has changed in the catalog, together with what changes in the next moment.
    pub(crate) fn changed(&self) {
        if self.0.audience.peers.lock().is_empty() {
            // Who comes later has seen nothing else.
            self.0.catalog.take_changed().for_each(drop);
            return;
        }
        let due = self.0.now() + TICK;
        {
            let mut place = self.0.audience.due.lock();
            if place.is_some() {
                return;
            }
            *place = Some(due);
        }
        self.0.wake_timer();
    }
}

impl Shared {
    /// Tells clients of changes, if it is time.
    pub(super) fn tell_changes(&self, now: Instant) {
        {
            let mut due = self.audience.due.lock();
            if due.is_none_or(|due| due > now) {
                return;
            }
            *due = None;
        }
        let mut methods: Vec<_> =
            self.catalog.take_changed().filter_map(capability).filter_map(|of| of.list_changed()).collect();
        methods.dedup();
        let peers = if methods.is_empty() { Vec::new() } else { self.audience.everybody() };
        // Who is owed one of those anyway hears of it once.
        let owed = std::mem::take(&mut *self.audience.owed.lock());
        let mut skipped = Vec::new();
        let mut tell = |peer: &Arc<Peer>, method, body: Bytes| {
            // What does not fit is not queued beyond the limit, and not forgotten either.
            if peer.send(Outgoing::Event { body, droppable: true }) == Delivery::Skipped {
                skipped.push((Arc::downgrade(peer), method));
            }
        };
        for (peer, method) in owed.into_iter().filter(|(_, method)| !methods.contains(method)) {
            if let Some(peer) = peer.upgrade() {
                tell(&peer, method, shape::notification(method, None));
            }
        }
        for method in methods {
            let body = shape::notification(method, None);
            peers.iter().for_each(|peer| tell(peer, method, body.clone()));
        }
        if !skipped.is_empty() {
            self.audience.owed.lock().append(&mut skipped);
            self.audience.due.lock().get_or_insert(now + AGAIN);
            self.wake_timer();
        }
    }
}
