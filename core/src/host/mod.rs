//! The engine and its interface to hosts, the programs that register handlers. This layer knows no host language and
//! no transport.

mod admission;
mod audit;
mod builtin;
mod bus;
mod cache;
mod calls;
mod delivery;
mod elicitation;
mod engine;
mod engine_state;
mod entry_policies;
mod functions;
mod lanes;
mod lifecycle;
mod middleware;
mod mounts;
mod panics;
mod policy_control;
mod principal;
mod rate_limits;
mod reload;
mod resilience;
mod session;
mod tasks;

use crate::dispatch::registry::registered;
pub(crate) use crate::host::builtin::skills::Work;
pub use crate::host::builtin::target::Builtin;
pub(crate) use crate::host::builtin::target::Fixed;
pub use crate::host::calls::context::{CONTEXT_FIELDS, ContextField, ContextForm};
pub(crate) use crate::host::calls::host_store::HostStore;
pub(crate) use crate::host::calls::masking::Masking;
pub use crate::host::calls::op::{
    AskMode, CallContext, CancelReason, HandlerId, HostCall, HostOp, Outcome, Stale,
};
pub use crate::host::calls::request_origin::{Attachment, RequestHeaders, RequestOrigin};
pub use crate::host::calls::state::State;
pub use crate::host::delivery::outcome_wire::OutcomeKind;
pub(crate) use crate::host::delivery::sink::null_sink;
pub use crate::host::delivery::sink::{BatchAnswer, BatchCollector, Delivery, Outgoing, Sink, Unread};
pub(crate) use crate::host::engine_state::{Setup, Shared};
pub use crate::host::functions::HostFunctionKind;
#[cfg(feature = "runtime")]
pub(crate) use crate::host::functions::Verified;
pub use crate::host::lanes::inline::InlineHost;
#[cfg(feature = "runtime")]
pub(crate) use crate::host::lanes::inline::Occupancy;
pub use crate::host::lanes::lane::{Drained, LaneId};
pub use crate::host::lanes::local::{Context, LocalFuture, LocalHandler, Spawn};
pub use crate::host::lanes::port::{HostPort, Lane};
#[cfg(feature = "runtime")]
pub(crate) use crate::host::lanes::threads::Key;
pub(crate) use crate::host::lanes::threads::ThreadHook;
pub use crate::host::lanes::threads::Threads;
pub use crate::host::lanes::wake::{Parker, Wake};
#[cfg(feature = "runtime")]
pub(crate) use crate::host::lanes::wake_batch::{WakeBatcher, flush as flush_wakes, wake as wake_later};
pub(crate) use crate::host::lifecycle::StartState;
#[cfg_attr(not(feature = "runtime"), allow(unused_imports))]
pub(crate) use crate::host::principal::{Authenticates, ExpiryGuard, LastVerified, RefusalKind, Sender};
pub use crate::host::principal::{
    PrincipalFuture, PrincipalRefusal, PrincipalRequest, PrincipalResolver, Resolution,
};
pub(crate) use crate::host::rate_limits::RateLimiting;
pub(crate) use crate::host::reload::{Code, Configured, Reload};
#[cfg(feature = "runtime")]
pub(crate) use crate::host::reload::{LIMITS, Prepared, Refused, SERVE, SERVER};
pub(crate) use crate::host::resilience::Resilience;
pub use crate::host::resilience::{BreakerPermit, ServerBreaker, ServerCache, ServerLimiter};
pub use crate::host::session::peer::Peer;
pub use bus::ListenId;
pub use engine::{Accepted, Engine, Scope};
pub use middleware::{Layer, LocalMiddleware, Next, NextError};
use std::fmt;
use std::sync::Arc;

/// A registered entry, with the target of its calls.
pub type Registered = registered::Registered<Target>;

/// The target of an entry's calls.
#[derive(Clone)]
#[non_exhaustive]
pub enum Target {
    /// A handler that a host runs when it drains a lane.
    Lane {
        /// The lane.
        lane: LaneId,
        /// The handler's number in the host's table.
        handler: HandlerId,
    },
    /// A handler that a host runs on the thread that received the call, or the last answer that the call waited for.
    /// If no such thread is available (for example, because an attempt ended on a thread of the program), the call
    /// goes to the lane.
    Inline {
        /// The lane, which also counts the calls in flight.
        lane: LaneId,
        /// The handler's number in the host's table.
        handler: HandlerId,
        /// Runs the handler.
        host: Arc<dyn InlineHost>,
    },
    /// A handler written in Rust.
    Local(Arc<dyn LocalHandler>),
    /// The engine itself, for example for a view or for files.
    Builtin(Arc<dyn Builtin>),
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Lane { lane, handler } => write!(f, "Lane({}, {})", lane.0, handler.0),
            Target::Inline { lane, handler, .. } => write!(f, "Inline({}, {})", lane.0, handler.0),
            Target::Local(_) => f.write_str("Local"),
            Target::Builtin(_) => f.write_str("Builtin"),
        }
    }
}
