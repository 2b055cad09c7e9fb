//! The event stream of one HTTP+SSE client, as the body of its response.

use super::endpoint::{Session, SseEndpoint};
use crate::dispatch::observer::StreamScope;
use crate::dispatch::shares::Part;
use crate::host::{CancelReason, ExpiryGuard};
use crate::proto::framing::sse;
use crate::runtime::http::connection::connection_state::ConnectionState;
use crate::runtime::http::response::body::MessageStream;
use bytes::Bytes;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The maximum size of one chunk, without its last message.
const CHUNK_BYTES: usize = 64 << 10;

/// The stream of one client, as the body of its response.
pub(super) struct SseStream {
    pub(super) endpoint: Arc<SseEndpoint>,
    pub(super) session: Arc<Session>,
    pub(super) connection: Arc<ConnectionState>,
    /// The address for messages; `None` after it was sent.
    pub(super) address: Option<String>,
    pub(super) ended: bool,
    /// The part of the client's share that the stream takes.
    pub(super) _part: Option<Part>,
    /// Ends the stream with the credential of its principal.
    pub(super) _expiry: Option<ExpiryGuard>,
    /// The stream for observers.
    pub(super) _scope: StreamScope,
}

impl MessageStream for SseStream {
    fn has_ended(&self) -> bool {
        self.ended
    }

    /// The next piece; `None` at the end of the stream.
    fn poll_chunk(&mut self, task: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let Session { peer, queue, .. } = &*self.session;
        queue.register(task);
        let mut out = Vec::new();
        if let Some(address) = self.address.take() {
            sse::encode(Some("endpoint"), None, address.as_bytes(), &mut out);
        }
        // This is checked before the queue is read, because no message is queued after the end of the last call.
        let done = queue.is_ending() && peer.in_flight() == 0;
        if done {
            self.endpoint.engine().close_peer(peer, CancelReason::Closing);
        }
        let mut messages = Vec::new();
        queue.take(CHUNK_BYTES, &mut messages);
        let bytes = messages.iter().map(Bytes::len).sum();
        out.reserve(bytes + 32 * messages.len());
        for message in messages {
            sse::encode(Some("message"), None, &message, &mut out);
        }
        let (ping, comment) = queue.wrote_and_due(bytes);
        if let Some(number) = ping {
            sse::encode(Some("message"), None, sse::ping(number).as_bytes(), &mut out);
        }
        if (self.connection.take_probe_request() | comment) && out.is_empty() {
            sse::encode_comment("", &mut out);
        }
        if out.is_empty() && !done {
            return Poll::Pending;
        }
        self.ended = done && queue.is_empty();
        if out.is_empty() {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(self.connection.budget().count(out.into())))
    }
}

impl Drop for SseStream {
    /// Ends the session, because the client has disconnected (SSE-8).
    fn drop(&mut self) {
        self.connection.wait(false);
        let Session { id, peer, queue, .. } = &*self.session;
        self.endpoint.sessions.lock().remove(id);
        queue.close();
        self.endpoint.engine().end_input(peer);
        self.endpoint.engine().close_peer(peer, CancelReason::Disconnected);
    }
}
