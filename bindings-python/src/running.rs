//! A started server.

use crate::errors::engine_error;
use pyo3::prelude::*;
use std::time::Duration;
use tenon_mcp::host::Engine;
use tenon_mcp::{CancelReason, Running as CoreRunning};

/// A started server. Ends when its transports end or when it is closed.
#[pyclass(frozen, module = "tenon_mcp._native")]
pub struct Running {
    pub(crate) running: CoreRunning,
    pub(crate) engine: Engine,
}

#[pymethods]
impl Running {
    /// The URL of the endpoint over HTTP.
    #[getter]
    fn url(&self) -> Option<String> {
        self.running.http_url()
    }

    /// Whether the server has ended.
    #[getter]
    fn closed(&self) -> bool {
        self.running.is_closed()
    }

    /// Begins a graceful end and returns at once.
    fn close(&self) {
        self.running.close();
    }

    /// Ends every call in flight.
    fn cancel(&self) {
        self.engine.cancel_all(CancelReason::Closing);
    }

    /// Waits for the end, at most `seconds`; says whether it came.
    fn wait(&self, py: Python<'_>, seconds: f64) -> bool {
        let timeout = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        py.detach(|| self.running.wait_for(timeout))
    }

    /// Raises `ForkedError` in a process that was forked off after the start.
    fn check_fork(&self, py: Python<'_>) -> PyResult<()> {
        self.running.check_fork().map_err(|error| engine_error(py, &error))
    }
}
