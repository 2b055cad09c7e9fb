//! Handlers of the signals that a process receives when it crashes.

use nix::errno::Errno;
use nix::libc;
use std::mem::zeroed;
use std::ptr::null_mut;

const FATAL: [libc::c_int; 5] = [libc::SIGABRT, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGSEGV];

/// Waits until the output was passed on, and then lets the signal take its default action. That action is restored
/// before this runs.
extern "C" fn on_fatal(number: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    let errno = Errno::last_raw();
    super::flush();
    // SAFETY: the handler is installed with SA_SIGINFO, so `info` is valid.
    if unsafe { (*info).si_code } <= 0 {
        // Another call, such as `abort`, sent the signal, so it would not occur again after the return. A fault does
        // occur again.
        // SAFETY: the signal is blocked until this handler returns.
        unsafe { libc::raise(number) };
    }
    Errno::set_raw(errno);
}

fn ours() -> libc::sighandler_t {
    on_fatal as *const () as libc::sighandler_t
}

/// The present action of a signal; `None` if the system does not report it.
fn present(number: libc::c_int) -> Option<libc::sigaction> {
    // SAFETY: all zeroes is a value of this plain struct.
    let mut action: libc::sigaction = unsafe { zeroed() };
    // SAFETY: only reads the present action.
    (unsafe { libc::sigaction(number, null_mut(), &raw mut action) } == 0).then_some(action)
}

/// Replaces the handler `former` by `next`, if `former` is still the present one.
fn exchange(number: libc::c_int, former: libc::sighandler_t, next: libc::sighandler_t) {
    let Some(mut action) = present(number).filter(|present| present.sa_sigaction == former) else { return };
    action.sa_sigaction = next;
    action.sa_flags = if next == libc::SIG_DFL {
        0
    } else {
        // On the thread's alternate stack if it has one, because the thread may have run out of stack.
        libc::SA_SIGINFO | libc::SA_RESETHAND | libc::SA_ONSTACK
    };
    // SAFETY: `next` is the default action, or a handler of this form that is safe in a signal.
    unsafe { libc::sigaction(number, &raw const action, null_mut()) };
}

pub(crate) fn install() {
    FATAL.iter().for_each(|&number| exchange(number, libc::SIG_DFL, ours()));
}

/// Removes our handlers where they are still installed.
pub(crate) fn remove() {
    FATAL.iter().for_each(|&number| exchange(number, ours(), libc::SIG_DFL));
}
