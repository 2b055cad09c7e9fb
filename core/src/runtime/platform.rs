//! Differences between operating systems. No other part of the runtime checks which system it runs on.

// The transports poll descriptors, including standard input. Windows has different interfaces for this.
#[cfg(not(unix))]
compile_error!(
    "transports need a Unix system, see docs/platforms.md; `default-features = false` is the engine without them"
);

use rustix::event::PollFlags;
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::process::Pid;
use std::io::{self, IoSlice};

/// The poll event that reports that the other side of a socket has ended its output, on systems that have it. For a
/// pipe, the system reports a hang-up without this event.
#[cfg(target_os = "linux")]
pub(super) const HALF_CLOSED: PollFlags = PollFlags::RDHUP;
#[cfg(not(target_os = "linux"))]
pub(super) const HALF_CLOSED: PollFlags = PollFlags::empty();

/// The read end and the write end of a new pipe. Both are closed on exec.
#[cfg(not(target_vendor = "apple"))]
pub(super) fn pipe() -> Result<(OwnedFd, OwnedFd), Errno> {
    rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
}

/// The read end and the write end of a new pipe. Both are closed on exec. The system needs two steps, so a program that
/// another thread starts between them inherits the pipe.
#[cfg(target_vendor = "apple")]
pub(super) fn pipe() -> Result<(OwnedFd, OwnedFd), Errno> {
    use rustix::io::{FdFlags, fcntl_setfd};
    let (read, write) = rustix::pipe::pipe()?;
    fcntl_setfd(&read, FdFlags::CLOEXEC)?;
    fcntl_setfd(&write, FdFlags::CLOEXEC)?;
    Ok((read, write))
}

/// A descriptor that becomes readable when a process ends.
#[cfg(target_os = "linux")]
pub(super) fn process_descriptor(pid: Pid) -> Option<OwnedFd> {
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok()
}

/// The system has no such descriptor, so the caller must poll.
#[cfg(not(target_os = "linux"))]
pub(super) fn process_descriptor(_: Pid) -> Option<OwnedFd> {
    None
}

/// The number of bytes that were written to a pipe or a socket and have not been read yet. `None` if the system cannot
/// report it.
#[cfg(target_os = "linux")]
pub(super) fn unread(output: &OwnedFd) -> Option<usize> {
    tenon_crash::unread(output)
}

/// Other systems have no call for this that works for pipes as well as sockets.
#[cfg(not(target_os = "linux"))]
pub(super) fn unread(_: &OwnedFd) -> Option<usize> {
    None
}

/// Whether a socket listens.
#[cfg(target_os = "linux")]
pub(super) fn listens(socket: &OwnedFd) -> bool {
    rustix::net::sockopt::socket_acceptconn(socket).unwrap_or(false)
}

/// The system cannot report whether a socket listens. If the socket does not listen, accepting fails later.
#[cfg(not(target_os = "linux"))]
pub(super) fn listens(_: &OwnedFd) -> bool {
    true
}

/// Writes without waiting, and returns the number of bytes that were written. Only this call is non-blocking, because
/// other processes may share the descriptor. If the file does not support such a write, nothing is written.
#[cfg(target_os = "linux")]
pub(super) fn write_now(output: &OwnedFd, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    use rustix::io::{ReadWriteFlags, pwritev2};
    // This offset means the current position of the file.
    const CURRENT_POSITION: u64 = u64::MAX;
    match pwritev2(output, slices, CURRENT_POSITION, ReadWriteFlags::NOWAIT) {
        Ok(written) => Ok(written),
        Err(Errno::AGAIN | Errno::INTR | Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// The system has no such call, so nothing is written.
#[cfg(not(target_os = "linux"))]
pub(super) fn write_now(_: &OwnedFd, _: &[IoSlice<'_>]) -> io::Result<usize> {
    Ok(0)
}
