//! Differences between operating systems. No other file depends on the system.

/// Whether this is the first thread of the process. Also `false` if the system does not provide this information.
#[cfg(target_os = "linux")]
pub(crate) fn on_first_thread() -> bool {
    nix::unistd::gettid() == nix::unistd::getpid()
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn on_first_thread() -> bool {
    false
}
