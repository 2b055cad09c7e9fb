//! The entries that programs hold. A handle of an entry is a number in the form of a pointer, and not an address. The
//! table detects an entry that was freed or taken by a server, and a handle that is not an entry's, without reading
//! memory.
//!
//! A build with debug assertions records the other objects here too, see [`handle`](crate::abi::handle).

use crate::abi::fork;
use crate::abi::guard::Result;
use crate::abi::status::*;
use crate::entries::entry::tenon_entry;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ptr::{NonNull, without_provenance_mut};
use tenon_mcp::locks::{Mutex, MutexGuard};

/// The distance between two handles. It keeps handles different from addresses at which C could store an object.
const STEP: usize = 2;

/// The number of freed objects whose memory is kept, so that it is not used again.
const KEPT_OBJECTS: usize = 1024;

pub(crate) const FREED: &str = "this handle was freed";

struct Live {
    last: usize,
    entries: BTreeMap<usize, EntryPointer>,
    objects: Objects,
}

/// An entry, which belongs to the holder of its handle.
struct EntryPointer(NonNull<tenon_entry>);

// SAFETY: an entry may be handed from thread to thread, and the table gives only its address.
unsafe impl Send for EntryPointer {}

/// The other objects, by address.
struct Objects {
    live: BTreeMap<usize, Object>,
    /// Objects that were freed, as long as their memory is kept.
    freed: BTreeSet<usize>,
    kept: VecDeque<(usize, Memory)>,
}

/// Memory that is freed when this is dropped.
pub(crate) type Memory = Box<dyn Send>;

struct Object {
    name: &'static str,
    /// Keeps the object's memory after its end.
    memory: Option<Memory>,
}

impl Objects {
    const fn new() -> Objects {
        Objects { live: BTreeMap::new(), freed: BTreeSet::new(), kept: VecDeque::new() }
    }

    /// Returns memory that need no longer be kept.
    fn keep(&mut self, address: usize, memory: Memory) -> Option<Memory> {
        self.kept.push_back((address, memory));
        if self.kept.len() <= KEPT_OBJECTS {
            return None;
        }
        let (oldest, memory) = self.kept.pop_front()?;
        self.freed.remove(&oldest);
        Some(memory)
    }

    fn record_end(&mut self, address: usize) -> Option<Memory> {
        let object = self.live.remove(&address)?;
        self.freed.insert(address);
        self.keep(address, object.memory?)
    }

    fn describe(&self, address: usize) -> Option<String> {
        if let Some(object) = self.live.get(&address) {
            return Some(format!("this is a {}", object.name));
        }
        self.freed.contains(&address).then(|| FREED.to_owned())
    }
}

static LIVE: Mutex<Live> =
    Mutex::new(Live { last: STEP / 2, entries: BTreeMap::new(), objects: Objects::new() });

thread_local! {
    /// The lock, held by a thread while it forks. If another thread held it during the fork, it would stay locked in
    /// the child.
    static FORKING: Cell<Option<MutexGuard<'static, Live>>> = const { Cell::new(None) };
}

fn live() -> MutexGuard<'static, Live> {
    fork::watched();
    LIVE.lock()
}

/// Locks the table until [`after_fork`].
pub(crate) fn before_fork() {
    let _ = FORKING.try_with(|forking| forking.set(Some(LIVE.lock())));
}

/// Unlocks the table, in the parent and in the child.
pub(crate) fn after_fork() {
    let _ = FORKING.try_with(Cell::take);
}

/// Records a new object. `memory` keeps its address from being used again after its end.
pub(crate) fn record(address: usize, name: &'static str, memory: Option<Memory>) {
    live().objects.live.insert(address, Object { name, memory });
}

/// Records the end of an object.
pub(crate) fn record_end(address: usize) {
    let memory = live().objects.record_end(address);
    drop(memory);
}

/// Keeps the memory of an object that has ended.
pub(crate) fn keep(address: usize, memory: Memory) {
    let memory = live().objects.keep(address, memory);
    drop(memory);
}

/// Whether there is such an object.
pub(crate) fn is_live(address: usize, name: &str) -> bool {
    live().objects.live.get(&address).is_some_and(|object| object.name == name)
}

/// A description of a handle, if it is known.
pub(crate) fn describe(address: usize) -> Option<String> {
    let live = live();
    if live.entries.contains_key(&address) {
        return Some("this is a tenon_entry".to_owned());
    }
    live.was_entry(address).or_else(|| live.objects.describe(address))
}

impl Live {
    fn was_entry(&self, address: usize) -> Option<String> {
        let was = address > STEP / 2 && address <= self.last && address % STEP == STEP / 2;
        was.then(|| "this is an entry that was freed, or that a server has taken".to_owned())
    }

    fn not_live(&self, address: usize, what: &str) -> Failure {
        let known = self.was_entry(address).or_else(|| self.objects.describe(address));
        Failure::state(format!("{what}: {}", known.as_deref().unwrap_or("this is not a tenon_entry")))
    }
}

impl tenon_entry {
    /// A handle for the program.
    pub(crate) fn into_handle(self) -> *mut tenon_entry {
        let mut live = live();
        live.last += STEP;
        let handle = live.last;
        live.entries.insert(handle, EntryPointer(NonNull::from(Box::leak(Box::new(self)))));
        without_provenance_mut(handle)
    }
}

/// The entry of a handle.
///
/// # Safety
/// No other code uses the handle now.
pub(crate) unsafe fn live_entry<'a>(handle: *mut tenon_entry, what: &str) -> Result<&'a mut tenon_entry> {
    if handle.is_null() {
        return Err(Failure::null(what));
    }
    let live = live();
    let found = live.entries.get(&handle.addr()).map(|entry| entry.0);
    // SAFETY: in the table, so not freed; by contract of this function no other code uses or frees it now.
    found.map(|mut entry| unsafe { entry.as_mut() }).ok_or_else(|| live.not_live(handle.addr(), what))
}

/// The entry of a handle that the program passes to the library; `None` for NULL.
pub(crate) unsafe fn taken_entry(handle: *mut tenon_entry, what: &str) -> Result<Option<Box<tenon_entry>>> {
    if handle.is_null() {
        return Ok(None);
    }
    let mut live = live();
    let found = live.entries.remove(&handle.addr());
    // SAFETY: made by `Box::leak`, and out of the table once.
    found
        .map(|entry| Some(unsafe { Box::from_raw(entry.0.as_ptr()) }))
        .ok_or_else(|| live.not_live(handle.addr(), what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_known_by_its_address_while_it_lives_and_for_a_while_after() {
        let mut objects = Objects::new();
        objects.live.insert(8, Object { name: "tenon_result", memory: None });
        assert_eq!(objects.describe(8).as_deref(), Some("this is a tenon_result"));
        assert!(objects.record_end(8).is_none());
        assert!(objects.keep(8, Box::new(())).is_none());
        assert_eq!(objects.describe(8).as_deref(), Some(FREED));
        assert!(objects.record_end(8).is_none(), "it ends once");
        for other in 0..KEPT_OBJECTS {
            let address = 16 + 8 * other;
            objects.live.insert(address, Object { name: "tenon_call", memory: Some(Box::new(())) });
            let memory = objects.record_end(address).is_some();
            assert_eq!(memory, other + 1 == KEPT_OBJECTS, "{other}");
        }
        assert_eq!(objects.describe(8), None);
        assert_eq!(objects.describe(16).as_deref(), Some(FREED));
    }
}
