//! The interface that a listener needs from its connections, and the implementation for TCP. The implementation for
//! Unix sockets is in `unix`. Another kind of connection would implement these three traits.

use crate::dispatch::observer::Transport;
use crate::error::{Error, ErrorKind};
use crate::runtime::sockets::owned_listener::OwnedListener;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// The number of connections that the system may queue before they are accepted.
pub(in crate::runtime) const BACKLOG: u32 = 1024;

/// Both directions of one connection.
pub(in crate::runtime) trait Io:
    AsyncRead + AsyncWrite + Send + Sized + Unpin + 'static
{
    /// Ready if there is input, or if the other side will send no more. Does not consume input.
    fn poll_sent(&mut self, task: &mut Context<'_>) -> Poll<io::Result<Sent>>;

    /// Discards unwritten data when the connection is dropped.
    fn abandon(&self);

    /// Whether the other side is known to have disconnected, so that it neither sends nor reads.
    fn is_gone(&self) -> bool {
        false
    }

    /// Reports to observers that the connection continues with another protocol.
    fn becomes(&mut self, _transport: Transport) {}
}

/// A connection that can move to another executor.
pub(in crate::runtime) trait Movable: Io {
    /// The connection while it moves to another executor.
    type Detached: Send;

    /// Removes the connection from the executor on which it was accepted.
    fn detach(self) -> io::Result<Self::Detached>;

    /// Registers the connection with the executor of the caller.
    fn attach(detached: Self::Detached) -> io::Result<Self>;
}

/// The result of [`Io::poll_sent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::runtime) enum Sent {
    /// The other side has sent data that has not been read yet.
    Bytes,
    /// The other side sends no more. It may still read.
    End,
}

/// A source of connections.
pub(in crate::runtime) trait Accept: Send + 'static {
    type Io: Movable;

    /// Accepts the next connection. Returns the address of its client if clients have addresses.
    fn poll_accept(&mut self, task: &mut Context<'_>) -> Poll<io::Result<(Self::Io, Option<IpAddr>)>>;
}

impl Io for TcpStream {
    fn poll_sent(&mut self, task: &mut Context<'_>) -> Poll<io::Result<Sent>> {
        let mut byte = [0];
        let peeked = ready!(self.poll_peek(task, &mut ReadBuf::new(&mut byte)))?;
        Poll::Ready(Ok(if peeked == 0 { Sent::End } else { Sent::Bytes }))
    }

    fn abandon(&self) {
        // Without this, the system would keep the unwritten data and continue to send it.
        let _ = self.set_zero_linger();
    }
}

impl Movable for TcpStream {
    type Detached = std::net::TcpStream;

    fn detach(self) -> io::Result<std::net::TcpStream> {
        self.into_std()
    }

    fn attach(detached: std::net::TcpStream) -> io::Result<TcpStream> {
        TcpStream::from_std(detached)
    }
}

impl Accept for TcpListener {
    type Io = TcpStream;

    fn poll_accept(&mut self, task: &mut Context<'_>) -> Poll<io::Result<(TcpStream, Option<IpAddr>)>> {
        let (stream, address) = ready!(TcpListener::poll_accept(self, task))?;
        let _ = stream.set_nodelay(true);
        Poll::Ready(Ok((stream, Some(address.ip()))))
    }
}

/// Listens on the first usable address to which `address` resolves. Must be called inside an executor.
pub(in crate::runtime) fn bind(address: &str) -> Result<(OwnedListener<TcpListener>, SocketAddr), Error> {
    let failed =
        |error: io::Error| Error::new(ErrorKind::Address, format!("cannot listen on {address}: {error}"));
    let mut last = None;
    for candidate in address.to_socket_addrs().map_err(failed)? {
        let bound = (|| {
            let socket = if candidate.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
            socket.set_reuseaddr(true)?;
            socket.bind(candidate)?;
            let listener = socket.listen(BACKLOG)?;
            let address = listener.local_addr()?;
            Ok((OwnedListener::new(listener), address))
        })();
        match bound {
            Ok(bound) => return Ok(bound),
            Err(error) => last = Some(error),
        }
    }
    Err(failed(last.unwrap_or_else(|| io::Error::other("the name has no address"))))
}

/// Reads the bytes that are available, and waits if there are none. Returns 0 at the end of the input.
pub(in crate::runtime) async fn read_some(io: &mut impl Io, buffer: &mut [u8]) -> io::Result<usize> {
    std::future::poll_fn(|task| {
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(&mut *io).poll_read(task, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    })
    .await
}
