//! Mounts that nothing needs any more: they were undone, and the last call that came by them has ended.

use crate::calls::wake::Waker;
use std::sync::Arc;
use tenon_mcp::Wake;
use tenon_mcp::locks::Mutex;

/// Their numbers, until JavaScript is told.
#[derive(Default)]
pub(crate) struct Unmounted {
    numbers: Mutex<Vec<u32>>,
    waker: Mutex<Option<Arc<Waker>>>,
}

/// The engine keeps it while it needs the mount. It ends on any thread.
pub(crate) struct Mounted {
    number: u32,
    unmounted: Arc<Unmounted>,
}

impl Mounted {
    pub(crate) fn new(number: u32, unmounted: &Arc<Unmounted>) -> Mounted {
        Mounted { number, unmounted: unmounted.clone() }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        self.unmounted.numbers.lock().push(self.number);
        let waker = self.unmounted.waker.lock().clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Unmounted {
    /// Whom to wake. `None` when the environment does not listen any more.
    pub(crate) fn attach(&self, waker: Option<Arc<Waker>>) {
        *self.waker.lock() = waker;
    }

    pub(crate) fn take(&self) -> Vec<u32> {
        std::mem::take(&mut *self.numbers.lock())
    }
}
