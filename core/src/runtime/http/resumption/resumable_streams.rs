//! The table of resumable streams of legacy sessions.

use crate::dispatch::shrinking_map::shrink;
use crate::host::Engine;
use crate::locks::Mutex;
use crate::proto::version::Revision;
use crate::runtime::http::response::response_channel::ResponseChannel;
use crate::runtime::http::resumption::event_log::{EventLog, StreamInfo};
use crate::runtime::http::session::legacy_session::Session;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

/// The streams with an event log, by their number. A stream stays here until the timeout for reconnecting has passed.
#[derive(Default)]
pub(in crate::runtime::http) struct ResumableStreams {
    streams: Mutex<HashMap<u64, Entry>>,
    next: AtomicU64,
    /// The prefix of stream names in this process. It is random, because replicas that share a store must not use the
    /// same names.
    process: OnceLock<String>,
}

struct Entry {
    channel: Arc<ResponseChannel>,
    session: Weak<Session>,
}

/// The streams of one session; `None` after the session has ended.
pub(in crate::runtime::http) struct SessionStreams(Mutex<Option<Vec<u64>>>);

impl Default for SessionStreams {
    fn default() -> SessionStreams {
        SessionStreams(Mutex::new(Some(Vec::new())))
    }
}

impl ResumableStreams {
    fn process(&self, engine: &Engine) -> Option<&str> {
        if let Some(process) = self.process.get() {
            return Some(process);
        }
        let mut random = [0; 8];
        engine.environment().random(&mut random).ok()?;
        let name = format!("{:016x}", u64::from_be_bytes(random));
        Some(self.process.get_or_init(|| name))
    }

    /// Starts the event log of a new stream. Returns `false` if the stream cannot be resumable, because of the limits,
    /// the random generator, or the end of the session.
    pub(in crate::runtime::http) fn begin(
        &self,
        engine: &Engine,
        session: &Arc<Session>,
        channel: &Arc<ResponseChannel>,
        is_get_stream: bool,
    ) -> bool {
        let limits = engine.limits();
        let (Some(process), true) = (self.process(engine), limits.max_stream_bytes > 0) else { return false };
        let number = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let stream = Arc::new(StreamInfo {
            name: format!("{process}.{number}"),
            session_id: session.id.clone(),
            channel: Arc::downgrade(channel),
            engine: engine.clone(),
            reconnects: session.peer.revision() == Some(Revision::V2025_11_25),
            is_get_stream,
        });
        let entry = Entry { channel: channel.clone(), session: Arc::downgrade(session) };
        // The stream is inserted here first, because the code that ends the session looks up each number of its list
        // here.
        self.streams.lock().insert(number, entry);
        let others = match &mut *session.streams.0.lock() {
            None => None,
            Some(streams) => {
                streams.push(number);
                Some(if streams.len() > limits.max_session_streams { streams.clone() } else { Vec::new() })
            }
        };
        let room = match others {
            None => false,
            Some(others) => others.is_empty() || self.make_room(session, &others),
        };
        if !room {
            self.remove(number, session);
            return false;
        }
        channel.start_event_log(EventLog::new(stream));
        // The session may have ended before the log existed.
        if session.has_ended() {
            channel.abandon();
        }
        true
    }

    /// Removes the oldest stream of `others` that has ended and has no reader. Returns `false` if there is none.
    fn make_room(&self, session: &Session, others: &[u64]) -> bool {
        let spent = |number: &&u64| {
            let channel = self.streams.lock().get(number).map(|entry| entry.channel.clone());
            channel.is_some_and(|channel| channel.is_finished())
        };
        let Some(oldest) = others.iter().find(spent) else { return false };
        if let Some(channel) = self.remove(*oldest, session) {
            channel.abandon();
        }
        true
    }

    fn remove(&self, number: u64, session: &Session) -> Option<Arc<ResponseChannel>> {
        if let Some(streams) = &mut *session.streams.0.lock() {
            streams.retain(|other| *other != number);
        }
        self.take(number).map(|entry| entry.channel)
    }

    fn take(&self, number: u64) -> Option<Entry> {
        let mut streams = self.streams.lock();
        let entry = streams.remove(&number);
        shrink(&mut streams);
        entry
    }

    /// The stream with this name, if it belongs to the session and to this process.
    pub(in crate::runtime::http) fn find(
        &self,
        session: &Arc<Session>,
        name: &str,
    ) -> Option<Arc<ResponseChannel>> {
        let (process, number) = name.split_once('.')?;
        let ours = self.process.get().is_some_and(|own| own == process);
        let number = number.parse().ok().filter(|_| ours)?;
        let streams = self.streams.lock();
        let entry = streams.get(&number)?;
        std::ptr::eq(entry.session.as_ptr(), Arc::as_ptr(session)).then(|| entry.channel.clone())
    }

    /// Ends the streams of a session that has ended, and drops their logs.
    pub(in crate::runtime::http) fn end_session(&self, session: &Session) {
        let ended = session.streams.0.lock().take().unwrap_or_default();
        for number in ended {
            if let Some(entry) = self.take(number) {
                // The session's calls have ended, so their questions are not needed any more.
                entry.channel.abandon();
            }
        }
    }

    /// Ends the streams whose clients have not reconnected within the timeout. Extends the lifetime of the others in
    /// the store.
    pub(in crate::runtime::http) fn sweep(&self, engine: &Engine, now: Instant) {
        let all: Vec<_> = self
            .streams
            .lock()
            .iter()
            .map(|(number, entry)| (*number, entry.channel.clone(), entry.session.clone()))
            .collect();
        for (number, channel, session) in all {
            if !channel.check_expiry(now) {
                continue;
            }
            let Some(session) = session.upgrade() else {
                self.take(number);
                continue;
            };
            self.remove(number, &session);
            // The undelivered questions are sent again on a GET stream.
            for question in channel.abandon() {
                engine.undelivered(&session.peer, question.id, question.body);
            }
        }
    }
}
