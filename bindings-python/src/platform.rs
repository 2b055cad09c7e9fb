//! Differences between operating systems. No other file depends on the system.

use std::io::Result;

#[cfg(target_os = "linux")]
use std::fs::File as Descriptor;
#[cfg(not(target_os = "linux"))]
use std::os::unix::net::UnixStream as Descriptor;

/// Two descriptors that do not block: a write to the writer makes the reader readable. On Linux both are one eventfd,
/// which costs less than a pair of sockets.
pub(crate) struct WakePair {
    reader: Descriptor,
    #[cfg(not(target_os = "linux"))]
    writer: Descriptor,
}

#[cfg(target_os = "linux")]
impl WakePair {
    pub(crate) fn new() -> Result<WakePair> {
        use nix::libc;
        use std::os::fd::{FromRawFd, OwnedFd};
        // SAFETY: eventfd only makes a descriptor.
        let descriptor = unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) };
        if descriptor < 0 {
            return Err(std::io::Error::last_os_error());
        }
        // SAFETY: the descriptor is new, and nothing else owns it.
        let reader = unsafe { OwnedFd::from_raw_fd(descriptor) }.into();
        Ok(WakePair { reader })
    }

    pub(crate) fn writer(&self) -> &Descriptor {
        &self.reader
    }
}

#[cfg(not(target_os = "linux"))]
impl WakePair {
    pub(crate) fn new() -> Result<WakePair> {
        let (reader, writer) = Descriptor::pair()?;
        reader.set_nonblocking(true)?;
        writer.set_nonblocking(true)?;
        Ok(WakePair { reader, writer })
    }

    pub(crate) fn writer(&self) -> &Descriptor {
        &self.writer
    }
}

impl WakePair {
    pub(crate) fn reader(&self) -> &Descriptor {
        &self.reader
    }
}
