//! Sockets that the program passes to the engine.

use crate::error::{Error, ErrorKind};
use crate::runtime::platform::listens;
use crate::runtime::sockets::io::Movable;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::{Errno, FdFlags, fcntl_setfd, ioctl_fionbio};
use rustix::net::{AddressFamily, SocketType, getpeername, getsockname, sockopt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// The type of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::runtime) struct Socket {
    pub(in crate::runtime) family: Family,
    /// Whether the socket listens. If not, it is a connection.
    pub(in crate::runtime) listens: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::runtime) enum Family {
    Tcp,
    Unix,
}

/// A listening socket that is registered with an executor.
pub(in crate::runtime) enum Listening {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A connection that is registered with an executor.
pub(in crate::runtime) enum Connected {
    Tcp(TcpStream),
    Unix(UnixStream),
}

fn unusable(why: impl std::fmt::Display) -> Error {
    Error::invalid(format!("socket: {why}"))
}

/// Determines the type of the socket. Fails if the socket cannot be served.
pub(in crate::runtime) fn inspect(socket: &OwnedFd) -> Result<Socket, Error> {
    match sockopt::socket_type(socket) {
        Ok(SocketType::STREAM) => {}
        Ok(_) => return Err(unusable("it is not a stream socket (SOCK_STREAM)")),
        Err(Errno::NOTSOCK) => return Err(unusable("the descriptor is not a socket")),
        Err(error) => return Err(unusable(error)),
    }
    let family = match getsockname(socket).map_err(unusable)?.address_family() {
        AddressFamily::INET | AddressFamily::INET6 => Family::Tcp,
        AddressFamily::UNIX => Family::Unix,
        _ => return Err(unusable("it is neither a TCP nor a Unix socket")),
    };
    match getpeername(socket) {
        Ok(_) => Ok(Socket { family, listens: false }),
        Err(Errno::NOTCONN | Errno::INVAL) if listens(socket) => Ok(Socket { family, listens: true }),
        Err(Errno::NOTCONN | Errno::INVAL) => {
            Err(unusable("it is neither connected nor listening; connect it or make it listen first"))
        }
        Err(error) => Err(unusable(error)),
    }
}

/// Prepares the socket for the executor of the caller. The socket becomes non-blocking, even for other processes that
/// share it.
fn prepare(socket: &OwnedFd) -> Result<(), Error> {
    fcntl_setfd(socket, FdFlags::CLOEXEC).and_then(|()| ioctl_fionbio(socket, true)).map_err(unusable)
}

fn refused(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("socket: {error}"))
}

pub(in crate::runtime) fn listening(socket: OwnedFd) -> Result<Listening, Error> {
    prepare(&socket)?;
    Ok(match inspect(&socket)? {
        Socket { listens: false, .. } => return Err(unusable("it is connected; pass a socket that listens")),
        Socket { family: Family::Tcp, .. } => {
            Listening::Tcp(TcpListener::from_std(socket.into()).map_err(refused)?)
        }
        Socket { family: Family::Unix, .. } => {
            Listening::Unix(UnixListener::from_std(socket.into()).map_err(refused)?)
        }
    })
}

pub(in crate::runtime) fn connected(socket: OwnedFd) -> Result<Connected, Error> {
    prepare(&socket)?;
    Ok(match inspect(&socket)?.family {
        Family::Tcp => Connected::Tcp(TcpStream::attach(socket.into()).map_err(refused)?),
        Family::Unix => Connected::Unix(UnixStream::attach(socket.into()).map_err(refused)?),
    })
}

/// Whether the other side of a connection has disconnected for good. For TCP, only a write can show that.
pub(in crate::runtime) fn has_hung_up(socket: &impl AsFd) -> bool {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut fds = [PollFd::new(socket, PollFlags::empty())];
    poll(&mut fds, Some(&now)).is_ok() && fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)
}
