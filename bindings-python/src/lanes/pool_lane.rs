//! The lane of the worker threads, which Python creates.

use crate::lanes::completion_target::Home;
use crate::lanes::loop_lane::{chain, prepared, start};
use crate::lanes::pool::{POOL, Pool, Run};
use crate::lanes::request_context;
use crate::register::handlers::Handlers;
use crate::serve::engine::Engine;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use pyo3::{PyTraverseError, PyVisit};
use std::sync::Arc;
use tenon_mcp::Wake;

/// Hands calls to worker threads; any number of them may wait in [`PoolLane::next`].
#[pyclass(frozen, module = "tenon_mcp._native")]
pub struct PoolLane {
    pool: Arc<Pool>,
    handlers: Handlers,
}

/// Takes the pool's place when it closes; the engine keeps what it queues.
struct Nobody;

impl Wake for Nobody {
    fn wake(&self) {}
}

#[pymethods]
impl PoolLane {
    /// Attaches to the engine. There will be at most `cap` workers.
    #[new]
    fn new(py: Python<'_>, engine: &Engine, cap: usize) -> PoolLane {
        let port = engine.server.port();
        let pool = Arc::new(Pool::new(port.clone(), cap, engine.server.engine().limits()));
        pool.attach(port.lane(POOL, pool.clone()));
        PoolLane { pool, handlers: engine.handlers.clone_ref(py) }
    }

    /// Counts the first worker; `False` if there is one.
    fn first_worker(&self) -> bool {
        self.pool.first_worker()
    }

    /// A worker that was counted could not be started.
    fn lost_worker(&self) {
        self.pool.lost_worker();
    }

    /// The next call as `((call, function, arguments, context parameter or None), grow)`, whose first part ends with the
    /// variables that it is to run in, if its request has some; `None` ends the worker. `busy` says whether the worker comes
    /// back from a call. With `grow`, another worker is to be started first.
    fn next<'py>(&self, py: Python<'py>, busy: bool) -> PyResult<Option<(Bound<'py, PyTuple>, bool)>> {
        let mut now = if busy { self.pool.take_now() } else { None };
        loop {
            let taken = match now.take() {
                Some(taken) => taken,
                None => match py.detach(|| self.pool.park()) {
                    Some(taken) => taken,
                    None => return Ok(None),
                },
            };
            let home = Home::Pool(self.pool.clone(), Run::new(&taken.call));
            let (port, call) = (self.pool.port(), &taken.call);
            let item = prepared(py, port, call, || {
                let item = match call.middleware().len() {
                    0 => start(py, port, &self.handlers, call, home)?,
                    _ => Some(chain(py, port, &self.handlers, call, home, false)?),
                };
                let Some(item) = item else { return Ok(None) };
                match request_context::context_of(py, call)? {
                    None => Ok(Some(item)),
                    Some(context) => request_context::on_worker(&item, &context).map(Some),
                }
            });
            if let Some(item) = item? {
                return Ok(Some((item, taken.grow)));
            }
            now = self.pool.take_now();
            if taken.grow {
                // Nothing ran, so nobody started the worker that was counted.
                self.pool.lost_worker();
            }
        }
    }

    /// Ends the workers.
    fn close(&self) {
        let _ = self.pool.port().lane(POOL, Arc::new(Nobody));
        self.pool.close();
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.handlers.traverse(&visit)
    }
}
