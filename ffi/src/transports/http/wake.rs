//! Wakes the thread that waits for a response, and calls the `ready` function of the program.

use crate::calls::reentrancy::Inside;
use crate::entries::handlers::{RunningCallbacks, UserData};
use crate::servers::state::server_state::ServerState;
use std::ffi::c_void;
use std::sync::{Arc, Weak};
use std::time::Instant;
use tenon_mcp::Wake;
use tenon_mcp::locks::{Condvar, Mutex};

/// Reports that tenon_http_next() may have more. It is called on any thread, also on threads of the library, and
/// sometimes without need. It should wake the program's event loop. It must not block, and must not call functions of
/// the library.
pub type tenon_http_ready_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// Wakes the thread that waits for a response. Threads of the engine may hold it after the request's end.
pub(super) struct ResponseWake {
    pub(super) signalled: Mutex<bool>,
    pub(super) changed: Condvar,
    pub(super) ready: Mutex<Option<Arc<Ready>>>,
    /// The shutdown of the server waits for `ready` as for callbacks.
    pub(super) inner: Weak<ServerState>,
    pub(super) callbacks: Arc<RunningCallbacks>,
}

/// The program's `ready` function with its data.
pub(super) struct Ready {
    pub(super) function: Option<unsafe extern "C" fn(*mut c_void)>,
    pub(super) data: UserData,
}

impl Wake for ResponseWake {
    fn wake(&self) {
        *self.signalled.lock() = true;
        self.changed.notify_all();
        let Some(_guard) = self.callbacks.enter() else { return };
        // This is a separate statement, so that no lock is held below. The last use of the data ends within the pass.
        let ready = self.ready.lock().clone();
        if let Some(ready) = ready
            && let Some(function) = ready.function
        {
            let _inside = Inside::enter(self.inner.as_ptr().addr(), false);
            // SAFETY: the program passed this function, of this type, with this data; the data is not destroyed while
            // `ready` lives.
            unsafe { function(ready.data.pointer) };
        }
    }
}

impl ResponseWake {
    /// Reports that the request is freed. `ready` is not called after that.
    pub(super) fn end(&self) {
        let ready = self.ready.lock().take();
        drop(ready);
    }

    /// Waits for a wake since the last wait. Returns `false` if there is none until `end`.
    pub(super) fn wait(&self, end: Option<Instant>) -> bool {
        let mut signalled = self.signalled.lock();
        while !std::mem::take(&mut *signalled) {
            match end {
                None => self.changed.wait(&mut signalled),
                Some(end) if Instant::now() >= end => return false,
                Some(end) => drop(self.changed.wait_until(&mut signalled, end)),
            }
        }
        true
    }
}
