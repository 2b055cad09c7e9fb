//! The handler of signals, which runs before Python's.

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, raise, sigaction};
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicUsize, Ordering};

/// The state that the signal handler reads: the descriptor to write to, its process, and the previous handler of each
/// signal.
static PIPE: AtomicI32 = AtomicI32::new(-1);
static PROCESS: AtomicU32 = AtomicU32::new(0);
static PREVIOUS: [AtomicUsize; 32] = [const { AtomicUsize::new(0) }; 32];
/// Whether the next signal was sent by `interrupt_main`.
static INTERRUPTING: AtomicBool = AtomicBool::new(false);

/// Runs on the thread that gets the signal, so it uses only atomics, write, getpid, sigaction and raise.
extern "C" fn on_signal(number: libc::c_int) {
    let errno = Errno::last_raw();
    // SAFETY: getpid cannot fail.
    let process = unsafe { libc::getpid() };
    let previous = PREVIOUS.get(number as usize).map_or(0, |previous| previous.load(Ordering::SeqCst));
    if PROCESS.load(Ordering::SeqCst) != process as u32 {
        // A forked child that has not restored the handlers yet: the default action applies.
        if let Ok(signal) = Signal::try_from(number) {
            let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
            // SAFETY: sigaction may be called in a handler, and the default action runs no code.
            let _ = unsafe { sigaction(signal, &default) };
            let _ = raise(signal);
        }
    } else {
        let pipe = PIPE.load(Ordering::SeqCst);
        if pipe >= 0 && !INTERRUPTING.swap(false, Ordering::SeqCst) {
            let byte = number as u8;
            // SAFETY: one byte of the stack; the write fails if the descriptor is closed.
            unsafe { libc::write(pipe, (&raw const byte).cast(), 1) };
        }
        if previous != 0 {
            // SAFETY: the address of Python's handler, a function of this type, as `install_handler` found it.
            let previous = unsafe { std::mem::transmute::<usize, extern "C" fn(libc::c_int)>(previous) };
            previous(number);
        }
    }
    Errno::set_raw(errno);
}

/// Installs `on_signal` before the handler that Python has just installed. Python replaces it when it installs another.
pub(super) fn install_handler(number: i32) -> std::io::Result<()> {
    let done = |status: libc::c_int| if status == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) };
    // SAFETY: all zeroes is a value of this plain struct, and it is filled in below.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: only reads the present action.
    done(unsafe { libc::sigaction(number, std::ptr::null(), &raw mut action) })?;
    let previous = action.sa_sigaction;
    if action.sa_flags & libc::SA_SIGINFO != 0 || previous == libc::SIG_DFL || previous == libc::SIG_IGN {
        return Ok(()); // Python has no handler here
    }
    PREVIOUS[number as usize].store(previous, Ordering::SeqCst);
    // The flags stay as they are: an interrupted system call must return, so that Python runs its handler.
    action.sa_sigaction = on_signal as *const () as usize;
    // SAFETY: `on_signal` is a handler for these flags and does only what a signal handler may.
    done(unsafe { libc::sigaction(number, &raw const action, std::ptr::null_mut()) })
}

/// Makes the handler write the numbers of signals to `descriptor`, in this process only.
pub(super) fn set_pipe(descriptor: RawFd) {
    PROCESS.store(std::process::id(), Ordering::SeqCst);
    PIPE.store(descriptor, Ordering::SeqCst);
}

/// Makes the handler stop writing to `descriptor`.
pub(super) fn clear_pipe(descriptor: RawFd) {
    let _ = PIPE.compare_exchange(descriptor, -1, Ordering::SeqCst, Ordering::SeqCst);
}

/// Sets whether the next signal is sent by this process to interrupt its main thread. The handler does not report such
/// a signal.
pub(super) fn set_interrupting(interrupting: bool) {
    INTERRUPTING.store(interrupting, Ordering::SeqCst);
}
