//! Passes on what a process has printed when the process crashes.
//!
//! While stdio is served, printed output goes through a pipe to a thread of the same process. If the process aborts,
//! that thread ends too, and the message with the reason of the crash would be lost. So the end of the process waits
//! until the pipe is empty. The wait is in handlers of the fatal signals and in a handler of `exit`. After `_exit` or
//! SIGKILL it is not possible.
//!
//! The crate also closes the parent's listening sockets in a forked child ([`Listening`]), distinguishes a child from its
//! parent ([`process`]), and has the handler of SIGHUP ([`Hangups`]).

mod fatal;
mod hangup;
mod listening;
mod process;

pub use hangup::Hangups;
pub use listening::Listening;
use nix::libc;
pub use process::process;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// How often the end of the process checks the pipe at most, because a client that does not read must not delay it for
/// long.
const LOOKS: u32 = 300;
/// 1 ms.
static BETWEEN: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 1_000_000 };

/// The inode of the pipe, or 0.
static PIPE: AtomicU64 = AtomicU64::new(0);
/// The process whose thread reads the pipe. A forked child has no such thread.
static PROCESS: AtomicU32 = AtomicU32::new(0);
/// The thread has read bytes from the pipe that it has not passed on yet.
static HELD: AtomicBool = AtomicBool::new(false);

/// While this exists, the end of the process waits for the pipe. Only the latest one has an effect.
#[derive(Debug)]
pub struct Watch {
    pipe: u64,
}

impl Watch {
    /// Watches the pipe with this end. Descriptor 2 is about to be redirected to that pipe. Handlers are installed only
    /// for fatal signals that have their default action.
    pub fn new(pipe: &impl AsRawFd) -> Watch {
        static AT_EXIT: Once = Once::new();
        let pipe = inode(pipe.as_raw_fd()).unwrap_or(0);
        HELD.store(false, Ordering::SeqCst);
        PROCESS.store(std::process::id(), Ordering::SeqCst);
        PIPE.store(pipe, Ordering::SeqCst);
        fatal::install();
        // SAFETY: `at_exit` is a function without arguments that does not unwind.
        AT_EXIT.call_once(|| unsafe { _ = libc::atexit(at_exit) });
        Watch { pipe }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if PIPE.compare_exchange(self.pipe, 0, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            fatal::remove();
        }
    }
}

/// For the thread that reads the pipe: call it with `true` before a read, and with `false` after all bytes were passed
/// on.
pub fn hold(held: bool) {
    HELD.store(held, Ordering::SeqCst);
}

/// Waits until all printed output was passed on, at most 300 ms. Returns at once if no pipe is watched. It is safe in a
/// signal handler, because it uses only system calls and atomics.
pub fn flush() {
    // SAFETY: getpid cannot fail.
    if PROCESS.load(Ordering::SeqCst) != unsafe { libc::getpid() } as u32 {
        return;
    }
    for _ in 0..LOOKS {
        let pipe = PIPE.load(Ordering::SeqCst);
        // In this order: bytes that have left the pipe are either held or passed on.
        if pipe == 0 || !is_filled(pipe) && !HELD.load(Ordering::SeqCst) {
            return;
        }
        // SAFETY: the time is valid, and a null pointer is allowed for the remaining time.
        unsafe { libc::nanosleep(&raw const BETWEEN, std::ptr::null_mut()) };
    }
}

/// The number of bytes in a pipe or a local socket that its reader has not read yet; `None` if the system does not
/// report it. Only on Linux do these requests have this meaning.
pub fn unread(output: &impl AsRawFd) -> Option<usize> {
    // The first request is for a socket's sent bytes, the second for a pipe's content.
    [libc::TIOCOUTQ, libc::FIONREAD].into_iter().find_map(|request| {
        let mut count: libc::c_int = 0;
        // SAFETY: both requests write one int.
        let known = unsafe { libc::ioctl(output.as_raw_fd(), request, &raw mut count) } == 0;
        known.then_some(count).and_then(|count| usize::try_from(count).ok())
    })
}

/// Whether descriptor 2 is an end of the pipe, and the pipe is not empty. Both ends report the content.
fn is_filled(pipe: u64) -> bool {
    if inode(libc::STDERR_FILENO) != Some(pipe) {
        return false;
    }
    let mut count: libc::c_int = 0;
    // SAFETY: FIONREAD writes one int.
    unsafe { libc::ioctl(libc::STDERR_FILENO, libc::FIONREAD, &raw mut count) == 0 && count > 0 }
}

fn inode(descriptor: libc::c_int) -> Option<u64> {
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: fstat fills the buffer or fails. It also fails for a closed descriptor.
    let known = unsafe { libc::fstat(descriptor, stat.as_mut_ptr()) } == 0;
    // SAFETY: fstat has filled the buffer.
    known.then(|| unsafe { stat.assume_init() }.st_ino)
}

extern "C" fn at_exit() {
    flush();
}
