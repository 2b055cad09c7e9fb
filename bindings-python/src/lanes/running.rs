//! A started server.

use crate::errors::{engine_error, exception};
use crate::lanes::loop_lane::{LoopLane, wait_for};
use crate::lanes::wake_fd::Bell;
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
    /// The end began with `close` or `end`, not with a transport or a signal.
    pub(crate) closed_by_program: Arc<AtomicBool>,
    /// Where requests are handed over, if that is served.
    embedded: Option<Embedded>,
}

impl Running {
    pub(crate) fn new(running: CoreRunning) -> Running {
        Running { embedded: running.embedded(), running, closed_by_program: Arc::default() }
    }

    pub(crate) fn embedded(&self, py: Python<'_>) -> PyResult<&Embedded> {
        let missing = || exception(py, "StateError", "this server takes no requests of an ASGI server");
        self.embedded.as_ref().ok_or_else(missing)
    }

    fn began(&self, began: bool) {
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

    /// Whether the end began with `close` or `end`.
    #[getter]
    fn closed_by_program(&self) -> bool {
        self.closed_by_program.load(Ordering::SeqCst)
    }

    /// Begins a graceful end and returns at once.
    fn close(&self) {
        self.began(self.running.close());
    }

    /// Ends the server, and calls in flight at once.
    fn end(&self) {
        self.began(self.running.close_within(Duration::ZERO));
    }

    /// Waits for the end, at most `seconds`; says whether it came.
    fn wait(&self, py: Python<'_>, seconds: f64) -> bool {
        let timeout = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        py.detach(|| self.running.wait_for(timeout))
    }

    /// Whether it is known what became of the start.
    #[getter]
    fn settled(&self) -> bool {
        self.running.start_outcome().is_some()
    }

    /// Whether calls run, or have run.
    #[getter]
    fn started(&self) -> bool {
        self.running.start_outcome().is_some_and(|outcome| outcome.is_ok())
    }

    /// Waits until it is known what became of the start. Signals are handled meanwhile, and may raise.
    fn wait_started(&self, py: Python<'_>) -> PyResult<()> {
        let bell = Arc::new(Bell::new()?);
        self.running.on_started(bell.clone());
        wait_for(py, &bell, None)
    }

    /// Raises `StartError` if a handler of `start` failed.
    fn check_start(&self, py: Python<'_>) -> PyResult<()> {
        self.running.failure().map_or(Ok(()), |error| Err(engine_error(py, &error)))
    }

    /// Has one more loop hear of the start and the end.
    fn tell(&self, lane: &LoopLane) {
        self.running.on_closed(lane.closed_wake());
        self.running.on_started(lane.any_wake());
    }

    /// Raises `ForkedError` in a process that was forked off after the start.
    fn check_fork(&self, py: Python<'_>) -> PyResult<()> {
        self.running.check_fork().map_err(|error| engine_error(py, &error))
    }
}
