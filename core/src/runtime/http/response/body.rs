//! The body of a response: empty, one piece, or an event stream.

use crate::dispatch::calls::table::CallId;
use crate::dispatch::observer::StreamScope;
use crate::dispatch::principal::Principal;
use crate::dispatch::shares::Part;
use crate::host::{CancelReason, Engine, ExpiryGuard, ListenId};
use crate::runtime::http::connection::connection_state::ConnectionState;
use crate::runtime::http::response::response_channel::{Chunk, ResponseChannel, ResponseForm};
use crate::runtime::http::resumption::open_streams::OpenStreamGuard;
use crate::runtime::http::session::legacy_session::{Lease, Session};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The body of a response: empty, one piece, or an event stream.
///
/// A stream makes progress only when it is polled. It buffers at most
/// [`Limits::max_outbound_bytes`](crate::Limits::max_outbound_bytes) for a client that does not read. If the body is
/// dropped before its end, the client counts as disconnected, and in the modern era its call is cancelled.
pub struct ResponseBody(Inner);

enum Inner {
    Whole(Bytes),
    /// In a box, because responses are moved often, and few are streams.
    Stream(Box<Stream>),
    /// The stream of one client of HTTP+SSE, with all its messages.
    Channel(Box<dyn MessageStream>),
}

/// The messages for one client's channel, as a body.
pub(in crate::runtime::http) trait MessageStream: Send + Sync {
    fn has_ended(&self) -> bool;

    /// The next piece; `None` at the end.
    fn poll_chunk(&mut self, task: &mut Context<'_>) -> Poll<Option<Bytes>>;
}

/// One request, until its response is complete.
pub(in crate::runtime::http) struct Exchange {
    pub(in crate::runtime::http) engine: Engine,
    pub(in crate::runtime::http) channel: Arc<ResponseChannel>,
    /// The call or the listen stream of a modern request. It ends when the client disconnects. `None` in a legacy
    /// session, where a call continues (MH-50 to MH-52).
    pub(in crate::runtime::http) in_flight: Option<InFlight>,
    /// Marks the legacy session as in use.
    lease: Option<Lease>,
    /// The connection, if it belongs to a listener of the engine.
    connection: Option<Arc<ConnectionState>>,
    /// The number of this reader of the stream. Each reconnect has its own number.
    pub(in crate::runtime::http) reader: u32,
    /// The part of the client's share that the exchange takes.
    part: Option<Part>,
    /// Ends the response with the credential of its principal.
    expiry: Option<ExpiryGuard>,
}

/// The call or the listen stream of a modern request.
#[derive(Clone, Copy)]
pub(in crate::runtime::http) enum InFlight {
    Call(CallId),
    Listen(ListenId),
}

impl Exchange {
    pub(in crate::runtime::http) fn new(
        engine: Engine,
        channel: Arc<ResponseChannel>,
        in_flight: Option<InFlight>,
        lease: Option<Lease>,
        connection: Option<&Arc<ConnectionState>>,
    ) -> Exchange {
        if let Some(connection) = connection {
            connection.wait(true);
        }
        Exchange {
            engine,
            channel,
            in_flight,
            lease,
            connection: connection.cloned(),
            reader: 0,
            part: None,
            expiry: None,
        }
    }

    /// Counts the exchange in its client's share while the exchange is open.
    pub(in crate::runtime::http) fn with_part(mut self, part: Option<Part>) -> Exchange {
        self.part = part;
        self
    }

    /// Sets the number of the reader, for a client that has reconnected.
    pub(in crate::runtime::http) fn for_reader(mut self, reader: u32) -> Exchange {
        self.reader = reader;
        self
    }

    /// Ends the response with the credential of this principal. The reader's number is set before.
    pub(in crate::runtime::http) fn until_expiry(mut self, principal: Option<&Principal>) -> Exchange {
        let (channel, reader) = (Arc::downgrade(&self.channel), self.reader);
        self.expiry = self.engine.until_expiry(principal, move || {
            if let Some(channel) = channel.upgrade() {
                channel.end_reader(reader);
            }
        });
        self
    }

    /// The session that the exchange uses.
    pub(in crate::runtime::http) fn session(&self) -> Option<&Arc<Session>> {
        self.lease.as_ref().map(Lease::session)
    }

    /// Waits until the form of the response is known.
    pub(in crate::runtime::http) fn poll_first(&self, task: &mut Context<'_>) -> Poll<ResponseForm> {
        self.listen();
        self.channel.poll_first(task)
    }

    fn poll_chunk(&self, task: &mut Context<'_>) -> Poll<Chunk> {
        self.listen();
        self.channel.poll_chunk(self.reader, task)
    }

    /// Writes a comment if the connection needs a test write.
    fn listen(&self) {
        if self.connection.as_ref().is_some_and(|connection| connection.take_probe_request()) {
            self.channel.comment();
        }
    }

    /// Records that the request has ended, so that a later drop cancels nothing.
    pub(in crate::runtime::http) fn finish(&mut self) {
        self.in_flight = None;
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let Some(connection) = &self.connection {
            connection.wait(false);
        }
        // The channel is closed before the cancellation, which then has no client to notify.
        let undelivered = self.channel.leave(self.reader);
        if let Some(lease) = &self.lease {
            for question in undelivered {
                self.engine.undelivered(lease.peer(), question.id, question.body);
            }
        }
        match self.in_flight.take() {
            Some(InFlight::Call(call)) => drop(self.engine.cancel(call, CancelReason::Disconnected)),
            Some(InFlight::Listen(listen)) => self.engine.unlisten(listen),
            None => {}
        }
    }
}

struct Stream {
    exchange: Exchange,
    /// Registers the stream for keep-alive comments while it is open.
    _entry: OpenStreamGuard,
    /// The stream for observers.
    _scope: StreamScope,
    ended: bool,
}

impl ResponseBody {
    pub(in crate::runtime::http) fn empty() -> ResponseBody {
        ResponseBody(Inner::Whole(Bytes::new()))
    }

    pub(in crate::runtime::http) fn whole(bytes: Bytes) -> ResponseBody {
        ResponseBody(Inner::Whole(bytes))
    }

    /// Whether this is a stream that has not ended.
    pub(in crate::runtime::http) fn is_open(&self) -> bool {
        match &self.0 {
            Inner::Whole(_) => false,
            Inner::Stream(stream) => !stream.ended,
            Inner::Channel(stream) => !stream.has_ended(),
        }
    }

    pub(in crate::runtime::http) fn channel(stream: Box<dyn MessageStream>) -> ResponseBody {
        ResponseBody(Inner::Channel(stream))
    }

    pub(in crate::runtime::http) fn stream(
        exchange: Exchange,
        entry: OpenStreamGuard,
        scope: StreamScope,
    ) -> ResponseBody {
        let stream = Stream { exchange, _entry: entry, _scope: scope, ended: false };
        ResponseBody(Inner::Stream(Box::new(stream)))
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = match &mut self.0 {
            Inner::Whole(bytes) => std::mem::take(bytes),
            Inner::Stream(stream) if stream.ended => return Poll::Ready(None),
            Inner::Channel(stream) if stream.has_ended() => return Poll::Ready(None),
            Inner::Channel(stream) => match stream.poll_chunk(task) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(bytes) => bytes.unwrap_or_default(),
            },
            Inner::Stream(stream) => match stream.exchange.poll_chunk(task) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Chunk::More(bytes)) => bytes,
                Poll::Ready(Chunk::Last(bytes)) => {
                    stream.ended = true;
                    stream.exchange.finish();
                    bytes
                }
            },
        };
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Inner::Whole(bytes) => bytes.is_empty(),
            Inner::Stream(stream) => stream.ended,
            Inner::Channel(stream) => stream.has_ended(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Inner::Stream(stream) if stream.ended => SizeHint::with_exact(0),
            Inner::Channel(stream) if stream.has_ended() => SizeHint::with_exact(0),
            Inner::Stream(_) | Inner::Channel(_) => SizeHint::default(),
        }
    }
}
