//! Closes the parent's listening sockets in a forked child.
//!
//! A forked child has a copy of each descriptor. While a copy of a listening socket is open, its port stays in use, and
//! the system continues to accept connections that no process serves. So the child replaces each copy by an unconnected
//! socket. The descriptor's number stays in use, because the child's memory still contains it.

use nix::libc;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Once;
use std::sync::atomic::{AtomicI32, Ordering};

/// The maximum number of registered listening sockets. If there are more, their copies stay open in the children.
const MOST: usize = 1024;

/// The descriptors of the registered sockets; 0 means that the entry is free.
static OPEN: [AtomicI32; MOST] = [const { AtomicI32::new(0) }; MOST];

/// While this exists, forked children close their copy of the listening socket.
#[derive(Debug)]
pub struct Listening {
    place: Option<usize>,
    descriptor: RawFd,
}

impl Listening {
    /// Drop the result before the socket is closed.
    pub fn new(socket: &impl AsRawFd) -> Listening {
        static AT_FORK: Once = Once::new();
        // SAFETY: the handler uses only atomics and descriptors, and does not unwind.
        AT_FORK.call_once(|| unsafe { _ = libc::pthread_atfork(None, None, Some(in_child)) });
        let descriptor = socket.as_raw_fd();
        let take = |place: &&AtomicI32| {
            place.compare_exchange(0, descriptor, Ordering::SeqCst, Ordering::SeqCst).is_ok()
        };
        Listening { place: OPEN.iter().position(|place| take(&place)), descriptor }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            // In a forked child, the entry is empty, or belongs to another socket.
            let _ = OPEN[place].compare_exchange(self.descriptor, 0, Ordering::SeqCst, Ordering::SeqCst);
        }
    }
}

/// Runs in the child, where only this thread exists. So it may use only system calls and atomics.
extern "C" fn in_child() {
    let mut nowhere = -1;
    let mut stays = false;
    for place in &OPEN {
        let descriptor = place.swap(0, Ordering::SeqCst);
        if descriptor == 0 {
            continue;
        }
        // SAFETY: system calls without pointers. The descriptor is the copy of a listening socket of the parent.
        // Nothing in this process uses it, because the threads that did exist only in the parent.
        unsafe {
            if nowhere < 0 {
                nowhere = socket();
            }
            if nowhere < 0 {
                // The process has no free descriptor, so the new socket takes the number of the copy.
                libc::close(descriptor);
                nowhere = socket();
                stays = nowhere == descriptor;
            }
            if nowhere >= 0 && (nowhere == descriptor || libc::dup2(nowhere, descriptor) == descriptor) {
                libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
            }
        }
    }
    if nowhere >= 0 && !stays {
        // SAFETY: it was opened above, and nothing else uses it.
        unsafe { libc::close(nowhere) };
    }
}

/// An unconnected socket; negative if none can be made.
fn socket() -> RawFd {
    // SAFETY: a system call without pointers.
    unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0) }
}
