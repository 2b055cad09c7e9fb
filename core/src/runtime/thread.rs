//! Engine threads.

use crate::error::{Error, ErrorKind};
use nix::sys::signal::SigSet;

/// Starts a named thread that takes no signals: they are the host's, and a peer that vanishes mid-write must not raise
/// SIGPIPE in a process that did not ask for it.
pub(crate) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), Error> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            block_signals();
            run();
        })
        .map(drop)
        .map_err(|error| Error::new(ErrorKind::Io, format!("cannot start thread {name}: {error}")))
}

/// Blocks every signal on the calling thread.
pub(crate) fn block_signals() {
    // Only an invalid set could fail here.
    let _ = SigSet::all().thread_block();
}
