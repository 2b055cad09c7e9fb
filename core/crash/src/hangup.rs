//! The handler of SIGHUP, which writes a byte to a pipe.

use nix::errno::Errno;
use nix::libc;
use std::mem::zeroed;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

/// What the handler reads: where to write, in which process, and how many handlers run.
static PIPE: AtomicI32 = AtomicI32::new(-1);
static PROCESS: AtomicU32 = AtomicU32::new(0);
static HANDLING: AtomicU32 = AtomicU32::new(0);

/// While this exists, SIGHUP writes a byte to a pipe. A process has at most one.
#[derive(Debug)]
pub struct Hangups {
    process: u32,
    _pipe: OwnedFd,
}

impl Hangups {
    /// Installs the handler, if SIGHUP has its default action: a handler of the program stays, and an ignored signal stays
    /// ignored. `pipe` must not block, because the handler runs on any thread.
    pub fn install(pipe: OwnedFd) -> Option<Hangups> {
        let present = present()?;
        // A forked child inherits the handler of its parent.
        if present.sa_sigaction != libc::SIG_DFL && !is_ours(&present) {
            return None;
        }
        let process = std::process::id();
        if PROCESS.swap(process, Ordering::SeqCst) != process {
            // Handlers that ran during the fork belong to the parent.
            HANDLING.store(0, Ordering::SeqCst);
        }
        PIPE.store(pipe.as_raw_fd(), Ordering::SeqCst);
        set(on_hangup as extern "C" fn(libc::c_int) as usize, libc::SA_RESTART | libc::SA_ONSTACK);
        Some(Hangups { process, _pipe: pipe })
    }
}

impl Drop for Hangups {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            return;
        }
        // The program may have installed its own handler meanwhile.
        if present().is_some_and(|present| is_ours(&present)) {
            set(libc::SIG_DFL, 0);
        }
        PIPE.store(-1, Ordering::SeqCst);
        // A handler on another thread may still use the number of the pipe, which must not be given to another file.
        while HANDLING.load(Ordering::SeqCst) > 0 {
            std::thread::yield_now();
        }
    }
}

fn present() -> Option<libc::sigaction> {
    // SAFETY: all zeros are a valid action, which the call replaces.
    let mut action: libc::sigaction = unsafe { zeroed() };
    // SAFETY: only reads the action.
    (unsafe { libc::sigaction(libc::SIGHUP, null_mut(), &raw mut action) } == 0).then_some(action)
}

fn set(handler: usize, flags: libc::c_int) {
    // SAFETY: all zeros are a valid action with an empty mask.
    let mut action: libc::sigaction = unsafe { zeroed() };
    action.sa_sigaction = handler;
    action.sa_flags = flags;
    // SAFETY: the handler is ours, which does only what a handler may, or the default action.
    unsafe { libc::sigaction(libc::SIGHUP, &raw const action, null_mut()) };
}

fn is_ours(action: &libc::sigaction) -> bool {
    action.sa_sigaction == on_hangup as extern "C" fn(libc::c_int) as usize
}

/// Runs on the thread that gets the signal. It uses only atomics, write, getpid, sigaction and raise.
extern "C" fn on_hangup(number: libc::c_int) {
    let errno = Errno::last_raw();
    HANDLING.fetch_add(1, Ordering::SeqCst);
    // SAFETY: getpid cannot fail.
    if PROCESS.load(Ordering::SeqCst) == unsafe { libc::getpid() } as u32 {
        let pipe = PIPE.load(Ordering::SeqCst);
        if pipe >= 0 {
            // SAFETY: one byte of a local. If the pipe is full, a reload is due anyway.
            unsafe { libc::write(pipe, [1u8].as_ptr().cast(), 1) };
        }
    } else {
        // A forked child has no thread that reads the pipe. For the child, the signal has its default action.
        set(libc::SIG_DFL, 0);
        // SAFETY: may be called in a handler; the default action runs no code of ours.
        unsafe { libc::raise(number) };
    }
    HANDLING.fetch_sub(1, Ordering::SeqCst);
    Errno::set_raw(errno);
}
