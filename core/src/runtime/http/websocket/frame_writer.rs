//! Writes to a WebSocket. Encodes messages as frames, and enforces the write timeout.

use super::frames;
use crate::runtime::http::connection::upgrade::UpgradedStream;
use crate::runtime::http::response::queue::Queue;
use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Sleep;

/// The number of bytes that show that a client reads. A client that takes less within the write timeout counts as not
/// reading.
const PROGRESS: usize = 16 << 10;

/// Messages up to this size are copied after their headers, so that many of them are sent in one piece.
const COPIED: usize = 4 << 10;

/// The number of bytes of messages that are encoded at a time.
const CHUNK_BYTES: usize = 64 << 10;

/// The maximum number of slices of one write.
const SLICES: usize = 16;

pub(super) struct FrameWriter {
    timeout: Duration,
    /// The pieces that are being written, in their order.
    out: VecDeque<Bytes>,
    /// The number of bytes in `out` that belong to queued messages.
    counted: usize,
    /// The control frames, which are sent before the next message.
    control: Vec<u8>,
    write_deadline: Option<WriteDeadline>,
}

/// The deadline for a client that does not read what is written.
struct WriteDeadline {
    end: Pin<Box<Sleep>>,
    /// The number of bytes that were written since the deadline was set.
    taken: usize,
}

impl FrameWriter {
    /// Creates a writer whose first output is `head`.
    pub(super) fn new(head: Vec<u8>, timeout: Duration) -> FrameWriter {
        let out = VecDeque::from([Bytes::from(head)]);
        FrameWriter { timeout, out, counted: 0, control: Vec::new(), write_deadline: None }
    }

    pub(super) fn ping(&mut self, payload: &[u8]) {
        frames::ping(payload, &mut self.control);
    }

    /// Queues the answer to a ping. Only the newest ping that waits is answered (RFC 6455, section 5.5.3).
    pub(super) fn pong(&mut self, payload: &[u8]) {
        self.control.clear();
        frames::pong(payload, &mut self.control);
    }

    pub(super) fn close(&mut self, code: Option<u16>) {
        frames::close(code, &mut self.control);
    }

    /// Writes the queued messages and control frames. Ready when all of them are written.
    pub(super) fn poll(
        &mut self,
        stream: &mut dyn UpgradedStream,
        queue: &Queue,
        task: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if self.out.is_empty() && !self.fill(queue) {
                self.write_deadline = None;
                return Pin::new(&mut *stream).poll_flush(task);
            }
            let mut slices = [IoSlice::new(&[]); SLICES];
            let count = self.out.len().min(SLICES);
            for (slice, part) in slices.iter_mut().zip(&self.out) {
                *slice = IoSlice::new(part);
            }
            match Pin::new(&mut *stream).poll_write_vectored(task, &slices[..count]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => self.wrote(written, queue),
                Poll::Ready(error) => return Poll::Ready(error.map(|_| ())),
                Poll::Pending => {
                    let timeout = self.timeout;
                    let new = || WriteDeadline { end: Box::pin(tokio::time::sleep(timeout)), taken: 0 };
                    let write_deadline = self.write_deadline.get_or_insert_with(new);
                    if write_deadline.end.as_mut().poll(task).is_pending() {
                        return Poll::Pending;
                    }
                    stream.abandon();
                    return Poll::Ready(Err(ErrorKind::TimedOut.into()));
                }
            }
        }
    }

    fn wrote(&mut self, mut written: usize, queue: &Queue) {
        if let Some(write_deadline) = &mut self.write_deadline {
            write_deadline.taken += written;
            if write_deadline.taken >= PROGRESS {
                self.write_deadline = None;
            }
        }
        while let Some(first) = self.out.front_mut() {
            let part = first.len().min(written);
            first.advance(part);
            written -= part;
            if !first.is_empty() {
                return;
            }
            self.out.pop_front();
        }
        self.out = VecDeque::new();
        queue.wrote(std::mem::take(&mut self.counted));
    }

    /// Encodes control frames and queued messages. Returns `false` if there are none.
    fn fill(&mut self, queue: &Queue) -> bool {
        let mut small = std::mem::take(&mut self.control);
        let mut messages = Vec::new();
        queue.take(CHUNK_BYTES, &mut messages);
        for message in messages {
            self.counted += message.len();
            frames::text(message.len(), &mut small);
            if message.len() <= COPIED {
                small.extend_from_slice(&message);
            } else {
                self.out.push_back(std::mem::take(&mut small).into());
                self.out.push_back(message);
            }
        }
        if !small.is_empty() {
            self.out.push_back(small.into());
        }
        !self.out.is_empty()
    }

    /// Whether everything is written.
    pub(super) fn is_done(&self) -> bool {
        self.out.is_empty() && self.control.is_empty()
    }
}
