//! The one door to foreign code, and the engine behind it. Knows no host language and no transport.

mod engine;
mod lane;
mod local;
#[cfg(all(test, loom))]
mod loom_lane;
mod op;
mod peer;
mod port;
mod shared;
mod sink;
mod wake;

use crate::dispatch::tool;
pub use engine::{Accepted, Engine, Scope};
pub use lane::{Drained, LaneId};
pub use local::{Context, LocalFuture, LocalHandler, Spawn};
pub use op::{AskMode, CallContext, CancelReason, Event, HandlerId, HostCall, HostOp, Outcome, Stale};
pub use peer::Peer;
pub use port::{HostPort, Lane};
pub(crate) use shared::Shared;
pub use sink::{Outgoing, Sink};
use std::fmt;
use std::sync::Arc;
pub use wake::{Parker, Wake};

/// A registered tool with where its calls go.
pub type ToolEntry = tool::ToolEntry<Target>;

/// Where the calls of a tool go.
#[derive(Clone)]
pub enum Target {
    /// To a handler that a host drains from a lane.
    Lane {
        /// The lane.
        lane: LaneId,
        /// The handler in the host's table.
        handler: HandlerId,
    },
    /// To a handler written in Rust.
    Local(Arc<dyn LocalHandler>),
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Lane { lane, handler } => write!(f, "Lane({}, {})", lane.0, handler.0),
            Target::Local(_) => f.write_str("Local"),
        }
    }
}
