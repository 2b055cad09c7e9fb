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

/// How long changes gather before clients are told.
const TICK: Duration = Duration::from_millis(10);

/// When a client that does not read is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// Who is told of what.
#[derive(Default)]
pub(super) struct Bus {
    /// The legacy sessions, which are told of all lists, in the order in which they came.
    sessions: Mutex<Sessions>,
    table: Mutex<Table>,
    changes: Mutex<Changes>,
    /// Says which tasks a client may be told of.
    tasks: OnceLock<Arc<dyn TaskWatch>>,
}

#[derive(Default)]
struct Sessions {
    next: u64,
    /// By their numbers. A weak reference keeps the memory of its peer, so it goes with the session.
    all: BTreeMap<u64, Weak<Peer>>,
}

/// What is to be told.
#[derive(Default)]
struct Changes {
    /// When, if there is anything.
    due: Option<Instant>,
    /// In the order in which it was said first.
    topics: Vec<Change>,
    places: HashMap<Topic, usize>,
    /// Sessions that do not read at present and have to be told all the same, once of each topic.
    owed: Vec<(Weak<Peer>, Topic)>,
}

/// One topic that has changed, with what is last said of it.
struct Change {
    topic: Topic,
    detail: Option<JsonSlice>,
}

/// Somebody who is told of topics.
#[derive(Clone)]
enum Subscriber {
    /// A listen stream.
    Stream(Arc<Stream>),
    /// A legacy session.
    Session(Weak<Peer>),
}

impl Changes {
    /// Takes up a change; one of a topic that has changed already takes its place.
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
    /// Has a legacy session told of lists until it is closed.
    pub(super) fn join(&self, peer: &Arc<Peer>) {
        let number = {
            let mut sessions = self.sessions.lock();
            sessions.next += 1;
            let number = sessions.next;
            sessions.all.insert(number, Arc::downgrade(peer));
            number
        };
        peer.set_joined(number);
        // Looked at afterwards: who closes the session finds the number, or it is seen here.
        if peer.is_closed() {
            self.leave(peer);
        }
    }

    /// A legacy session is closed.
    pub(super) fn leave(&self, peer: &Peer) {
        if let Some(number) = peer.take_joined() {
            self.sessions.lock().all.remove(&number);
        }
    }

    /// What a session is still owed goes with it.
    pub(super) fn forgive(&self, peer: &Arc<Peer>) {
        let mut changes = self.changes.lock();
        changes.owed.retain(|(owed, _)| !std::ptr::eq(owed.as_ptr(), Arc::as_ptr(peer)));
    }

    /// The legacy sessions.
    pub(super) fn everybody(&self) -> Vec<Arc<Peer>> {
        let mut living = Vec::new();
        // Whoever was dropped without being closed goes now.
        let lives = |_: &u64, peer: &mut Weak<Peer>| peer.upgrade().map(|peer| living.push(peer)).is_some();
        self.sessions.lock().all.retain(lives);
        living
    }

    /// When the next changes are to be told.
    pub(super) fn due(&self) -> Option<Instant> {
        self.changes.lock().due
    }

    /// Whether anybody is to be told of this.
    fn wants(&self, topic: &Topic) -> bool {
        let listed = matches!(topic, Topic::List(_)) && !self.sessions.lock().all.is_empty();
        listed || self.table.lock().has(topic)
    }
}
