//! The table of resumable streams of legacy sessions.

use crate::dispatch::shrinking_map::shrink;
use crate::host::Engine;
use crate::locks::Mutex;
use crate::proto::session::version::Revision;
use crate::runtime::http::response::response_channel::Slot;
use crate::runtime::http::resumption::event_log::{Journal, Stream};
use crate::runtime::http::session::sessions::Session;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

/// Streams whose events are kept, by their number. They stay until the time has passed in which a client may come back.
#[derive(Default)]
pub(in crate::runtime::http) struct Kept {
    streams: Mutex<HashMap<u64, Place>>,
    next: AtomicU64,
    /// What stands before a stream's number in its name: replicas that share a store must not use one name twice.
    process: OnceLock<String>,
}

struct Place {
    slot: Arc<Slot>,
    session: Weak<Session>,
}

/// The streams of one session; nothing once the session has ended.
pub(in crate::runtime::http) struct Streams(Mutex<Option<Vec<u64>>>);

impl Default for Streams {
    fn default() -> Streams {
        Streams(Mutex::new(Some(Vec::new())))
    }
}

impl Kept {
    fn process(&self, engine: &Engine) -> Option<&str> {
        if let Some(process) = self.process.get() {
            return Some(process);
        }
        let mut random = [0; 8];
        engine.environment().random(&mut random).ok()?;
        let name = format!("{:016x}", u64::from_be_bytes(random));
        Some(self.process.get_or_init(|| name))
    }

    /// Keeps the events of a stream whose first reader is about to read. `false` if it cannot be resumed.
    pub(in crate::runtime::http) fn begin(
        &self,
        engine: &Engine,
        session: &Arc<Session>,
        slot: &Arc<Slot>,
        listens: bool,
    ) -> bool {
        let limits = engine.limits();
        let (Some(process), true) = (self.process(engine), limits.max_stream_bytes > 0) else { return false };
        let number = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let stream = Arc::new(Stream {
            name: format!("{process}.{number}"),
            session_id: session.id.clone(),
            slot: Arc::downgrade(slot),
            engine: engine.clone(),
            polls: session.peer.revision() == Some(Revision::V2025_11_25),
            listens,
        });
        let place = Place { slot: slot.clone(), session: Arc::downgrade(session) };
        // In the table first: who ends the session looks there for all that stand in its list.
        self.streams.lock().insert(number, place);
        let crowd = match &mut *session.streams.0.lock() {
            None => None,
            Some(streams) => {
                streams.push(number);
                Some(if streams.len() > limits.max_session_streams { streams.clone() } else { Vec::new() })
            }
        };
        let room = match crowd {
            None => false,
            Some(crowd) => crowd.is_empty() || self.make_room(session, &crowd),
        };
        if !room {
            self.remove(number, session);
            return false;
        }
        slot.keep_log(Journal::new(stream));
        // Ended meanwhile, before there was a log to be dropped.
        if session.has_ended() {
            slot.give_up();
        }
        true
    }

    /// Lets go of the oldest of these streams that has ended.
    fn make_room(&self, session: &Session, crowd: &[u64]) -> bool {
        let spent = |number: &&u64| {
            let slot = self.streams.lock().get(number).map(|place| place.slot.clone());
            slot.is_some_and(|slot| slot.is_spent())
        };
        let Some(oldest) = crowd.iter().find(spent) else { return false };
        if let Some(slot) = self.remove(*oldest, session) {
            slot.give_up();
        }
        true
    }

    fn remove(&self, number: u64, session: &Session) -> Option<Arc<Slot>> {
        if let Some(streams) = &mut *session.streams.0.lock() {
            streams.retain(|other| *other != number);
        }
        self.take(number).map(|place| place.slot)
    }

    fn take(&self, number: u64) -> Option<Place> {
        let mut streams = self.streams.lock();
        let place = streams.remove(&number);
        shrink(&mut streams);
        place
    }

    /// The stream of this name, if it is one of the session's that this process has.
    pub(in crate::runtime::http) fn find(&self, session: &Arc<Session>, name: &str) -> Option<Arc<Slot>> {
        let (process, number) = name.split_once('.')?;
        let ours = self.process.get().is_some_and(|own| own == process);
        let number = number.parse().ok().filter(|_| ours)?;
        let streams = self.streams.lock();
        let place = streams.get(&number)?;
        std::ptr::eq(place.session.as_ptr(), Arc::as_ptr(session)).then(|| place.slot.clone())
    }

    /// Drops the logs of a session that has ended, and ends its streams.
    pub(in crate::runtime::http) fn end_session(&self, session: &Session) {
        let ended = session.streams.0.lock().take().unwrap_or_default();
        for number in ended {
            if let Some(place) = self.take(number) {
                // Its calls have ended, and with them their questions.
                place.slot.give_up();
            }
        }
    }

    /// Gives up streams to which nobody has come back in time, and has the store keep the others.
    pub(in crate::runtime::http) fn sweep(&self, engine: &Engine, now: Instant) {
        let all: Vec<_> = self
            .streams
            .lock()
            .iter()
            .map(|(number, place)| (*number, place.slot.clone(), place.session.clone()))
            .collect();
        for (number, slot, session) in all {
            if !slot.age(now) {
                continue;
            }
            let Some(session) = session.upgrade() else {
                self.take(number);
                continue;
            };
            self.remove(number, &session);
            // The next that can be asked is one of its listening streams.
            for question in slot.give_up() {
                engine.undelivered(&session.peer, question.id, question.body);
            }
        }
    }
}
