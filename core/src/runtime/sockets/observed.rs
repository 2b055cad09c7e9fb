//! A connection whose bytes and end are reported to observers.

use crate::dispatch::observer::{ConnectionScope, Observers, Transport};
use crate::runtime::sockets::io::{Io, Sent};
use std::io::{self, IoSlice};
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection of any kind, with what observers are told of it.
pub(in crate::runtime) struct Observed<S> {
    io: S,
    // Dropped after the connection.
    scope: ConnectionScope,
}

impl<S> Observed<S> {
    /// Reports that a client has connected.
    pub(in crate::runtime) fn new(
        observers: &Observers,
        transport: Transport,
        peer: Option<IpAddr>,
        io: S,
    ) -> Observed<S> {
        let scope = ConnectionScope::open(observers, transport, || Some(peer?.to_canonical().to_string()));
        Observed { io, scope }
    }

    #[inline]
    fn sent(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &written {
            self.scope.sent(*bytes);
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Observed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(task, buffer);
        self.scope.received(buffer.filled().len() - before);
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Observed<S> {
    fn poll_write(mut self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(task, bytes);
        self.sent(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(task, bytes);
        self.sent(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(task)
    }
}

impl<S: Io> Io for Observed<S> {
    fn poll_sent(&mut self, task: &mut Context<'_>) -> Poll<io::Result<Sent>> {
        self.io.poll_sent(task)
    }

    fn abandon(&self) {
        self.io.abandon();
    }

    fn is_gone(&self) -> bool {
        self.io.is_gone()
    }

    fn becomes(&mut self, transport: Transport) {
        self.scope.becomes(transport);
    }
}
