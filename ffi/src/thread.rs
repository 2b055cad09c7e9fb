//! Threads of this library.

use crate::guard::Result;
use crate::status::Failure;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use std::thread::JoinHandle;

/// Starts a thread that takes no signals: they are the program's, and a pipe that breaks in a callback must not end the
/// process. Faults stay open, since they concern the thread that causes them, and callbacks run here.
pub(crate) fn spawn(name: String, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let mut blocked = SigSet::all();
    for fault in
        [Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGFPE, Signal::SIGILL, Signal::SIGTRAP, Signal::SIGSYS]
    {
        blocked.remove(fault);
    }
    // Blocked before the thread exists, as it takes over this thread's mask: it has no moment without.
    let before = blocked.thread_swap_mask(SigmaskHow::SIG_BLOCK);
    let spawned = std::thread::Builder::new().name(name).spawn(run);
    if let Ok(before) = before {
        let _ = before.thread_set_mask();
    }
    spawned.map_err(|error| Failure::io("cannot start a thread", error))
}
