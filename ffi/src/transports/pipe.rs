//! Pipes that the library uses itself.

use crate::abi::guard::Result;
use crate::abi::platform;
use crate::abi::status::Failure;
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use std::sync::atomic::{AtomicBool, Ordering};
use tenon_mcp::Wake;

/// The read end and the write end of a pipe, closed on exec. If a program was started without one of the descriptors 0,
/// 1 and 2, neither end gets that number, because it would be served or printed to.
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

/// A pipe that contains a byte while there is work.
pub(crate) struct PipeWake {
    read: OwnedFd,
    write: OwnedFd,
    signalled: AtomicBool,
}

impl Wake for PipeWake {
    fn wake(&self) {
        if !self.signalled.swap(true, Ordering::AcqRel) {
            // Cannot block. A full pipe is readable, which is enough.
            let _ = rustix::io::write(&self.write, b"x");
        }
    }
}

impl PipeWake {
    pub(crate) fn new() -> Result<PipeWake> {
        let (read, write) = pipe(true)?;
        Ok(PipeWake { read, write, signalled: AtomicBool::new(false) })
    }

    /// Readable while there is a byte.
    pub(crate) fn descriptor(&self) -> &OwnedFd {
        &self.read
    }

    /// Reads first, then clears the flag. The other order could consume a byte and leave the flag set, and then no wake
    /// would write again.
    pub(crate) fn reset(&self) {
        let mut buffer = [0; 16];
        let _ = rustix::io::read(&self.read, &mut buffer[..]);
        self.signalled.store(false, Ordering::Release);
    }
}
