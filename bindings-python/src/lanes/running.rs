//! A started server.

use crate::errors::{engine_error, exception};
use crate::lanes::loop_lane::LoopLane;
use crate::lanes::wake_fd::WakeFd;
use pyo3::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tenon_mcp::Running as CoreRunning;
use tenon_mcp::http::Embedded;

/// A started server. Ends when its transports end or when it is closed.
#[pyclass(frozen, module = "tenon_mcp._native")]
pub struct Running {
    pub(crate) running: CoreRunning,
    /// The program ended the server with `close` or `end`, and not a transport or a signal.
    pub(crate) closed_by_program: Arc<AtomicBool>,
    /// Takes the requests of an ASGI server, if the server has such a transport.
    embedded: Option<Embedded>,
}

impl Running {
    pub(crate) fn new(running: CoreRunning) -> Running {
        Running { embedded: running.embedded(), running, closed_by_program: Arc::default() }
    }

    pub(crate) fn embedded(&self, py: Python<'_>) -> PyResult<&Embedded> {
        let missing = || {
            exception(
                py,
                "StateError",
                "the server was started with other transports and takes no ASGI requests; start it through its ASGI application",
            )
        };
        self.embedded.as_ref().ok_or_else(missing)
    }

    fn set_closed_by_program(&self, began: bool) {
        if began {
            self.closed_by_program.store(true, Ordering::SeqCst);
        }
    }
}

#[pymethods]
impl Running {
    /// The URL of the endpoint over HTTP.
    #[getter]
    fn url(&self) -> Option<String> {
        self.running.http_url()
    }

    /// The URL of WebSocket.
    #[getter]
    fn websocket_url(&self) -> Option<String> {
        self.running.websocket_url()
    }

    /// The URL of the event stream of HTTP+SSE.
    #[getter]
    fn sse_url(&self) -> Option<String> {
        self.running.sse_url()
    }

    /// Whether the server has ended.
    #[getter]
    fn closed(&self) -> bool {
        self.running.is_closed()
    }

    /// Whether the program ended the server with `close` or `end`.
    #[getter]
    fn closed_by_program(&self) -> bool {
        self.closed_by_program.load(Ordering::SeqCst)
    }

    /// Begins a graceful shutdown and returns at once.
    fn close(&self) {
        self.set_closed_by_program(self.running.close());
    }

    /// Ends the server and its calls in flight at once.
    fn end(&self) {
        self.set_closed_by_program(self.running.close_within(Duration::ZERO));
    }

    /// Waits until the server has ended, at most `seconds`. Returns whether it has.
    fn wait(&self, py: Python<'_>, seconds: f64) -> bool {
        let timeout = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        py.detach(|| self.running.wait_for(timeout))
    }

    /// Whether the start has succeeded or failed.
    #[getter]
    fn settled(&self) -> bool {
        self.running.start_outcome().is_some()
    }

    /// Whether calls run, or have run.
    #[getter]
    fn started(&self) -> bool {
        self.running.start_outcome().is_some_and(|outcome| outcome.is_ok())
    }

    /// Waits until the start has succeeded or failed. Runs the handlers of signals meanwhile, which may raise.
    fn wait_started(&self, py: Python<'_>) -> PyResult<()> {
        let wake = Arc::new(WakeFd::new()?);
        self.running.on_started(wake.clone());
        wake.wait(py, None)
    }

    /// Raises `StartError` if a handler of `start` failed.
    fn check_start(&self, py: Python<'_>) -> PyResult<()> {
        self.running.failure().map_or(Ok(()), |error| Err(engine_error(py, &error)))
    }

    /// Notifies one more loop of the start and the end.
    fn tell(&self, lane: &LoopLane) {
        self.running.on_closed(lane.closed_wake());
        self.running.on_started(lane.turn_wake());
    }

    /// Raises `ForkedError` in a process that was forked off after the start.
    fn check_fork(&self, py: Python<'_>) -> PyResult<()> {
        self.running.check_fork().map_err(|error| engine_error(py, &error))
    }
}
