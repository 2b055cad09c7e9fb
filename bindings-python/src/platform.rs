//! Where operating systems differ; nothing else of the module asks which one it is.

use std::io::Result;

#[cfg(target_os = "linux")]
use std::fs::File as End;
#[cfg(not(target_os = "linux"))]
use std::os::unix::net::UnixStream as End;

/// Two ends that do not block: what is written to the far one makes the near one readable. On Linux both are one eventfd,
/// which costs the kernel less than a pair of sockets.
pub(crate) struct Ends {
    near: End,
    #[cfg(not(target_os = "linux"))]
    far: End,
}

#[cfg(target_os = "linux")]
impl Ends {
    pub(crate) fn new() -> Result<Ends> {
        use nix::libc;
        use std::os::fd::{FromRawFd, OwnedFd};
        // SAFETY: makes a descriptor, no more.
        let descriptor = unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) };
        if descriptor < 0 {
            return Err(std::io::Error::last_os_error());
        }
        // SAFETY: it is new, and nobody else has its number.
        let near = unsafe { OwnedFd::from_raw_fd(descriptor) }.into();
        Ok(Ends { near })
    }

    pub(crate) fn far(&self) -> &End {
        &self.near
    }
}

#[cfg(not(target_os = "linux"))]
impl Ends {
    pub(crate) fn new() -> Result<Ends> {
        let (near, far) = End::pair()?;
        near.set_nonblocking(true)?;
        far.set_nonblocking(true)?;
        Ok(Ends { near, far })
    }

    pub(crate) fn far(&self) -> &End {
        &self.far
    }
}

impl Ends {
    pub(crate) fn near(&self) -> &End {
        &self.near
    }
}
