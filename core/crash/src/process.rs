//! Which process this is. A forked child can have the number of a process before it: of one that has ended, or of its
//! own parent in another namespace.

use nix::libc;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

/// How often this process was forked off from one that asked, counted in the child.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// Never 0, and different from that of all processes of which this one is a child, if these have asked.
pub fn process() -> u64 {
    static AT_FORK: Once = Once::new();
    // SAFETY: the handler touches an atomic only, and does not unwind.
    AT_FORK.call_once(|| unsafe { _ = libc::pthread_atfork(None, None, Some(in_child)) });
    u64::from(FORKS.load(Ordering::Relaxed)) << 32 | u64::from(std::process::id())
}

extern "C" fn in_child() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}
