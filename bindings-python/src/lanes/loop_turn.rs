//! One turn of a loop's thread: the operations that it takes from the lanes, and in which order.

use crate::convert::answers;
use crate::lanes::call_start::{guard_start, start, start_chain};
use crate::lanes::completion_target::CompletionTarget;
use crate::lanes::loop_lane::LoopLane;
use crate::lanes::request_context;
use crate::lanes::turn_state::{MAX_OPS, TurnState};
use crate::log_records::LogEntry;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::time::Instant;
use tenon_mcp::{HostCall, HostOp};

/// The number of the outcome of `next` among the numbers of questions. `_runtime/bridge.py` has the same number.
const NEXT: i32 = -1;

impl LoopLane {
    /// Starts a turn that ends at `end`.
    pub(crate) fn begin_turn(&self, end: Instant, with_async: bool) {
        self.batch.expect_flush();
        let mut turn = self.turn.lock();
        turn.end = end;
        turn.with_async = with_async;
        turn.progressed = false;
        turn.stale = !turn.ops.is_empty();
        turn.room = MAX_OPS.saturating_sub(turn.ops.len());
        self.fill(&mut turn);
    }

    /// The next item for Python; `None` at the end of the turn.
    pub(crate) fn next_item<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        loop {
            let (op, stale) = {
                let mut turn = self.turn.lock();
                if std::mem::take(&mut turn.ran_function) {
                    drop(turn);
                    self.batch.flush(&self.port);
                    self.batch.expect_flush();
                    turn = self.turn.lock();
                }
                if turn.ops.is_empty() {
                    if turn.exchanges.is_empty() {
                        turn.exchanges.extend(self.ready.take());
                    }
                    let exchange = turn.exchanges.pop_front();
                    drop(turn);
                    if let Some(exchange) = exchange {
                        return (py.None(), py.None(), exchange, py.None()).into_pyobject(py).map(Some);
                    }
                    if let Some((level, logger, text)) = self.pop_record() {
                        let item = (py.None(), py.None(), level, (logger, text));
                        return item.into_pyobject(py).map(Some);
                    }
                    if self.refill(py) {
                        continue;
                    }
                    return Ok(None);
                }
                if turn.progressed && Instant::now() >= turn.end {
                    drop(turn);
                    self.wake.finish_early();
                    return Ok(None);
                }
                turn.progressed = true;
                (turn.ops.pop_front(), turn.stale)
            };
            match op {
                Some((HostOp::Call(call), _)) if stale && self.port.is_cancelled(call.id) => {}
                Some((HostOp::Call(call), is_async)) => {
                    if let Some(item) = self.call_item(py, &call, is_async)? {
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
                    let item = (py.None(), call.to_u64(), NEXT, answers::resume_middleware(py, &outcome)?);
                    return item.into_pyobject(py).map(Some);
                }
                // This binding does not request other operations.
                Some(_) | None => {}
            }
        }
    }

    /// The item of a call, unless the call has failed at its start.
    fn call_item<'py>(
        &self,
        py: Python<'py>,
        call: &HostCall,
        is_async: bool,
    ) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let item = guard_start(py, &self.port, call, || {
            let Some(item) = self.start(py, call, is_async)? else { return Ok(None) };
            match request_context::context_of(py, call)? {
                None if is_async => Ok(Some(item)),
                None => run_at_once(&item).map(Some),
                Some(context) => request_context::on_loop(&item, &context, is_async).map(Some),
            }
        });
        let Some(item) = item? else { return Ok(None) };
        if !is_async {
            let mut turn = self.turn.lock();
            turn.ran_function = true;
            // The function may itself poll, or watch the descriptor, as a dialog does. So its turn gets the rest of
            // this turn's operations, and the descriptor is readable if there are more.
            if self.polled && !(turn.ops.is_empty() && self.wake.finish()) {
                self.wake.finish_early();
            }
        }
        Ok(Some(item))
    }

    fn start<'py>(
        &self,
        py: Python<'py>,
        call: &HostCall,
        is_async: bool,
    ) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let target = CompletionTarget::Loop(self.batch.clone());
        if call.middleware().len() > 0 {
            return start_chain(py, &self.port, &self.handlers, call, target, is_async).map(Some);
        }
        start(py, &self.port, &self.handlers, call, target)
    }

    /// Takes queued operations up to the limit of the turn.
    fn fill(&self, turn: &mut TurnState) {
        let mut ops = Vec::with_capacity(turn.room);
        for (index, (lane, is_async)) in self.lanes.iter().enumerate() {
            if *is_async && !turn.with_async {
                continue;
            }
            // A lane that always has more operations than the limit leaves a share of the limit to the lanes after it.
            let share = turn.room.div_ceil(self.lanes.len() - index);
            // Even without room, because the wake of an earlier turn has been consumed: `drain` wakes again if
            // operations are queued.
            lane.drain(share, self.budget, &mut ops);
            turn.room = turn.room.saturating_sub(ops.len());
            turn.ops.extend(ops.drain(..).map(|op| (op, *is_async)));
        }
    }

    /// Sends the outcomes, then takes operations that were queued meanwhile. This costs less than another wake. `false`
    /// at the end of the turn.
    fn refill(&self, py: Python<'_>) -> bool {
        self.batch.flush(&self.port);
        if self.wake.finish() {
            return false;
        }
        let mut turn = self.turn.lock();
        if turn.room == 0 || Instant::now() >= turn.end {
            drop(turn);
            self.wake.finish_early();
            return false;
        }
        self.batch.expect_flush();
        self.fill(&mut turn);
        drop(turn);
        self.handlers.sweep(py);
        true
    }

    pub(crate) fn pop_record(&self) -> Option<LogEntry> {
        self.records.as_ref().and_then(|records| records.pop())
    }
}

/// The tuple of a `def` function that the loop's thread runs at once.
fn run_at_once<'py>(item: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyTuple>> {
    let py = item.py();
    (py.None(), item.get_item(0)?, (item.get_item(1)?, item.get_item(2)?), item.get_item(3)?)
        .into_pyobject(py)
}
