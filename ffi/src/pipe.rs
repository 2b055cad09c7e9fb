//! Pipes of the library's own.

use crate::guard::Result;
use crate::platform;
use crate::status::Failure;
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::io::{Errno, fcntl_dupfd_cloexec};

/// The read end and the write end of a pipe, closed on exec. Where a program was started without one of the descriptors
/// 0, 1 and 2, no end takes its number: it would be served, or printed to.
pub(crate) fn pipe(nonblocking: bool) -> Result<(OwnedFd, OwnedFd)> {
    let pair = || -> std::result::Result<_, Errno> {
        let (read, write) = platform::pipe(nonblocking)?;
        Ok((above_standard(read)?, above_standard(write)?))
    };
    pair().map_err(|error| Failure::io("cannot make a pipe", error))
}

fn above_standard(descriptor: OwnedFd) -> std::result::Result<OwnedFd, Errno> {
    if descriptor.as_raw_fd() > 2 { Ok(descriptor) } else { fcntl_dupfd_cloexec(&descriptor, 3) }
}
