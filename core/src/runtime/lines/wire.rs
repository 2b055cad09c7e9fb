//! The interface that a line-based transport needs from its connection.

use crate::runtime::sockets::io::Io;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Both directions of one client.
pub(super) trait Wire: AsyncWrite + Unpin + Send + 'static {
    /// Reads the available bytes. Returns 0 at the end of the input.
    fn poll_read(&mut self, task: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Whether the client is known to have disconnected, so that it neither sends nor reads.
    fn is_gone(&self) -> bool;

    /// Discards unwritten bytes when the connection is dropped.
    fn abandon(&self);
}

fn read(
    stream: Pin<&mut (impl AsyncRead + ?Sized)>,
    task: &mut Context<'_>,
    buffer: &mut [u8],
) -> Poll<io::Result<usize>> {
    let mut buffer = ReadBuf::new(buffer);
    ready!(stream.poll_read(task, &mut buffer))?;
    Poll::Ready(Ok(buffer.filled().len()))
}

impl<S: Io> Wire for S {
    fn poll_read(&mut self, task: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        read(Pin::new(self), task, buffer)
    }

    fn is_gone(&self) -> bool {
        Io::is_gone(self)
    }

    fn abandon(&self) {
        Io::abandon(self);
    }
}

/// A stream of the program, of any type.
pub(in crate::runtime) trait Stream: AsyncRead + AsyncWrite + Send {}

impl<S: AsyncRead + AsyncWrite + Send> Stream for S {}

/// Makes a stream of the program usable as a [`Wire`].
pub(super) struct BoxedStream(pub(super) Pin<Box<dyn Stream>>);

impl AsyncWrite for BoxedStream {
    fn poll_write(mut self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.as_mut().poll_write(task, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.as_mut().poll_write_vectored(task, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.as_mut().poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.as_mut().poll_shutdown(task)
    }
}

impl Wire for BoxedStream {
    fn poll_read(&mut self, task: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        read(self.0.as_mut(), task, buffer)
    }

    fn is_gone(&self) -> bool {
        false
    }

    fn abandon(&self) {}
}
