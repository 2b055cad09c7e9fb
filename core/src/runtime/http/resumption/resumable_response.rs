//! A response whose stream the client can resume.

use crate::dispatch::store::{StoreDone, StoreOp};
use crate::host::{Delivery, Outgoing};
use crate::locks::MutexGuard;
use crate::proto::results::shape;
use crate::runtime::http::connection::budget::Budget;
use crate::runtime::http::response::response_channel::{Chunk, End, Slot, State, UndeliveredRequest};
use crate::runtime::http::resumption::event_log::{Age, Journal, Mark, Missing};
use bytes::Bytes;
use std::task::{Context, Poll};
use std::time::Instant;

impl Slot {
    /// Keeps the events of the stream, with those that wait already, for its reader and those that come after it.
    pub(in crate::runtime::http) fn keep_log(&self, mut journal: Journal) {
        {
            let mut state = self.state.lock();
            let (closing, events) = (state.closing.take(), std::mem::take(&mut state.events));
            let count = events.len();
            for (place, event) in events.into_iter().enumerate() {
                if closing == Some(place) {
                    journal.close();
                }
                journal.push(Mark::Event, &event.body, event.question);
            }
            if closing == Some(count) {
                journal.close();
            }
            match state.end.take() {
                Some(End::Response(body, _)) => journal.push(Mark::Last, &body, None),
                Some(End::Dropped) => journal.push(Mark::End, &Bytes::new(), None),
                None => {}
            }
            state.bytes = journal.unsent_bytes();
            state.journal = Some(Box::new(journal));
        }
        self.append();
    }

    /// Takes a message for the log.
    pub(in crate::runtime::http) fn record(
        &self,
        mut state: MutexGuard<'_, State>,
        message: Outgoing,
    ) -> Delivery {
        let full = state.journal.as_ref().is_none_or(|journal| journal.has_ended());
        if full {
            return Delivery::Gone;
        }
        let crowded =
            state.bytes > self.capacity || state.journal.as_ref().is_some_and(|journal| journal.is_full());
        let (mark, body, question) = match message {
            Outgoing::Event { droppable: true, .. } if crowded => return Delivery::Skipped,
            Outgoing::Event { body, droppable } => {
                if !state.admit(body.len(), &self.budget) && droppable {
                    return Delivery::Skipped;
                }
                (Mark::Event, body, None)
            }
            Outgoing::Question { body, id } => {
                state.admit(body.len(), &self.budget);
                (Mark::Event, body, Some(id))
            }
            Outgoing::Response { body, .. } => {
                // One of a batch was counted piece by piece.
                let counted = state.gathered.take().is_some();
                let body = match state.admit(body.len(), &self.budget) || counted {
                    true => body,
                    false => shape::instead(&body, &self.budget.refusal()),
                };
                (Mark::Last, body, None)
            }
            Outgoing::Dropped => (Mark::End, Bytes::new(), None),
        };
        if let Some(journal) = &mut state.journal {
            journal.push(mark, &body, question);
            state.bytes = journal.unsent_bytes();
        }
        let waker = state.waker.take();
        drop(state);
        self.wake(waker);
        self.append();
        Delivery::Queued
    }

    /// Hands the store what it does not have yet.
    fn append(&self) {
        loop {
            let (next, stream) = {
                let mut state = self.state.lock();
                if state.gone {
                    return;
                }
                let Some(journal) = &mut state.journal else { return };
                let Some(next) = journal.next_append() else { return };
                (next, journal.stream.clone())
            };
            let ((number, op), engine) = (next, &stream.engine);
            if let Some(done) = engine.store().try_now(&op, engine.now()) {
                self.appended(number, &done);
                continue;
            }
            // A store that gives no answer at all leaves the events where they are.
            let slot = stream.slot.clone();
            let done = move |done: StoreDone| {
                if let Some(slot) = slot.upgrade() {
                    slot.appended(number, &done);
                    slot.append();
                }
            };
            return engine.store().submit(op, engine.now(), Box::new(done));
        }
    }

    fn appended(&self, number: u64, done: &StoreDone) {
        let failed = {
            let mut state = self.state.lock();
            let Some(journal) = &mut state.journal else { return };
            journal.appended(number, matches!(done, StoreDone::Appended(_)));
            done.failure().map(|why| (why, journal.stream.clone()))
        };
        if let Some((why, stream)) = failed {
            crate::runtime::http::session::sessions::store_failed(&**stream.engine.log(), why);
        }
    }

    /// What a reader of a stream that is kept gets; nothing if it is not kept.
    pub(in crate::runtime::http) fn poll_kept(
        &self,
        state: &mut State,
        reader: u32,
        task: Option<&mut Context<'_>>,
    ) -> Option<Poll<Chunk>> {
        let journal = state.journal.as_mut()?;
        if !journal.is_read_by(reader) {
            // Another reader has come, or the session has ended.
            return Some(Poll::Ready(Chunk::Last(Bytes::new())));
        }
        if !journal.has_news() && !state.ping {
            if let Some(task) = task {
                state.wait(task);
            }
            return Some(Poll::Pending);
        }
        let (mut bytes, last) = journal.take();
        state.bytes = journal.unsent_bytes();
        state.share = None;
        state.active = true;
        if std::mem::take(&mut state.ping) && bytes.is_empty() && !last {
            bytes = Bytes::from_static(b": \n\n");
        }
        let bytes = self.budget.keep(bytes);
        Some(Poll::Ready(if last { Chunk::Last(bytes) } else { Chunk::More(bytes) }))
    }

    /// Has a new reader go on behind an event. Who has read so far gets nothing more. Without `replay` only what is here is
    /// looked at.
    pub(in crate::runtime::http) fn attach(&self, after: u64, replay: &[Bytes]) -> Result<u32, Missing> {
        let (attached, waker) = {
            let mut state = self.state.lock();
            if state.gone {
                return Err(Missing::Unknown);
            }
            let Some(journal) = &mut state.journal else { return Err(Missing::Unknown) };
            let attached = journal.attach(after, replay)?;
            state.bytes = journal.unsent_bytes();
            // It has to be held already; what is over the account's bound is so for as long as it takes to write it.
            let (bytes, budget) = (state.bytes, &self.budget);
            if state.share.is_some() || !Budget::is_free(bytes) {
                state.share.get_or_insert_with(|| budget.share()).force(bytes);
            }
            (attached, state.waker.take())
        };
        self.wake(waker);
        Ok(attached)
    }

    /// Has whoever reads stop, because somebody else is about to.
    pub(in crate::runtime::http) fn detach(&self) {
        let waker = {
            let mut state = self.state.lock();
            if let Some(journal) = &mut state.journal {
                journal.detach();
            }
            state.waker.take()
        };
        self.wake(waker);
    }

    /// Somebody reads, or may yet.
    pub(in crate::runtime::http) fn is_read(&self) -> bool {
        let state = self.state.lock();
        !state.gone && state.journal.as_ref().is_none_or(|journal| journal.is_read())
    }

    pub(in crate::runtime::http) fn is_spent(&self) -> bool {
        self.state.lock().journal.as_ref().is_some_and(|journal| journal.is_spent())
    }

    /// Has the store keep the log for longer where that is due; whether nobody has come back to the stream in time.
    pub(in crate::runtime::http) fn age(&self, now: Instant) -> bool {
        let stream = {
            let mut state = self.state.lock();
            let Some(journal) = &mut state.journal else { return false };
            match journal.age(now) {
                Age::Stays => return false,
                Age::Expired => return true,
                Age::Refresh => journal.stream.clone(),
            }
        };
        let key = crate::runtime::http::resumption::event_log::key(&stream.session_id, &stream.name);
        let ttl = crate::runtime::http::resumption::event_log::lifetime(stream.engine.limits());
        stream.engine.store().submit(StoreOp::Expire { key, ttl }, now, Box::new(drop));
        false
    }

    /// Ends the stream for good, with its log. Gives back the questions that nobody has read.
    pub(in crate::runtime::http) fn give_up(&self) -> Vec<UndeliveredRequest> {
        let (undelivered, batch, waker, stream) = {
            let mut state = self.state.lock();
            state.gone = true;
            let Some(journal) = &mut state.journal else { return Vec::new() };
            let (undelivered, stream) = (journal.give_up(), journal.stream.clone());
            (undelivered, state.gathered.take(), state.waker.take(), stream)
        };
        if let Some(batch) = batch {
            batch.let_go();
        }
        self.wake(waker);
        let key = crate::runtime::http::resumption::event_log::key(&stream.session_id, &stream.name);
        let op = StoreOp::Expire { key, ttl: std::time::Duration::ZERO };
        let log = stream.engine.log().clone();
        let done = move |done: StoreDone| {
            if let Some(why) = done.failure() {
                crate::runtime::http::session::sessions::store_failed(&*log, why);
            }
        };
        stream.engine.store().submit(op, stream.engine.now(), Box::new(done));
        undelivered
    }
}
