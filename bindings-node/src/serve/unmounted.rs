//! Mounts that are no longer needed: they were removed, and their last call has ended.

use crate::calls::wake::Waker;
use std::sync::Arc;
use tenon_mcp::Wake;
use tenon_mcp::locks::Mutex;

/// The numbers of unmounted mounts, until JavaScript has taken them.
#[derive(Default)]
pub(crate) struct Unmounted {
    numbers: Mutex<Vec<u32>>,
    waker: Mutex<Option<Arc<Waker>>>,
}

/// Reports a mount as unmounted when it is dropped, on any thread. The engine keeps it while it needs the mount.
pub(crate) struct MountGuard {
    number: u32,
    unmounted: Arc<Unmounted>,
}

impl MountGuard {
    pub(crate) fn new(number: u32, unmounted: &Arc<Unmounted>) -> MountGuard {
        MountGuard { number, unmounted: unmounted.clone() }
    }
}

impl Drop for MountGuard {
    fn drop(&mut self) {
        self.unmounted.numbers.lock().push(self.number);
        let waker = self.unmounted.waker.lock().clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Unmounted {
    /// Sets the waker. `None` if the environment no longer listens.
    pub(crate) fn attach(&self, waker: Option<Arc<Waker>>) {
        *self.waker.lock() = waker;
    }

    pub(crate) fn take(&self) -> Vec<u32> {
        std::mem::take(&mut *self.numbers.lock())
    }
}
