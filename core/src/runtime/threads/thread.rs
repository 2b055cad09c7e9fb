//! Engine threads.

use crate::error::{Error, ErrorKind};
pub(in crate::runtime) use crate::host::{Key, Threads};
use nix::sys::signal::{SigSet, SigmaskHow, Signal};

/// Starts a named thread that takes no signals: they are the host's, and a peer that vanishes mid-write must not raise
/// SIGPIPE in a process that did not ask for it.
pub(crate) fn spawn(
    threads: &Threads,
    name: &'static str,
    run: impl FnOnce() + Send + 'static,
) -> Result<(), Error> {
    // Blocked before the thread exists, as it takes over this thread's mask: it has no moment without.
    let before = blocked().thread_swap_mask(SigmaskHow::SIG_BLOCK);
    let hook = threads.clone();
    let spawned =
        std::thread::Builder::new().name(name.to_owned()).stack_size(threads.stack()).spawn(move || {
            hook.started(name);
            run();
        });
    if let Ok(before) = before {
        let _ = before.thread_set_mask();
    }
    spawned
        .map(drop)
        .map_err(|error| Error::new(ErrorKind::Io, format!("cannot start thread {name}: {error}")))
}

/// Blocks signals on the calling thread.
pub(crate) fn block_signals() {
    // Only an invalid set could fail here.
    let _ = blocked().thread_block();
}

/// Every signal but the faults, which concern the thread that causes them: a host's callback on an engine thread may
/// have a handler for them.
fn blocked() -> SigSet {
    let mut set = SigSet::all();
    for fault in
        [Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGFPE, Signal::SIGILL, Signal::SIGTRAP, Signal::SIGSYS]
    {
        set.remove(fault);
    }
    set
}
