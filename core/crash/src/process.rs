//! Identifies this process among its parents and children. A process id is not enough, because a forked child can have
//! the id of an ended process, or of its own parent in another namespace.

use nix::libc;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

/// The number of forks between the first process that called [`process`] and this one.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// The identity of this process. It is never 0, and differs from that of each ancestor that has called this function.
pub fn process() -> u64 {
    static AT_FORK: Once = Once::new();
    // SAFETY: the handler uses only an atomic, and does not unwind.
    AT_FORK.call_once(|| unsafe { _ = libc::pthread_atfork(None, None, Some(in_child)) });
    u64::from(FORKS.load(Ordering::Relaxed)) << 32 | u64::from(std::process::id())
}

extern "C" fn in_child() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}
