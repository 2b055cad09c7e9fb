//! The task of one WebSocket connection. The task reads messages, writes queued messages, and closes the connection.

use super::frame_writer::FrameWriter;
use super::frames::{FrameError, MemoryLimit, Reader, Received};
use crate::dispatch::observer::Transport;
use crate::dispatch::principal::Principal;
use crate::dispatch::shares::Key;
use crate::host::{CancelReason, Engine, Peer, Sink, Wake};
use crate::runtime::http::connection::budget::Reservation;
use crate::runtime::http::connection::upgrade::{Upgraded, UpgradedStream};
use crate::runtime::http::response::queue::Queue;
use crate::runtime::sockets::connections::Phase;
use bytes::Bytes;
use std::future::{Future, poll_fn};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};
use tungstenite::protocol::frame::coding::CloseCode;

/// The size of one read. The buffer is on the stack, so a waiting connection holds no buffer.
const READ: usize = 16 << 10;

/// The maximum number of bytes that are read after the close frame was sent, and the maximum time for that. If the
/// connection closed at once, the client could lose messages that it has not read yet.
const LINGER: (usize, Duration) = (1 << 20, Duration::from_secs(2));

/// Serves a connection that has become a WebSocket, whose request had this principal, and this address if a trusted proxy
/// reports one. `head` is the response to the request, which is written first.
pub(super) async fn serve(
    mut upgraded: Upgraded<'_>,
    head: Vec<u8>,
    (principal, address): (Option<Principal>, Option<Key>),
) {
    let guard = upgraded.guard;
    upgraded.stream.becomes(Transport::WebSocket);
    let mut connection = Connection::new(upgraded, head, address);
    let (expired, queue) = (connection.expired.clone(), connection.queue.clone());
    connection.peer.on_expired(Arc::new(move || {
        expired.store(true, Ordering::Release);
        queue.wake();
    }));
    connection.engine.identify(&connection.peer, principal);
    poll_fn(|task| connection.poll(task, guard.phase())).await;
}

struct Connection {
    stream: Box<dyn UpgradedStream>,
    /// Bytes that were read together with the request.
    early: Bytes,
    reader: Reader,
    room: MessageBudget,
    writer: FrameWriter,
    queue: Arc<Queue>,
    sink: Arc<dyn Sink>,
    peer: Arc<Peer>,
    engine: Engine,
    state: State,
    /// The timer of the next deadline.
    sleep: Pin<Box<Sleep>>,
    /// The time when the client last sent something.
    heard: Instant,
    /// The time of a ping that the client has not answered; `None` if there is none.
    asked: Option<Instant>,
    /// The deadline of the message that is being read.
    message_end: Option<Instant>,
    /// Whether the credential of the client has ended.
    expired: Arc<AtomicBool>,
    /// The number of bytes that were discarded since the shutdown of the connection began.
    discarded: usize,
}

/// The state of the connection's shutdown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// The server is ending. Calls in flight may finish.
    Ending,
    /// No more input is handled. The responses are written, and then a close frame with this code. The time is the
    /// deadline for the close frame.
    Closing(Option<u16>, Instant),
    /// The close frame is queued or sent. The client's close frame is awaited until this time.
    Closed(Instant),
}

/// Counts the bytes of the incomplete message in the budget.
struct MessageBudget(Reservation);

impl MemoryLimit for MessageBudget {
    fn take(&mut self, bytes: usize) -> bool {
        self.0.set(bytes)
    }
}

impl Connection {
    fn new(upgraded: Upgraded<'_>, head: Vec<u8>, address: Option<Key>) -> Connection {
        let Upgraded { stream, early, engine, connection, guard: _ } = upgraded;
        let (limits, budget) = (engine.limits(), connection.budget());
        let queue = Queue::new(budget, limits.max_outbound_bytes, connection.wake_queue());
        let peer = Peer::sharing(budget.client().cloned(), address);
        let sink: Arc<dyn Sink> = queue.clone();
        peer.set_sink(sink.clone());
        let heard = Instant::now();
        Connection {
            stream,
            early,
            reader: Reader::new(limits.max_message_bytes),
            room: MessageBudget(budget.reservation()),
            writer: FrameWriter::new(head, limits.write_timeout),
            queue,
            sink,
            peer,
            engine: engine.clone(),
            state: State::Open,
            sleep: Box::pin(tokio::time::sleep_until(heard + limits.ping_interval)),
            heard,
            asked: None,
            message_end: None,
            expired: Arc::default(),
            discarded: 0,
        }
    }

    /// Reads, writes, and checks the deadlines. Ready at the end of the connection.
    fn poll(&mut self, task: &mut Context<'_>, phase: Phase) -> Poll<()> {
        loop {
            self.queue.register(task);
            match phase {
                Phase::Dead => return Poll::Ready(()),
                Phase::Draining if self.state == State::Open => {
                    self.state = State::Ending;
                    self.peer.on_idle(self.queue.clone());
                }
                _ => {}
            }
            if self.state == State::Ending && self.peer.in_flight() == 0 {
                self.finish(CancelReason::Closing, Some(CloseCode::Away.into()));
            }
            if matches!(self.state, State::Open | State::Ending) && self.expired.load(Ordering::Acquire) {
                self.finish(CancelReason::Closing, Some(CloseCode::Policy.into()));
            }
            let Ok(written) = self.poll_write(task) else { return Poll::Ready(()) };
            match self.poll_read(task) {
                Poll::Ready(true) => continue,
                Poll::Ready(false) => return Poll::Ready(()),
                Poll::Pending => {}
            }
            if written && matches!(self.state, State::Closed(_)) && self.reader.has_closed() {
                ready!(Pin::new(&mut self.stream).poll_shutdown(task).map(|_| ()));
                return Poll::Ready(());
            }
            if ready!(self.poll_time(task)) {
                return Poll::Ready(());
            }
        }
    }

    /// Writes the queued messages and control frames. Returns whether all of them are written.
    fn poll_write(&mut self, task: &mut Context<'_>) -> Result<bool, std::io::Error> {
        loop {
            match self.writer.poll(&mut *self.stream, &self.queue, task) {
                Poll::Pending => return Ok(false),
                Poll::Ready(result) => result?,
            }
            if matches!(self.state, State::Open | State::Ending)
                && let Some(number) = self.queue.take_ping()
            {
                self.writer.ping(&number.to_be_bytes());
            }
            match self.state {
                // The connection is closed if all responses are written and no call is in flight, or at the deadline.
                State::Closing(code, latest)
                    if self.queue.is_empty() && (self.peer.in_flight() == 0 || Instant::now() >= latest) =>
                {
                    self.writer.close(code);
                    let end = Instant::now() + LINGER.1;
                    self.state = State::Closed(end);
                    self.sleep.as_mut().reset(end);
                }
                _ if self.writer.is_done() && self.queue.is_empty() => return Ok(true),
                _ => {}
            }
        }
    }

    /// Reads once from the client. Returns `false` at the end of the input.
    fn poll_read(&mut self, task: &mut Context<'_>) -> Poll<bool> {
        let taken = matches!(self.state, State::Open | State::Ending);
        if taken && self.queue.is_full() {
            // If the client does not read, nothing is read from it either. The write timeout ends its connection.
            (self.heard, self.asked) = (Instant::now(), None);
            return Poll::Pending;
        }
        if !self.early.is_empty() {
            let early = std::mem::take(&mut self.early);
            self.take(&early);
            return Poll::Ready(true);
        }
        let mut room = [MaybeUninit::uninit(); READ];
        let mut buffer = ReadBuf::uninit(&mut room);
        let read = ready!(Pin::new(&mut self.stream).poll_read(task, &mut buffer));
        let count = buffer.filled().len();
        if read.is_err() || count == 0 {
            return Poll::Ready(false);
        }
        if !taken {
            self.discarded += count;
        }
        self.take(buffer.filled());
        Poll::Ready(self.discarded <= LINGER.0)
    }

    fn take(&mut self, mut input: &[u8]) {
        let now = Instant::now();
        self.heard = now;
        let answered = self.asked.take().map(|_| now + self.engine.limits().ping_interval);
        while let Some(received) = self.reader.next(&mut input, &mut self.room) {
            match received {
                Received::Text(text) => {
                    let text = self.room.carry(text);
                    self.message_end = None;
                    self.engine.receive(&self.peer, &self.sink, text);
                }
                Received::Ping(payload) => self.writer.pong(&payload),
                // Pongs to keep-alive pings have no number.
                Received::Pong(payload) => {
                    if let Ok(number) = payload.as_ref().try_into() {
                        self.queue.ponged(u64::from_be_bytes(number));
                    }
                }
                Received::Close(code) => match self.state {
                    State::Open | State::Ending => self.finish(CancelReason::Disconnected, code),
                    State::Closing(..) | State::Closed(_) => {}
                },
                Received::FrameError(error) => self.fail(error),
            }
        }
        self.message_end = match self.reader.is_within() {
            true => Some(self.message_end.unwrap_or(now + self.engine.limits().request_timeout)),
            false => None,
        };
        // The timer is set to the earliest deadline.
        let next = [self.message_end, answered].into_iter().flatten().min();
        if let Some(next) = next
            && next < self.sleep.deadline()
            && matches!(self.state, State::Open | State::Ending)
        {
            self.sleep.as_mut().reset(next);
        }
    }

    fn fail(&mut self, error: FrameError) {
        if matches!(self.state, State::Open | State::Ending) {
            self.finish(CancelReason::Disconnected, Some(error.code()));
        }
    }

    /// Begins to close the connection. Cancels the calls in flight, whose responses are still written.
    fn finish(&mut self, why: CancelReason, code: Option<u16>) {
        self.reader.discard();
        self.room.take(0);
        self.message_end = None;
        let latest = Instant::now() + self.engine.limits().write_timeout;
        self.state = State::Closing(code, latest);
        self.sleep.as_mut().reset(latest);
        self.peer.on_idle(self.queue.clone());
        self.engine.end_input(&self.peer);
        self.engine.close_peer(&self.peer, why);
    }

    /// Checks the deadlines when the timer fires. Returns `true` if the connection must end.
    fn poll_time(&mut self, task: &mut Context<'_>) -> Poll<bool> {
        ready!(self.sleep.as_mut().poll(task));
        let now = Instant::now();
        let limits = self.engine.limits();
        let next = match self.state {
            State::Closed(end) if now >= end => return Poll::Ready(true),
            State::Closed(end) => end,
            // The write timeout applies to writing.
            State::Closing(..) => now + limits.write_timeout,
            State::Open | State::Ending => {
                if self.message_end.is_some_and(|end| now >= end) {
                    // The message did not arrive in time. RFC 6455 has no close code for this case.
                    self.finish(CancelReason::Disconnected, Some(CloseCode::Policy.into()));
                    return Poll::Ready(false);
                }
                let next = match self.asked {
                    Some(asked) if now >= asked + limits.ping_timeout => {
                        self.stream.abandon();
                        return Poll::Ready(true);
                    }
                    Some(asked) => asked + limits.ping_timeout,
                    None if now >= self.heard + limits.ping_interval => {
                        self.asked = Some(now);
                        self.writer.ping(b"");
                        now + limits.ping_timeout
                    }
                    None => self.heard + limits.ping_interval,
                };
                self.message_end.map_or(next, |end| next.min(end))
            }
        };
        self.sleep.as_mut().reset(next);
        Poll::Ready(false)
    }
}

impl MessageBudget {
    /// Releases a complete message. The message stays counted until its last part is dropped.
    fn carry(&mut self, message: Bytes) -> Bytes {
        let share = self.0.split_off();
        share.bind_to(message)
    }
}

impl Drop for Connection {
    /// Cancels the client's calls, because the client has disconnected.
    fn drop(&mut self) {
        self.queue.close();
        self.engine.end_input(&self.peer);
        self.engine.close_peer(&self.peer, CancelReason::Disconnected);
    }
}
