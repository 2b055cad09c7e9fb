//! The entries that programs hold. A handle of an entry is a number in the form of a pointer, which leads to nothing by itself: one
//! that was freed, that a server took, or that is no entry's handle at all is found out without a look at its memory.

use crate::entry::tenon_entry;
use crate::fork;
use crate::guard::Result;
use crate::status::*;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::ptr::{NonNull, without_provenance_mut};
use tenon_mcp::locks::{Mutex, MutexGuard};

/// Between two handles, so that none is the address of what C could keep an object at.
const STEP: usize = 2;

struct Live {
    last: usize,
    entries: BTreeMap<usize, Held>,
}

/// An entry, which belongs to whoever holds its handle.
struct Held(NonNull<tenon_entry>);

// SAFETY: an entry may be handed from thread to thread, and the table gives only its address.
unsafe impl Send for Held {}

static LIVE: Mutex<Live> = Mutex::new(Live { last: STEP / 2, entries: BTreeMap::new() });

thread_local! {
    /// Of a thread that forks, until it has: a lock that another thread held would stay locked in the child.
    static FORKING: Cell<Option<MutexGuard<'static, Live>>> = const { Cell::new(None) };
}

fn live() -> MutexGuard<'static, Live> {
    fork::watched();
    LIVE.lock()
}

/// Nobody changes the table until [`after_fork`].
pub(crate) fn before_fork() {
    let _ = FORKING.try_with(|forking| forking.set(Some(LIVE.lock())));
}

/// In the parent and in the child.
pub(crate) fn after_fork() {
    let _ = FORKING.try_with(Cell::take);
}

fn dead(what: &str) -> Failure {
    let text = format!("{what} is no entry: it was freed, a server has taken it, or it is something else");
    Failure::new(TENON_ERR_STATE, text)
}

impl tenon_entry {
    /// A handle for the program.
    pub(crate) fn into_handle(self) -> *mut tenon_entry {
        let mut live = live();
        live.last += STEP;
        let handle = live.last;
        live.entries.insert(handle, Held(NonNull::from(Box::leak(Box::new(self)))));
        without_provenance_mut(handle)
    }
}

/// The entry of a handle.
///
/// # Safety
/// Nobody else uses the handle now.
pub(crate) unsafe fn live_entry<'a>(handle: *mut tenon_entry, what: &str) -> Result<&'a mut tenon_entry> {
    if handle.is_null() {
        return Err(Failure::null(what));
    }
    let found = live().entries.get(&handle.addr()).map(|held| held.0);
    // SAFETY: in the table, so not freed; by contract of this function nobody else uses or frees it now.
    found.map(|mut entry| unsafe { entry.as_mut() }).ok_or_else(|| dead(what))
}

/// The entry of a handle that the program gives away; nothing for NULL.
///
/// # Safety
/// Nobody else uses the handle now.
pub(crate) unsafe fn taken_entry(handle: *mut tenon_entry, what: &str) -> Result<Option<Box<tenon_entry>>> {
    if handle.is_null() {
        return Ok(None);
    }
    let found = live().entries.remove(&handle.addr());
    // SAFETY: made by `Box::leak`, and out of the table once.
    found.map(|held| Some(unsafe { Box::from_raw(held.0.as_ptr()) })).ok_or_else(|| dead(what))
}
