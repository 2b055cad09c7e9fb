//! The socket of one connection. It enforces timeouts, and detects whether the client is still connected.

use crate::runtime::http::connection::budget::{Budget, Reservation};
use crate::runtime::http::connection::connection_state::ConnectionState;
use crate::runtime::http::listener::config::ListenerLimits;
use crate::runtime::sockets::io::{Io, Sent, read_some};
use bytes::Bytes;
use std::future::Future;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// The number of bytes that show that a client reads. A client that takes less within the write timeout counts as not
/// reading.
const PROGRESS: usize = 16 << 10;

/// The delay before each of the two test writes after a client has ended its output. There are two, because only the
/// second write to a closed connection fails.
const PROBE_DELAY: Duration = Duration::from_millis(200);

/// The size of the read buffer for a client that sends little. This size is not counted in the budget.
const BUFFER: usize = 8 << 10;

/// The maximum size of one read. After a read of 16 KiB, hyper enlarges its buffer permanently.
const MAX_READ: usize = (16 << 10) - 1;

/// The maximum size of a request's head. A longer head is answered with 431.
pub(in crate::runtime::http) const MAX_HEAD: usize = 64 << 10;

/// The number of bytes that are read and discarded after the last response, and the maximum time for that. If the
/// client is still sending and the connection closed at once, the client would lose the response.
const LINGER: (usize, Duration) = (1 << 20, Duration::from_secs(2));

/// A connection with timeouts.
pub(in crate::runtime::http) struct Socket<S> {
    stream: S,
    /// Bytes that were read from the stream and given back, and are read again next.
    early: Bytes,
    connection: Arc<ConnectionState>,
    header_timeout: Duration,
    request_timeout: Duration,
    write_timeout: Duration,
    /// Counts the head and the read buffer in the budget.
    share: Reservation,
    /// The number of the request that is being read.
    request: u32,
    /// `true` if any bytes of this request have arrived.
    begun: bool,
    /// The number of bytes that were read with the head of this request.
    head: usize,
    /// The deadline of the head; `None` until the socket waits for the head.
    head_end: Option<Instant>,
    /// The timer for the deadline of the head. Later requests reuse the timer. If it fires too early, it is set again.
    /// So waiting for a head costs only one reading of the clock.
    head_sleep: Option<Pin<Box<Sleep>>>,
    /// The deadline of the whole request; `None` if the request has arrived in one piece.
    request_end: Option<Pin<Box<Sleep>>>,
    write_deadline: Option<WriteDeadline>,
    watch: Watch,
    /// The error of a read. hyper reports it only to the reader of the body, which may wait for the principal.
    read_error: Option<ErrorKind>,
}

/// The deadline for a client that does not read what is written.
struct WriteDeadline {
    end: Pin<Box<Sleep>>,
    /// The number of bytes that were written since the deadline was set.
    taken: usize,
}

/// The way to detect that the client has disconnected while it waits for a response.
enum Watch {
    /// The socket is polled for the end of the client's output.
    Reading,
    /// The client has ended its output. `next` is the time of the next test write.
    HalfClosed { next: Pin<Box<Sleep>>, again: bool },
    /// There is no further check, because more requests wait to be read or both test writes were made.
    Done,
}

impl<S: Io> Socket<S> {
    pub(in crate::runtime::http) fn new(
        stream: S,
        connection: Arc<ConnectionState>,
        limits: &ListenerLimits,
        budget: &Arc<Budget>,
    ) -> Socket<S> {
        Socket {
            stream,
            early: Bytes::new(),
            connection,
            header_timeout: limits.header_timeout,
            request_timeout: limits.request_timeout,
            write_timeout: limits.write_timeout,
            share: budget.reservation(),
            request: 0,
            begun: false,
            head: 0,
            head_end: None,
            head_sleep: None,
            request_end: None,
            write_deadline: None,
            watch: Watch::Reading,
            read_error: None,
        }
    }

    /// Gives back bytes that hyper has read ahead.
    pub(in crate::runtime::http) fn give_back(&mut self, early: Bytes) {
        self.head_sleep = None;
        if early.is_empty() {
            self.share.set(0);
        } else {
            self.early = self.with_rest(early);
        }
    }

    /// The bytes `early`, followed by the given-back bytes that were not read yet.
    fn with_rest(&self, early: Bytes) -> Bytes {
        match self.early.is_empty() {
            true => early,
            false => [early, self.early.clone()].concat().into(),
        }
    }

    /// The stream for another protocol, and the bytes that were read ahead.
    pub(in crate::runtime::http) fn into_stream(self) -> (S, Bytes) {
        (self.stream, self.early)
    }

    /// Reads and discards input after the last response, until the client ends its output or [`LINGER`] is exceeded.
    pub(in crate::runtime::http) async fn linger(mut self) {
        let read = async {
            let mut waste = vec![0; 16 << 10];
            let mut left = LINGER.0;
            while left > 0
                && let Ok(read @ 1..) = read_some(&mut self.stream, &mut waste).await
            {
                left = left.saturating_sub(read);
            }
        };
        let _ = tokio::time::timeout(LINGER.1, read).await;
    }

    /// Whether the deadline of the request's head has passed.
    fn head_is_late(&mut self, task: &mut Context<'_>) -> bool {
        let timeout = self.header_timeout;
        let end = *self.head_end.get_or_insert_with(|| Instant::now() + timeout);
        let sleep = self.head_sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(end)));
        while sleep.as_mut().poll(task).is_ready() {
            if sleep.deadline() >= end {
                return true;
            }
            sleep.as_mut().reset(end);
        }
        false
    }

    fn wrote(&mut self, task: &mut Context<'_>, poll: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match poll {
            Poll::Ready(Ok(bytes)) => {
                if let Some(write_deadline) = &mut self.write_deadline {
                    write_deadline.taken += bytes;
                    if write_deadline.taken >= PROGRESS {
                        self.write_deadline = None;
                    }
                }
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(error) => Poll::Ready(error),
            Poll::Pending => {
                // A client that has not read its response is not idle.
                self.connection.busy();
                let timeout = self.write_timeout;
                let write_deadline = self.write_deadline.get_or_insert_with(|| WriteDeadline {
                    end: Box::pin(tokio::time::sleep(timeout)),
                    taken: 0,
                });
                ready!(write_deadline.end.as_mut().poll(task));
                self.stream.abandon();
                Poll::Ready(Err(ErrorKind::TimedOut.into()))
            }
        }
    }

    /// Checks whether a client that waits for a response is still connected.
    ///
    /// A client that ends its output may have disconnected, or may have sent its last request. So the server writes
    /// something: if the client has disconnected, that write fails.
    fn look(&mut self, task: &mut Context<'_>) -> io::Result<()> {
        if !self.connection.is_waiting() {
            self.watch = Watch::Reading;
            return Ok(());
        }
        if let Some(error) = self.read_error {
            return Err(error.into());
        }
        loop {
            match &mut self.watch {
                Watch::Reading if !self.early.is_empty() => self.watch = Watch::Done,
                Watch::Reading => match self.stream.poll_sent(task)? {
                    Poll::Pending => return Ok(()),
                    Poll::Ready(Sent::End) => {
                        self.watch =
                            Watch::HalfClosed { next: Box::pin(tokio::time::sleep(PROBE_DELAY)), again: true }
                    }
                    Poll::Ready(Sent::Bytes) => self.watch = Watch::Done,
                },
                Watch::HalfClosed { next, again } => {
                    if next.as_mut().poll(task).is_pending() {
                        return Ok(());
                    }
                    self.connection.request_probe();
                    task.waker().wake_by_ref();
                    self.watch = match again {
                        true => Watch::HalfClosed {
                            next: Box::pin(tokio::time::sleep(PROBE_DELAY)),
                            again: false,
                        },
                        false => Watch::Done,
                    };
                }
                Watch::Done => return Ok(()),
            }
        }
    }
}

impl<S: Io> AsyncRead for Socket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let answered = this.connection.answered();
        if this.request != answered {
            (this.request, this.begun, this.head, this.request_end) = (answered, false, 0, None);
            this.head_end = None;
        }
        let before = buffer.filled().len();
        let read = match buffer.remaining() {
            room if !this.early.is_empty() => {
                let part = this.early.split_to(this.early.len().min(room));
                buffer.put_slice(&part);
                Poll::Ready(Ok(()))
            }
            0..=MAX_READ => Pin::new(&mut this.stream).poll_read(task, buffer),
            _ => {
                let mut part = ReadBuf::new(buffer.initialize_unfilled_to(MAX_READ));
                let read = Pin::new(&mut this.stream).poll_read(task, &mut part);
                let bytes = part.filled().len();
                buffer.advance(bytes);
                read
            }
        };
        if let Poll::Ready(Err(error)) = &read {
            this.read_error = Some(error.kind());
        }
        // Bodies are counted in the budget where they are assembled.
        if !this.connection.is_in_body() {
            this.head = this.head.saturating_add(buffer.filled().len() - before);
            let held = this.head.min(MAX_HEAD) + buffer.remaining();
            // If the budget has no memory for a long head, the connection ends.
            if !this.share.set(held.saturating_sub(BUFFER)) {
                return Poll::Ready(Err(ErrorKind::OutOfMemory.into()));
            }
        }
        if read.is_ready() {
            this.begun = true;
            return read;
        }
        // The timeout of the head also applies between requests.
        if !this.connection.is_in_body() && !this.connection.is_waiting() {
            if this.head_is_late(task) {
                return Poll::Ready(Err(ErrorKind::TimedOut.into()));
            }
            if this.write_deadline.is_none()
                && let Some(end) = this.head_end
            {
                this.connection.idle(end.into_std());
            }
        }
        if !this.begun {
            return Poll::Pending;
        }
        let timeout = this.request_timeout;
        let end = this.request_end.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        end.as_mut().poll(task).map(|()| Err(ErrorKind::TimedOut.into()))
    }
}

impl<S: Io> AsyncWrite for Socket<S> {
    fn poll_write(mut self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(task, bytes);
        self.wrote(task, poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write_vectored(task, bytes);
        self.wrote(task, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper calls this after all output is written, and in each poll in which there is nothing to write.
    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write_deadline = None;
        self.connection.flushed();
        self.look(task)?;
        Pin::new(&mut self.stream).poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(task)
    }
}
