//! The queue of outgoing messages for one line-based client. Any thread adds messages, and the client's task takes
//! them.

use crate::host::{Delivery, Outgoing, Sink, Unread, Wake, wake_later};
use crate::locks::Mutex;
use crate::proto::results::shape;
use crate::runtime::http::{Budget, Reservation};
use crate::runtime::threads::wake_queue::{self, WakeQueue};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::task::Waker;

pub(super) struct Outbox {
    capacity: usize,
    wake_queue: Option<Arc<WakeQueue>>,
    /// The number of bytes that are queued, or were taken and are not written yet.
    bytes: AtomicUsize,
    /// `true` if the connection waits for the client's last call to end.
    ending: AtomicBool,
    state: Mutex<State>,
    /// A reference to itself, for delayed wakes.
    this: Weak<Outbox>,
}

struct State {
    lines: VecDeque<Bytes>,
    /// Counts the bytes of the queue in the budget.
    share: Reservation,
    waker: Option<Waker>,
    /// `true` if the task need not be woken: it will check the queue before it waits, or it waits for its client to
    /// read.
    task_active: bool,
    closed: bool,
}

impl Outbox {
    pub(super) fn new(
        capacity: usize,
        budget: &Arc<Budget>,
        wake_queue: Option<Arc<WakeQueue>>,
    ) -> Arc<Outbox> {
        let state = State {
            lines: VecDeque::new(),
            share: budget.reservation(),
            waker: None,
            task_active: true,
            closed: false,
        };
        Arc::new_cyclic(|this| Outbox {
            capacity,
            wake_queue,
            bytes: AtomicUsize::new(0),
            ending: AtomicBool::new(false),
            state: Mutex::new(state),
            this: this.clone(),
        })
    }

    /// Whether the queue is full. While it is full, nothing is read from the client.
    pub(super) fn is_full(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > self.capacity
    }

    /// Marks the task as active. An active task checks the queue before it waits.
    pub(super) fn set_active(&self, waker: &Waker) {
        let mut state = self.state.lock();
        state.task_active = true;
        match &mut state.waker {
            Some(present) => present.clone_from(waker),
            place => *place = Some(waker.clone()),
        }
    }

    /// Marks the task as waiting: for the client to read if `blocked` is `true`, otherwise for the next message.
    /// Returns `false` if there are messages to write now.
    pub(super) fn leave(&self, blocked: bool) -> bool {
        let mut state = self.state.lock();
        state.task_active = blocked;
        blocked || state.lines.is_empty()
    }

    /// Takes at most `most` lines for a write.
    pub(super) fn take(&self, most: usize, into: &mut VecDeque<Bytes>) {
        let mut state = self.state.lock();
        let count = state.lines.len().min(most);
        into.extend(state.lines.drain(..count));
        if state.lines.is_empty() && state.lines.capacity() > most {
            state.lines = VecDeque::new();
        }
    }

    /// Records that `bytes` bytes of lines were written.
    pub(super) fn written(&self, bytes: usize) {
        let mut state = self.state.lock();
        let left = self.bytes.fetch_sub(bytes, Ordering::Relaxed) - bytes;
        state.share.set(left);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) == 0
    }

    /// From now on, the end of the client's last call wakes the task.
    pub(super) fn await_end(&self) {
        self.ending.store(true, Ordering::SeqCst);
    }

    /// Drops the queued messages, because the client no longer reads them. Later messages are refused.
    pub(super) fn close(&self) {
        let waits = {
            let mut state = self.state.lock();
            state.closed = true;
            state.share.set(0);
            (std::mem::take(&mut state.lines), state.waker.take())
        };
        drop(waits);
    }

    fn wake_task(&self) {
        let waker = self.state.lock().waker.clone();
        wake_queue::wake(waker, self.wake_queue.as_ref());
    }
}

impl State {
    /// Counts a message in the budget. Returns the text to send: the message, or an error response if there is no
    /// memory for the message. Returns `None` if the message is dropped.
    fn admit(&mut self, message: Outgoing, total: impl Fn(&Bytes) -> usize) -> Option<Bytes> {
        let (body, droppable, response) = match message {
            Outgoing::Event { body, droppable } => (body, droppable, false),
            Outgoing::Question { body, .. } => (body, false, false),
            Outgoing::Response { body, .. } => (body, false, true),
            Outgoing::Dropped => return None,
        };
        if self.share.set(total(&body)) {
            return Some(body);
        }
        if droppable {
            return None;
        }
        let body = if response { shape::instead(&body, &self.share.refusal()) } else { body };
        self.share.force(total(&body));
        Some(body)
    }
}

impl Sink for Outbox {
    fn unread(&self) -> Unread {
        Unread::Unknown
    }

    fn send(&self, message: Outgoing) -> Delivery {
        let droppable = match &message {
            Outgoing::Dropped => return Delivery::Queued,
            Outgoing::Event { droppable, .. } => *droppable,
            _ => false,
        };
        let wake = {
            let mut state = self.state.lock();
            if state.closed {
                return Delivery::Gone;
            }
            if droppable && self.is_full() {
                return Delivery::Skipped;
            }
            let held = self.bytes.load(Ordering::Relaxed);
            let Some(body) = state.admit(message, |body| held + body.len() + 1) else {
                return Delivery::Skipped;
            };
            self.bytes.fetch_add(body.len() + 1, Ordering::Relaxed);
            state.lines.push_back(body);
            !std::mem::replace(&mut state.task_active, true)
        };
        if wake && let Some(this) = self.this.upgrade() {
            // Sends one wake for all calls that a host completes together.
            wake_later(this);
        }
        Delivery::Queued
    }
}

impl Wake for Outbox {
    fn wake(&self) {
        self.wake_task();
    }
}

/// Wakes the task when the client's last call has ended, if the connection waits for that.
pub(super) struct IdleWake(pub(super) Arc<Outbox>);

impl Wake for IdleWake {
    fn wake(&self) {
        if self.0.ending.load(Ordering::SeqCst) {
            self.0.wake_task();
        }
    }
}
