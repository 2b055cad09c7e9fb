//! Starts threads of the engine, and blocks signals on them.

use crate::error::{Error, ErrorKind};
pub(in crate::runtime) use crate::host::{Key, Threads};
use nix::sys::signal::{SigSet, SigmaskHow, Signal};

/// Starts a named thread that blocks signals. Signals are for the program's threads, and a client that disconnects
/// during a write must not raise SIGPIPE. Fails if the system refuses the thread.
pub(crate) fn spawn(
    threads: &Threads,
    name: &'static str,
    run: impl FnOnce() + Send + 'static,
) -> Result<(), Error> {
    // The signals are blocked before the thread exists. The new thread inherits this mask, so it never runs without it.
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
    // The call could only fail for an invalid set.
    let _ = blocked().thread_block();
}

/// All signals except faults. A fault concerns the thread that causes it, and callbacks of the program run on engine
/// threads.
fn blocked() -> SigSet {
    let mut set = SigSet::all();
    for fault in
        [Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGFPE, Signal::SIGILL, Signal::SIGTRAP, Signal::SIGSYS]
    {
        set.remove(fault);
    }
    set
}
