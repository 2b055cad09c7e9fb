//! A child of a fork keeps no listening socket of its parent.
//!
//! A forked child has a copy of each descriptor. As long as one copy of a listening socket is open, its port stays taken
//! and the system goes on accepting connections that nobody serves. So each copy is replaced in the child by a socket that
//! leads nowhere: its number stays taken, because the memory of the child still names it.

use nix::libc;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Once;
use std::sync::atomic::{AtomicI32, Ordering};

/// Listening sockets that are remembered. Copies of further ones stay open in children.
const MOST: usize = 1024;

/// Their descriptors; 0 for none.
static OPEN: [AtomicI32; MOST] = [const { AtomicI32::new(0) }; MOST];

/// As long as this lives, children that are forked off get no copy of a listening socket.
#[derive(Debug)]
pub struct Listening {
    place: Option<usize>,
    descriptor: RawFd,
}

impl Listening {
    /// To be dropped before the socket is closed.
    pub fn new(socket: &impl AsRawFd) -> Listening {
        static AT_FORK: Once = Once::new();
        // SAFETY: the handler touches atomics and descriptors only, and does not unwind.
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
            // In a child that was forked off it is not there any more, or another one is.
            let _ = OPEN[place].compare_exchange(self.descriptor, 0, Ordering::SeqCst, Ordering::SeqCst);
        }
    }
}

/// Runs in a child, where only this thread exists: system calls and atomics only.
extern "C" fn in_child() {
    let mut nowhere = -1;
    let mut stays = false;
    for place in &OPEN {
        let descriptor = place.swap(0, Ordering::SeqCst);
        if descriptor == 0 {
            continue;
        }
        // SAFETY: system calls without pointers. The descriptor is a listening socket of the parent's, of which this is a
        // copy that nothing in this process uses: the threads that did are the parent's.
        unsafe {
            if nowhere < 0 {
                nowhere = socket();
            }
            if nowhere < 0 {
                // The process has no number left: the new socket gets that of the copy.
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
        // SAFETY: it was opened above.
        unsafe { libc::close(nowhere) };
    }
}

/// One that leads nowhere; negative if there can be none.
fn socket() -> RawFd {
    // SAFETY: a system call without pointers.
    unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0) }
}
