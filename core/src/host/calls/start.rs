//! The start of a call: it gets its lane's credit and its entry in the table, and then passes the stages of its
//! admission.

use crate::dispatch::calls::ask_replay::Asks;
use crate::dispatch::calls::table::{CallId, Full};
use crate::dispatch::limits::Limits;
use crate::dispatch::observer::RequestScope;
use crate::dispatch::options::Policies;
use crate::dispatch::shares;
use crate::host::admission::chain::StageSet;
use crate::host::admission::interface::StageData;
use crate::host::builtin::listing::Part;
use crate::host::calls::completion::End;
use crate::host::calls::dispatch::{ReadyCall, Thread};
use crate::host::calls::in_flight::{CallUsage, InFlightCall};
use crate::host::calls::op::{CallContext, CancelReason};
use crate::host::delivery::sink::Sink;
use crate::host::engine::{Accepted, Engine};
use crate::host::lanes::lane::LaneQueue;
use crate::host::session::notifications::SESSION_END;
use crate::host::session::peer::{NO_SESSION, Peer, Untracked};
use crate::json::JsonSlice;
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::error::{RpcError, stage};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The data that a call starts with.
pub(in crate::host) struct CallSpec {
    pub(in crate::host) peer: Option<Arc<Peer>>,
    pub(in crate::host) context: Arc<CallContext>,
    pub(in crate::host) input: JsonSlice,
    pub(in crate::host) sink: Arc<dyn Sink>,
    pub(in crate::host) asks: Asks,
    pub(in crate::host) retried: bool,
    pub(in crate::host) listing: Option<Box<Part>>,
    pub(in crate::host) stage_data: Option<Box<StageData>>,
    /// Whether the call becomes a task when its handler starts the task.
    pub(in crate::host) may_be_task: bool,
    pub(in crate::host) role: Role,
    /// The thread that passes the call to its host.
    pub(in crate::host) thread: Thread,
    /// The request for observers.
    pub(in crate::host) observed: RequestScope,
    /// The call of the engine's own that becomes this call.
    pub(in crate::host) continues: Option<CallId>,
}

/// What a call is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::host) enum Role {
    /// A message of a client, or a hook for an event.
    Message,
    /// The next step of the middleware of this outer call.
    Inner(CallId),
    /// A call that the engine starts for itself: a `start` or `stop` hook, or an operation of a host's store. It counts
    /// toward no limit of calls, and runs while the server closes.
    Engine {
        timeout: Duration,
        /// Whether the call waits for the start of its server.
        waits_for_start: bool,
    },
    /// A request that the engine answers itself. No handler runs.
    Own(Own),
    /// A call that the engine makes to renew a result in the cache of an entry. It has no client.
    Renewal,
}

/// How long the engine may take for a request that it answers itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::host) enum Own {
    /// At most the store's timeout.
    Timed,
    /// At most the store's timeout. It waits for functions of the program, and may become a call of a handler.
    Deciding,
    /// At most the store's timeout. It waits for the allowances of requests, and may become a call of a handler.
    Counted,
    /// Without a timeout: it waits for something that ends by itself.
    Untimed,
}

impl Own {
    /// Whether the request may become a call of a handler.
    #[inline]
    pub(in crate::host) fn may_become_call(self) -> bool {
        matches!(self, Own::Deciding | Own::Counted)
    }
}

impl Role {
    /// The outer call, if the call runs within one.
    pub(in crate::host) fn outer(self) -> Option<CallId> {
        match self {
            Role::Inner(outer) => Some(outer),
            _ => None,
        }
    }

    /// How long the handler may take.
    #[inline]
    pub(in crate::host) fn timeout(self, policies: &Policies, limits: &Limits) -> Duration {
        match self {
            Role::Engine { timeout, .. } => timeout,
            _ => policies.timeout.unwrap_or(limits.call_timeout),
        }
    }

    /// How long the call may take, with this timeout for its handler. `None` is without a limit.
    #[inline]
    pub(in crate::host) fn time(self, timeout: Duration, limits: &Limits) -> Option<Duration> {
        match self {
            Role::Own(Own::Untimed) => None,
            Role::Own(Own::Timed | Own::Deciding | Own::Counted) => Some(limits.store_timeout),
            _ => Some(timeout),
        }
    }
}

impl CallSpec {
    /// A message with only this input. The thread that received it passes the call to its host.
    pub(in crate::host) fn of(
        peer: Option<&Arc<Peer>>,
        context: Arc<CallContext>,
        input: JsonSlice,
        sink: &Arc<dyn Sink>,
    ) -> CallSpec {
        CallSpec {
            peer: peer.cloned(),
            context,
            input,
            sink: sink.clone(),
            asks: Asks::default(),
            retried: false,
            listing: None,
            stage_data: None,
            may_be_task: false,
            role: Role::Message,
            thread: Thread::Receiver,
            observed: RequestScope::default(),
            continues: None,
        }
    }
}

impl Engine {
    /// Starts a call. After an error there is no call, and the caller answers. All calls start here.
    pub(in crate::host) fn start(&self, mut spec: CallSpec) -> Result<Accepted, RpcError> {
        if let Some(id) = spec.continues {
            return self.continue_own(id, spec);
        }
        // The clock is read first, so that a panic of the clock has no lasting effect.
        let now = self.0.now();
        let usage = self.take_usage(&spec)?;
        let (role, ahead) = (spec.role, StageSet::of(&self.0, &spec));
        if !matches!(role, Role::Own(_)) {
            spec.observed.set_entry(&spec.context.entry);
        }
        let has_data = spec.stage_data.is_some();
        let id = self.enter_table(&mut spec, usage, now, ahead)?;
        spec.observed.started();
        if !self.may_continue(id, role) || matches!(role, Role::Own(_)) {
            return Ok(Accepted::Started(id));
        }
        let CallSpec { context, input, thread, .. } = spec;
        self.port().admit_new(ReadyCall { id, input, context, thread }, ahead, has_data);
        Ok(Accepted::Started(id))
    }

    /// Takes what a call uses while it is in flight.
    #[inline]
    fn take_usage(&self, spec: &CallSpec) -> Result<CallUsage, RpcError> {
        // A call within another call is counted with the outer call.
        let share = spec.context.arrival.share.as_ref().filter(|_| spec.role.outer().is_none());
        let part = shares::part(share, shares::Kind::Calls)?;
        Ok(CallUsage { lane: self.take_lane(spec)?, part })
    }

    /// Takes a credit of the call's lane.
    #[inline]
    pub(in crate::host) fn take_lane(&self, spec: &CallSpec) -> Result<Arc<LaneQueue>, RpcError> {
        let shared = &self.0;
        let is_own = matches!(spec.role, Role::Engine { .. });
        let lane = if is_own { shared.own_calls.clone() } else { shared.lane_of(&spec.context) };
        if !lane.acquire() {
            let what = "calls of this handler's queue are in flight";
            return Err(shared.busy(what, "max_lane_calls", lane.limit()));
        }
        Ok(lane)
    }

    /// Puts a call into the table, and registers it with its peer.
    #[inline]
    fn enter_table(
        &self,
        spec: &mut CallSpec,
        usage: CallUsage,
        now: Instant,
        ahead: StageSet,
    ) -> Result<CallId, RpcError> {
        let shared = &self.0;
        let role = spec.role;
        // For its client, a call within another call does not exist.
        let peer = spec.peer.take().filter(|_| role.outer().is_none());
        let (context, lane) = (spec.context.clone(), usage.lane.clone());
        let timeout = role.timeout(&context.entry.policies, &shared.limits);
        let deadline = role.time(timeout, &shared.limits).and_then(|time| now.checked_add(time));
        let bounded = !matches!(role, Role::Engine { .. });
        // The call is made where it is put into the table, because it is large.
        let insert = |session| {
            let origin = (peer.clone(), session);
            let flight = |_| InFlightCall::new(spec, origin, usage, (now, timeout), ahead);
            shared.calls.insert_within(bounded, deadline, flight)
        };
        let most = shared.limits.max_peer_calls;
        let started = match (&peer, &context.request_id) {
            (Some(peer), Some(id)) => {
                let of_session = !context.client.revision.is_modern();
                peer.track(id, most, of_session, insert)
            }
            (Some(peer), None) => {
                // The hook for a session's end runs however many calls the client has in flight.
                let ends = context.entry.kind == Kind::Hook && context.entry.name == SESSION_END;
                peer.enter(if ends { usize::MAX } else { most }, || insert(NO_SESSION))
            }
            (None, _) => insert(NO_SESSION).map_err(|Full| Untracked::Full),
        };
        let (id, earliest) = started.map_err(|untracked| {
            lane.release();
            self.untracked(untracked)
        })?;
        if earliest {
            shared.wake_timer();
        }
        Ok(id)
    }

    /// The error for a call that could not be registered.
    #[cold]
    fn untracked(&self, untracked: Untracked) -> RpcError {
        let shared = &self.0;
        let (limits, busy) = (&shared.limits, |what, name, limit| shared.busy(what, name, limit));
        match untracked {
            Untracked::Full => busy("calls are in flight", "max_calls", limits.max_calls),
            Untracked::PeerFull => {
                busy("calls of this client are in flight", "max_peer_calls", limits.max_peer_calls)
            }
            Untracked::InFlight => in_flight(),
            Untracked::Closed if shared.closing.load(Ordering::Acquire) => shared.shutting_down(),
            Untracked::Closed => RpcError::invalid_request("Invalid request: the connection is closing")
                .refused_by(stage::LIFECYCLE, "closing"),
        }
    }

    /// Ends a call that must not run: its outer call has ended, or the server is closing. Returns whether the call
    /// continues.
    ///
    /// This is checked after the call is in the table. So either the thread that closes the server finds the call
    /// there, or this check sees the close.
    #[inline]
    fn may_continue(&self, id: CallId, role: Role) -> bool {
        let shared = &self.0;
        let end = match role {
            Role::Inner(outer) if !shared.belongs(outer, id) => End::Silent(CancelReason::Suspended),
            Role::Message | Role::Renewal | Role::Own(_) if shared.closing.load(Ordering::Acquire) => {
                End::Closing
            }
            _ => return true,
        };
        shared.end(id, end);
        false
    }
}

pub(in crate::host) fn in_flight() -> RpcError {
    RpcError::invalid_request("Invalid request: a request with this id is in flight")
        .refused_by(stage::MESSAGE, "id")
}
