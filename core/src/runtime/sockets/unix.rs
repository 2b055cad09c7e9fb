//! Unix sockets: the connections, and the socket file of a listener.

use crate::error::{Error, ErrorKind};
use crate::runtime::sockets::io::{Accept, BACKLOG, Io, Sent};
use crate::runtime::sockets::opened::Opened;
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

/// Only the user whom the server runs as may connect.
pub(in crate::runtime) const MODE: u32 = 0o600;

/// The longest path that a socket's address holds, with the NUL that ends it.
const MAX_PATH: usize = 108;

/// How long another process may take to bind in the same directory.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(5);

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

    /// What was written is the other side's already, and nobody tries again.
    fn abandon(&self) {}

    fn is_gone(&self) -> bool {
        crate::runtime::sockets::inherited_sockets::has_hung_up(self)
    }

    type Loose = std::os::unix::net::UnixStream;

    fn loosen(self) -> io::Result<Self::Loose> {
        self.into_std()
    }

    fn settle(loose: Self::Loose) -> io::Result<UnixStream> {
        UnixStream::from_std(loose)
    }
}

impl Accept for UnixListener {
    type Io = UnixStream;

    /// All clients are on this machine, and none has an address.
    fn poll_accept(&mut self, task: &mut Context<'_>) -> Poll<io::Result<(UnixStream, Option<IpAddr>)>> {
        Poll::Ready(Ok((ready!(UnixListener::poll_accept(self, task))?.0, None)))
    }
}

/// A listener with its file, which goes with it.
pub(in crate::runtime) struct Bound {
    // In this order: who finds no file may bind, and who finds one finds somebody who listens.
    _file: SocketFile,
    listener: Opened<UnixListener>,
}

impl Accept for Bound {
    type Io = UnixStream;

    fn poll_accept(&mut self, task: &mut Context<'_>) -> Poll<io::Result<(UnixStream, Option<IpAddr>)>> {
        Accept::poll_accept(&mut self.listener, task)
    }
}

/// The file of a listener. When it is dropped the file is removed, if it still is the one that was made.
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
            // The program may change its directory.
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
        // A process that was forked off has a copy of this.
        if self.process == tenon_crash::process() && fs::symlink_metadata(&self.path).is_ok_and(is_ours) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn failed(path: &Path, why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Address, format!("cannot listen on unix socket {}: {why}", path.display()))
}

/// What is wrong with a path, whatever there is at it.
pub(in crate::runtime) fn check_path(path: &Path) -> Result<(), Error> {
    let bytes = path.as_os_str().as_encoded_bytes();
    let wrong = |why: String| Err(Error::invalid(format!("unix socket path {:?}: {why}", path.display())));
    match bytes.len() {
        0 => wrong("is empty".into()),
        length if length >= MAX_PATH => {
            wrong(format!("is too long: {length} bytes, where the system takes {}", MAX_PATH - 1))
        }
        _ if bytes.contains(&0) => wrong("holds a NUL".into()),
        _ => Ok(()),
    }
}

/// Fails for what is no permission of a file.
pub(in crate::runtime) fn check_mode(mode: u32) -> Result<(), Error> {
    match mode {
        0..=0o777 => Ok(()),
        _ => Err(Error::invalid(format!("unix socket mode {mode:#o} must be between 0 and 0o777"))),
    }
}

/// Listens on a path. A file that a server left behind which is gone is replaced; where somebody listens, or where
/// something lies that is no socket, this fails. To be called inside an executor.
pub(in crate::runtime) fn bind(path: &Path, mode: u32) -> Result<Bound, Error> {
    let _alone = lock_directory(path)?;
    make_room(path)?;
    let failed = |error: io::Error| failed(path, error);
    let socket = UnixSocket::new_stream().map_err(failed)?;
    socket.bind(path).map_err(failed)?;
    let file = SocketFile::of(path).map_err(failed)?;
    // Nobody can connect before it listens, so nobody finds it with other permissions.
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed)?;
    let listener = socket.listen(BACKLOG).map_err(failed)?;
    Ok(Bound { _file: file, listener: Opened::new(listener) })
}

/// Keeps others from the same path until it listens: between the look at a dead socket and its removal another server
/// may have put its own there. On file systems without locks everybody goes on.
fn lock_directory(path: &Path) -> Result<Option<rustix::fd::OwnedFd>, Error> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = match open(directory, flags, Mode::empty()) {
        Ok(directory) => directory,
        // One that may be searched and written, but not read.
        Err(Errno::ACCESS) => return Ok(None),
        Err(error) => return Err(failed(path, error)),
    };
    let end = Instant::now() + PATIENCE;
    loop {
        match flock(&directory, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Some(directory)),
            Err(Errno::WOULDBLOCK) if Instant::now() < end => std::thread::sleep(PAUSE),
            Err(Errno::WOULDBLOCK) => return Err(failed(path, "its directory is locked")),
            Err(Errno::INTR) => {}
            Err(_) => return Ok(None),
        }
    }
}

/// Removes a socket on which nobody listens.
fn make_room(path: &Path) -> Result<(), Error> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(path, error)),
    };
    if !found.file_type().is_socket() {
        return Err(failed(path, "there is a file that is no socket"));
    }
    match is_alive(path) {
        Ok(false) => fs::remove_file(path).map_err(|error| failed(path, error)),
        Ok(true) => Err(failed(path, "another server listens there")),
        Err(error) => {
            Err(failed(path, format_args!("whether a server listens there cannot be told: {error}")))
        }
    }
}

/// Whether anybody listens; without waiting for a place among those that wait to be accepted.
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
