//! The event bus: it knows which clients subscribed to which changes, and notifies them.
//!
//! A change is published under its [`Topic`]. Only the subscribers of that topic are looked up, so other clients cost
//! nothing. All changes of one topic within one tick become one notification for each subscriber.

mod legacy;
mod listen;
mod publish;
mod stream;
mod table;
mod tasks;

use crate::host::session::peer::Peer;
use crate::json::JsonSlice;
use crate::locks::Mutex;
use crate::proto::session::subscription::Topic;
pub use listen::ListenId;
pub(super) use listen::StreamEnd;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};
use stream::Stream;
use table::Table;
pub(crate) use tasks::{TaskWatch, Watched};

/// How long changes are collected before clients are notified.
const TICK: Duration = Duration::from_millis(10);

/// The time until the next attempt for a client that does not read.
const AGAIN: Duration = Duration::from_secs(1);

/// The subscribers and the changes that they have not been notified of.
#[derive(Default)]
pub(super) struct Bus {
    /// The legacy sessions, which are notified of all lists, in the order in which they began.
    sessions: Mutex<Sessions>,
    table: Mutex<Table>,
    changes: Mutex<Changes>,
    /// Decides which tasks a client may be notified of.
    tasks: OnceLock<Arc<dyn TaskWatch>>,
}

#[derive(Default)]
struct Sessions {
    next: u64,
    /// The sessions by their numbers on the bus. A weak reference keeps the peer's memory allocated, so the reference
    /// is removed when the session ends.
    all: BTreeMap<u64, Weak<Peer>>,
}

/// The changes to notify.
#[derive(Default)]
struct Changes {
    /// When the next notification is due, if there is anything to notify.
    due: Option<Instant>,
    /// In the order in which they were first published.
    topics: Vec<Change>,
    places: HashMap<Topic, usize>,
    /// Sessions that do not read at present and must still be notified, once per topic.
    owed: Vec<(Weak<Peer>, Topic)>,
}

/// One changed topic, with its latest detail.
struct Change {
    topic: Topic,
    detail: Option<JsonSlice>,
}

/// A subscriber.
#[derive(Clone)]
enum Subscriber {
    /// A listen stream.
    Stream(Arc<Stream>),
    /// A legacy session.
    Session(Weak<Peer>),
}

impl Changes {
    /// Records a change. It replaces an earlier change of the same topic.
    fn note(&mut self, topic: &Topic, detail: Option<JsonSlice>) {
        if let Some(&place) = self.places.get(topic) {
            self.topics[place].detail = detail;
            return;
        }
        self.places.insert(topic.clone(), self.topics.len());
        self.topics.push(Change { topic: topic.clone(), detail });
    }
}

impl Bus {
    /// Adds a legacy session, which is notified of list changes until it is closed.
    pub(super) fn join(&self, peer: &Arc<Peer>) {
        let number = {
            let mut sessions = self.sessions.lock();
            sessions.next += 1;
            let number = sessions.next;
            sessions.all.insert(number, Arc::downgrade(peer));
            number
        };
        peer.set_joined(number);
        // Checked afterwards: either the thread that closes the session finds the number, or this check sees the
        // close.
        if peer.is_closed() {
            self.leave(peer);
        }
    }

    /// Removes a legacy session that is closed.
    pub(super) fn leave(&self, peer: &Peer) {
        if let Some(number) = peer.take_joined() {
            self.sessions.lock().all.remove(&number);
        }
    }

    /// Drops the notifications that a session has not received yet.
    pub(super) fn drop_owed(&self, peer: &Arc<Peer>) {
        let mut changes = self.changes.lock();
        changes.owed.retain(|(owed, _)| !std::ptr::eq(owed.as_ptr(), Arc::as_ptr(peer)));
    }

    /// The legacy sessions.
    pub(super) fn everybody(&self) -> Vec<Arc<Peer>> {
        let mut living = Vec::new();
        // Sessions that were dropped without being closed are removed here.
        let lives = |_: &u64, peer: &mut Weak<Peer>| peer.upgrade().map(|peer| living.push(peer)).is_some();
        self.sessions.lock().all.retain(lives);
        living
    }

    /// The time at which the next notifications are due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.changes.lock().due
    }

    /// Whether the topic has any subscriber.
    fn wants(&self, topic: &Topic) -> bool {
        let listed = matches!(topic, Topic::List(_)) && !self.sessions.lock().all.is_empty();
        listed || self.table.lock().has(topic)
    }
}
