//! Things that open and close: each reports both events, or none of them.

use super::{EventKind, Interests, Observers, StreamKind, Transport, observe};
use crate::proto::version::Revision;
use std::sync::Arc;

const CONNECTION: Interests = Interests::of(&[
    EventKind::ConnectionOpened,
    EventKind::ConnectionClosed,
    EventKind::BytesReceived,
    EventKind::BytesSent,
]);
const SESSION: Interests = Interests::of(&[EventKind::SessionBegun, EventKind::SessionEnded]);
const STREAM: Interests = Interests::of(&[EventKind::StreamOpened, EventKind::StreamClosed]);

/// An open connection. Dropping it reports the end. It is empty if no observer wants its events.
#[derive(Default)]
pub(crate) struct ConnectionScope(Option<Box<Connection>>);

struct Connection {
    observers: Observers,
    number: u64,
    transport: Transport,
    peer: Option<String>,
}

impl ConnectionScope {
    /// Reports that a client has connected. `peer` is its address.
    pub(crate) fn open(
        observers: &Observers,
        transport: Transport,
        peer: impl FnOnce() -> Option<String>,
    ) -> ConnectionScope {
        if !observers.wants_any(CONNECTION) {
            return ConnectionScope(None);
        }
        let connection = Connection {
            observers: observers.clone(),
            number: observers.number(),
            transport,
            peer: peer().filter(|peer| !peer.is_empty()),
        };
        connection.opened();
        ConnectionScope(Some(Box::new(connection)))
    }

    /// Reports that the connection continues with another protocol.
    #[cfg_attr(not(feature = "runtime"), allow(dead_code))]
    pub(crate) fn becomes(&mut self, transport: Transport) {
        if let Some(connection) = &mut self.0 {
            connection.closed();
            connection.transport = transport;
            connection.opened();
        }
    }

    /// Reports bytes that were read.
    #[inline]
    pub(crate) fn received(&self, bytes: usize) {
        if let Some(Connection { observers, transport, .. }) = self.0.as_deref().filter(|_| bytes > 0) {
            observe!(observers => BytesReceived { transport: *transport, bytes });
        }
    }

    /// Reports bytes that were written.
    #[inline]
    pub(crate) fn sent(&self, bytes: usize) {
        if let Some(Connection { observers, transport, .. }) = self.0.as_deref().filter(|_| bytes > 0) {
            observe!(observers => BytesSent { transport: *transport, bytes });
        }
    }
}

impl Connection {
    fn opened(&self) {
        let (connection, transport, peer) = (self.number, self.transport, self.peer.as_deref());
        observe!(&self.observers => ConnectionOpened { connection, transport, peer });
    }

    fn closed(&self) {
        let (connection, transport, peer) = (self.number, self.transport, self.peer.as_deref());
        observe!(&self.observers => ConnectionClosed { connection, transport, peer });
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.closed();
    }
}

/// A session. Dropping it reports the end. It is empty if no observer wants its events.
#[derive(Default)]
pub(crate) struct SessionScope {
    _open: Option<Box<Session>>,
}

struct Session {
    observers: Observers,
    number: u64,
    id: Option<Arc<str>>,
}

impl SessionScope {
    pub(crate) fn begin(
        observers: &Observers,
        id: Option<&Arc<str>>,
        revision: Revision,
        resumed: bool,
    ) -> SessionScope {
        if !observers.wants_any(SESSION) {
            return SessionScope::default();
        }
        let session = Session { observers: observers.clone(), number: observers.number(), id: id.cloned() };
        let (session_id, number) = (session.id.as_deref(), session.number);
        observe!(observers => SessionBegun { session: number, id: session_id, revision, resumed });
        SessionScope { _open: Some(Box::new(session)) }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        observe!(&self.observers => SessionEnded { session: self.number, id: self.id.as_deref() });
    }
}

/// An open stream. Dropping it reports the end. It is empty if no observer wants its events.
#[derive(Default)]
pub(crate) struct StreamScope {
    _open: Option<Box<Stream>>,
}

struct Stream {
    observers: Observers,
    number: u64,
    kind: StreamKind,
}

impl StreamScope {
    pub(crate) fn open(observers: &Observers, kind: StreamKind) -> StreamScope {
        if !observers.wants_any(STREAM) {
            return StreamScope::default();
        }
        let stream = Stream { observers: observers.clone(), number: observers.number(), kind };
        observe!(observers => StreamOpened { stream: stream.number, stream_kind: kind });
        StreamScope { _open: Some(Box::new(stream)) }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        observe!(&self.observers => StreamClosed { stream: self.number, stream_kind: self.kind });
    }
}
