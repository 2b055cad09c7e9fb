//! Where operating systems differ; nothing else of the addon asks which one it is.

/// Whether this is the thread that the process began with; `false` too where the system does not say.
#[cfg(target_os = "linux")]
pub(crate) fn on_first_thread() -> bool {
    nix::unistd::gettid() == nix::unistd::getpid()
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn on_first_thread() -> bool {
    false
}
