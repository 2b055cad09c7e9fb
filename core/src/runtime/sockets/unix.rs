//! Unix sockets: the connections, and the socket file of a listener.

use crate::error::{Error, ErrorKind};
use crate::runtime::sockets::io::{Accept, BACKLOG, Io, Movable, Sent};
use crate::runtime::sockets::owned_listener::OwnedListener;
use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use std::fs::{self, Metadata, Permissions};
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::Interest;
use tokio::net::{UnixListener, UnixSocket, UnixStream};

/// The default permissions of a socket file: only the user that the server runs as may connect.
pub(in crate::runtime) const MODE: u32 = 0o600;

/// The maximum length of a path in a socket's address, including the NUL at its end.
const MAX_PATH: usize = 108;

/// The time that another process may take to bind a socket in the same directory.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);
const LOCK_RETRY: Duration = Duration::from_millis(5);

impl Io for UnixStream {
    fn poll_sent(&mut self, task: &mut Context<'_>) -> Poll<io::Result<Sent>> {
        loop {
            ready!(self.poll_read_ready(task))?;
            let peek = || Ok(recv(&*self, &mut [0u8; 1], RecvFlags::PEEK)?.0);
            match self.try_io(Interest::READABLE, peek) {
                Ok(0) => return Poll::Ready(Ok(Sent::End)),
                Ok(_) => return Poll::Ready(Ok(Sent::Bytes)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Does nothing, because written data is already in the buffer of the other side.
    fn abandon(&self) {}

    fn is_gone(&self) -> bool {
        crate::runtime::sockets::inherited_sockets::has_hung_up(self)
    }
}

impl Movable for UnixStream {
    type Detached = std::os::unix::net::UnixStream;

    fn detach(self) -> io::Result<Self::Detached> {
        self.into_std()
    }

    fn attach(detached: Self::Detached) -> io::Result<UnixStream> {
        UnixStream::from_std(detached)
    }
}

impl Accept for UnixListener {
    type Io = UnixStream;

    /// All clients are on this machine, and clients have no address.
    fn poll_accept(&mut self, task: &mut Context<'_>) -> Poll<io::Result<(UnixStream, Option<IpAddr>)>> {
        Poll::Ready(Ok((ready!(UnixListener::poll_accept(self, task))?.0, None)))
    }
}

/// A listener with its socket file. When it is dropped, the file is removed.
pub(in crate::runtime) struct Bound {
    // The file is removed before the listener closes. So a process that finds no file may bind, and a process that
    // finds a file finds a listener.
    _file: SocketFile,
    listener: OwnedListener<UnixListener>,
}

impl Accept for Bound {
    type Io = UnixStream;

    fn poll_accept(&mut self, task: &mut Context<'_>) -> Poll<io::Result<(UnixStream, Option<IpAddr>)>> {
        Accept::poll_accept(&mut self.listener, task)
    }
}

/// The socket file of a listener. When this is dropped, the file is removed if it is still the same file.
struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
    process: u64,
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<SocketFile> {
        let found = fs::symlink_metadata(path)?;
        Ok(SocketFile {
            // The path must be absolute, because the program may change its working directory.
            path: std::path::absolute(path)?,
            device: found.dev(),
            inode: found.ino(),
            process: tenon_crash::process(),
        })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = |found: Metadata| (found.dev(), found.ino()) == (self.device, self.inode);
        // A forked process has a copy of this object, and must not remove the file.
        if self.process == tenon_crash::process() && fs::symlink_metadata(&self.path).is_ok_and(is_ours) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn failed(path: &Path, why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Address, format!("cannot listen on unix socket {}: {why}", path.display()))
}

/// Checks a path without access to the file. Fails if the path is empty, too long, or contains a NUL byte.
pub(in crate::runtime) fn check_path(path: &Path) -> Result<(), Error> {
    let bytes = path.as_os_str().as_encoded_bytes();
    let wrong = |why: String| Err(Error::invalid(format!("unix socket path {:?}: {why}", path.display())));
    match bytes.len() {
        0 => wrong("is empty".into()),
        length if length >= MAX_PATH => {
            wrong(format!("is too long: {length} bytes; the system allows {}", MAX_PATH - 1))
        }
        _ if bytes.contains(&0) => wrong("contains a NUL byte".into()),
        _ => Ok(()),
    }
}

/// Fails if `mode` is not a valid file permission.
pub(in crate::runtime) fn check_mode(mode: u32) -> Result<(), Error> {
    match mode {
        0..=0o777 => Ok(()),
        _ => Err(Error::invalid(format!("unix socket mode {mode:#o} must be between 0 and 0o777"))),
    }
}

/// Listens on a path. If an ended server has left a socket file there, the file is replaced. Fails if a process listens
/// on the file, or if the file is not a socket. Must be called inside an executor.
pub(in crate::runtime) fn bind(path: &Path, mode: u32) -> Result<Bound, Error> {
    let _alone = lock_directory(path)?;
    make_room(path)?;
    let failed = |error: io::Error| failed(path, error);
    let socket = UnixSocket::new_stream().map_err(failed)?;
    socket.bind(path).map_err(failed)?;
    let file = SocketFile::of(path).map_err(failed)?;
    // No client can connect before the socket listens, so no client connects with other permissions.
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed)?;
    let listener = socket.listen(BACKLOG).map_err(failed)?;
    Ok(Bound { _file: file, listener: OwnedListener::new(listener) })
}

/// Prevents other servers from binding in the same directory until this server listens. Without the lock, another
/// server could create its socket between the check of an unused socket and its removal. On file systems without locks,
/// all servers continue.
fn lock_directory(path: &Path) -> Result<Option<rustix::fd::OwnedFd>, Error> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = match open(directory, flags, Mode::empty()) {
        Ok(directory) => directory,
        // The directory may be searched and written, but not read.
        Err(Errno::ACCESS) => return Ok(None),
        Err(error) => return Err(failed(path, error)),
    };
    let end = Instant::now() + LOCK_TIMEOUT;
    loop {
        match flock(&directory, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Some(directory)),
            Err(Errno::WOULDBLOCK) if Instant::now() < end => std::thread::sleep(LOCK_RETRY),
            Err(Errno::WOULDBLOCK) => return Err(failed(path, "another process has locked its directory")),
            Err(Errno::INTR) => {}
            Err(_) => return Ok(None),
        }
    }
}

/// Removes the socket file if no process listens on it. Fails if a process does.
fn make_room(path: &Path) -> Result<(), Error> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(path, error)),
    };
    if !found.file_type().is_socket() {
        return Err(failed(path, "the file is not a socket; remove it or choose another path"));
    }
    match is_alive(path) {
        Ok(false) => fs::remove_file(path).map_err(|error| failed(path, error)),
        Ok(true) => Err(failed(path, "another server listens there; stop it or choose another path")),
        Err(error) => {
            Err(failed(path, format_args!("cannot find out whether a server is listening there: {error}")))
        }
    }
}

/// Whether a process listens on the socket. The check does not wait for a place in the queue of connections.
fn is_alive(path: &Path) -> io::Result<bool> {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let probe = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    match connect(&probe, &SocketAddrUnix::new(path)?) {
        Ok(()) | Err(Errno::AGAIN | Errno::INPROGRESS) => Ok(true),
        Err(Errno::CONNREFUSED) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
