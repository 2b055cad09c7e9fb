//! The program's callbacks: the table of the engine's handler ids, and the lifetime of callbacks.

use crate::calls::call::tenon_call;
use std::collections::HashMap;
use std::ffi::c_void;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use tenon_mcp::locks::{Condvar, Mutex, RwLock};
use tenon_mcp::{HandlerId, LaneId};

/// An entry's callback. It completes `call` with one of the tenon_call_return functions, tenon_call_fail(),
/// tenon_call_fail_arguments(), tenon_call_not_found() or tenon_call_error(). It does so before it returns, or
/// later if it keeps the call with tenon_call_retain(). If a callback returns without either, the call fails.
/// The exceptions are notifications and hooks, because they have no response.
///
/// `user_data` is the pointer that tenon_entry_set_handler() got. `call` is valid until the callback returns, or until
/// the tenon_call_release() that belongs to a tenon_call_retain().
pub type tenon_handler_fn = Option<unsafe extern "C" fn(user_data: *mut c_void, call: *mut tenon_call)>;

/// Destroys a `user_data`. Runs exactly once; see "Callbacks and user_data".
pub type tenon_destroy_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// A `user_data` with its destructor.
pub(crate) struct UserData {
    pub(crate) pointer: *mut c_void,
    destroy: tenon_destroy_fn,
}

// SAFETY: the pointer is never dereferenced here, only passed to the program's functions. The program chooses by the
// mode on which threads these may run.
unsafe impl Send for UserData {}
// SAFETY: as above.
unsafe impl Sync for UserData {}

impl UserData {
    pub(crate) fn new(pointer: *mut c_void, destroy: tenon_destroy_fn) -> UserData {
        UserData { pointer, destroy }
    }
}

impl Drop for UserData {
    fn drop(&mut self) {
        if let Some(destroy) = self.destroy {
            // SAFETY: the program gave both together, and this runs once.
            unsafe { destroy(self.pointer) };
        }
    }
}

/// A callback with its data. Every call that the program holds has a reference, so the data outlives all calls.
pub(crate) struct Handler {
    function: unsafe extern "C" fn(*mut c_void, *mut tenon_call),
    data: UserData,
}

impl Handler {
    pub(crate) fn new(
        function: unsafe extern "C" fn(*mut c_void, *mut tenon_call),
        data: UserData,
    ) -> Handler {
        Handler { function, data }
    }

    pub(crate) fn run(&self, call: *mut tenon_call) {
        // SAFETY: the program registered this function, of this type, with `data`, which is not destroyed while `self`
        // lives; the caller keeps `call` alive until this returns.
        unsafe { (self.function)(self.data.pointer, call) };
    }
}

/// Where an entry's callback runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Worker = 0,
    Poll = 1,
    Inline = 2,
    /// The thread of the program's store.
    Store = 3,
    /// The threads of the verifier and the authorizer.
    Access = 4,
}

impl Mode {
    /// The lane of the mode. The number is chosen by this crate.
    pub(crate) fn lane(self) -> LaneId {
        LaneId(self as u32)
    }
}

/// The table of the engine's handler ids.
#[derive(Default)]
pub(crate) struct Handlers {
    entries: RwLock<HashMap<u32, Arc<Handler>, BuildHasherDefault<IdHasher>>>,
}

/// A fast hash, because every call looks up an id. This crate chooses the ids, so no client can make them
/// collide.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write_u32(&mut self, id: u32) {
        // The table uses the lowest bits and the seven highest. An odd factor with many bits affects both.
        self.0 = u64::from(id).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("ids are numbers");
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Ids are unique among all servers, because one server may be mounted in another.
static NEXT: AtomicU32 = AtomicU32::new(0);

impl Handlers {
    pub(crate) fn insert(&self, handler: Arc<Handler>) -> HandlerId {
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        self.entries.write().insert(id, handler);
        HandlerId(id)
    }

    pub(crate) fn get(&self, id: HandlerId) -> Option<Arc<Handler>> {
        self.entries.read().get(&id.0).cloned()
    }

    pub(crate) fn all(&self) -> HashMap<u32, Arc<Handler>> {
        self.entries.read().iter().map(|(id, handler)| (*id, handler.clone())).collect()
    }

    /// Removes a handler. The caller drops it outside of any lock.
    pub(crate) fn remove(&self, id: HandlerId) -> Option<Arc<Handler>> {
        self.entries.write().remove(&id.0)
    }

    pub(crate) fn clear(&self) {
        let entries = std::mem::take(&mut *self.entries.write());
        drop(entries);
    }
}

/// Counts the running callbacks, so that freeing a server can wait for the last one.
#[derive(Default)]
pub(crate) struct RunningCallbacks {
    inside: AtomicUsize,
    closed: AtomicBool,
    lock: Mutex<()>,
    left: Condvar,
}

/// One running callback inside a [`RunningCallbacks`].
pub(crate) struct CallbackGuard<'a>(&'a RunningCallbacks);

impl RunningCallbacks {
    /// `None` once closed. This counts before it reads `closed`, and `close` sets `closed` before it reads the count.
    /// So one of the two sees the other.
    pub(crate) fn enter(&self) -> Option<CallbackGuard<'_>> {
        self.inside.fetch_add(1, Ordering::SeqCst);
        let guard = CallbackGuard(self);
        (!self.closed.load(Ordering::SeqCst)).then_some(guard)
    }

    /// Lets no more callbacks in, and waits until all have left.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        let mut guard = self.lock.lock();
        while self.inside.load(Ordering::SeqCst) > 0 {
            self.left.wait(&mut guard);
        }
    }
}

impl Drop for CallbackGuard<'_> {
    fn drop(&mut self) {
        if self.0.inside.fetch_sub(1, Ordering::SeqCst) == 1 && self.0.closed.load(Ordering::SeqCst) {
            drop(self.0.lock.lock());
            self.0.left.notify_all();
        }
    }
}
