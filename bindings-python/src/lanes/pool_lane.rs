//! The lane of the worker threads, which Python creates.

use crate::lanes::call_start::{guard_start, start, start_chain};
use crate::lanes::completion_target::CompletionTarget;
use crate::lanes::lane_ids::lane_named;
use crate::lanes::pool::Pool;
use crate::lanes::pool_state::PoolCall;
use crate::lanes::request_context;
use crate::lanes::wake_fd::NullWake;
use crate::register::handlers::Handlers;
use crate::serve::engine::Engine;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use pyo3::{PyTraverseError, PyVisit};
use std::sync::Arc;
use tenon_mcp::LaneId;

/// Passes calls to worker threads. Any number of threads may wait in [`PoolLane::next`].
#[pyclass(frozen, module = "tenon_mcp._native")]
pub struct PoolLane {
    pool: Arc<Pool>,
    lane: LaneId,
    handlers: Handlers,
}

#[pymethods]
impl PoolLane {
    /// Attaches to a lane of the engine. There will be at most `cap` workers.
    #[new]
    #[pyo3(signature = (engine, cap, lane="pool"))]
    fn new(py: Python<'_>, engine: &Engine, cap: usize, lane: &str) -> PyResult<PoolLane> {
        let (port, lane) = (engine.server.port(), lane_named(lane)?);
        let pool = Arc::new(Pool::new(port.clone(), cap, engine.server.engine().limits()));
        pool.attach(port.lane(lane, pool.clone()));
        Ok(PoolLane { pool, lane, handlers: engine.handlers.clone_ref(py) })
    }

    /// Counts the first worker. `False` if there is one already.
    fn first_worker(&self) -> bool {
        self.pool.first_worker()
    }

    /// Stops counting a worker that could not be started.
    fn lost_worker(&self) {
        self.pool.lost_worker();
    }

    /// The next call as `((call, function, arguments, context parameter or None), grow)`; `None` ends the worker. If
    /// the request has context variables, they follow the parameter. `busy` says whether the worker has just run a
    /// call. With `grow`, the caller starts another worker first.
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
            let target = CompletionTarget::Pool(self.pool.clone(), PoolCall::new(&taken.call));
            let (port, call) = (self.pool.port(), &taken.call);
            let item = guard_start(py, port, call, || {
                let item = match call.middleware().len() {
                    0 => start(py, port, &self.handlers, call, target)?,
                    _ => Some(start_chain(py, port, &self.handlers, call, target, false)?),
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
                // Python did not get the call, so it did not start the worker that was counted.
                self.pool.lost_worker();
            }
        }
    }

    /// Ends the workers.
    fn close(&self) {
        let _ = self.pool.port().lane(self.lane, Arc::new(NullWake));
        self.pool.close();
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.handlers.traverse(&visit)
    }
}
