//! The meeting point of one response: the engine puts messages in from any thread, the response's reader takes them
//! out.

use crate::host::{Outgoing, Sink};
use crate::proto::error::ErrorClass;
use crate::proto::sse;
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// How a request ended.
#[derive(Debug)]
pub(super) enum End {
    /// With this response.
    Response(Bytes, Option<ErrorClass>),
    /// Without one.
    Dropped,
}

/// What a response starts with.
#[derive(Debug)]
pub(super) enum First {
    /// The request ended before anything else was said.
    Whole(End),
    /// There are events, so it must be a stream.
    Stream,
}

/// Events and the response of one request, or the messages of one listening stream.
pub(super) struct Slot {
    /// Bytes that may wait; beyond it droppable events are dropped.
    capacity: usize,
    /// Whether the client takes a stream at all; if not, what may be dropped is.
    streams: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    events: VecDeque<Bytes>,
    bytes: usize,
    end: Option<End>,
    waker: Option<Waker>,
    /// A comment is due.
    ping: bool,
    /// Something was taken since the last look at the clock.
    active: bool,
    quiet_since: Option<Instant>,
    /// Nobody will take anything any more.
    gone: bool,
}

/// What the reader of a stream gets.
pub(super) enum Chunk {
    /// Bytes, with more to come.
    More(Bytes),
    /// The last bytes, perhaps none.
    Last(Bytes),
}

impl Slot {
    pub(super) fn new(capacity: usize, streams: bool) -> Slot {
        Slot { capacity, streams, state: Mutex::default() }
    }

    /// Waits for what decides the form of the response.
    pub(super) fn poll_first(&self, task: &mut Context<'_>) -> Poll<First> {
        let mut state = self.state.lock();
        if !state.events.is_empty() {
            return Poll::Ready(First::Stream);
        }
        match state.end.take() {
            Some(end) => Poll::Ready(First::Whole(end)),
            None => {
                state.wait(task);
                Poll::Pending
            }
        }
    }

    /// The end, if it is there and nothing came before it.
    pub(super) fn take_end(&self) -> Option<End> {
        self.state.lock().end.take()
    }

    /// Takes all that waits, in one piece.
    pub(super) fn poll_chunk(&self, task: &mut Context<'_>) -> Poll<Chunk> {
        let mut state = self.state.lock();
        if state.events.is_empty() && state.end.is_none() && !state.ping {
            state.wait(task);
            return Poll::Pending;
        }
        Poll::Ready(state.take())
    }

    /// Takes all that waits if the end is among it.
    pub(super) fn take_complete(&self) -> Option<Bytes> {
        let mut state = self.state.lock();
        state.end.as_ref()?;
        match state.take() {
            Chunk::More(bytes) | Chunk::Last(bytes) => Some(bytes),
        }
    }

    /// Nobody listens any more.
    pub(super) fn leave(&self) {
        let mut state = self.state.lock();
        *state = State { gone: true, ..State::default() };
    }

    /// Has a comment sent if nothing was for `quiet`.
    pub(super) fn keep_alive(&self, now: Instant, quiet: Duration) {
        let waker = {
            let mut state = self.state.lock();
            if std::mem::take(&mut state.active) || state.quiet_since.is_none() {
                state.quiet_since = Some(now);
                return;
            }
            if state.quiet_since.is_some_and(|since| now.saturating_duration_since(since) < quiet) {
                return;
            }
            state.ping = true;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl State {
    fn wait(&mut self, task: &Context<'_>) {
        match &mut self.waker {
            Some(waker) => waker.clone_from(task.waker()),
            None => self.waker = Some(task.waker().clone()),
        }
    }

    fn take(&mut self) -> Chunk {
        let last = match &self.end {
            Some(End::Response(body, _)) => body.len(),
            _ => 0,
        };
        let mut out = Vec::with_capacity(self.bytes + last + 16 * (self.events.len() + 1));
        for event in self.events.drain(..) {
            sse::encode(None, None, &event, &mut out);
        }
        self.bytes = 0;
        self.active = true;
        let ping = std::mem::take(&mut self.ping);
        match self.end.take() {
            Some(End::Response(body, _)) => {
                sse::encode(None, None, &body, &mut out);
                Chunk::Last(out.into())
            }
            Some(End::Dropped) => Chunk::Last(out.into()),
            None => {
                if ping && out.is_empty() {
                    sse::encode_comment("", &mut out);
                }
                Chunk::More(out.into())
            }
        }
    }
}

impl Sink for Slot {
    fn send(&self, message: Outgoing) {
        let waker = {
            let mut state = self.state.lock();
            // Nothing follows an end.
            if state.gone || state.end.is_some() {
                return;
            }
            match message {
                Outgoing::Event { droppable: true, .. } if !self.streams || state.bytes > self.capacity => {
                    return;
                }
                Outgoing::Event { body, .. } => {
                    state.bytes += body.len();
                    state.events.push_back(body);
                }
                Outgoing::Response { body, error } => state.end = Some(End::Response(body, error)),
                Outgoing::Dropped => state.end = Some(End::Dropped),
            }
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
