//! The task of one client of a line-based transport. The task reads the client's messages, writes messages to the
//! client, and handles its end.

use super::outbox::{IdleWake, Outbox};
use super::read_buffer;
use super::wire::Wire;
use crate::dispatch::shares::Share as ClientShare;
use crate::host::{CancelReason, Engine, Peer, Resolution, Sender, Sink, WakeBatcher};
use crate::panics::caught;
use crate::proto::framing::line::{Frame, LineFramer};
use crate::proto::messages::error::RpcError;
use crate::proto::messages::message::{Malformed, Message};
use crate::runtime::http::{Budget, Reservation};
use crate::runtime::sockets::connections::{Phase, TaskGuard};
use crate::runtime::threads::wake_queue::WakeQueue;
use crate::runtime::transport::lifecycle::FLUSH_TIMEOUT;
use bytes::Bytes;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// The maximum number of lines per write.
const BATCH: usize = 64;
/// The number of bytes that show that a client reads. A client that takes less within the write timeout counts as not
/// reading.
const PROGRESS: usize = 16 << 10;
/// The number of reads after which other tasks get their turn.
const ROUNDS: u32 = 4;
const NEWLINE: Bytes = Bytes::from_static(b"\n");

/// The configuration that the connections of one transport share.
#[derive(Clone)]
pub(super) struct ConnectionConfig {
    pub(super) engine: Engine,
    pub(super) budget: Arc<Budget>,
    /// The share of the client; `None` in the configuration of the listener.
    pub(super) share: Option<Arc<ClientShare>>,
    /// The time that calls in flight may continue after a client has ended its input.
    pub(super) drain: Duration,
    /// If `true`, a first line that cannot be a message ends the connection. A web page can send HTTP to any port, and
    /// is refused in this way.
    pub(super) strict: bool,
}

pub(super) struct ClientConnection<S> {
    wire: S,
    config: ConnectionConfig,
    framer: LineFramer,
    /// Counts the bytes of the incomplete line in the budget.
    share: Reservation,
    peer: Arc<Peer>,
    outbox: Arc<Outbox>,
    sink: Arc<dyn Sink>,
    /// Batches the wakes of hosts for one read; `None` on a reactor of the engine, which batches them itself.
    batcher: Option<Arc<WakeBatcher>>,
    input: Input,
    /// `true` until the first line was read.
    is_first_line: bool,
    /// `true` if the framer may have complete lines.
    held: bool,
    /// `true` if the framer had an incomplete line when it was last checked.
    begun: bool,
    /// The start of the current wait for input, and its timer. The timer is reused. If it fires too early, it is set
    /// again.
    since: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
    /// The pieces that are being written, and the deadline for progress.
    out: VecDeque<Bytes>,
    unflushed: bool,
    write_deadline: Option<WriteDeadline>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Input {
    Open,
    /// The client sends no more. Its calls in flight may finish.
    Ended,
    /// The client's calls were cancelled, and their responses are being written.
    Cut,
}

/// The deadline for a client that does not read what is written.
struct WriteDeadline {
    end: Pin<Box<Sleep>>,
    taken: usize,
}

/// The result of a read.
enum Read {
    Some,
    Nothing,
    /// The outbox is full, so nothing more is read until the client has read its messages.
    Full,
}

impl<S: Wire> ClientConnection<S> {
    pub(super) fn new(
        wire: S,
        config: ConnectionConfig,
        wake_queue: Option<Arc<WakeQueue>>,
    ) -> ClientConnection<S> {
        let limits = config.engine.limits();
        let batcher = wake_queue.is_none().then(|| WakeBatcher::new(|| ()));
        let outbox = Outbox::new(limits.max_outbound_bytes, &config.budget, wake_queue);
        let (peer, sink): (_, Arc<dyn Sink>) = (Peer::sharing(config.share.clone(), None), outbox.clone());
        peer.set_sink(sink.clone());
        peer.on_idle(Arc::new(IdleWake(outbox.clone())));
        ClientConnection {
            framer: LineFramer::new(limits.max_message_bytes),
            share: config.budget.reservation(),
            wire,
            config,
            peer,
            outbox,
            sink,
            batcher,
            input: Input::Open,
            is_first_line: true,
            held: false,
            begun: false,
            since: None,
            sleep: None,
            out: VecDeque::new(),
            unflushed: false,
            write_deadline: None,
        }
    }

    /// Serves the client until its connection ends.
    pub(super) async fn serve(mut self, guard: TaskGuard) {
        if !self.open(&guard).await {
            drop(self);
            return;
        }
        let mut registered = false;
        poll_fn(|task| {
            if !std::mem::replace(&mut registered, true) {
                guard.register(task.waker());
            }
            self.poll(task, guard.phase())
        })
        .await;
        // The connection is dropped before the guard, because the server's shutdown waits for the guard.
        drop(self);
    }

    /// Finds the principal of the client. Returns `false` if the client is refused, or the server is ending.
    async fn open(&mut self, guard: &TaskGuard) -> bool {
        let engine = &self.config.engine;
        let found = match engine.resolve_principal(Resolution::none(), None, Sender::default) {
            Resolution::Ready(found) => Some(found),
            Resolution::Pending(mut future) => {
                poll_fn(|task| {
                    guard.register(task.waker());
                    match guard.phase() {
                        Phase::Open => future.as_mut().poll(task).map(Some),
                        Phase::Draining | Phase::Dead => Poll::Ready(None),
                    }
                })
                .await
            }
        };
        match found {
            Some(Ok(principal)) => engine.identify(&self.peer, principal),
            Some(Err(refusal)) => {
                engine.log_refused_connection(&refusal);
                return false;
            }
            None => return false,
        }
        true
    }

    fn poll(&mut self, task: &mut Context<'_>, phase: Phase) -> Poll<()> {
        if phase == Phase::Dead {
            return Poll::Ready(());
        }
        self.outbox.set_active(task.waker());
        if phase > Phase::Open || self.input != Input::Open {
            self.outbox.await_end();
        }
        for _ in 0..ROUNDS {
            let Ok(read) = self.read(task) else { return Poll::Ready(()) };
            let Ok(written) = self.write(task) else { return Poll::Ready(()) };
            if self.is_done(phase) {
                return Pin::new(&mut self.wire).poll_shutdown(task).map(drop);
            }
            match read {
                Read::Some => continue,
                Read::Full if !self.outbox.is_full() => continue,
                Read::Full => {}
                Read::Nothing if self.is_late(task) => return Poll::Ready(()),
                Read::Nothing => {}
            }
            if self.outbox.leave(!written) {
                return Poll::Pending;
            }
        }
        task.waker().wake_by_ref();
        Poll::Pending
    }

    /// Whether no more input is expected, no call is in flight, and all output is written.
    fn is_done(&self, phase: Phase) -> bool {
        (phase > Phase::Open || self.input != Input::Open)
            && !self.held
            && self.peer.in_flight() == 0
            && self.outbox.is_empty()
    }

    fn read(&mut self, task: &mut Context<'_>) -> io::Result<Read> {
        if self.input != Input::Open {
            return Ok(Read::Nothing);
        }
        if !self.held {
            let Poll::Ready(count) = read_buffer::with(|buffer| {
                let count = match self.wire.poll_read(task, buffer) {
                    Poll::Ready(read) => read?,
                    Poll::Pending => return Ok(Poll::Pending),
                };
                self.framer.feed(&buffer[..count]);
                io::Result::Ok(Poll::Ready(count))
            })?
            else {
                self.framer.rest();
                return Ok(Read::Nothing);
            };
            if count == 0 {
                self.end_input();
                return Ok(Read::Some);
            }
            self.held = true;
        }
        Ok(self.take_lines())
    }

    /// Handles the lines that were read. If waking a host panics, the connection continues.
    fn take_lines(&mut self) -> Read {
        loop {
            match caught(|| self.take_some()) {
                Ok(read) => return read,
                Err(panicked) => {
                    self.config.engine.0.panicked("waking a host", &panicked);
                }
            }
        }
    }

    /// Handles lines until the framer has no complete line, or the outbox is full.
    fn take_some(&mut self) -> Read {
        let batcher = self.batcher.clone();
        let _batch = batcher.as_ref().map(|batcher| batcher.begin());
        let mut took = false;
        while !self.outbox.is_full() {
            let Some(frame) = self.framer.next() else {
                self.held = false;
                // The timeout of a line begins with the line's first byte, however slowly the other bytes arrive.
                if took || !self.begun {
                    self.since = None;
                }
                self.begun = self.framer.has_begun();
                if !self.share.set(self.framer.buffered()) {
                    self.framer.discard();
                    self.share.set(0);
                    self.send_error(None, self.config.budget.refusal());
                }
                return Read::Some;
            };
            took = true;
            // From here on, the code that holds the line counts its bytes.
            self.share.set(0);
            if !self.take(frame) {
                self.framer = LineFramer::new(0);
                self.held = false;
                self.end_input();
                return Read::Some;
            }
        }
        Read::Full
    }

    /// Handles one line. Returns `false` if the connection must end.
    fn take(&mut self, frame: Frame) -> bool {
        let first = std::mem::take(&mut self.is_first_line);
        let line = match frame {
            Frame::Line(line) => line,
            Frame::TooLong => {
                let limit = self.config.engine.limits().max_message_bytes;
                let text = format!("Message too large: the limit is {limit} bytes (max_message_bytes)");
                self.send_error(None, RpcError::invalid_request(text));
                return true;
            }
        };
        let is_foreign = first && self.config.strict && !matches!(line.trim_ascii_start(), [b'{' | b'[', ..]);
        match self.config.budget.admit(line) {
            Ok(line) => self.config.engine.receive(&self.peer, &self.sink, line),
            Err(line) => self.refuse(line),
        }
        !is_foreign
    }

    /// Refuses a request because the budget has no memory for it. Other messages are handled.
    fn refuse(&self, line: Bytes) {
        let busy = || self.config.budget.refusal();
        match self.config.engine.decode(&line, Message::decode) {
            Ok(Message::Request(request)) => self.send_error(Some(request.id), busy()),
            // A response or a cancellation frees memory, so it is handled.
            Ok(_) => self.config.engine.receive(&self.peer, &self.sink, line),
            Err(malformed) if malformed.answer => self.send_error(malformed.id, busy()),
            Err(_) => {}
        }
    }

    fn send_error(&self, id: Option<crate::proto::messages::id::RequestId>, error: RpcError) {
        let malformed = Malformed { id, error, answer: true, reply: None };
        self.config.engine.refuse(&self.peer, &self.sink, &malformed);
    }

    /// Handles the end of the client's input.
    fn end_input(&mut self) {
        self.input = Input::Ended;
        self.share.set(0);
        while let Some(frame) = self.framer.finish() {
            if !self.take(frame) {
                break;
            }
        }
        self.outbox.await_end();
        self.config.engine.end_input(&self.peer);
        if self.wire.is_gone() {
            self.config.engine.close_peer(&self.peer, CancelReason::Disconnected);
        }
        self.since = None;
    }

    /// Whether the connection must end because a timeout has passed. If the time for calls after the end of the input
    /// has passed, cancels these calls instead.
    fn is_late(&mut self, task: &mut Context<'_>) -> bool {
        let limits = self.config.engine.limits();
        let allowed = match self.input {
            Input::Open if self.framer.has_begun() => limits.request_timeout,
            Input::Open => limits.connection_idle,
            Input::Ended => self.config.drain,
            Input::Cut => FLUSH_TIMEOUT,
        };
        loop {
            let end = *self.since.get_or_insert_with(Instant::now) + allowed;
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(end)));
            if sleep.deadline() > end {
                sleep.as_mut().reset(end);
            }
            if sleep.as_mut().poll(task).is_pending() {
                return false;
            }
            if sleep.deadline() < end {
                sleep.as_mut().reset(end);
                continue;
            }
            match self.input {
                Input::Open if self.framer.has_begun() || self.peer.in_flight() == 0 => return true,
                // A client that waits for a response is not idle, so the wait begins again.
                Input::Open => self.since = None,
                Input::Ended => {
                    self.input = Input::Cut;
                    self.since = None;
                    // The client may still read, so it gets the same responses as at the server's shutdown.
                    self.config.engine.close_peer(&self.peer, CancelReason::Closing);
                    task.waker().wake_by_ref();
                    return false;
                }
                Input::Cut => return true,
            }
        }
    }

    /// Writes the queued messages. Returns `false` if the client must read first.
    fn write(&mut self, task: &mut Context<'_>) -> io::Result<bool> {
        loop {
            if self.out.is_empty() {
                self.fetch();
            }
            if self.out.is_empty() {
                self.write_deadline = None;
                if self.unflushed {
                    match Pin::new(&mut self.wire).poll_flush(task)? {
                        Poll::Ready(()) => self.unflushed = false,
                        Poll::Pending => return Ok(false),
                    }
                }
                return Ok(true);
            }
            let Poll::Ready(count) = self.write_some(task)? else { return Ok(false) };
            if count == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.unflushed = true;
            self.outbox.written(count);
            let mut left = count;
            while let Some(piece) = self.out.front_mut() {
                if left < piece.len() {
                    let _ = piece.split_to(left);
                    break;
                }
                left -= piece.len();
                self.out.pop_front();
            }
        }
    }

    /// Takes lines for the next write, and adds the line ends.
    fn fetch(&mut self) {
        let mut lines = VecDeque::new();
        self.outbox.take(BATCH, &mut lines);
        if lines.is_empty() {
            return;
        }
        if self.wire.is_write_vectored() {
            self.out.extend(lines.into_iter().flat_map(|line| [line, NEWLINE]));
        } else {
            // One write of all lines costs less than one write for each line.
            let mut text = Vec::with_capacity(lines.iter().map(|line| line.len() + 1).sum());
            for line in lines {
                text.extend_from_slice(&line);
                text.push(b'\n');
            }
            self.out.push_back(text.into());
        }
    }

    fn write_some(&mut self, task: &mut Context<'_>) -> io::Result<Poll<usize>> {
        let mut slices = [IoSlice::new(&[]); 2 * BATCH];
        let mut count = 0;
        for (slice, piece) in slices.iter_mut().zip(&self.out) {
            *slice = IoSlice::new(piece);
            count += 1;
        }
        if let Poll::Ready(count) = Pin::new(&mut self.wire).poll_write_vectored(task, &slices[..count])? {
            if let Some(write_deadline) = &mut self.write_deadline {
                write_deadline.taken += count;
                if write_deadline.taken >= PROGRESS {
                    self.write_deadline = None;
                }
            }
            return Ok(Poll::Ready(count));
        }
        let timeout = self.config.engine.limits().write_timeout;
        let write_deadline = self
            .write_deadline
            .get_or_insert_with(|| WriteDeadline { end: Box::pin(tokio::time::sleep(timeout)), taken: 0 });
        if write_deadline.end.as_mut().poll(task).is_ready() {
            self.wire.abandon();
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(Poll::Pending)
    }
}

impl<S> Drop for ClientConnection<S> {
    /// Cancels the client's calls, because the client has disconnected.
    fn drop(&mut self) {
        self.outbox.close();
        self.config.engine.end_input(&self.peer);
        self.config.engine.close_peer(&self.peer, CancelReason::Disconnected);
    }
}
