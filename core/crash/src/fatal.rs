//! Handlers of the signals by which a process dies of itself.

use nix::errno::Errno;
use nix::libc;
use std::mem::zeroed;
use std::ptr::null_mut;

const FATAL: [libc::c_int; 5] = [libc::SIGABRT, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGSEGV];

/// Waits, and lets the signal do then what it does by default: the action is that again when this runs.
extern "C" fn on_fatal(number: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    let errno = Errno::last_raw();
    super::flush();
    // SAFETY: the handler is installed as one that is given this.
    if unsafe { (*info).si_code } <= 0 {
        // It was sent, by `abort` for one: going back would go on. What was caused is caused again.
        // SAFETY: the signal is held back until this returns.
        unsafe { libc::raise(number) };
    }
    Errno::set_raw(errno);
}

fn ours() -> libc::sighandler_t {
    on_fatal as *const () as libc::sighandler_t
}

/// What the action of a signal is now, if that can be known.
fn present(number: libc::c_int) -> Option<libc::sigaction> {
    // SAFETY: all zeroes is a value of this plain struct.
    let mut action: libc::sigaction = unsafe { zeroed() };
    // SAFETY: asks for the present action, no more.
    (unsafe { libc::sigaction(number, null_mut(), &raw mut action) } == 0).then_some(action)
}

/// Puts the handler in the place of `former`, or the reverse.
fn exchange(number: libc::c_int, former: libc::sighandler_t, next: libc::sighandler_t) {
    let Some(mut action) = present(number).filter(|present| present.sa_sigaction == former) else { return };
    action.sa_sigaction = next;
    action.sa_flags = if next == libc::SIG_DFL {
        0
    } else {
        // On a stack of its own where the thread has one, for one that has run out of stack.
        libc::SA_SIGINFO | libc::SA_RESETHAND | libc::SA_ONSTACK
    };
    // SAFETY: the default action, or a handler of this form that does only what a signal handler may.
    unsafe { libc::sigaction(number, &raw const action, null_mut()) };
}

pub(crate) fn install() {
    FATAL.iter().for_each(|&number| exchange(number, libc::SIG_DFL, ours()));
}

/// Takes away what is ours still.
pub(crate) fn remove() {
    FATAL.iter().for_each(|&number| exchange(number, ours(), libc::SIG_DFL));
}
