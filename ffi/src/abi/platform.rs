//! Differences between operating systems. No other module of the C interface depends on the system.

use rustix::fd::OwnedFd;
use rustix::io::Errno;

/// The read end and the write end of a pipe, closed on exec.
#[cfg(not(target_vendor = "apple"))]
pub(crate) fn pipe(nonblocking: bool) -> Result<(OwnedFd, OwnedFd), Errno> {
    use rustix::pipe::{PipeFlags, pipe_with};
    pipe_with(PipeFlags::CLOEXEC | if nonblocking { PipeFlags::NONBLOCK } else { PipeFlags::empty() })
}

/// In two steps: a program that another thread starts between them inherits the pipe.
#[cfg(target_vendor = "apple")]
pub(crate) fn pipe(nonblocking: bool) -> Result<(OwnedFd, OwnedFd), Errno> {
    use rustix::io::{FdFlags, fcntl_setfd, ioctl_fionbio};
    let (read, write) = rustix::pipe::pipe()?;
    for end in [&read, &write] {
        fcntl_setfd(end, FdFlags::CLOEXEC)?;
        ioctl_fionbio(end, nonblocking)?;
    }
    Ok((read, write))
}
