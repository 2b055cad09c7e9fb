//! A file descriptor that becomes readable when a thread has work for the thread that watches it.

use crate::platform::WakePair;
use nix::libc;
use pyo3::prelude::*;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};
use tenon_mcp::Wake;

/// The watching thread waits: a notification makes the descriptor readable.
const IDLE: u8 = 0;
/// The watching thread takes its work, and checks for notifications before it waits again.
const ACTIVE: u8 = 1;
/// A notification arrived while the watching thread was active.
const NOTIFIED: u8 = 2;

/// Notifications before the watching thread becomes active count as one.
pub(crate) struct WakeFd {
    state: AtomicU8,
    pair: WakePair,
}

impl WakeFd {
    pub(crate) fn new() -> Result<WakeFd> {
        Ok(WakeFd { state: AtomicU8::new(IDLE), pair: WakePair::new()? })
    }

    /// The descriptor to watch.
    pub(crate) fn descriptor(&self) -> RawFd {
        self.pair.reader().as_raw_fd()
    }

    /// Notifies the watching thread of work. Call it after the work was queued.
    pub(crate) fn notify(&self) {
        let notified = |state| (state != IDLE).then_some(NOTIFIED);
        if self.state.fetch_update(Ordering::SeqCst, Ordering::SeqCst, notified).is_err() {
            self.make_readable();
        }
    }

    fn make_readable(&self) {
        // A write fails if the buffer is full; the descriptor is readable then.
        let _ = { self.pair.writer() }.write(&1u64.to_ne_bytes());
    }

    /// The watching thread becomes active: it sees later notifications in `finish`.
    pub(crate) fn begin(&self) -> Result<()> {
        self.state.store(ACTIVE, Ordering::SeqCst);
        match { self.pair.reader() }.read(&mut [0; 64]) {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The watching thread has taken all its work. `false` if a notification arrived meanwhile: the thread stays
    /// active.
    pub(crate) fn finish(&self) -> bool {
        let before = self.state.compare_exchange(ACTIVE, IDLE, Ordering::SeqCst, Ordering::SeqCst);
        if before == Err(NOTIFIED) {
            self.state.store(ACTIVE, Ordering::SeqCst);
            return false;
        }
        true
    }

    /// The watching thread stops although there may be more work. The descriptor is readable, so the thread continues
    /// later.
    pub(crate) fn finish_early(&self) {
        self.state.store(IDLE, Ordering::SeqCst);
        self.make_readable();
    }

    /// Waits for a notification, at most until `end`. Runs the handlers of signals meanwhile, which may raise.
    pub(crate) fn wait(&self, py: Python<'_>, end: Option<Instant>) -> PyResult<()> {
        let wait = || {
            let mut descriptor = libc::pollfd { fd: self.descriptor(), events: libc::POLLIN, revents: 0 };
            let left = end.map_or(-1, |end| {
                // Rounded up: with 0, poll would be called again and again during the last millisecond.
                let left = end.saturating_duration_since(Instant::now()) + Duration::from_micros(999);
                i32::try_from(left.as_millis()).unwrap_or(i32::MAX)
            });
            // SAFETY: one descriptor, which is open as long as this object exists.
            if unsafe { libc::poll(&raw mut descriptor, 1, left) } < 0 {
                Some(Error::last_os_error())
            } else {
                None
            }
        };
        while let Some(error) = py.detach(wait) {
            match error.kind() {
                ErrorKind::Interrupted => py.check_signals()?,
                _ => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// The engine coalesces wakes, so it rarely calls this twice before the watching thread is active.
impl Wake for WakeFd {
    fn wake(&self) {
        self.notify();
    }
}

/// The waker of a lane without a thread: its loop or its pool has ended.
pub(crate) struct NullWake;

impl Wake for NullWake {
    fn wake(&self) {}
}
