//! The lane of an asyncio loop: a descriptor to watch, calls to take, outcomes to send home together.

use crate::answers;
use crate::call::{Batch, Call, Home};
use crate::engine::Engine;
use crate::handler::Handler;
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};
use pyo3::{PyTraverseError, PyVisit};
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tenon_mcp::{HostCall, HostOp, HostPort, Lane, LaneId, Outcome, Wake};

/// The lane of `async def` tools.
pub(crate) const LOOP: LaneId = LaneId(0);

/// After this much the loop gets to do something else.
const MAX_OPS: usize = 64;
const BUDGET: Duration = Duration::from_millis(2);

/// One byte wakes the loop. The engine coalesces, so there is rarely more than one in the socket.
pub(crate) struct LoopWake(UnixStream);

impl Wake for LoopWake {
    fn wake(&self) {
        // A full socket wakes as well as a fuller one would.
        let _ = (&self.0).write(&[1]);
    }
}

/// Tells the loop that the server has ended.
pub(crate) struct ClosedWake {
    closed: AtomicBool,
    wake: Arc<LoopWake>,
}

impl Wake for ClosedWake {
    fn wake(&self) {
        self.closed.store(true, Ordering::Release);
        self.wake.wake();
    }
}

/// Iterating over the lane, from the loop's thread, yields what there is to do as tuples:
/// `(call, function, arguments, context parameter or None)` for a call to start, `(None, id, None, None)` for one to cancel,
/// `(None, id, ask, answer)` for an answer, which is `(action, content)` or an exception.
#[pyclass(frozen, module = "tenon_mcp._native")]
pub struct LoopLane {
    port: HostPort,
    lane: Lane,
    handlers: Py<PyList>,
    socket: UnixStream,
    wake: Arc<LoopWake>,
    closed: Arc<ClosedWake>,
    batch: Arc<Batch>,
    backlog: Mutex<Backlog>,
}

struct Backlog {
    ops: VecDeque<HostOp>,
    /// When this turn must end.
    end: Instant,
    /// What is queued here has waited for another turn, so calls may have ended meanwhile.
    stale: bool,
}

#[pymethods]
impl LoopLane {
    /// Attaches to the engine; what it has queued wakes the new descriptor.
    #[new]
    fn new(py: Python<'_>, engine: &Engine) -> PyResult<LoopLane> {
        let (socket, other) = UnixStream::pair()?;
        socket.set_nonblocking(true)?;
        other.set_nonblocking(true)?;
        let wake = Arc::new(LoopWake(other));
        let port = engine.server.port();
        let lane = port.lane(LOOP, wake.clone());
        let closed = Arc::new(ClosedWake { closed: AtomicBool::new(false), wake: wake.clone() });
        let backlog = Backlog { ops: VecDeque::new(), end: Instant::now(), stale: false };
        Ok(LoopLane {
            port,
            lane,
            handlers: engine.handlers.clone_ref(py),
            socket,
            wake,
            closed,
            batch: Arc::new(Batch::new()),
            backlog: Mutex::new(backlog),
        })
    }

    /// The descriptor that is readable when there is something to do.
    fn fileno(&self) -> i32 {
        self.socket.as_raw_fd()
    }

    /// Starts a turn: reads the descriptor, then takes what is queued. Says whether the server has ended.
    fn begin(&self) -> PyResult<bool> {
        // The descriptor first and the queue then; the other order loses wakes.
        match (&self.socket).read(&mut [0; 64]) {
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error.into()),
        }
        self.batch.expect_flush();
        let mut backlog = self.backlog.lock();
        backlog.end = Instant::now() + BUDGET;
        backlog.stale = !backlog.ops.is_empty();
        let room = MAX_OPS.saturating_sub(backlog.ops.len());
        let mut ops = Vec::with_capacity(room);
        if room > 0 {
            self.lane.drain(room, BUDGET, &mut ops);
        }
        backlog.ops.extend(ops);
        Ok(self.closed.closed.load(Ordering::Acquire))
    }

    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        loop {
            let (op, stale) = {
                let mut backlog = self.backlog.lock();
                if backlog.ops.is_empty() {
                    return Ok(None);
                }
                if Instant::now() >= backlog.end {
                    drop(backlog);
                    self.wake.wake();
                    return Ok(None);
                }
                (backlog.ops.pop_front(), backlog.stale)
            };
            match op {
                Some(HostOp::Call(call)) => {
                    if stale && self.port.is_cancelled(call.id) {
                        continue;
                    }
                    if let Some(item) = self.start(py, &call)? {
                        return Ok(Some(item));
                    }
                }
                Some(HostOp::Cancel { call, .. }) => {
                    let item = (py.None(), call.to_u64(), py.None(), py.None());
                    return item.into_pyobject(py).map(Some);
                }
                Some(HostOp::Answer { call, ask, answer }) => {
                    let answer = match answers::to_python(py, answer) {
                        Ok(answer) => answer,
                        Err(error) => error.into_value(py).into_bound(py).into_any(),
                    };
                    let item = (py.None(), call.to_u64(), ask.0, answer);
                    return item.into_pyobject(py).map(Some);
                }
                None => {}
            }
        }
    }

    /// Sends the outcomes that have gathered.
    fn flush(&self) {
        self.batch.flush(&self.port);
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.handlers)
    }
}

impl LoopLane {
    /// What to have woken when the server has ended.
    pub(crate) fn closed_wake(&self) -> Arc<dyn Wake> {
        self.closed.clone()
    }

    fn start<'py>(&self, py: Python<'py>, call: &HostCall) -> PyResult<Option<Bound<'py, PyTuple>>> {
        start(py, &self.port, &self.handlers, call, Home::Loop(self.batch.clone()))
    }
}

/// Makes a call's tuple; a call whose arguments Python cannot hold fails here and gives `None`.
pub(crate) fn start<'py>(
    py: Python<'py>,
    port: &HostPort,
    handlers: &Py<PyList>,
    call: &HostCall,
    home: Home,
) -> PyResult<Option<Bound<'py, PyTuple>>> {
    let handler = handlers.bind(py).get_item(call.handler.0 as usize)?;
    let handler = handler.cast::<Handler>()?.get();
    let started = Call::new(port.clone(), call, home, handler.returns_dict);
    match handler.arguments(py, &call.arguments) {
        Ok(arguments) => {
            let item = (started, handler.function(py), arguments, handler.context(py));
            item.into_pyobject(py).map(Some)
        }
        Err(error) => {
            let text = format!("the arguments cannot be read: {}", error.value(py));
            started.complete(Outcome::Failed(text));
            Ok(None)
        }
    }
}
