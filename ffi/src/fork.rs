//! Tells a forked child from its parent without a system call, for calls are asked at every step.

use crate::guard::Result;
use crate::status::*;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// How often this process was forked off from one that watched, counted in the child.
static FORKS: AtomicU32 = AtomicU32::new(0);
static WATCHED: OnceLock<bool> = OnceLock::new();

/// The process that made it.
#[derive(Clone, Copy)]
pub(crate) struct Process(u32);

impl Process {
    pub(crate) fn this() -> Result<Process> {
        // SAFETY: the function lives as long as this library, with which the C library forgets it; it touches an atomic only.
        let watch = || unsafe { nix::libc::pthread_atfork(None, None, Some(forked)) } == 0;
        if *WATCHED.get_or_init(watch) {
            return Ok(Process(FORKS.load(Ordering::Relaxed)));
        }
        Err(Failure::new(TENON_ERR_IO, "out of memory: forks cannot be watched for"))
    }

    /// Whether it is the one that asks.
    pub(crate) fn is_this(self) -> bool {
        self.0 == FORKS.load(Ordering::Relaxed)
    }
}

extern "C" fn forked() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}
