//! The event log of a legacy session's stream, which makes the stream resumable. The log numbers the events, and keeps
//! them for a client that reconnects.
//!
//! The store holds the events. This module holds the events that no reader has taken yet, and those that the store does
//! not have yet. If the store refuses events or fails, they stay here, up to a limit.

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

/// The constant properties of a stream.
pub(in crate::runtime::http) struct StreamInfo {
    /// The name of the stream, which is unique among all processes.
    pub(in crate::runtime::http) name: String,
    pub(in crate::runtime::http) session_id: Arc<str>,
    pub(in crate::runtime::http) channel: Weak<ResponseChannel>,
    pub(in crate::runtime::http) engine: Engine,
    /// `true` if the client's revision has events without data, and responses that end before their stream is complete
    /// (LH-30, LH-33).
    pub(in crate::runtime::http) reconnects: bool,
    /// `true` if a GET opened the stream, so that no response ends it.
    pub(in crate::runtime::http) is_get_stream: bool,
}

/// The store's key for the events of a stream. It contains the session's id, so only clients of that session can refer
/// to it.
pub(in crate::runtime::http) fn key(session_id: &str, stream: &str) -> String {
    ["stream/", session_id, "/", stream].concat()
}

/// The time for which the store keeps the events. It is longer than `resume_timeout`, because the streams are checked
/// only periodically.
pub(in crate::runtime::http) fn lifetime(limits: &Limits) -> Duration {
    limits.resume_timeout + limits.resume_timeout / 2
}

/// The kind of an entry in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::runtime::http) enum EntryKind {
    /// The start of the stream. It has no event.
    Begin = b'B' as isize,
    /// An event that is not the last event.
    Event = b'E' as isize,
    /// The last event.
    Last = b'L' as isize,
    /// The end of a stream without another event.
    End = b'X' as isize,
}

impl EntryKind {
    pub(in crate::runtime::http) fn ends(self) -> bool {
        matches!(self, EntryKind::Last | EntryKind::End)
    }
}

/// The length of an entry's header, which has the kind and the number.
const HEAD: usize = 9;

fn entry(kind: EntryKind, number: u64, room: usize) -> Vec<u8> {
    let mut entry = Vec::with_capacity(HEAD + room);
    entry.push(kind as u8);
    entry.extend_from_slice(&number.to_be_bytes());
    entry
}

/// Parses an entry of the store into kind, number and frame. `None` if it is invalid.
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
    /// The question, if the event is one that can still be returned as undelivered.
    question: Option<UndeliveredRequest>,
    stored: bool,
}

/// The events of one stream in this process.
pub(in crate::runtime::http) struct EventLog {
    pub(in crate::runtime::http) stream: Arc<StreamInfo>,
    tail: VecDeque<Event>,
    /// The number of the first event in `tail`.
    base: u64,
    /// The number of events at the front of `tail` that the current reader has taken.
    sent: usize,
    /// The sizes of the events that were taken, and of the others.
    sent_bytes: usize,
    unsent_bytes: usize,
    /// The number of the next event for the store; 0 means the entry for the start of the stream.
    next_to_store: u64,
    storing: bool,
    /// `true` if the store has at least one entry.
    stored: bool,
    reader: Option<u32>,
    readers: u32,
    /// `true` if the current reader has got the `retry` field.
    retry_sent: bool,
    /// If set, the response ends before the event with this number, and the stream continues.
    closing: Option<u64>,
    ended: bool,
    /// The time since which the stream has no reader.
    unread_since: Option<Instant>,
    /// The time when the lifetime of the log in the store was last extended.
    refreshed: Option<Instant>,
    touched: bool,
}

/// The reason why a reader cannot resume after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::runtime::http) enum AttachError {
    /// The stream has no such event.
    UnknownEvent,
    /// The events after the given event are not in memory. The caller must read them from the store.
    NotInMemory,
}

/// The result of the periodic check of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::runtime::http) enum Expiry {
    Keep,
    /// The lifetime of the log in the store must be extended.
    Refresh,
    /// No client has reconnected within the timeout.
    Expired,
}

impl EventLog {
    /// Creates the log of a new stream, which has its first reader.
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

    /// The size of the events that no reader has taken.
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

    /// Whether the stream has no reader, and has reached its limits.
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
            // The timeout for reading the end begins now.
            self.unread_since = None;
        }
    }

    /// Closes the response after the queued events if a reader is attached. Returns whether a reader is attached and
    /// its response was not ending yet.
    pub(in crate::runtime::http) fn close(&mut self) -> bool {
        let open = self.reader.is_some() && !self.ended && self.closing.is_none();
        if open {
            self.closing = Some(self.next());
        }
        open
    }

    /// Whether there is output for the reader.
    pub(in crate::runtime::http) fn has_output(&self) -> bool {
        self.closing.is_some()
            || self.ended
            || self.sent < self.tail.len()
            || self.stream.reconnects && !self.retry_sent
    }

    /// Takes all queued output in one piece. Returns the output, and whether the response ends with it.
    pub(in crate::runtime::http) fn take(&mut self) -> (Bytes, bool) {
        let mut out = Vec::new();
        if self.stream.reconnects && !std::mem::replace(&mut self.retry_sent, true) {
            // A client that has reconnected already has an id.
            let id = EventId { stream: &self.stream.name, number: 0 }.to_string();
            let id = Some(&*id).filter(|_| self.readers == 0);
            sse::encode_retry(id, self.limits().stream_retry.as_millis(), &mut out);
        }
        // Events after the close wait for the next reader.
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

    /// Detaches `reader` if it is still the current reader. Returns whether it was.
    pub(in crate::runtime::http) fn leave(&mut self, reader: u32) -> bool {
        let left = self.is_read_by(reader);
        if left {
            self.detach();
        }
        left
    }

    /// Detaches the current reader.
    pub(in crate::runtime::http) fn detach(&mut self) {
        self.reader = None;
        self.closing = None;
        self.unread_since = None;
    }

    /// Attaches a new reader after the event `after`, and returns its number. `replay` has the following entries that
    /// are not in memory, without a gap.
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

    /// Removes events that a reader has taken, if they are in the store or exceed the limits.
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

    /// Returns the next entry for the store, with its number. Only one entry is in progress at a time, so that the
    /// store keeps their order.
    pub(in crate::runtime::http) fn take_unstored(&mut self) -> Option<(u64, StoreOp)> {
        if self.storing {
            return None;
        }
        let begin = self.next_to_store == 0;
        // Events that were removed before they were stored are skipped.
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
            // The limit is raised if necessary, so that the newest entry always fits.
            bytes: Some(limits.max_stream_bytes.max(entry.len())),
            ..Keep::default()
        };
        Some((number, StoreOp::Append { key: self.key(), entry, ttl: lifetime(limits), keep }))
    }

    /// Records the result of adding an entry to the store.
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

    /// Checks whether the stream has expired, or its log in the store must be refreshed.
    pub(in crate::runtime::http) fn check_expiry(&mut self, now: Instant) -> Expiry {
        let timeout = self.limits().resume_timeout;
        if std::mem::take(&mut self.touched) {
            self.refreshed = Some(now);
        }
        if self.reader.is_none() {
            let unread_since = *self.unread_since.get_or_insert(now);
            let waits = |event: &Event| event.question.is_some();
            // While a call is running, its client may reconnect at any time, so the stream does not expire.
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

    /// Ends the stream. Returns the questions that no client has read.
    pub(in crate::runtime::http) fn abandon(&mut self) -> Vec<UndeliveredRequest> {
        self.ended = true;
        self.tail.range_mut(self.sent..).filter_map(|event| event.question.take()).collect()
    }

    /// Whether the stream has ended and has no reader.
    pub(in crate::runtime::http) fn is_finished(&self) -> bool {
        self.ended && self.reader.is_none()
    }
}
