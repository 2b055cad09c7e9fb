//! The lanes of one thread, an asyncio loop's or a program's own main loop: a descriptor to watch, calls to take, outcomes
//! to send home together.

use crate::call::{CALL, Call};
use crate::convert::answers;
use crate::convert::write::Bounds;
use crate::lanes::completion_target::{Batch, Home};
use crate::lanes::pool::POOL;
use crate::lanes::request_context;
use crate::lanes::wake_fd::Bell;
use crate::log_records::{Entry, Records};
use crate::register::handlers::Handlers;
use crate::register::limits;
use crate::serve::engine::Engine;
use nix::libc;
use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use pyo3::{PyTraverseError, PyVisit};
use std::collections::VecDeque;
use std::io::{Error, ErrorKind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tenon_mcp::__private::pass_fault;
use tenon_mcp::http::Ready;
use tenon_mcp::locks::Mutex;
use tenon_mcp::{Drained, HostCall, HostOp, HostPort, Lane, LaneId, LogLevel, Outcome, Target, Wake};

/// The lane of `async def` handlers.
pub(crate) const LOOP: LaneId = LaneId(0);
/// The lane of `def` handlers for the main thread.
const MAIN: LaneId = LaneId(2);
/// The lane of `def` handlers for the loop's thread.
const BESIDE: LaneId = LaneId(3);

/// The lane of this word.
pub(crate) fn named(lane: &str) -> PyResult<LaneId> {
    match lane {
        "async" => Ok(LOOP),
        "loop" => Ok(BESIDE),
        "main" => Ok(MAIN),
        "pool" => Ok(POOL),
        other => Err(PyValueError::new_err(format!("there is no lane {other:?}"))),
    }
}

/// After this much the loop gets to do something else.
const MAX_OPS: usize = 64;

/// Wakes the loop. The engine coalesces, so it rarely does so twice before the loop has come.
impl Wake for Bell {
    fn wake(&self) {
        self.ring();
    }
}

/// Tells the loop that the server has ended.
pub(crate) struct ClosedWake {
    closed: AtomicBool,
    wake: Arc<Bell>,
}

impl Wake for ClosedWake {
    fn wake(&self) {
        self.closed.store(true, Ordering::Release);
        self.wake.wake();
    }
}

/// Takes a lane's place when its loop has ended.
struct Nobody;

impl Wake for Nobody {
    fn wake(&self) {}
}

/// The first lane of the loops that are not the first. Each has two.
const FURTHER: u32 = 8;

/// Iterating over the lane, from the loop's thread, yields what there is to do as tuples. "Context" is the name of the
/// parameter that takes the context, or `None`.
///
/// - `(call, function, arguments, context)`: start a call of an `async def` function.
/// - `(None, call, (function, arguments), context)`: run a `def` function at once.
/// - `(None, call, (function, arguments, variables, is_async), context)`: run a function of either kind in these variables.
/// - `(None, id, None, None)`: cancel a call.
/// - `(None, id, ask, answer)`: pass on an answer, which is `(action, value, text)` or an exception.
/// - `(None, None, level, (logger, text))`: log a text.
/// - `(None, None, exchange, None)`: look at an exchange.
#[pyclass(frozen, module = "tenon_mcp._native")]
pub struct LoopLane {
    port: HostPort,
    /// Each with whether its functions are `async def`.
    lanes: Vec<(Lane, bool)>,
    handlers: Handlers,
    /// Only of the thread that logs.
    records: Option<Arc<Records>>,
    wake: Arc<Bell>,
    /// How long a turn may take.
    budget: Duration,
    closed: Arc<ClosedWake>,
    batch: Arc<Batch>,
    backlog: Mutex<Backlog>,
    /// Of a program's own main loop.
    polled: bool,
    /// Where calls of requests that came in here go, if that is not where others go.
    pub(crate) moved: Arc<[(LaneId, LaneId)]>,
    /// Requests that came in here.
    pub(crate) ready: Arc<Ready>,
    exchanges: AtomicU32,
}

struct Backlog {
    /// Exchanges that are worth a look.
    ready: VecDeque<u32>,
    /// Each with whether it is for an `async def` function.
    ops: VecDeque<(HostOp, bool)>,
    /// When this turn must end.
    end: Instant,
    /// How much more it may take.
    room: usize,
    /// What is queued here has waited for another turn, so calls may have ended meanwhile.
    stale: bool,
    /// Calls of `async def` functions can be started.
    with_async: bool,
    /// A function was run at once, and what it came to waits for nobody.
    came: bool,
}

#[pymethods]
impl LoopLane {
    /// Attaches to these lanes of the engine; what it has queued wakes the new descriptor. What it logs from `log_level`
    /// on comes here too, without one nothing.
    ///
    /// With a `number` they are lanes of this loop alone, for calls of the requests that came in on it.
    #[new]
    #[pyo3(signature = (engine, lanes, log_level, number=None))]
    fn new(
        py: Python<'_>,
        engine: &Engine,
        lanes: Vec<String>,
        log_level: Option<u8>,
        number: Option<u32>,
    ) -> PyResult<LoopLane> {
        let wake = Arc::new(Bell::new()?);
        let port = engine.server.port();
        let ids = lanes.iter().map(|lane| named(lane)).collect::<PyResult<Vec<_>>>()?;
        let own = |place: usize, id| match number {
            Some(number) => LaneId(FURTHER + 2 * number + place as u32),
            None => id,
        };
        let placed = || ids.iter().enumerate().map(|(place, id)| (*id, own(place, *id)));
        let lanes = placed().map(|(id, own)| (port.lane(own, wake.clone()), id == LOOP)).collect();
        let moved = placed().filter(|(id, own)| id != own).collect();
        if let Some(level) = log_level {
            let weak: Weak<Bell> = Arc::downgrade(&wake);
            engine.handlers.on_left(weak.clone());
            engine.records.attach(level, weak);
        }
        let closed = Arc::new(ClosedWake { closed: AtomicBool::new(false), wake: wake.clone() });
        let backlog = Backlog {
            ops: VecDeque::new(),
            ready: VecDeque::new(),
            end: Instant::now(),
            room: 0,
            stale: false,
            with_async: true,
            came: false,
        };
        Ok(LoopLane {
            port,
            lanes,
            handlers: engine.handlers.clone_ref(py),
            records: log_level.map(|_| engine.records.clone()),
            moved,
            ready: Ready::new(wake.clone()),
            exchanges: AtomicU32::new(0),
            wake,
            budget: engine.server.engine().limits().poll_budget,
            closed,
            batch: Arc::new(Batch::new(Bounds::of(engine.server.engine().limits()))),
            backlog: Mutex::new(backlog),
            polled: ids.contains(&MAIN),
        })
    }

    /// The descriptor that is readable when there is something to do.
    fn fileno(&self) -> i32 {
        self.wake.descriptor()
    }

    /// How many seconds a turn takes at most.
    #[getter]
    fn budget(&self) -> f64 {
        self.budget.as_secs_f64()
    }

    /// Waits until there is something to do, for a thread that runs no loop; at most `timeout` seconds, if it is given.
    /// Signals are handled meanwhile, and may raise.
    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        let timeout = timeout.map(|seconds| limits::seconds("timeout", &seconds)).transpose()?;
        wait_for(py, &self.wake, timeout.and_then(|timeout| Instant::now().checked_add(timeout)))
    }

    /// Starts a turn: reads the descriptor, then takes what is queued. What is queued during the turn belongs to it too,
    /// as far as there is room. The turn ends with the iteration, or with `flush`.
    /// It takes `poll_budget` at most, if `budget` does not say how many seconds; what has begun goes to its end.
    /// Without `with_async` calls of `async def` functions stay where they are.
    #[pyo3(signature = (budget=None, with_async=true))]
    fn begin(&self, py: Python<'_>, budget: Option<Bound<'_, PyAny>>, with_async: bool) -> PyResult<()> {
        let budget = budget.map_or(Ok(self.budget), |seconds| limits::seconds("budget", &seconds))?;
        // The descriptor first and the queue then; the other order loses wakes.
        self.wake.listen()?;
        self.handlers.sweep(py);
        self.batch.expect_flush();
        let mut backlog = self.backlog.lock();
        backlog.end = Instant::now().checked_add(budget).unwrap_or_else(Instant::now);
        backlog.with_async = with_async;
        backlog.stale = !backlog.ops.is_empty();
        backlog.room = MAX_OPS.saturating_sub(backlog.ops.len());
        self.fill(&mut backlog);
        Ok(())
    }

    /// Has the thread of the lane look, as there is something of Python's own for it; from any thread.
    fn ring(&self) {
        self.wake.ring();
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
        loop {
            let (op, stale) = {
                let mut backlog = self.backlog.lock();
                if std::mem::take(&mut backlog.came) {
                    drop(backlog);
                    self.batch.flush(&self.port);
                    self.batch.expect_flush();
                    backlog = self.backlog.lock();
                }
                if backlog.ops.is_empty() {
                    if backlog.ready.is_empty() {
                        backlog.ready.extend(self.ready.take());
                    }
                    let ready = backlog.ready.pop_front();
                    drop(backlog);
                    if let Some(exchange) = ready {
                        return (py.None(), py.None(), exchange, py.None()).into_pyobject(py).map(Some);
                    }
                    if let Some((level, logger, text)) = self.pop_record() {
                        let item = (py.None(), py.None(), level, (logger, text));
                        return item.into_pyobject(py).map(Some);
                    }
                    if self.goes_on(py) {
                        continue;
                    }
                    return Ok(None);
                }
                if Instant::now() >= backlog.end {
                    drop(backlog);
                    self.wake.call_again();
                    return Ok(None);
                }
                (backlog.ops.pop_front(), backlog.stale)
            };
            match op {
                Some((HostOp::Call(call), is_async)) => {
                    if stale && self.port.is_cancelled(call.id) {
                        continue;
                    }
                    let item = prepared(py, &self.port, &call, || {
                        let Some(item) = self.start(py, &call, is_async)? else { return Ok(None) };
                        match request_context::context_of(py, &call)? {
                            None if is_async => Ok(Some(item)),
                            None => at_once(&item).map(Some),
                            Some(context) => request_context::on_loop(&item, &context, is_async).map(Some),
                        }
                    });
                    if let Some(item) = item? {
                        if is_async {
                            return Ok(Some(item));
                        }
                        let mut backlog = self.backlog.lock();
                        backlog.came = true;
                        // The function may go on polling, or watch the descriptor, as a dialog does: what is left of this
                        // turn is for it, and what comes meanwhile makes the descriptor readable.
                        if self.polled && !(backlog.ops.is_empty() && self.wake.rest()) {
                            self.wake.call_again();
                        }
                        return Ok(Some(item));
                    }
                }
                Some((HostOp::Cancel { call, .. }, _)) => {
                    let item = (py.None(), call.to_u64(), py.None(), py.None());
                    return item.into_pyobject(py).map(Some);
                }
                Some((HostOp::Answer { call, ask, answer }, _)) => {
                    let answer = match answers::to_python(py, answer) {
                        Ok(answer) => answer,
                        Err(error) => error.into_value(py).into_bound(py).into_any(),
                    };
                    let item = (py.None(), call.to_u64(), ask.0, answer);
                    return item.into_pyobject(py).map(Some);
                }
                Some((HostOp::Next { call, outcome }, _)) => {
                    let item = (py.None(), call.to_u64(), NEXT, answers::followed(py, &outcome)?);
                    return item.into_pyobject(py).map(Some);
                }
                // This binding asks for no other operations.
                Some(_) | None => {}
            }
        }
    }

    /// The server has ended, and all that served it.
    fn end(&self) {
        self.closed.wake();
    }

    /// Lets go of the engine: the loop has ended. What was queued for it alone fails.
    fn retire(&self) {
        let mut ops: Vec<HostOp> = self.backlog.lock().ops.drain(..).map(|(op, _)| op).collect();
        for (_, own) in &*self.moved {
            let lane = self.port.lane(*own, Arc::new(Nobody));
            while lane.drain(MAX_OPS, self.budget, &mut ops) == Drained::More {}
        }
        for op in ops {
            if let HostOp::Call(call) = op {
                let outcome = Outcome::Failed("the event loop of this request has ended".into());
                let _ = self.port.complete(call.id, outcome);
            }
        }
    }

    /// What is left to log, one at a time: level, logger and text.
    fn record(&self) -> Option<Entry> {
        self.pop_record()
    }

    /// Sends the outcomes that have gathered. A turn that was broken off ends here.
    fn flush(&self) {
        self.batch.flush(&self.port);
        if !self.wake.rest() {
            self.wake.call_again();
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

    /// What to have woken when the server has ended.
    pub(crate) fn closed_wake(&self) -> Arc<dyn Wake> {
        self.closed.clone()
    }

    /// What to have woken when there may be something to look at.
    pub(crate) fn any_wake(&self) -> Arc<dyn Wake> {
        self.wake.clone()
    }

    fn pop_record(&self) -> Option<Entry> {
        self.records.as_ref().and_then(|records| records.pop())
    }

    /// Takes what is queued, as far as the turn has room.
    fn fill(&self, backlog: &mut Backlog) {
        let mut ops = Vec::with_capacity(backlog.room);
        for (place, (lane, is_async)) in self.lanes.iter().enumerate() {
            if *is_async && !backlog.with_async {
                continue;
            }
            // One that always has more than there is room for leaves some to those behind it.
            let share = backlog.room.div_ceil(self.lanes.len() - place);
            if share > 0 {
                lane.drain(share, self.budget, &mut ops);
            }
            backlog.room = backlog.room.saturating_sub(ops.len());
            backlog.ops.extend(ops.drain(..).map(|op| (op, *is_async)));
        }
    }

    /// At the end of what was queued: sends the outcomes, and takes what was queued meanwhile, which is cheaper than to be
    /// woken for it. `false` at the end of the turn.
    fn goes_on(&self, py: Python<'_>) -> bool {
        self.batch.flush(&self.port);
        if self.wake.rest() {
            return false;
        }
        let mut backlog = self.backlog.lock();
        if backlog.room == 0 || Instant::now() >= backlog.end {
            drop(backlog);
            self.wake.call_again();
            return false;
        }
        self.batch.expect_flush();
        self.fill(&mut backlog);
        drop(backlog);
        self.handlers.sweep(py);
        true
    }

    fn start<'py>(
        &self,
        py: Python<'py>,
        call: &HostCall,
        is_async: bool,
    ) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let home = Home::Loop(self.batch.clone());
        if call.middleware().len() > 0 {
            return chain(py, &self.port, &self.handlers, call, home, is_async).map(Some);
        }
        start(py, &self.port, &self.handlers, call, home)
    }
}

/// Waits until somebody rings, or until `end`. Signals are handled meanwhile, and may raise.
pub(crate) fn wait_for(py: Python<'_>, bell: &Bell, end: Option<Instant>) -> PyResult<()> {
    let wait = || {
        let mut descriptor = libc::pollfd { fd: bell.descriptor(), events: libc::POLLIN, revents: 0 };
        let left = end.map_or(-1, |end| {
            // Rounded up, or the last millisecond would be spent in turning round.
            let left =
                (end.saturating_duration_since(Instant::now()) + Duration::from_micros(999)).as_millis();
            i32::try_from(left).unwrap_or(i32::MAX)
        });
        // SAFETY: one descriptor, which is open as long as the bell is.
        if unsafe { libc::poll(&raw mut descriptor, 1, left) } < 0 {
            Some(Error::last_os_error())
        } else {
            None
        }
    };
    while let Some(error) = py.detach(wait) {
        match error.kind() {
            ErrorKind::Interrupted => py.check_signals()?,
            _ => return Err(error.into()),
        }
    }
    Ok(())
}

/// The tuple of a call that is run at once.
fn at_once<'py>(item: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyTuple>> {
    let py = item.py();
    (py.None(), item.get_item(0)?, (item.get_item(1)?, item.get_item(2)?), item.get_item(3)?)
        .into_pyobject(py)
}

/// The number of what follows middleware, in place of a question's; the same as in `_runtime/middleware.py`.
const NEXT: i32 = -1;

/// The word of a lane.
fn word(lane: LaneId) -> &'static str {
    match lane {
        LOOP => "async",
        BESIDE => "loop",
        MAIN => "main",
        _ => "pool",
    }
}

/// Makes what runs a call. A panic ends the call and not the thread, and so does an exception. `KeyboardInterrupt` and its kin
/// are raised.
pub(crate) fn prepared<R>(
    py: Python<'_>,
    port: &HostPort,
    call: &HostCall,
    make: impl FnOnce() -> PyResult<Option<R>>,
) -> PyResult<Option<R>> {
    match port.guard("the start of a call", make, || vec![call.id]) {
        None => Ok(None),
        Some(Err(error)) if error.is_instance_of::<PyException>(py) => {
            let text = error.to_string();
            if port.complete(call.id, Outcome::Exception(text.clone())).is_err() {
                // The object of the call was there already, and has ended the call.
                port.log(LogLevel::Error, CALL, &format!("{}: {text}", call.context.entry));
            }
            Ok(None)
        }
        Some(made) => made,
    }
}

/// Makes the tuple of a call with middleware around it: its function is the chain, which takes the context.
#[cold]
pub(crate) fn chain<'py>(
    py: Python<'py>,
    port: &HostPort,
    handlers: &Handlers,
    call: &HostCall,
    home: Home,
    is_async: bool,
) -> PyResult<Bound<'py, PyTuple>> {
    let handler = if call.has_handler() { Some(handlers.of(py, call)?) } else { None };
    let lane = match (&handler, &call.context.entry.target) {
        (Some(_), Target::Lane { lane, .. }) => Some(word(*lane)),
        _ => None,
    };
    let layers = call.layers().iter().map(|layer| Ok(handlers.of_layer(py, layer)?.get().function(py)));
    let layers = layers.collect::<PyResult<Vec<_>>>()?;
    let returns_dict = handler.as_ref().is_some_and(|handler| handler.get().returns_dict);
    let lifespan = match &handler {
        Some(handler) => handler.get().lifespan(py),
        // Of the server that is around what the engine answers.
        None => call.layers().first().and_then(|layer| handlers.of_layer(py, layer).ok()?.get().lifespan(py)),
    };
    let started = Call::new(port.clone(), call, home, returns_dict, lifespan).bound(py)?;
    let class = if is_async { "LoopChain" } else { "SyncChain" };
    let chain = py.import("tenon_mcp._runtime.middleware")?.getattr(class)?;
    let chain = chain.call1((&started, layers, handler, lane))?;
    (started, chain, PyDict::new(py), "context").into_pyobject(py)
}

/// Makes a call's tuple; a call whose arguments Python cannot hold fails here and gives `None`.
pub(crate) fn start<'py>(
    py: Python<'py>,
    port: &HostPort,
    handlers: &Handlers,
    call: &HostCall,
    home: Home,
) -> PyResult<Option<Bound<'py, PyTuple>>> {
    let handler = handlers.of(py, call)?;
    let handler = handler.get();
    let started = Call::new(port.clone(), call, home, handler.returns_dict, handler.lifespan(py));
    pass_fault("take");
    match handler.arguments(py, &call.input) {
        Ok(arguments) => {
            let item = (started.bound(py)?, handler.function(py), arguments, handler.context(py));
            item.into_pyobject(py).map(Some)
        }
        Err(error) => {
            let text = format!("the arguments cannot be read: {}", error.value(py));
            started.complete(Outcome::Failed(text));
            Ok(None)
        }
    }
}
