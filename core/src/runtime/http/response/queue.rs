//! The queue of outgoing messages for one client's channel: a WebSocket, or the stream of HTTP+SSE.

use crate::host::{BatchAnswer, Delivery, Outgoing, Sink, Unread, Wake};
use crate::locks::Mutex;
use crate::proto::results::shape;
use crate::runtime::http::connection::budget::{Budget, Reservation};
use crate::runtime::http::response::keep_alive::KeepAlive;
use crate::runtime::threads::wake_queue::{self, WakeQueue};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

/// If a client has not answered a ping for this time, responses no longer wait for the answer.
const PONG_TIMEOUT: Duration = Duration::from_secs(1);

/// The messages for one client. Any thread adds messages, and the connection's task takes them.
pub(in crate::runtime::http) struct Queue {
    budget: Arc<Budget>,
    /// The maximum number of queued bytes. If it is exceeded, droppable events are dropped, and nothing more is read
    /// from the client.
    capacity: usize,
    wake_queue: Option<Arc<WakeQueue>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    messages: VecDeque<Bytes>,
    /// The number of bytes that are queued or being written.
    bytes: usize,
    /// Counts these bytes in the endpoint's budget; `None` if they are few enough not to be counted.
    share: Option<Reservation>,
    waker: Option<Waker>,
    ending: bool,
    /// `true` if a comment must be sent.
    comment: bool,
    output: KeepAlive,
    /// `true` if no message will be taken any more.
    gone: bool,
    reads: ReadProgress,
}

/// How much the client is known to have read.
#[derive(Default)]
struct ReadProgress {
    /// The number of events that were sent, and the number of events that the client has read.
    sent: u64,
    read: u64,
    /// `true` if a ping must be sent after the queued messages.
    wanted: bool,
    /// The number of pings that were sent. Each ping carries its number.
    pings: u64,
    /// The number of events that were sent before the last ping, and the time of that ping. `None` after its answer.
    asked: Option<(u64, Instant)>,
}

impl Queue {
    pub(in crate::runtime::http) fn new(
        budget: &Arc<Budget>,
        capacity: usize,
        wake_queue: Option<&Arc<WakeQueue>>,
    ) -> Arc<Queue> {
        let (budget, wake_queue) = (budget.clone(), wake_queue.cloned());
        Arc::new(Queue { budget, capacity, wake_queue, state: Mutex::default() })
    }

    /// The number of a ping that must be sent now, after all messages. Each number is returned once.
    pub(in crate::runtime::http) fn take_ping(&self) -> Option<u64> {
        self.state.lock().take_ping()
    }

    /// Records the client's answer to the ping with this number.
    pub(in crate::runtime::http) fn ponged(&self, number: u64) {
        let mut state = self.state.lock();
        if state.reads.pings == number
            && let Some((read, _)) = state.reads.asked.take()
        {
            state.reads.read = read;
        }
    }

    fn wake_task(&self, waker: Option<Waker>) {
        wake_queue::wake(waker, self.wake_queue.as_ref());
    }

    /// Registers the task to be woken when there is work. Check the queue after this call, because changes before this
    /// call do not wake the task.
    pub(in crate::runtime::http) fn register(&self, task: &Context<'_>) {
        wake_queue::register(&mut self.state.lock().waker, task);
    }

    /// Takes messages in their order, until they have at least `most` bytes or no message is left. They count as queued
    /// until [`Queue::wrote`] is called.
    pub(in crate::runtime::http) fn take(&self, most: usize, out: &mut Vec<Bytes>) {
        let mut state = self.state.lock();
        let mut taken = 0;
        while taken < most
            && let Some(message) = state.messages.pop_front()
        {
            taken += message.len();
            out.push(message);
        }
        if state.messages.is_empty() {
            // Frees the memory of a burst.
            state.messages = VecDeque::new();
        }
        if taken > 0 {
            state.output.sent();
        }
    }

    /// Records that messages of this number of bytes were sent.
    pub(in crate::runtime::http) fn wrote(&self, bytes: usize) {
        self.state.lock().wrote(bytes);
    }

    /// Records sent messages like [`Queue::wrote`]. Returns the number of the ping that must be sent, and whether a
    /// comment must be sent. Each is returned once.
    pub(in crate::runtime::http) fn wrote_and_due(&self, bytes: usize) -> (Option<u64>, bool) {
        let mut state = self.state.lock();
        state.wrote(bytes);
        (state.take_ping(), std::mem::take(&mut state.comment))
    }

    pub(in crate::runtime::http) fn is_empty(&self) -> bool {
        self.state.lock().messages.is_empty()
    }

    /// Whether more than the capacity is queued, because the client does not read as fast as it sends requests.
    pub(in crate::runtime::http) fn is_full(&self) -> bool {
        self.state.lock().bytes > self.capacity
    }

    /// Makes the task end the channel after its calls have ended.
    pub(in crate::runtime::http) fn end(&self) {
        self.state.lock().ending = true;
        self.wake();
    }

    pub(in crate::runtime::http) fn is_ending(&self) -> bool {
        self.state.lock().ending
    }

    /// Records that the client no longer reads. Drops the queued messages.
    pub(in crate::runtime::http) fn close(&self) {
        let left = std::mem::replace(&mut *self.state.lock(), State { gone: true, ..State::default() });
        drop(left);
    }

    /// Requests a comment if no message was taken for `quiet`.
    pub(in crate::runtime::http) fn keep_alive(&self, now: Instant, quiet: Duration) {
        let waker = {
            let mut state = self.state.lock();
            if !state.output.is_due(now, quiet) {
                return;
            }
            state.comment = true;
            state.waker.take()
        };
        self.wake_task(waker);
    }
}

impl State {
    /// Counts `size` more bytes. Returns `false` if the budget has no space for them.
    fn admit(&mut self, size: usize, budget: &Arc<Budget>) -> bool {
        budget.reserve(&mut self.share, self.bytes + size)
    }

    fn wrote(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
        if Budget::is_uncounted(self.bytes) {
            self.share = None;
        } else if let Some(share) = &mut self.share {
            share.set(self.bytes);
        }
    }

    /// A ping is due only if all messages were taken before it.
    fn take_ping(&mut self) -> Option<u64> {
        if !self.reads.wanted || !self.messages.is_empty() {
            return None;
        }
        self.reads.wanted = false;
        self.reads.asked = Some((self.reads.sent, Instant::now()));
        self.reads.pings += 1;
        Some(self.reads.pings)
    }

    fn push(&mut self, body: Bytes) {
        self.bytes += body.len();
        self.messages.push_back(body);
    }
}

impl Sink for Queue {
    /// Asks the client with a ping after the sent messages.
    fn unread(&self) -> Unread {
        let waker = {
            let mut state = self.state.lock();
            let State { reads, gone, .. } = &mut *state;
            if *gone || reads.read == reads.sent {
                return Unread::Nothing;
            }
            match reads.asked {
                Some((_, since)) if since.elapsed() >= PONG_TIMEOUT => return Unread::Unknown,
                Some(_) => return Unread::Some,
                None if reads.wanted => return Unread::Some,
                None => {}
            }
            reads.wanted = true;
            state.waker.take()
        };
        self.wake_task(waker);
        Unread::Some
    }

    fn send(&self, message: Outgoing) -> Delivery {
        let waker = {
            let mut state = self.state.lock();
            if state.gone {
                return Delivery::Gone;
            }
            match message {
                Outgoing::Event { droppable: true, .. } if state.bytes > self.capacity => {
                    return Delivery::Skipped;
                }
                Outgoing::Event { body, droppable } => {
                    if !state.admit(body.len(), &self.budget) && droppable {
                        return Delivery::Skipped;
                    }
                    state.push(body);
                    state.reads.sent += 1;
                }
                Outgoing::Question { body, .. } => {
                    state.admit(body.len(), &self.budget);
                    state.push(body);
                }
                Outgoing::Response { body, .. } => {
                    let fits = state.admit(body.len(), &self.budget);
                    let body = if fits { body } else { shape::instead(&body, &self.budget.refusal()) };
                    state.push(body);
                }
                Outgoing::Dropped => return Delivery::Queued,
            }
            state.waker.take()
        };
        self.wake_task(waker);
        Delivery::Queued
    }

    /// Counts each response on its own until the array of the batch is made.
    fn gather(&self, (body, error): BatchAnswer) -> Option<BatchAnswer> {
        if self.state.lock().gone {
            return None;
        }
        match self.budget.admit(body) {
            Ok(body) => Some((body, error)),
            Err(body) => {
                let full = self.budget.refusal();
                Some((shape::instead(&body, &full), Some((&full).into())))
            }
        }
    }
}

/// Wakes the task, because a condition that it checks has changed.
impl Wake for Queue {
    fn wake(&self) {
        let waker = self.state.lock().waker.take();
        self.wake_task(waker);
    }
}
