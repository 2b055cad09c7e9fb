//! Threads of this library.

use crate::abi::guard::Result;
use crate::abi::status::Failure;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use std::thread::JoinHandle;
use tenon_mcp::Threads;

/// Starts a thread that blocks signals. Signals are for the program's threads, and a broken pipe in a callback must not
/// end the process. Faults are not blocked, because they are delivered to the thread that causes them, and callbacks
/// run here.
///
/// Without `threads` it belongs to the process and not to a server.
pub(crate) fn spawn(
    threads: Option<&Threads>,
    name: String,
    run: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>> {
    let mut blocked = SigSet::all();
    for fault in
        [Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGFPE, Signal::SIGILL, Signal::SIGTRAP, Signal::SIGSYS]
    {
        blocked.remove(fault);
    }
    // Blocked before the thread exists. The new thread inherits this mask, so it never runs without it.
    let before = blocked.thread_swap_mask(SigmaskHow::SIG_BLOCK);
    let mut builder = std::thread::Builder::new().name(name.clone());
    if let Some(threads) = threads {
        builder = builder.stack_size(threads.stack());
    }
    let hook = threads.cloned();
    let spawned = builder.spawn(move || {
        if let Some(hook) = hook {
            hook.started(&name);
        }
        run();
    });
    if let Ok(before) = before {
        let _ = before.thread_set_mask();
    }
    spawned.map_err(|error| Failure::io("cannot start a thread", error))
}
