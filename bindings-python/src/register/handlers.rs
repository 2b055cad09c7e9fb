//! The table of `Handler` objects, which the engine knows by number.

use crate::register::handler::Handler;
use pyo3::exceptions::PyLookupError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use pyo3::{PyTraverseError, PyVisit};
use std::any::Any;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use tenon_mcp::locks::Mutex;
use tenon_mcp::{HandlerId, HostCall, Layer, Registered, Wake};

/// `Handler` objects by slot. A slot stays with its handler while a call may still use it.
pub(crate) struct Handlers {
    list: Py<PyList>,
    /// The tables of mounted servers, by number: the list, the tables mounted in it, and the number of mounts that need
    /// it.
    mounted: Py<PyDict>,
    slots: Arc<SlotTable>,
}

/// Which slots are in use. Threads without the interpreter release slots here; [`Handlers::sweep`] then empties them.
#[derive(Default)]
struct SlotTable {
    /// Slots whose entry was removed and has no more calls. Their handlers are still in the list.
    released: Mutex<Vec<u32>>,
    /// Tables of servers that were unmounted, once for each of those mounts.
    unmounted: Mutex<Vec<Arc<SlotTable>>>,
    /// `released` or `unmounted` is not empty.
    needs_sweep: AtomicBool,
    /// Slots that are empty.
    free: Mutex<Vec<u32>>,
    /// Wakes a thread with the interpreter, which calls [`Handlers::sweep`].
    wake: Mutex<Option<Weak<dyn Wake>>>,
}

/// Releases a slot when it is dropped. The engine keeps it with the entry.
struct SlotGuard {
    slot: u32,
    slots: Arc<SlotTable>,
}

impl Drop for SlotGuard {
    fn drop(&mut self) {
        self.slots.released.lock().push(self.slot);
        self.slots.request_sweep();
    }
}

/// Releases the table of a mounted server when it is dropped. The engine keeps it until the last call through the mount
/// has ended.
pub(crate) struct MountGuard {
    table: Arc<SlotTable>,
    slots: Arc<SlotTable>,
}

impl Drop for MountGuard {
    fn drop(&mut self) {
        self.slots.unmounted.lock().push(self.table.clone());
        self.slots.request_sweep();
    }
}

impl SlotTable {
    fn request_sweep(&self) {
        self.needs_sweep.store(true, Ordering::Release);
        let wake = self.wake.lock().as_ref().and_then(Weak::upgrade);
        if let Some(wake) = wake {
            wake.wake();
        }
    }
}

impl Handlers {
    pub(crate) fn new(py: Python<'_>) -> Handlers {
        let (list, mounted) = (PyList::empty(py).unbind(), PyDict::new(py).unbind());
        Handlers { list, mounted, slots: Arc::default() }
    }

    /// Another reference to the same table.
    pub(crate) fn clone_ref(&self, py: Python<'_>) -> Handlers {
        let (list, mounted) = (self.list.clone_ref(py), self.mounted.clone_ref(py));
        Handlers { list, mounted, slots: self.slots.clone() }
    }

    /// Adds a handler. Its slot becomes free some time after the second value was dropped.
    pub(crate) fn add(
        &self,
        handler: &Bound<'_, Handler>,
    ) -> PyResult<(HandlerId, Arc<dyn Any + Send + Sync>)> {
        let list = self.list.bind(handler.py());
        let free = self.slots.free.lock().pop();
        let slot = match free {
            Some(slot) => {
                list.set_item(slot as usize, handler)?;
                slot
            }
            None => {
                list.append(handler)?;
                list.len() as u32 - 1
            }
        };
        Ok((HandlerId(slot), Arc::new(SlotGuard { slot, slots: self.slots.clone() })))
    }

    pub(crate) fn get<'py>(&self, py: Python<'py>, id: HandlerId) -> PyResult<Bound<'py, Handler>> {
        Ok(self.list.bind(py).get_item(id.0 as usize)?.cast_into()?)
    }

    /// A table's number, which no other table has.
    fn number(slots: &Arc<SlotTable>) -> usize {
        Arc::as_ptr(slots).addr()
    }

    /// Makes the handlers of another server available here too, until some time after the guard was dropped.
    pub(crate) fn mount(&self, py: Python<'_>, other: &Handlers) -> PyResult<MountGuard> {
        self.count(py, other.list.bind(py), other.mounted.bind(py), Handlers::number(&other.slots))?;
        Ok(MountGuard { table: other.slots.clone(), slots: self.slots.clone() })
    }

    /// Counts one more mount that needs a table.
    fn count(
        &self,
        py: Python<'_>,
        list: &Bound<'_, PyList>,
        nested: &Bound<'_, PyDict>,
        number: usize,
    ) -> PyResult<()> {
        let mounted = self.mounted.bind(py);
        let count = mounts_of(mounted, number)?;
        mounted.set_item(number, (list, nested, count + 1))
    }

    /// Counts one mount less that needs a table.
    fn uncount(&self, py: Python<'_>, number: usize) -> PyResult<()> {
        let mounted = self.mounted.bind(py);
        match mounts_of(mounted, number)? {
            0 => Ok(()),
            1 => mounted.del_item(number),
            count => {
                let known = mounted.as_any().get_item(number)?;
                mounted.set_item(number, (known.get_item(0)?, known.get_item(1)?, count - 1))
            }
        }
    }

    /// The handler of a call, which may belong to a mounted server.
    pub(crate) fn of<'py>(&self, py: Python<'py>, call: &HostCall) -> PyResult<Bound<'py, Handler>> {
        self.of_entry(py, &call.context.entry, call.handler)
    }

    /// The handler of an entry.
    pub(crate) fn of_entry<'py>(
        &self,
        py: Python<'py>,
        entry: &Registered,
        handler: HandlerId,
    ) -> PyResult<Bound<'py, Handler>> {
        self.resolve(py, handler, entry.kept())
    }

    /// The function of middleware, which may belong to a mounted server.
    pub(crate) fn of_layer<'py>(&self, py: Python<'py>, layer: &Layer) -> PyResult<Bound<'py, Handler>> {
        match layer {
            Layer::Lane { handler, kept, .. } => self.resolve(py, *handler, kept.as_ref()),
            _ => Err(PyLookupError::new_err("the middleware is not a Python function")),
        }
    }

    fn resolve<'py>(
        &self,
        py: Python<'py>,
        handler: HandlerId,
        kept: Option<&Arc<dyn Any + Send + Sync>>,
    ) -> PyResult<Bound<'py, Handler>> {
        let guard = kept.and_then(|kept| kept.downcast_ref::<SlotGuard>());
        match guard.filter(|guard| !Arc::ptr_eq(&guard.slots, &self.slots)) {
            None => self.get(py, handler),
            Some(guard) => {
                let list = find_table(self.mounted.bind(py), Handlers::number(&guard.slots))?;
                let list = list.ok_or_else(|| PyLookupError::new_err("the server is not mounted"))?;
                Ok(list.get_item(handler.0 as usize)?.cast_into()?)
            }
        }
    }

    /// Removes the handlers that no call can use any more.
    pub(crate) fn sweep(&self, py: Python<'_>) {
        if !self.slots.needs_sweep.swap(false, Ordering::AcqRel) {
            return;
        }
        // Releasing handlers may run code of the program, so no lock is held.
        for table in std::mem::take(&mut *self.slots.unmounted.lock()) {
            if let Err(error) = self.uncount(py, Handlers::number(&table)) {
                error.write_unraisable(py, None);
            }
        }
        let released = std::mem::take(&mut *self.slots.released.lock());
        for slot in released {
            // Releasing the handler may run code of the program, so no lock is held. The slot is free only afterwards.
            if self.list.bind(py).set_item(slot as usize, py.None()).is_ok() {
                self.slots.free.lock().push(slot);
            }
        }
    }

    /// Sets the waker that is called when `sweep` has work.
    pub(crate) fn on_release(&self, wake: Weak<dyn Wake>) {
        *self.slots.wake.lock() = Some(wake);
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.list)?;
        visit.call(&self.mounted)
    }
}

/// How many mounts need a table.
fn mounts_of(mounted: &Bound<'_, PyDict>, number: usize) -> PyResult<usize> {
    mounted.get_item(number)?.map_or(Ok(0), |known| known.get_item(2)?.extract())
}

/// The list of a table, among mounted servers and the servers mounted in them.
fn find_table<'py>(mounted: &Bound<'py, PyDict>, number: usize) -> PyResult<Option<Bound<'py, PyList>>> {
    if let Some(found) = mounted.get_item(number)? {
        return Ok(Some(found.get_item(0)?.cast_into()?));
    }
    for nested in mounted.values() {
        if let Some(found) = find_table(&nested.get_item(1)?.cast_into()?, number)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
