//! Writes outgoing messages. There is one queue, so that lines never interleave, and one write for all lines that are
//! queued.
//!
//! Two threads write, one at a time. The reading thread produces some messages itself: responses of the engine, and
//! those of inline handlers. It writes them at the end of its turn, as far as it can without waiting. The writing
//! thread writes all other messages, because their threads may hold an interpreter's lock, or must not block for
//! another reason.

use super::wire::Output;
use crate::dispatch::observer::{Observers, Transport, observe};
use crate::host::{Delivery, Outgoing, Sink, Unread, Wake, flush_wakes, wake_later};
use crate::locks::{Condvar, Mutex, MutexGuard};
use bytes::Bytes;
use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The maximum number of lines per write. Each line needs two slices, and a system may limit the slices to 1024.
const BATCH: usize = 128;
/// If nothing is written for this time, a reader that waits for the queue checks whether the client still exists.
const STALL_CHECK: Duration = Duration::from_millis(200);
/// The maximum time that a line waits for the end of the reader's turn, which an inline handler may delay.
const TURN_TIMEOUT: Duration = Duration::from_millis(5);
/// The number of checks that find no waiting line before the writing thread stops checking.
const IDLE_CHECKS: u32 = 10;

thread_local! {
    /// The address of the writer for which this thread is in a reader's turn; 0 if it is in none.
    static TURN: Cell<usize> = const { Cell::new(0) };
}

pub(super) struct Writer {
    capacity: usize,
    /// The number of bytes that are queued or being written. It is changed only under the lock, but may be read without
    /// the lock.
    bytes: AtomicUsize,
    state: Mutex<State>,
    /// Locked by the thread that has set `State::writing`.
    output: Mutex<Option<Box<dyn Output>>>,
    /// Wakes the writing thread.
    queued: Arc<Queued>,
    /// Notified when something was written, or when writing has ended.
    written: Condvar,
    observers: Observers,
}

#[derive(Default)]
struct Queued(Condvar);

impl Wake for Queued {
    fn wake(&self) {
        self.0.notify_one();
    }
}

#[derive(Default)]
struct State {
    lines: VecDeque<Bytes>,
    /// The number of bytes of the first line, including its line end, that are written already.
    begun: usize,
    /// `true` if the lines are for the writing thread. If `false`, they wait for the end of the reader's turn.
    due: bool,
    /// `true` while a thread writes lines that it has taken.
    writing: bool,
    /// `true` while the writing thread checks for lines that wait for the end of a turn.
    watching: bool,
    /// How often the reader has written at the end of its turn.
    turns: u64,
    closing: bool,
    /// `true` if a write failed, because no client reads the output any more.
    broken: bool,
    /// `true` if writing has ended: everything is written, or nothing can be written any more.
    ended: bool,
}

/// A turn of the reader. When it is dropped, the messages of the turn are written.
pub(super) struct ReaderTurn<'a>(&'a Writer);

impl Drop for ReaderTurn<'_> {
    fn drop(&mut self) {
        TURN.set(0);
        self.0.write_here();
    }
}

impl Writer {
    pub(super) fn new(capacity: usize, observers: &Observers) -> Writer {
        Writer {
            capacity,
            bytes: AtomicUsize::new(0),
            state: Mutex::default(),
            output: Mutex::default(),
            queued: Arc::default(),
            written: Condvar::new(),
            observers: observers.clone(),
        }
    }

    /// Writes until the writer is closed, or until no client reads the output any more. Then releases the output, so
    /// that the client sees its end.
    pub(super) fn run(&self, output: impl Output) {
        *self.output.lock() = Some(Box::new(output));
        self.relay();
        let output = self.output.lock().take();
        drop(output);
        self.end();
    }

    /// Ends writing after the writing thread has panicked.
    pub(super) fn abandon(&self) {
        let output = self.output.lock().take();
        drop(output);
        {
            let mut state = self.state.lock();
            (state.broken, state.writing) = (true, false);
        }
        self.end();
    }

    fn end(&self) {
        let mut state = self.state.lock();
        state.ended = true;
        state.lines.clear();
        self.bytes.store(0, Ordering::Relaxed);
        self.written.notify_all();
    }

    fn relay(&self) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let begun = {
                let mut state = self.state.lock();
                if !self.wait_for_lines(&mut state) {
                    return;
                }
                state.take(&mut batch)
            };
            crate::faults::pass("write");
            let wrote = self.output.lock().as_mut().is_some_and(|output| output.write(&batch, begun).is_ok());
            if wrote {
                self.report(size(&batch) + batch.len() - begun);
            }
            let mut state = self.state.lock();
            state.writing = false;
            if !wrote {
                state.broken = true;
                return;
            }
            self.bytes.fetch_sub(size(&batch), Ordering::Relaxed);
            state.due = !state.lines.is_empty();
            drop(state);
            self.written.notify_all();
            batch.clear();
        }
    }

    /// Waits until there are lines for the writing thread to write. Returns `false` if writing must end.
    fn wait_for_lines(&self, state: &mut MutexGuard<'_, State>) -> bool {
        let (mut idle_checks, mut turns) = (0, state.turns);
        loop {
            if state.broken {
                return false;
            }
            if !state.writing {
                if !state.lines.is_empty() && (state.due || state.closing) {
                    return true;
                }
                if state.lines.is_empty() && state.closing {
                    return false;
                }
            }
            if !state.watching {
                self.queued.0.wait(state);
                (idle_checks, turns) = (0, state.turns);
                continue;
            }
            if !self.queued.0.wait_for(state, TURN_TIMEOUT).timed_out() {
                continue;
            }
            let waits = !state.lines.is_empty() && !state.writing;
            if waits && turns == state.turns {
                state.due = true;
            }
            idle_checks = if waits || turns != state.turns { 0 } else { idle_checks + 1 };
            state.watching = idle_checks < IDLE_CHECKS;
            turns = state.turns;
        }
    }

    /// Begins a turn of the reader on this thread. The messages of this thread wait for the end of the turn.
    pub(super) fn begin(&self) -> ReaderTurn<'_> {
        TURN.set(std::ptr::from_ref(self).addr());
        ReaderTurn(self)
    }

    /// Writes queued messages on this thread, as far as it can without waiting. The writing thread writes the rest.
    fn write_here(&self) {
        let mut batch = Vec::new();
        loop {
            {
                let mut state = self.state.lock();
                state.turns += 1;
                // If another thread is writing, that thread continues with the queued lines.
                if state.writing || state.due || state.broken || state.lines.is_empty() {
                    return;
                }
                state.take(&mut batch);
            }
            let all: usize = batch.iter().map(|line| line.len() + 1).sum();
            let wrote = self.output.lock().as_mut().map_or(Ok(0), |output| output.write_some(&batch));
            self.report(*wrote.as_ref().unwrap_or(&0));
            let mut state = self.state.lock();
            state.writing = false;
            match wrote {
                Ok(count) if count == all => {
                    self.bytes.fetch_sub(size(&batch), Ordering::Relaxed);
                }
                Ok(mut count) => {
                    let whole = batch.iter().take_while(|line| {
                        let fits = count > line.len();
                        count -= if fits { line.len() + 1 } else { 0 };
                        fits
                    });
                    let whole = whole.count();
                    self.bytes.fetch_sub(size(&batch[..whole]), Ordering::Relaxed);
                    state.begun = count;
                    for line in batch.drain(whole..).rev() {
                        state.lines.push_front(line);
                    }
                    state.due = true;
                }
                Err(_) => state.broken = true,
            }
            let more = !state.due && !state.broken && !state.lines.is_empty();
            let for_thread = state.due || state.broken || state.closing;
            drop(state);
            self.written.notify_all();
            if for_thread {
                self.queued.wake();
            }
            if !more {
                return;
            }
            batch.clear();
        }
    }

    /// Reports bytes that were written to observers.
    fn report(&self, bytes: usize) {
        if bytes > 0 {
            observe!(&self.observers => BytesSent { transport: Transport::Stdio, bytes });
        }
    }

    fn is_full(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > self.capacity
    }

    /// Waits while more than the capacity is queued. The reader calls this after each message. So if a client does not
    /// read, nothing more is read from it, and its earlier messages that are still in the buffer are not handled.
    ///
    /// Returns `false` if reading must stop, because nothing is written and `is_gone` reports that the client will send
    /// nothing more.
    pub(super) fn wait_for_room(&self, is_gone: impl Fn() -> bool) -> bool {
        if !self.is_full() {
            return true;
        }
        // A write frees space. A host that has not been woken yet may have to run before that.
        self.write_here();
        flush_wakes();
        let mut state = self.state.lock();
        while self.is_full() && !state.ended && !state.closing {
            let stuck = self.written.wait_for(&mut state, STALL_CHECK).timed_out();
            if stuck && MutexGuard::unlocked(&mut state, &is_gone) {
                return false;
            }
        }
        true
    }

    /// Waits until everything queued is written, and no thread writes.
    #[cfg(test)]
    pub(super) fn wait_for_quiet(&self) {
        let mut state = self.state.lock();
        self.written.wait_while(&mut state, |state| state.writing || !state.lines.is_empty());
    }

    /// Whether writing has ended: everything is written, or nothing can be written any more.
    pub(super) fn has_ended(&self) -> bool {
        self.state.lock().ended
    }

    /// Ends the writing thread after the queued messages are written. If a client does not read, only this thread waits
    /// in its write. It does not delay the end of the process.
    pub(super) fn close(&self) {
        self.state.lock().closing = true;
        self.queued.wake();
        // Wakes the reader, which may be waiting for space in the queue.
        self.written.notify_all();
    }
}

impl State {
    /// Takes lines for a write. Returns the number of bytes of the first line that are written already.
    fn take(&mut self, batch: &mut Vec<Bytes>) -> usize {
        let take = self.lines.len().min(BATCH);
        batch.extend(self.lines.drain(..take));
        self.writing = true;
        std::mem::take(&mut self.begun)
    }
}

fn size(lines: &[Bytes]) -> usize {
    lines.iter().map(Bytes::len).sum()
}

impl Sink for Writer {
    fn unread(&self) -> Unread {
        if self.bytes.load(Ordering::Relaxed) > 0 {
            return Unread::Some;
        }
        // If the lock is taken, another thread is writing.
        let Some(output) = self.output.try_lock() else { return Unread::Some };
        match output.as_ref().map(|output| output.unread()) {
            None | Some(Some(0)) => Unread::Nothing,
            Some(Some(_)) => Unread::Some,
            Some(None) => Unread::Unknown,
        }
    }

    fn send(&self, message: Outgoing) -> Delivery {
        let (body, droppable) = match message {
            Outgoing::Event { body, droppable } => (body, droppable),
            Outgoing::Question { body, .. } | Outgoing::Response { body, .. } => (body, false),
            Outgoing::Dropped => return Delivery::Queued,
        };
        let mut state = self.state.lock();
        if state.ended {
            return Delivery::Gone;
        }
        if droppable && self.is_full() {
            return Delivery::Skipped;
        }
        self.bytes.fetch_add(body.len(), Ordering::Relaxed);
        state.lines.push_back(body);
        let in_turn = TURN.get() == std::ptr::from_ref(self).addr();
        let many = in_turn && state.lines.len() >= BATCH;
        let notify = if in_turn {
            !std::mem::replace(&mut state.watching, true)
        } else {
            // If a thread is writing, that thread continues with this line.
            !std::mem::replace(&mut state.due, true) && !state.writing
        };
        drop(state);
        if notify {
            // Sends one wake for all calls that a host completes together.
            wake_later(self.queued.clone());
        }
        if many {
            self.write_here();
        }
        Delivery::Queued
    }
}
