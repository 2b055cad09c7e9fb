//! Distinguishes a forked child from its parent without a system call, because every function of a call checks it.

use crate::abi::guard::Result;
use crate::abi::live_handles;
use crate::abi::status::*;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The number of forks of processes that watch forks, on the way to this process. The child counts.
static FORKS: AtomicU32 = AtomicU32::new(0);
static WATCHED: OnceLock<bool> = OnceLock::new();

/// The process that a server or a call was made in.
#[derive(Clone, Copy)]
pub(crate) struct Process(u32);

impl Process {
    pub(crate) fn this() -> Result<Process> {
        if watched() {
            return Ok(Process(FORKS.load(Ordering::Relaxed)));
        }
        Err(Failure::new(TENON_ERR_IO, "out of memory: pthread_atfork() failed"))
    }

    /// Whether this is the current process.
    pub(crate) fn is_this(self) -> bool {
        self.0 == FORKS.load(Ordering::Relaxed)
    }
}

/// Watches forks from now on. `false` if there is no memory for that.
pub(crate) fn watched() -> bool {
    // SAFETY: the functions live as long as this library, and the C library forgets them when this library is unloaded.
    // They use an atomic, and a lock that a thread holds only while it runs code of this library.
    let watch = || unsafe { nix::libc::pthread_atfork(Some(before), Some(after), Some(forked)) } == 0;
    *WATCHED.get_or_init(watch)
}

extern "C" fn before() {
    live_handles::before_fork();
}

extern "C" fn after() {
    live_handles::after_fork();
}

extern "C" fn forked() {
    FORKS.fetch_add(1, Ordering::Relaxed);
    live_handles::after_fork();
}
