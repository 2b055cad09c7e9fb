//! The table behind the engine's handler ids.

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

/// `Handler` objects by place. A place is kept for its handler while a call may still name it.
pub(crate) struct Handlers {
    list: Py<PyList>,
    /// The tables of servers that are mounted here: by number, the list, the tables within, and how many mounts need it.
    mounted: Py<PyDict>,
    places: Arc<Places>,
}

#[derive(Default)]
struct Places {
    /// Those whose tool is gone, with its last call, and whose handler is still in the list. Threads without the
    /// interpreter put them here.
    left: Mutex<Vec<u32>>,
    /// Tables of servers, once for each of their mounts that is over.
    unmounted: Mutex<Vec<Arc<Places>>>,
    /// There is one or the other.
    any_left: AtomicBool,
    /// Those that are empty.
    free: Mutex<Vec<u32>>,
    /// Brings somebody with the interpreter to [`Handlers::sweep`].
    wake: Mutex<Option<Weak<dyn Wake>>>,
}

/// A tool's claim on a place; the engine keeps it with the tool.
struct Claim {
    place: u32,
    places: Arc<Places>,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.places.left.lock().push(self.place);
        self.places.call_sweep();
    }
}

/// A mount's claim on a table; the engine keeps it until the last call that came by the mount has ended.
pub(crate) struct Within {
    table: Arc<Places>,
    places: Arc<Places>,
}

impl Drop for Within {
    fn drop(&mut self) {
        self.places.unmounted.lock().push(self.table.clone());
        self.places.call_sweep();
    }
}

impl Places {
    fn call_sweep(&self) {
        self.any_left.store(true, Ordering::Release);
        let wake = self.wake.lock().as_ref().and_then(Weak::upgrade);
        if let Some(wake) = wake {
            wake.wake();
        }
    }
}

impl Handlers {
    pub(crate) fn new(py: Python<'_>) -> Handlers {
        let (list, mounted) = (PyList::empty(py).unbind(), PyDict::new(py).unbind());
        Handlers { list, mounted, places: Arc::default() }
    }

    /// The same table once more.
    pub(crate) fn clone_ref(&self, py: Python<'_>) -> Handlers {
        let (list, mounted) = (self.list.clone_ref(py), self.mounted.clone_ref(py));
        Handlers { list, mounted, places: self.places.clone() }
    }

    /// Puts a handler in. Its place is free again some time after the second value was dropped.
    pub(crate) fn add(
        &self,
        handler: &Bound<'_, Handler>,
    ) -> PyResult<(HandlerId, Arc<dyn Any + Send + Sync>)> {
        let list = self.list.bind(handler.py());
        let free = self.places.free.lock().pop();
        let place = match free {
            Some(place) => {
                list.set_item(place as usize, handler)?;
                place
            }
            None => {
                list.append(handler)?;
                list.len() as u32 - 1
            }
        };
        Ok((HandlerId(place), Arc::new(Claim { place, places: self.places.clone() })))
    }

    pub(crate) fn get<'py>(&self, py: Python<'py>, id: HandlerId) -> PyResult<Bound<'py, Handler>> {
        Ok(self.list.bind(py).get_item(id.0 as usize)?.cast_into()?)
    }

    /// What tells a table from others.
    fn number(places: &Arc<Places>) -> usize {
        Arc::as_ptr(places).addr()
    }

    /// The handlers of another server are found here, too, until some time after the value was dropped.
    pub(crate) fn mount(&self, py: Python<'_>, other: &Handlers) -> PyResult<Within> {
        self.count(py, other.list.bind(py), other.mounted.bind(py), Handlers::number(&other.places))?;
        Ok(Within { table: other.places.clone(), places: self.places.clone() })
    }

    /// One more mount needs a table.
    fn count(
        &self,
        py: Python<'_>,
        list: &Bound<'_, PyList>,
        within: &Bound<'_, PyDict>,
        number: usize,
    ) -> PyResult<()> {
        let mounted = self.mounted.bind(py);
        let count = mounts_of(mounted, number)?;
        mounted.set_item(number, (list, within, count + 1))
    }

    /// One mount less needs a table.
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

    /// The handler of a call, which may be of a server that is mounted.
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
        self.claimed(py, handler, entry.kept())
    }

    /// The function of middleware, which may be of a server that is mounted.
    pub(crate) fn of_layer<'py>(&self, py: Python<'py>, layer: &Layer) -> PyResult<Bound<'py, Handler>> {
        match layer {
            Layer::Lane { handler, kept, .. } => self.claimed(py, *handler, kept.as_ref()),
            _ => Err(PyLookupError::new_err("the middleware is not Python's")),
        }
    }

    fn claimed<'py>(
        &self,
        py: Python<'py>,
        handler: HandlerId,
        kept: Option<&Arc<dyn Any + Send + Sync>>,
    ) -> PyResult<Bound<'py, Handler>> {
        let claim = kept.and_then(|kept| kept.downcast_ref::<Claim>());
        match claim.filter(|claim| !Arc::ptr_eq(&claim.places, &self.places)) {
            None => self.get(py, handler),
            Some(claim) => {
                let list = find(self.mounted.bind(py), Handlers::number(&claim.places))?;
                let list = list.ok_or_else(|| PyLookupError::new_err("the server is not mounted"))?;
                Ok(list.get_item(handler.0 as usize)?.cast_into()?)
            }
        }
    }

    /// Lets go of the handlers that no call can name any more.
    pub(crate) fn sweep(&self, py: Python<'_>) {
        if !self.places.any_left.swap(false, Ordering::AcqRel) {
            return;
        }
        // The end of what a table has may run any code of the program's, so no lock is held.
        for table in std::mem::take(&mut *self.places.unmounted.lock()) {
            if let Err(error) = self.uncount(py, Handlers::number(&table)) {
                error.write_unraisable(py, None);
            }
        }
        let left = std::mem::take(&mut *self.places.left.lock());
        for place in left {
            // Its end may run any code of the program's, so no lock is held, and the place is not free before.
            if self.list.bind(py).set_item(place as usize, py.None()).is_ok() {
                self.places.free.lock().push(place);
            }
        }
    }

    /// Has `wake` called when there is something to sweep.
    pub(crate) fn on_left(&self, wake: Weak<dyn Wake>) {
        *self.places.wake.lock() = Some(wake);
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

/// The list of a table, among those that are mounted and those within them.
fn find<'py>(mounted: &Bound<'py, PyDict>, number: usize) -> PyResult<Option<Bound<'py, PyList>>> {
    if let Some(found) = mounted.get_item(number)? {
        return Ok(Some(found.get_item(0)?.cast_into()?));
    }
    for within in mounted.values() {
        if let Some(found) = find(&within.get_item(1)?.cast_into()?, number)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
