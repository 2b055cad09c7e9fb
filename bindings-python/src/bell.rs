//! A descriptor that becomes readable when somebody rings, and nobody is listening already.

#[cfg(target_os = "linux")]
use nix::libc;
use std::io::{ErrorKind, Read, Result, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicU8, Ordering};

/// Whoever rings makes the descriptor readable.
const RESTING: u8 = 0;
/// The listener is at work, and looks again before it rests.
const LISTENING: u8 = 1;
/// It must look once more.
const RUNG: u8 = 2;

/// Rings as often as it likes before somebody listens: once is as good as many times.
pub(crate) struct Bell {
    state: AtomicU8,
    /// Where it is rung; on Linux also where it is heard, an eventfd, which costs the kernel less than a socket.
    #[cfg(target_os = "linux")]
    counter: std::fs::File,
    #[cfg(not(target_os = "linux"))]
    ends: (std::os::unix::net::UnixStream, std::os::unix::net::UnixStream),
}

#[cfg(target_os = "linux")]
impl Bell {
    pub(crate) fn new() -> Result<Bell> {
        use std::os::fd::{FromRawFd, OwnedFd};
        // SAFETY: makes a descriptor, no more.
        let descriptor = unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) };
        if descriptor < 0 {
            return Err(std::io::Error::last_os_error());
        }
        // SAFETY: it is new, and nobody else has its number.
        let counter = unsafe { OwnedFd::from_raw_fd(descriptor) }.into();
        Ok(Bell { state: AtomicU8::new(RESTING), counter })
    }

    fn near(&self) -> &std::fs::File {
        &self.counter
    }

    fn far(&self) -> &std::fs::File {
        &self.counter
    }
}

#[cfg(not(target_os = "linux"))]
impl Bell {
    pub(crate) fn new() -> Result<Bell> {
        let ends = std::os::unix::net::UnixStream::pair()?;
        ends.0.set_nonblocking(true)?;
        ends.1.set_nonblocking(true)?;
        Ok(Bell { state: AtomicU8::new(RESTING), ends })
    }

    fn near(&self) -> &std::os::unix::net::UnixStream {
        &self.ends.0
    }

    fn far(&self) -> &std::os::unix::net::UnixStream {
        &self.ends.1
    }
}

impl Bell {
    /// What becomes readable.
    pub(crate) fn descriptor(&self) -> RawFd {
        self.near().as_raw_fd()
    }

    /// Has the listener look, now or once more: to be called when there is something to see.
    pub(crate) fn ring(&self) {
        let rung = |state| (state != RESTING).then_some(RUNG);
        if self.state.fetch_update(Ordering::SeqCst, Ordering::SeqCst, rung).is_err() {
            self.sound();
        }
    }

    fn sound(&self) {
        // One that is full rings as well as a fuller one would.
        let _ = { self.far() }.write(&1u64.to_ne_bytes());
    }

    /// The listener begins to look; what is rung from now on it sees before it rests.
    pub(crate) fn listen(&self) -> Result<()> {
        self.state.store(LISTENING, Ordering::SeqCst);
        match { self.near() }.read(&mut [0; 64]) {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The listener has seen all there was. If it was rung for since, it goes on listening: then this is `false`.
    pub(crate) fn rest(&self) -> bool {
        let before = self.state.compare_exchange(LISTENING, RESTING, Ordering::SeqCst, Ordering::SeqCst);
        if before == Err(RUNG) {
            self.state.store(LISTENING, Ordering::SeqCst);
            return false;
        }
        true
    }

    /// The listener rests although there may be more, and is called again for that.
    pub(crate) fn call_again(&self) {
        self.state.store(RESTING, Ordering::SeqCst);
        self.sound();
    }
}
