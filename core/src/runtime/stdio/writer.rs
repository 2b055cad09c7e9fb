//! The writing thread: one queue, so that lines never interleave; one vectored write for all that is queued.

use crate::host::{Outgoing, Sink};
use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use rustix::fd::OwnedFd;
use rustix::io::{Errno, writev};
use std::collections::VecDeque;
use std::io::IoSlice;
use std::sync::Arc;
use std::time::Duration;

/// Lines per write: two slices a line, within the system's limit of 1024.
const BATCH: usize = 128;

pub(super) struct Writer {
    capacity: usize,
    state: Mutex<State>,
    /// Something was queued, or the end was asked for.
    queued: Condvar,
    /// Something was written, or writing ended.
    written: Condvar,
}

#[derive(Default)]
struct State {
    lines: VecDeque<Bytes>,
    bytes: usize,
    closing: bool,
    /// The thread has ended: everything is written, or nobody reads.
    ended: bool,
    idle: bool,
}

impl Writer {
    pub(super) fn new(capacity: usize) -> Writer {
        Writer { capacity, state: Mutex::default(), queued: Condvar::new(), written: Condvar::new() }
    }

    /// Writes until closed, or until the reader of the output is gone. Lets go of the output then, so that its reader
    /// sees the end.
    pub(super) fn run(&self, output: Arc<OwnedFd>) {
        self.pump(&output);
        drop(output);
        let mut state = self.state.lock();
        state.ended = true;
        state.lines.clear();
        state.bytes = 0;
        self.written.notify_all();
    }

    fn pump(&self, output: &OwnedFd) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            {
                let mut state = self.state.lock();
                while state.lines.is_empty() && !state.closing {
                    state.idle = true;
                    self.queued.wait(&mut state);
                }
                state.idle = false;
                if state.lines.is_empty() {
                    return;
                }
                let take = state.lines.len().min(BATCH);
                batch.extend(state.lines.drain(..take));
            }
            let size: usize = batch.iter().map(Bytes::len).sum();
            if write(output, &batch).is_err() {
                return;
            }
            batch.clear();
            self.state.lock().bytes -= size;
            self.written.notify_all();
        }
    }

    /// Waits while more than the capacity is queued. Called by the reader between messages: a peer that does not read
    /// is not read from.
    pub(super) fn wait_for_room(&self) {
        let mut state = self.state.lock();
        while state.bytes > self.capacity && !state.ended && !state.closing {
            self.written.wait(&mut state);
        }
    }

    /// Nobody reads the output any more, or writing has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.state.lock().ended
    }

    /// Writes what is queued, then ends the thread. Blocks until it has, at most `deadline`: a peer that does not read
    /// keeps the thread in its write, and nothing but the process.
    pub(super) fn close(&self, deadline: Duration) {
        let mut state = self.state.lock();
        state.closing = true;
        self.queued.notify_one();
        // For the reader, which may be waiting for room.
        self.written.notify_all();
        self.written.wait_while_for(&mut state, |state| !state.ended, deadline);
    }
}

fn write(output: &OwnedFd, lines: &[Bytes]) -> Result<(), Errno> {
    let mut slices: Vec<IoSlice<'_>> =
        lines.iter().flat_map(|line| [IoSlice::new(line), IoSlice::new(b"\n")]).collect();
    let mut rest = &mut slices[..];
    while !rest.is_empty() {
        match writev(output, rest) {
            Ok(written) => IoSlice::advance_slices(&mut rest, written),
            Err(Errno::INTR) => {}
            // A descriptor that its owner made non-blocking still gets whole lines.
            Err(Errno::AGAIN) => wait_writable(output)?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn wait_writable(output: &OwnedFd) -> Result<(), Errno> {
    use rustix::event::{PollFd, PollFlags, poll};
    loop {
        match poll(&mut [PollFd::new(output, PollFlags::OUT)], None) {
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}

impl Sink for Writer {
    fn send(&self, message: Outgoing) {
        let (body, droppable) = match message {
            Outgoing::Event { body, droppable } => (body, droppable),
            Outgoing::Response { body, .. } => (body, false),
            Outgoing::Dropped => return,
        };
        let mut state = self.state.lock();
        if state.ended || droppable && state.bytes > self.capacity {
            return;
        }
        state.bytes += body.len();
        state.lines.push_back(body);
        let idle = state.idle;
        drop(state);
        if idle {
            self.queued.notify_one();
        }
    }
}
