//! The channel of one response. The engine adds messages from any thread, and the reader of the response takes them.

use crate::host::{BatchAnswer, BatchCollector, Delivery, Outgoing, Sink};
use crate::locks::Mutex;
use crate::proto::framing::sse;
use crate::proto::messages::error::ResponseError;
use crate::proto::results::shape;
use crate::runtime::http::connection::budget::{Budget, Reservation};
use crate::runtime::http::connection::connection_state::ConnectionState;
use crate::runtime::http::response::keep_alive::KeepAlive;
use crate::runtime::http::resumption::event_log::EventLog;
use crate::runtime::threads::wake_queue::{self, WakeQueue};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// How a request ended.
#[derive(Debug)]
pub(in crate::runtime::http) enum ResponseEnd {
    /// The request has ended with this response.
    Response(Bytes, Option<ResponseError>),
    /// The request has ended without a response.
    Dropped,
}

/// The form of a response, as soon as it is known.
#[derive(Debug)]
pub(in crate::runtime::http) enum ResponseForm {
    /// The request has ended before any event was sent.
    Whole(ResponseEnd),
    /// There are events, so the response must be a stream.
    Stream,
}

/// The events and the response of one request, or the messages of one listen stream.
pub(in crate::runtime::http) struct ResponseChannel {
    pub(in crate::runtime::http) budget: Arc<Budget>,
    /// The maximum number of queued bytes. If it is exceeded, droppable events are dropped.
    pub(in crate::runtime::http) capacity: usize,
    /// Whether the client accepts an event stream. If not, droppable events are dropped.
    streams: bool,
    /// The queue through which the reader is woken, if the reader is on one of the engine's reactors.
    wake_queue: Option<Arc<WakeQueue>>,
    pub(in crate::runtime::http) state: Mutex<State>,
}

#[derive(Default)]
pub(in crate::runtime::http) struct State {
    pub(in crate::runtime::http) events: VecDeque<Event>,
    pub(in crate::runtime::http) bytes: usize,
    /// Counts the bytes of the events in the endpoint's budget; `None` if they are few enough not to be counted.
    pub(in crate::runtime::http) share: Option<Reservation>,
    /// The batch whose responses are collected into one response.
    pub(in crate::runtime::http) batch: Option<BatchAnswers>,
    pub(in crate::runtime::http) end: Option<ResponseEnd>,
    pub(in crate::runtime::http) waker: Option<Waker>,
    /// `true` if a comment must be sent.
    pub(in crate::runtime::http) ping: bool,
    /// If set, the response must be a stream that ends after this number of events. The stream continues when its
    /// client reconnects.
    pub(in crate::runtime::http) closing: Option<usize>,
    pub(in crate::runtime::http) output: KeepAlive,
    /// `true` if nothing will be taken any more.
    pub(in crate::runtime::http) gone: bool,
    /// The event log of a resumable stream. If there is one, events are stored only in it.
    pub(in crate::runtime::http) event_log: Option<Box<EventLog>>,
}

/// The responses of a batch that wait for the last response.
pub(in crate::runtime::http) struct BatchAnswers {
    batch: Weak<dyn BatchCollector>,
    bytes: usize,
    share: Reservation,
}

/// The maximum number of bytes that an array adds for each response: a comma or a bracket, and one more bracket.
const SEPARATORS: usize = 2;

/// A message before the response.
pub(in crate::runtime::http) struct Event {
    pub(in crate::runtime::http) body: Bytes,
    /// The id of the question, if this is a question.
    pub(in crate::runtime::http) question: Option<u64>,
}

/// A question to the client that no client has read.
pub(in crate::runtime::http) struct UndeliveredRequest {
    pub(in crate::runtime::http) id: u64,
    pub(in crate::runtime::http) body: Bytes,
}

/// The next output for the reader of a stream.
pub(in crate::runtime::http) enum Chunk {
    /// Some bytes, after which more will follow.
    More(Bytes),
    /// The last bytes. They may be empty.
    Last(Bytes),
}

impl ResponseChannel {
    pub(in crate::runtime::http) fn new(
        budget: &Arc<Budget>,
        capacity: usize,
        streams: bool,
    ) -> ResponseChannel {
        ResponseChannel {
            budget: budget.clone(),
            capacity,
            streams,
            wake_queue: None,
            state: Mutex::default(),
        }
    }

    /// Sets the reactor of the reader, for a response on one of the engine's connections.
    pub(in crate::runtime::http) fn on(
        mut self,
        connection: Option<&Arc<ConnectionState>>,
    ) -> ResponseChannel {
        self.wake_queue = connection.and_then(|connection| connection.wake_queue()).cloned();
        self
    }

    pub(in crate::runtime::http) fn wake(&self, waker: Option<Waker>) {
        wake_queue::wake(waker, self.wake_queue.as_ref());
    }

    /// Waits until the form of the response is known.
    pub(in crate::runtime::http) fn poll_first(&self, task: &mut Context<'_>) -> Poll<ResponseForm> {
        let mut state = self.state.lock();
        if !state.events.is_empty() || state.closing.is_some() || state.ping && state.end.is_none() {
            return Poll::Ready(ResponseForm::Stream);
        }
        match state.end.take() {
            Some(end) => Poll::Ready(ResponseForm::Whole(end)),
            None => {
                state.wait(task);
                Poll::Pending
            }
        }
    }

    /// The end of the request, if it has ended and no event came before that.
    pub(in crate::runtime::http) fn take_end(&self) -> Option<ResponseEnd> {
        self.state.lock().end.take()
    }

    /// Takes all queued messages in one piece. If a stream has had several readers, only the last reader gets messages.
    pub(in crate::runtime::http) fn poll_chunk(&self, reader: u32, task: &mut Context<'_>) -> Poll<Chunk> {
        let mut state = self.state.lock();
        if let Some(polled) = self.poll_event_log(&mut state, reader, Some(task)) {
            return polled;
        }
        if state.events.is_empty() && state.end.is_none() && !state.ping {
            state.wait(task);
            return Poll::Pending;
        }
        Poll::Ready(state.take(&self.budget))
    }

    /// Takes all queued messages if the end of the response is among them.
    pub(in crate::runtime::http) fn take_complete(&self, reader: u32) -> Option<Bytes> {
        let mut state = self.state.lock();
        if state.event_log.as_ref().is_some_and(|event_log| event_log.has_ended())
            && let Some(Poll::Ready(Chunk::Last(bytes))) = self.poll_event_log(&mut state, reader, None)
        {
            return Some(bytes);
        }
        state.end.as_ref()?;
        match state.take(&self.budget) {
            Chunk::More(bytes) | Chunk::Last(bytes) => Some(bytes),
        }
    }

    /// Requests an SSE comment, if the client accepts a stream. The reader calls this when its connection needs a test
    /// write, and then polls for the comment.
    pub(in crate::runtime::http) fn comment(&self) {
        if self.streams {
            self.state.lock().ping = true;
        }
    }

    /// Records that this reader has gone, and returns the questions that were not taken. If the stream is resumable, it
    /// returns none, because the questions wait until the stream is resumed.
    pub(in crate::runtime::http) fn leave(&self, reader: u32) -> Vec<UndeliveredRequest> {
        let left = {
            let mut state = self.state.lock();
            if let Some(event_log) = &mut state.event_log {
                if event_log.leave(reader) {
                    (state.ping, state.waker) = (false, None);
                }
                return Vec::new();
            }
            std::mem::replace(&mut *state, State { gone: true, ..State::default() })
        };
        if let Some(batch) = left.batch {
            batch.release();
        }
        let question = |event: Event| Some(UndeliveredRequest { id: event.question?, body: event.body });
        left.events.into_iter().filter_map(question).collect()
    }

    /// Cancels a pending close, because the stream is not resumable: queued events go to this reader, or are lost with
    /// it.
    pub(in crate::runtime::http) fn cancel_closing(&self) {
        self.state.lock().closing = None;
    }

    /// Requests a comment if nothing was taken for `quiet`.
    pub(in crate::runtime::http) fn keep_alive(&self, now: Instant, quiet: Duration) {
        let waker = {
            let mut state = self.state.lock();
            if !state.output.is_due(now, quiet) {
                return;
            }
            state.ping = true;
            state.waker.take()
        };
        self.wake(waker);
    }
}

impl BatchAnswers {
    /// Releases the batch, because no client will read its responses.
    pub(in crate::runtime::http) fn release(self) {
        if let Some(batch) = self.batch.upgrade() {
            batch.release();
        }
    }
}

impl State {
    /// Counts an event of this size. Returns `false` if the budget has no space for it.
    pub(in crate::runtime::http) fn admit(&mut self, size: usize, budget: &Arc<Budget>) -> bool {
        budget.reserve(&mut self.share, self.bytes + size)
    }

    fn push(&mut self, body: Bytes, question: Option<u64>) {
        self.bytes += body.len();
        self.events.push_back(Event { body, question });
    }

    pub(in crate::runtime::http) fn wait(&mut self, task: &Context<'_>) {
        wake_queue::register(&mut self.waker, task);
    }

    fn take(&mut self, budget: &Arc<Budget>) -> Chunk {
        let last = match &self.end {
            Some(ResponseEnd::Response(body, _)) => body.len(),
            _ => 0,
        };
        let mut out = Vec::with_capacity(self.bytes + last + 16 * (self.events.len() + 1));
        for event in self.events.drain(..) {
            sse::encode(None, None, &event.body, &mut out);
        }
        self.bytes = 0;
        self.share = None;
        self.output.sent();
        let ping = std::mem::take(&mut self.ping);
        match self.end.take() {
            Some(ResponseEnd::Response(body, _)) => {
                sse::encode(None, None, &body, &mut out);
                drop(body);
                Chunk::Last(budget.count(out.into()))
            }
            Some(ResponseEnd::Dropped) => Chunk::Last(budget.count(out.into())),
            None => {
                if ping && out.is_empty() {
                    sse::encode_comment("", &mut out);
                }
                Chunk::More(budget.count(out.into()))
            }
        }
    }
}

impl Sink for ResponseChannel {
    fn send(&self, message: Outgoing) -> Delivery {
        let waker = {
            let mut state = self.state.lock();
            if state.event_log.is_some() {
                return self.record(state, message);
            }
            // No message may follow the end.
            if state.gone || state.end.is_some() {
                return Delivery::Gone;
            }
            match message {
                Outgoing::Event { droppable: true, .. } if !self.streams || state.bytes > self.capacity => {
                    return Delivery::Skipped;
                }
                // A client that accepts no stream gets only the response.
                Outgoing::Event { .. } | Outgoing::Question { .. } if !self.streams => return Delivery::Gone,
                Outgoing::Event { body, droppable } => {
                    if !state.admit(body.len(), &self.budget) && droppable {
                        return Delivery::Skipped;
                    }
                    state.push(body, None);
                }
                Outgoing::Question { body, id } => {
                    state.admit(body.len(), &self.budget);
                    state.push(body, Some(id));
                }
                Outgoing::Response { body, error } => {
                    let admitted = match state.batch.take() {
                        // The responses of the batch were counted one by one.
                        Some(BatchAnswers { mut share, .. }) => {
                            share.force(body.len());
                            Ok(share.bind_to(body))
                        }
                        None => self.budget.admit(body),
                    };
                    state.end = Some(match admitted {
                        Ok(body) => ResponseEnd::Response(body, error),
                        Err(body) => {
                            let full = self.budget.refusal();
                            ResponseEnd::Response(shape::instead(&body, &full), Some((&full).into()))
                        }
                    });
                }
                Outgoing::Dropped => state.end = Some(ResponseEnd::Dropped),
            }
            state.waker.take()
        };
        self.wake(waker);
        Delivery::Queued
    }

    fn gathers(&self, batch: Weak<dyn BatchCollector>) {
        let batch = BatchAnswers { batch, bytes: 0, share: self.budget.reservation() };
        self.state.lock().batch = Some(batch);
    }

    fn gather(&self, (body, error): BatchAnswer) -> Option<BatchAnswer> {
        let mut state = self.state.lock();
        // If the client has disconnected, no responses are collected.
        let batch = state.batch.as_mut()?;
        if batch.share.set(batch.bytes + body.len() + SEPARATORS) {
            batch.bytes += body.len() + SEPARATORS;
            return Some((body, error));
        }
        let full = self.budget.refusal();
        let busy = shape::instead(&body, &full);
        let answer = if busy.len() < body.len() { (busy, Some((&full).into())) } else { (body, error) };
        batch.bytes += answer.0.len() + SEPARATORS;
        batch.share.force(batch.bytes);
        Some(answer)
    }

    /// Ends this HTTP response, but not the stream (LH-31). The client can reconnect.
    fn close(&self) -> bool {
        let (waker, closed) = {
            let mut state = self.state.lock();
            if !self.streams || state.gone || state.end.is_some() || state.closing.is_some() {
                return false;
            }
            let closed = match &mut state.event_log {
                Some(event_log) => event_log.close(),
                None => {
                    state.closing = Some(state.events.len());
                    true
                }
            };
            (state.waker.take(), closed)
        };
        self.wake(waker);
        closed
    }

    /// Makes the response a stream, so that comments can keep it alive (MH-43).
    fn slow(&self) {
        let waker = {
            let mut state = self.state.lock();
            if !self.streams || state.output.has_begun() || state.gone || state.end.is_some() {
                return;
            }
            state.ping = true;
            state.waker.take()
        };
        self.wake(waker);
    }
}
