//! The lanes of one thread, which runs an asyncio loop or a program's own main loop. The thread watches a descriptor,
//! takes calls, and sends their outcomes together.

use crate::convert::write::Bounds;
use crate::lanes::completion_target::OutcomeBatch;
use crate::lanes::lane_ids::{ASYNC, MAIN, lane_named, lane_of_loop};
use crate::lanes::turn_state::{MAX_OPS, TurnState};
use crate::lanes::wake_fd::{NullWake, WakeFd};
use crate::log_records::{LogEntry, Records};
use crate::register::handlers::Handlers;
use crate::register::limits;
use crate::serve::engine::Engine;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use pyo3::{PyTraverseError, PyVisit};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tenon_mcp::http::Ready;
use tenon_mcp::locks::Mutex;
use tenon_mcp::{Drained, HostOp, HostPort, Lane, LaneId, Outcome, Wake};

/// Tells the loop that the server has ended.
struct ClosedWake {
    closed: AtomicBool,
    wake: Arc<WakeFd>,
}

impl Wake for ClosedWake {
    fn wake(&self) {
        self.closed.store(true, Ordering::Release);
        self.wake.wake();
    }
}

/// Iterating over the lane, from the loop's thread, yields tuples that say what to do. "Context" is the name of the
/// parameter that takes the context, or `None`.
///
/// - `(call, function, arguments, context)`: start a call of an `async def` function.
/// - `(None, call, (function, arguments), context)`: run a `def` function at once.
/// - `(None, call, (function, arguments, variables, is_async), context)`: run a function of either kind in these
///   variables.
/// - `(None, id, None, None)`: cancel a call.
/// - `(None, id, ask, answer)`: give the call an answer, which is `(action, value, text)` or an exception.
/// - `(None, None, level, (logger, text))`: log a text.
/// - `(None, None, exchange, None)`: take the next steps of an exchange.
#[pyclass(frozen, module = "tenon_mcp._native")]
pub struct LoopLane {
    pub(super) port: HostPort,
    /// The lanes. The flag says whether the functions of the lane are `async def`.
    pub(super) lanes: Vec<(Lane, bool)>,
    pub(super) handlers: Handlers,
    /// Only in the lane of the thread that logs.
    pub(super) records: Option<Arc<Records>>,
    pub(super) wake: Arc<WakeFd>,
    /// How long a turn may take.
    pub(super) budget: Duration,
    closed: Arc<ClosedWake>,
    pub(super) batch: Arc<OutcomeBatch>,
    pub(super) turn: Mutex<TurnState>,
    /// The thread runs a program's own main loop.
    pub(super) polled: bool,
    /// For calls of requests that arrived on this loop: pairs of the usual lane and the lane of this loop that replaces
    /// it.
    pub(crate) own_lanes: Arc<[(LaneId, LaneId)]>,
    /// Exchanges of this loop that may have a next step.
    pub(crate) ready: Arc<Ready>,
    exchanges: AtomicU32,
}

#[pymethods]
impl LoopLane {
    /// Attaches to these lanes of the engine. Operations that are queued there already make the new descriptor
    /// readable. The lane also takes the engine's log records of `log_level` and above; without a level it takes none.
    ///
    /// With a `number` the lanes belong to this loop only, for calls of the requests that arrived on it.
    #[new]
    #[pyo3(signature = (engine, lanes, log_level, number=None))]
    fn new(
        py: Python<'_>,
        engine: &Engine,
        lanes: Vec<String>,
        log_level: Option<u8>,
        number: Option<u32>,
    ) -> PyResult<LoopLane> {
        let wake = Arc::new(WakeFd::new()?);
        let port = engine.server.port();
        let ids = lanes.iter().map(|lane| lane_named(lane)).collect::<PyResult<Vec<_>>>()?;
        let own = |index, id| number.map_or(id, |number| lane_of_loop(number, index));
        let pairs = || ids.iter().enumerate().map(|(index, id)| (*id, own(index, *id)));
        let lanes = pairs().map(|(id, own)| (port.lane(own, wake.clone()), id == ASYNC)).collect();
        let own_lanes = pairs().filter(|(id, own)| id != own).collect();
        if let Some(level) = log_level {
            let weak: Weak<WakeFd> = Arc::downgrade(&wake);
            engine.handlers.on_release(weak.clone());
            engine.records.attach(level, weak);
        }
        let closed = Arc::new(ClosedWake { closed: AtomicBool::new(false), wake: wake.clone() });
        let limits = engine.server.engine().limits();
        Ok(LoopLane {
            port,
            lanes,
            handlers: engine.handlers.clone_ref(py),
            records: log_level.map(|_| engine.records.clone()),
            own_lanes,
            ready: Ready::new(wake.clone()),
            exchanges: AtomicU32::new(0),
            wake,
            budget: limits.poll_budget,
            closed,
            batch: Arc::new(OutcomeBatch::new(Bounds::of(limits))),
            turn: Mutex::new(TurnState::new()),
            polled: ids.contains(&MAIN),
        })
    }

    /// The descriptor that is readable when there is work.
    fn fileno(&self) -> i32 {
        self.wake.descriptor()
    }

    /// How many seconds a turn takes at most.
    #[getter]
    fn budget(&self) -> f64 {
        self.budget.as_secs_f64()
    }

    /// Waits until there is work, for a thread that runs no loop; at most `timeout` seconds, if it is given. Runs the
    /// handlers of signals meanwhile, which may raise.
    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        let timeout = timeout.map(|seconds| limits::seconds("timeout", &seconds)).transpose()?;
        self.wake.wait(py, timeout.and_then(|timeout| Instant::now().checked_add(timeout)))
    }

    /// Starts a turn: reads the descriptor, then takes the queued operations. Operations that are queued during the
    /// turn also belong to it, up to its limit. The turn ends with the iteration, or with `flush`. It takes `budget`
    /// seconds at most, by default `poll_budget`. A function that has started is not interrupted. Without `with_async`,
    /// calls of `async def` functions stay queued.
    #[pyo3(signature = (budget=None, with_async=true))]
    fn begin(&self, py: Python<'_>, budget: Option<Bound<'_, PyAny>>, with_async: bool) -> PyResult<()> {
        let budget = budget.map_or(Ok(self.budget), |seconds| limits::seconds("budget", &seconds))?;
        // The descriptor is read before the queue. The other order would lose wakes.
        self.wake.begin()?;
        self.handlers.sweep(py);
        self.begin_turn(Instant::now().checked_add(budget).unwrap_or_else(Instant::now), with_async);
        Ok(())
    }

    /// Makes the descriptor readable: Python has work of its own for the lane's thread. Any thread may call it.
    fn ring(&self) {
        self.wake.notify();
    }

    /// Whether the server has ended.
    #[getter]
    fn closed(&self) -> bool {
        self.closed.closed.load(Ordering::Acquire)
    }

    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        self.next_item(py)
    }

    /// The server and its transports have ended.
    fn end(&self) {
        self.closed.wake();
    }

    /// Releases the engine because the loop has ended. Calls that are queued for this loop alone fail.
    fn retire(&self) {
        let mut ops: Vec<HostOp> = self.turn.lock().ops.drain(..).map(|(op, _)| op).collect();
        for (_, own) in &*self.own_lanes {
            let lane = self.port.lane(*own, Arc::new(NullWake));
            while lane.drain(MAX_OPS, self.budget, &mut ops) == Drained::More {}
        }
        for op in ops {
            if let HostOp::Call(call) = op {
                let outcome = Outcome::Failed("the event loop of this request has ended".into());
                let _ = self.port.complete(call.id, outcome);
            }
        }
    }

    /// The next remaining log record, as level, logger and text.
    fn record(&self) -> Option<LogEntry> {
        self.pop_record()
    }

    /// Sends the outcomes that were collected. Ends a turn whose iteration was not completed.
    fn flush(&self) {
        self.batch.flush(&self.port);
        if !self.wake.finish() {
            self.wake.finish_early();
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.handlers.traverse(&visit)
    }
}

impl LoopLane {
    /// A number for one more exchange.
    pub(crate) fn next_exchange(&self) -> u32 {
        self.exchanges.fetch_add(1, Ordering::Relaxed)
    }

    /// The waker that tells the loop that the server has ended.
    pub(crate) fn closed_wake(&self) -> Arc<dyn Wake> {
        self.closed.clone()
    }

    /// The waker that makes the loop take a turn.
    pub(crate) fn turn_wake(&self) -> Arc<dyn Wake> {
        self.wake.clone()
    }
}
