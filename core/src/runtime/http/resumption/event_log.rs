//! The event log of a legacy session's stream, which makes the stream resumable: its events are numbered, and are
//! kept for a client that reconnects.
//!
//! The store holds the events. This module holds those that no reader has taken yet, and those that the store does
//! not have yet. If a store has no room or fails, events stay here, up to a limit.

use crate::dispatch::limits::Limits;
use crate::dispatch::store::{Keep, StoreOp};
use crate::host::Engine;
use crate::proto::framing::sse;
use crate::proto::http::EventId;
use crate::runtime::http::response::response_channel::{ResponseChannel, UndeliveredRequest};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// What does not change about a stream.
pub(in crate::runtime::http) struct StreamInfo {
    /// No other stream has this name, in any process.
    pub(in crate::runtime::http) name: String,
    pub(in crate::runtime::http) session_id: Arc<str>,
    pub(in crate::runtime::http) channel: Weak<ResponseChannel>,
    pub(in crate::runtime::http) engine: Engine,
    /// The client knows events without data, and streams that end before they are complete (LH-30, LH-33).
    pub(in crate::runtime::http) reconnects: bool,
    /// It was begun by a GET: no response ends it.
    pub(in crate::runtime::http) is_get_stream: bool,
}

/// Where the events of a stream lie in the store. Only who may use the session comes to its name.
pub(in crate::runtime::http) fn key(session_id: &str, stream: &str) -> String {
    ["stream/", session_id, "/", stream].concat()
}

/// How long the store keeps the events: a little longer than is promised, because clocks are looked at now and then.
pub(in crate::runtime::http) fn lifetime(limits: &Limits) -> Duration {
    limits.resume_timeout + limits.resume_timeout / 2
}

/// What an event is to its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::runtime::http) enum EntryKind {
    /// The stream was begun; no event.
    Begin = b'B' as isize,
    /// An event before others.
    Event = b'E' as isize,
    /// The last event.
    Last = b'L' as isize,
    /// The stream has ended without another event.
    End = b'X' as isize,
}

impl EntryKind {
    pub(in crate::runtime::http) fn ends(self) -> bool {
        matches!(self, EntryKind::Last | EntryKind::End)
    }
}

/// Before the frame of an entry stand its kind and its number.
const HEAD: usize = 9;

fn entry(kind: EntryKind, number: u64, room: usize) -> Vec<u8> {
    let mut entry = Vec::with_capacity(HEAD + room);
    entry.push(kind as u8);
    entry.extend_from_slice(&number.to_be_bytes());
    entry
}

/// Takes an entry of the store apart: kind, number and frame. `None` for what no stream of ours has written.
pub(in crate::runtime::http) fn read_entry(entry: &Bytes) -> Option<(EntryKind, u64, Bytes)> {
    let (&kind, rest) = entry.split_first()?;
    let number = u64::from_be_bytes(*rest.first_chunk::<8>()?);
    let kind = match kind {
        b'B' => EntryKind::Begin,
        b'E' => EntryKind::Event,
        b'L' => EntryKind::Last,
        b'X' => EntryKind::End,
        _ => return None,
    };
    Some((kind, number, entry.slice(HEAD..)))
}

struct Event {
    entry: Bytes,
    /// If it is a question that can still be handed back.
    question: Option<UndeliveredRequest>,
    stored: bool,
}

/// The events of one stream, as this process sees them.
pub(in crate::runtime::http) struct EventLog {
    pub(in crate::runtime::http) stream: Arc<StreamInfo>,
    tail: VecDeque<Event>,
    /// The number of the first event of `tail`.
    base: u64,
    /// Events of `tail`, from its front, that the present reader has taken, or the one before it.
    sent: usize,
    /// Bytes of those, and of the others.
    sent_bytes: usize,
    unsent_bytes: usize,
    /// The next event that the store gets; 0 is the note that the stream was begun.
    next_to_store: u64,
    storing: bool,
    /// The store has something of it.
    stored: bool,
    reader: Option<u32>,
    readers: u32,
    /// The present reader was told when to come back.
    retry_sent: bool,
    /// The response is to end before the event of this number, the stream goes on.
    closing: Option<u64>,
    ended: bool,
    /// Since when nobody reads.
    unread_since: Option<Instant>,
    /// When the store was last told that the log is still needed.
    refreshed: Option<Instant>,
    touched: bool,
}

/// Why a reader cannot go on behind an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::runtime::http) enum AttachError {
    /// There is no such event.
    UnknownEvent,
    /// What followed it is not here.
    NotInMemory,
}

/// What is to be done about a stream as time passes.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::runtime::http) enum Expiry {
    Keep,
    /// The store must keep the log for longer.
    Refresh,
    /// Nobody has come back in time.
    Expired,
}

impl EventLog {
    /// Of a stream that a reader, the first, is about to read.
    pub(in crate::runtime::http) fn new(stream: Arc<StreamInfo>) -> EventLog {
        EventLog {
            next_to_store: u64::from(stream.is_get_stream),
            stream,
            tail: VecDeque::new(),
            base: 1,
            sent: 0,
            sent_bytes: 0,
            unsent_bytes: 0,
            storing: false,
            stored: false,
            reader: Some(0),
            readers: 0,
            retry_sent: false,
            closing: None,
            ended: false,
            unread_since: None,
            refreshed: None,
            touched: false,
        }
    }

    fn limits(&self) -> &Limits {
        self.stream.engine.limits()
    }

    fn next(&self) -> u64 {
        self.base + self.tail.len() as u64
    }

    /// Bytes that no reader has taken.
    pub(in crate::runtime::http) fn unsent_bytes(&self) -> usize {
        self.unsent_bytes
    }

    pub(in crate::runtime::http) fn has_ended(&self) -> bool {
        self.ended
    }

    pub(in crate::runtime::http) fn is_read_by(&self, reader: u32) -> bool {
        self.reader == Some(reader)
    }

    pub(in crate::runtime::http) fn is_read(&self) -> bool {
        self.reader.is_some()
    }

    /// Nobody reads, and more waits than is kept.
    pub(in crate::runtime::http) fn is_full(&self) -> bool {
        let limits = self.limits();
        self.reader.is_none()
            && (self.unsent_bytes > limits.max_stream_bytes
                || self.tail.len() - self.sent >= limits.max_stream_events)
    }

    /// Adds an event.
    pub(in crate::runtime::http) fn push(&mut self, kind: EntryKind, body: &Bytes, question: Option<u64>) {
        let number = self.next();
        let mut entry = entry(kind, number, body.len() + self.stream.name.len() + 48);
        if kind != EntryKind::End {
            let id = EventId { stream: &self.stream.name, number }.to_string();
            sse::encode(None, Some(&id), body, &mut entry);
        }
        let question = question.map(|id| UndeliveredRequest { id, body: body.clone() });
        self.unsent_bytes += entry.len();
        self.tail.push_back(Event { entry: entry.into(), question, stored: false });
        if kind.ends() {
            self.ended = true;
            // The time in which its end can be read begins now.
            self.unread_since = None;
        }
    }

    /// Has the response end behind what has been said, if somebody reads it.
    pub(in crate::runtime::http) fn close(&mut self) -> bool {
        let open = self.reader.is_some() && !self.ended && self.closing.is_none();
        if open {
            self.closing = Some(self.next());
        }
        open
    }

    /// Whether a reader need not wait.
    pub(in crate::runtime::http) fn has_output(&self) -> bool {
        self.closing.is_some()
            || self.ended
            || self.sent < self.tail.len()
            || self.stream.reconnects && !self.retry_sent
    }

    /// All that waits, in one piece, and whether the response ends with it.
    pub(in crate::runtime::http) fn take(&mut self) -> (Bytes, bool) {
        let mut out = Vec::new();
        if self.stream.reconnects && !std::mem::replace(&mut self.retry_sent, true) {
            // Who comes back has an id already.
            let id = EventId { stream: &self.stream.name, number: 0 }.to_string();
            let id = Some(&*id).filter(|_| self.readers == 0);
            sse::encode_retry(id, self.limits().stream_retry.as_millis(), &mut out);
        }
        // The event before which it ends may have been followed by others, which wait then.
        let until = self.closing.and_then(|number| usize::try_from(number - self.base).ok());
        let until = until.unwrap_or(self.tail.len());
        let waiting = self.tail.range(self.sent..until).map(|event| event.entry.slice(HEAD..));
        let out = match (out.is_empty(), until - self.sent) {
            (true, 1) => waiting.last().unwrap_or_default(),
            _ => {
                out.reserve(self.unsent_bytes);
                waiting.for_each(|frame| out.extend_from_slice(&frame));
                Bytes::from(out)
            }
        };
        let taken: usize = self.tail.range(self.sent..until).map(|event| event.entry.len()).sum();
        self.sent = until;
        self.sent_bytes += taken;
        self.unsent_bytes -= taken;
        let last = self.ended || self.closing.is_some();
        if self.closing.is_some() {
            self.detach();
        }
        self.trim();
        (out, last)
    }

    /// A reader has left, if it is still the reader.
    pub(in crate::runtime::http) fn leave(&mut self, reader: u32) -> bool {
        let left = self.is_read_by(reader);
        if left {
            self.detach();
        }
        left
    }

    /// Nobody reads from now on.
    pub(in crate::runtime::http) fn detach(&mut self) {
        self.reader = None;
        self.closing = None;
        self.unread_since = None;
    }

    /// Has a new reader go on behind the event `after`. `replay` are the frames that follow it and are not here, without a
    /// gap.
    pub(in crate::runtime::http) fn attach(
        &mut self,
        after: u64,
        replay: &[Bytes],
    ) -> Result<u32, AttachError> {
        if after >= self.next() {
            return Err(AttachError::UnknownEvent);
        }
        let first = after + 1;
        if first < self.base {
            let needed = usize::try_from(self.base - first).unwrap_or(usize::MAX);
            let replay = replay.get(..needed).ok_or(AttachError::NotInMemory)?;
            for entry in replay.iter().rev() {
                self.tail.push_front(Event { entry: entry.clone(), question: None, stored: true });
            }
            self.base = first;
        }
        self.sent = usize::try_from(first - self.base).unwrap_or(usize::MAX).min(self.tail.len());
        let sizes = |events: std::collections::vec_deque::Iter<'_, Event>| {
            events.map(|event| event.entry.len()).sum::<usize>()
        };
        self.sent_bytes = sizes(self.tail.range(..self.sent));
        self.unsent_bytes = sizes(self.tail.range(self.sent..));
        self.readers += 1;
        self.reader = Some(self.readers);
        (self.retry_sent, self.closing, self.unread_since) = (false, None, None);
        self.trim();
        Ok(self.readers)
    }

    /// Lets go of what has been taken and is in the store, or is too much to be kept.
    fn trim(&mut self) {
        let (most, count) = (self.limits().max_stream_bytes, self.limits().max_stream_events);
        while self.sent > 0
            && let Some(oldest) = self.tail.front()
            && (oldest.stored || self.sent_bytes > most || self.sent > count)
        {
            self.sent_bytes -= oldest.entry.len();
            self.sent -= 1;
            self.base += 1;
            self.tail.pop_front();
        }
        if self.tail.is_empty() {
            self.tail.shrink_to(4);
        }
    }

    /// What the store is to get next, with its number. One at a time, so that their order in the store is theirs.
    pub(in crate::runtime::http) fn take_unstored(&mut self) -> Option<(u64, StoreOp)> {
        if self.storing {
            return None;
        }
        let begin = self.next_to_store == 0;
        // What was let go before its turn came has lost it.
        let number = if begin { 0 } else { self.next_to_store.max(self.base) };
        let entry = match begin {
            true => entry(EntryKind::Begin, 0, 0).into(),
            false => self.tail.get(usize::try_from(number - self.base).ok()?)?.entry.clone(),
        };
        self.storing = true;
        self.touched = true;
        self.next_to_store = number + 1;
        let limits = self.limits();
        let keep = Keep {
            entries: Some(limits.max_stream_events),
            // The newest stays in any case.
            bytes: Some(limits.max_stream_bytes.max(entry.len())),
            ..Keep::default()
        };
        Some((number, StoreOp::Append { key: self.key(), entry, ttl: lifetime(limits), keep }))
    }

    /// The store has taken an event, or has not.
    pub(in crate::runtime::http) fn appended(&mut self, number: u64, stored: bool) {
        self.storing = false;
        self.stored |= stored;
        let place = number.checked_sub(self.base).and_then(|place| usize::try_from(place).ok());
        if stored && let Some(event) = place.and_then(|place| self.tail.get_mut(place)) {
            event.stored = true;
            self.trim();
        }
    }

    fn key(&self) -> String {
        key(&self.stream.session_id, &self.stream.name)
    }

    /// What is to be done now.
    pub(in crate::runtime::http) fn check_expiry(&mut self, now: Instant) -> Expiry {
        let timeout = self.limits().resume_timeout;
        if std::mem::take(&mut self.touched) {
            self.refreshed = Some(now);
        }
        if self.reader.is_none() {
            let unread_since = *self.unread_since.get_or_insert(now);
            let waits = |event: &Event| event.question.is_some();
            // A call goes on, and its client may come back for as long as it does.
            let over = self.ended || self.stream.is_get_stream || self.tail.range(self.sent..).any(waits);
            if over && now.saturating_duration_since(unread_since) >= timeout {
                return Expiry::Expired;
            }
        }
        let stale = |at: Instant| now.saturating_duration_since(at) >= timeout / 4;
        if self.stored && self.refreshed.is_none_or(stale) {
            self.refreshed = Some(now);
            return Expiry::Refresh;
        }
        Expiry::Keep
    }

    /// The end of it all: the questions that nobody has read.
    pub(in crate::runtime::http) fn abandon(&mut self) -> Vec<UndeliveredRequest> {
        self.ended = true;
        self.tail.range_mut(self.sent..).filter_map(|event| event.question.take()).collect()
    }

    /// Nothing is left to be done for it but to be read once more.
    pub(in crate::runtime::http) fn is_finished(&self) -> bool {
        self.ended && self.reader.is_none()
    }
}
