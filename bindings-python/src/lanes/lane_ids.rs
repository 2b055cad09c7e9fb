//! The lanes of Python's handlers: their ids and their names.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use tenon_mcp::LaneId;

/// For `async def` handlers.
pub(crate) const ASYNC: LaneId = LaneId(0);
/// For `def` handlers on worker threads.
pub(crate) const POOL: LaneId = LaneId(1);
/// For `def` handlers on the main thread.
pub(crate) const MAIN: LaneId = LaneId(2);
/// For `def` handlers on the loop's thread.
pub(crate) const LOOP: LaneId = LaneId(3);
/// For a store's `def submit`. Its threads are not those of the handlers, which may all be busy.
pub(crate) const STORE: LaneId = LaneId(4);
/// For a `def` verifier and a `def` authorizer. They have threads of their own for the same reason.
pub(crate) const ACCESS: LaneId = LaneId(5);

/// The first lane of additional event loops. Each of them has two.
const FIRST_OF_OTHER_LOOPS: u32 = 8;

/// The lane at `index` of an additional event loop.
pub(crate) fn lane_of_loop(number: u32, index: usize) -> LaneId {
    LaneId(FIRST_OF_OTHER_LOOPS + 2 * number + index as u32)
}

/// The lane with this name.
pub(crate) fn lane_named(name: &str) -> PyResult<LaneId> {
    match name {
        "async" => Ok(ASYNC),
        "loop" => Ok(LOOP),
        "main" => Ok(MAIN),
        "pool" => Ok(POOL),
        "store" => Ok(STORE),
        "access" => Ok(ACCESS),
        other => Err(PyValueError::new_err(format!(
            "unknown lane {other:?}; the lanes are async, loop, main, pool, store, access"
        ))),
    }
}

/// The name of a lane.
pub(crate) fn lane_name(lane: LaneId) -> &'static str {
    match lane {
        ASYNC => "async",
        LOOP => "loop",
        MAIN => "main",
        STORE => "store",
        ACCESS => "access",
        _ => "pool",
    }
}
