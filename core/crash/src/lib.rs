//! What a process printed gets out although the process dies.
//!
//! While stdio is served, what is printed goes through a pipe to a thread of the same process. A process that aborts would
//! take that thread along, and with it the very line that says why. So its end waits until the pipe is empty: in handlers
//! of the signals that end a process by default, and in one of `exit`. `_exit` and SIGKILL leave no room for that.
//!
//! The crate also sees to it that a forked child keeps no listening socket of its parent ([`Listening`]), and tells it from its
//! parent ([`process`]).

mod fatal;
mod listening;
mod process;

pub use listening::Listening;
use nix::libc;
pub use process::process;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// How often the end of the process looks at most: a client that does not read must not keep it.
const LOOKS: u32 = 300;
/// 1 ms.
static BETWEEN: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 1_000_000 };

/// The inode of the pipe, or 0.
static PIPE: AtomicU64 = AtomicU64::new(0);
/// The process whose thread reads it: a forked child has no such thread.
static PROCESS: AtomicU32 = AtomicU32::new(0);
/// The thread has taken something from the pipe that it has not passed on yet.
static HELD: AtomicBool = AtomicBool::new(false);

/// As long as this lives, the end of the process waits for the pipe. One at a time: the latest counts.
#[derive(Debug)]
pub struct Watch {
    pipe: u64,
}

impl Watch {
    /// Watches the pipe of which this is an end, and to which descriptor 2 is about to be led. Handlers are put where a
    /// fatal signal has its default action, and nowhere else.
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

/// For the thread that reads the pipe: true before it takes something out, false once all that is passed on.
pub fn hold(held: bool) {
    HELD.store(held, Ordering::SeqCst);
}

/// Waits until what was printed so far has been passed on, at most 300 ms; returns at once where no pipe is watched. It may
/// be called in a signal handler: system calls and atomics only.
pub fn flush() {
    // SAFETY: getpid cannot fail.
    if PROCESS.load(Ordering::SeqCst) != unsafe { libc::getpid() } as u32 {
        return;
    }
    for _ in 0..LOOKS {
        let pipe = PIPE.load(Ordering::SeqCst);
        // In this order: what is in the pipe no more is held, or passed on.
        if pipe == 0 || !is_filled(pipe) && !HELD.load(Ordering::SeqCst) {
            return;
        }
        // SAFETY: a valid time, and nobody asks how much of it is left.
        unsafe { libc::nanosleep(&raw const BETWEEN, std::ptr::null_mut()) };
    }
}

/// How many bytes wait in a pipe or in a socket of this machine for whoever reads the other end; nothing if the system does
/// not say. Only Linux means this by these requests.
pub fn unread(output: &impl AsRawFd) -> Option<usize> {
    // What a socket has sent, and what a pipe holds.
    [libc::TIOCOUTQ, libc::FIONREAD].into_iter().find_map(|request| {
        let mut count: libc::c_int = 0;
        // SAFETY: both requests write one int.
        let known = unsafe { libc::ioctl(output.as_raw_fd(), request, &raw mut count) } == 0;
        known.then_some(count).and_then(|count| usize::try_from(count).ok())
    })
}

/// Whether descriptor 2 leads to the pipe, and there is something in it. Both its ends tell.
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
    // SAFETY: fstat fills in what it is given, or fails, and does no more with a descriptor that is closed.
    let known = unsafe { libc::fstat(descriptor, stat.as_mut_ptr()) } == 0;
    // SAFETY: fstat has filled it in.
    known.then(|| unsafe { stat.assume_init() }.st_ino)
}

extern "C" fn at_exit() {
    flush();
}
