//! A response whose stream the client can resume.

use crate::dispatch::store::{StoreDone, StoreOp};
use crate::host::{Delivery, Outgoing, Sink};
use crate::locks::MutexGuard;
use crate::proto::results::shape;
use crate::runtime::http::connection::budget::Budget;
use crate::runtime::http::response::response_channel::{
    Chunk, ResponseChannel, ResponseEnd, State, UndeliveredRequest,
};
use crate::runtime::http::resumption::event_log::{AttachError, EntryKind, EventLog, Expiry};
use bytes::Bytes;
use std::task::{Context, Poll};
use std::time::Instant;

impl ResponseChannel {
    /// Starts the event log, with the events that are already queued.
    pub(in crate::runtime::http) fn start_event_log(&self, mut event_log: EventLog) {
        {
            let mut state = self.state.lock();
            let (closing, events) = (state.closing.take(), std::mem::take(&mut state.events));
            let count = events.len();
            for (place, event) in events.into_iter().enumerate() {
                if closing == Some(place) {
                    event_log.close();
                }
                event_log.push(EntryKind::Event, &event.body, event.question);
            }
            if closing == Some(count) {
                event_log.close();
            }
            match state.end.take() {
                Some(ResponseEnd::Response(body, _)) => event_log.push(EntryKind::Last, &body, None),
                Some(ResponseEnd::Dropped) => event_log.push(EntryKind::End, &Bytes::new(), None),
                None => {}
            }
            state.bytes = event_log.unsent_bytes();
            state.event_log = Some(Box::new(event_log));
        }
        self.append();
    }

    /// Adds a message to the event log.
    pub(in crate::runtime::http) fn record(
        &self,
        mut state: MutexGuard<'_, State>,
        message: Outgoing,
    ) -> Delivery {
        let full = state.event_log.as_ref().is_none_or(|event_log| event_log.has_ended());
        if full {
            return Delivery::Gone;
        }
        let crowded = state.bytes > self.capacity
            || state.event_log.as_ref().is_some_and(|event_log| event_log.is_full());
        let (mark, body, question) = match message {
            Outgoing::Event { droppable: true, .. } if crowded => return Delivery::Skipped,
            Outgoing::Event { body, droppable } => {
                if !state.admit(body.len(), &self.budget) && droppable {
                    return Delivery::Skipped;
                }
                (EntryKind::Event, body, None)
            }
            Outgoing::Question { body, id } => {
                state.admit(body.len(), &self.budget);
                (EntryKind::Event, body, Some(id))
            }
            Outgoing::Response { body, .. } => {
                // The responses of the batch were counted one by one.
                let counted = state.batch.take().is_some();
                let body = match state.admit(body.len(), &self.budget) || counted {
                    true => body,
                    false => shape::instead(&body, &self.budget.refusal()),
                };
                (EntryKind::Last, body, None)
            }
            Outgoing::Dropped => (EntryKind::End, Bytes::new(), None),
        };
        if let Some(event_log) = &mut state.event_log {
            event_log.push(mark, &body, question);
            state.bytes = event_log.unsent_bytes();
        }
        let waker = state.waker.take();
        drop(state);
        self.wake(waker);
        self.append();
        Delivery::Queued
    }

    /// Passes entries to the store that the store does not have yet.
    fn append(&self) {
        loop {
            let (next, stream) = {
                let mut state = self.state.lock();
                if state.gone {
                    return;
                }
                let Some(event_log) = &mut state.event_log else { return };
                let Some(next) = event_log.take_unstored() else { return };
                (next, event_log.stream.clone())
            };
            let ((number, op), engine) = (next, &stream.engine);
            if let Some(done) = engine.store().try_now(&op, engine.now()) {
                self.appended(number, &done);
                continue;
            }
            // If the store never replies, the events stay in memory.
            let channel = stream.channel.clone();
            let done = move |done: StoreDone| {
                if let Some(channel) = channel.upgrade() {
                    channel.appended(number, &done);
                    channel.append();
                }
            };
            return engine.store().submit(op, engine.now(), Box::new(done));
        }
    }

    fn appended(&self, number: u64, done: &StoreDone) {
        let failed = {
            let mut state = self.state.lock();
            let Some(event_log) = &mut state.event_log else { return };
            event_log.appended(number, matches!(done, StoreDone::Appended(_)));
            done.failure().map(|why| (why, event_log.stream.clone()))
        };
        if let Some((why, stream)) = failed {
            crate::runtime::http::session::store_query::store_failed(stream.engine.observers(), why);
        }
    }

    /// The next output of a stream with an event log. `None` if the stream has no log.
    pub(in crate::runtime::http) fn poll_event_log(
        &self,
        state: &mut State,
        reader: u32,
        task: Option<&mut Context<'_>>,
    ) -> Option<Poll<Chunk>> {
        let event_log = state.event_log.as_mut()?;
        if !event_log.is_read_by(reader) {
            // Another reader has replaced this one, or the session has ended.
            return Some(Poll::Ready(Chunk::Last(Bytes::new())));
        }
        if !event_log.has_output() && !state.ping {
            if let Some(task) = task {
                state.wait(task);
            }
            return Some(Poll::Pending);
        }
        let (mut bytes, last) = event_log.take();
        state.bytes = event_log.unsent_bytes();
        state.share = None;
        state.output.sent();
        if std::mem::take(&mut state.ping) && bytes.is_empty() && !last {
            bytes = Bytes::from_static(b": \n\n");
        }
        let bytes = self.budget.count(bytes);
        Some(Poll::Ready(if last { Chunk::Last(bytes) } else { Chunk::More(bytes) }))
    }

    /// Attaches a new reader after the event `after`, and removes the current reader. `replay` has the events that are
    /// not in memory.
    pub(in crate::runtime::http) fn attach(&self, after: u64, replay: &[Bytes]) -> Result<u32, AttachError> {
        let (attached, waker) = {
            let mut state = self.state.lock();
            if state.gone {
                return Err(AttachError::UnknownEvent);
            }
            let Some(event_log) = &mut state.event_log else { return Err(AttachError::UnknownEvent) };
            let attached = event_log.attach(after, replay)?;
            state.bytes = event_log.unsent_bytes();
            // The bytes are in memory already, so they are counted until they are written, even if they exceed the
            // limit.
            let (bytes, budget) = (state.bytes, &self.budget);
            if state.share.is_some() || !Budget::is_uncounted(bytes) {
                state.share.get_or_insert_with(|| budget.reservation()).force(bytes);
            }
            (attached, state.waker.take())
        };
        self.wake(waker);
        Ok(attached)
    }

    /// Detaches the current reader before a new one is attached.
    pub(in crate::runtime::http) fn detach(&self) {
        let waker = {
            let mut state = self.state.lock();
            if let Some(event_log) = &mut state.event_log {
                event_log.detach();
            }
            state.waker.take()
        };
        self.wake(waker);
    }

    /// Ends the response of this reader. A stream with an event log continues with the next reader.
    pub(in crate::runtime::http) fn end_reader(&self, reader: u32) {
        let waker = {
            let mut state = self.state.lock();
            match &mut state.event_log {
                Some(event_log) => {
                    if event_log.is_read_by(reader) {
                        event_log.detach();
                    }
                    Some(state.waker.take())
                }
                None => None,
            }
        };
        match waker {
            Some(waker) => self.wake(waker),
            None => drop(self.send(Outgoing::Dropped)),
        }
    }

    /// Whether the stream has a reader, or has no log yet.
    pub(in crate::runtime::http) fn is_read(&self) -> bool {
        let state = self.state.lock();
        !state.gone && state.event_log.as_ref().is_none_or(|event_log| event_log.is_read())
    }

    pub(in crate::runtime::http) fn is_finished(&self) -> bool {
        self.state.lock().event_log.as_ref().is_some_and(|event_log| event_log.is_finished())
    }

    /// Extends the lifetime of the log in the store if that is due. Returns `true` if no client has reconnected within
    /// the timeout.
    pub(in crate::runtime::http) fn check_expiry(&self, now: Instant) -> bool {
        let stream = {
            let mut state = self.state.lock();
            let Some(event_log) = &mut state.event_log else { return false };
            match event_log.check_expiry(now) {
                Expiry::Keep => return false,
                Expiry::Expired => return true,
                Expiry::Refresh => event_log.stream.clone(),
            }
        };
        let key = crate::runtime::http::resumption::event_log::key(&stream.session_id, &stream.name);
        let ttl = crate::runtime::http::resumption::event_log::lifetime(stream.engine.limits());
        stream.engine.store().submit(StoreOp::Expire { key, ttl }, now, Box::new(drop));
        false
    }

    /// Ends the stream and deletes its log. Returns the questions that no client has read.
    pub(in crate::runtime::http) fn abandon(&self) -> Vec<UndeliveredRequest> {
        let (undelivered, batch, waker, stream) = {
            let mut state = self.state.lock();
            state.gone = true;
            let Some(event_log) = &mut state.event_log else { return Vec::new() };
            let (undelivered, stream) = (event_log.abandon(), event_log.stream.clone());
            (undelivered, state.batch.take(), state.waker.take(), stream)
        };
        if let Some(batch) = batch {
            batch.release();
        }
        self.wake(waker);
        let key = crate::runtime::http::resumption::event_log::key(&stream.session_id, &stream.name);
        let op = StoreOp::Expire { key, ttl: std::time::Duration::ZERO };
        let observers = stream.engine.observers().clone();
        let done = move |done: StoreDone| {
            if let Some(why) = done.failure() {
                crate::runtime::http::session::store_query::store_failed(&observers, why);
            }
        };
        stream.engine.store().submit(op, stream.engine.now(), Box::new(done));
        undelivered
    }
}
