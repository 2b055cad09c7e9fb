//! A descriptor that becomes readable when somebody rings, and nobody is listening already.

use crate::platform::Ends;
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
    /// Where it is heard and where it is rung.
    ends: Ends,
}

impl Bell {
    pub(crate) fn new() -> Result<Bell> {
        Ok(Bell { state: AtomicU8::new(RESTING), ends: Ends::new()? })
    }

    /// What becomes readable.
    pub(crate) fn descriptor(&self) -> RawFd {
        self.ends.near().as_raw_fd()
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
        let _ = { self.ends.far() }.write(&1u64.to_ne_bytes());
    }

    /// The listener begins to look; what is rung from now on it sees before it rests.
    pub(crate) fn listen(&self) -> Result<()> {
        self.state.store(LISTENING, Ordering::SeqCst);
        match { self.ends.near() }.read(&mut [0; 64]) {
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
