//! The state of one turn of a loop's thread.

use std::collections::VecDeque;
use std::time::Instant;
use tenon_mcp::HostOp;

/// The maximum number of operations of one turn. After it the loop runs other callbacks.
pub(crate) const MAX_OPS: usize = 64;

/// The operations that one turn has taken, and its limits.
pub(crate) struct TurnState {
    /// Exchanges that may have a next step.
    pub(super) exchanges: VecDeque<u32>,
    /// The operations. The flag says whether the operation is for an `async def` function.
    pub(super) ops: VecDeque<(HostOp, bool)>,
    /// The time at which the turn must end.
    pub(super) end: Instant,
    /// How many more operations this turn may take.
    pub(super) room: usize,
    /// The turn has started an operation. Each turn starts one, even if its time is over, so that calls always progress.
    pub(super) progressed: bool,
    /// The operations were taken in an earlier turn, so their calls may have ended meanwhile.
    pub(super) stale: bool,
    /// Whether calls of `async def` functions can be started.
    pub(super) with_async: bool,
    /// The last item was a `def` function that has run at once. Its outcome is sent before the next item.
    pub(super) ran_function: bool,
}

impl TurnState {
    pub(crate) fn new() -> TurnState {
        TurnState {
            ops: VecDeque::new(),
            exchanges: VecDeque::new(),
            end: Instant::now(),
            room: 0,
            progressed: false,
            stale: false,
            with_async: true,
            ran_function: false,
        }
    }
}
