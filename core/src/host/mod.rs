//! The one door to foreign code, and the engine behind it. Knows no host language and no transport.

mod admission;
mod arrival;
mod aside;
mod asking;
mod batch;
mod bus;
mod checks;
mod completions;
mod context;
mod ending;
mod engine;
mod inline;
mod lane;
mod life;
mod listing;
mod local;
#[cfg(all(test, loom))]
mod loom_lane;
#[cfg(all(test, loom))]
mod loom_outbox;
mod masking;
mod middleware;
mod mounts;
mod notices;
mod op;
mod outbox;
mod panics;
mod peer;
mod places;
mod port;
mod questions;
mod requests;
mod sessions;
mod shaping;
mod shared;
mod sink;
mod skills;
mod spacing;
mod state;
mod tasks;
mod threads;
mod told;
mod turn;
mod view;
mod views;
mod visits;
mod wake;

use crate::dispatch::entry;
pub use arrival::{Arrival, Attachment, RequestHeaders};
pub use aside::Aside;
pub(crate) use aside::Fixed;
pub use bus::ListenId;
pub use context::{CONTEXT_FIELDS, ContextField};
pub use engine::{Accepted, Engine, Scope};
pub use inline::InlineHost;
#[cfg(feature = "runtime")]
pub(crate) use inline::Occupancy;
pub use lane::{Drained, LaneId};
pub(crate) use life::Begun;
pub use local::{Context, LocalFuture, LocalHandler, Spawn};
pub(crate) use masking::Masking;
pub use middleware::{Layer, LocalMiddleware, Next, NextError};
pub use op::{AskMode, CallContext, CancelReason, HandlerId, HostCall, HostOp, Outcome, Stale};
pub use peer::Peer;
pub use port::{HostPort, Lane};
pub(crate) use shared::{Setup, Shared};
pub use sink::{BatchAnswer, Delivery, Gathering, Outgoing, Sink, Unread};
pub(crate) use skills::Work;
pub use state::State;
use std::fmt;
use std::sync::Arc;
#[cfg(feature = "runtime")]
pub(crate) use threads::Key;
pub(crate) use threads::ThreadHook;
pub use threads::Threads;
pub use told::OutcomeKind;
#[cfg(feature = "runtime")]
pub(crate) use turn::{Turns, flush as flush_wakes, wake as wake_later};
pub use wake::{Parker, Wake};

/// A registered entry with where its calls go.
pub type Registered = entry::Registered<Target>;

/// Where the calls of an entry go.
#[derive(Clone)]
#[non_exhaustive]
pub enum Target {
    /// To a handler that a host drains from a lane.
    Lane {
        /// The lane.
        lane: LaneId,
        /// The handler in the host's table.
        handler: HandlerId,
    },
    /// To a handler that a host runs on the very thread that received the call, or the last answer it waited for.
    /// Where no such thread is at hand (an attempt was given up on a thread of the program's) the call goes to the lane.
    Inline {
        /// The lane, which also counts the calls in flight.
        lane: LaneId,
        /// The handler in the host's table.
        handler: HandlerId,
        /// Runs it.
        host: Arc<dyn InlineHost>,
    },
    /// To a handler written in Rust.
    Local(Arc<dyn LocalHandler>),
    /// To the engine's own: a view, files.
    Aside(Arc<dyn Aside>),
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Lane { lane, handler } => write!(f, "Lane({}, {})", lane.0, handler.0),
            Target::Inline { lane, handler, .. } => write!(f, "Inline({}, {})", lane.0, handler.0),
            Target::Local(_) => f.write_str("Local"),
            Target::Aside(_) => f.write_str("Aside"),
        }
    }
}
