//! The start of a call: it gets its lane's credit and its entry in the table, and then passes its admission or runs.

use crate::dispatch::calls::ask_replay::Asks;
use crate::dispatch::calls::table::{CallId, Full};
use crate::dispatch::shares;
use crate::host::admission::chain::Admission;
use crate::host::admission::concurrency_limit::Permit;
use crate::host::builtin::listing::Part;
use crate::host::calls::completion::End;
use crate::host::calls::op::{CallContext, CancelReason};
use crate::host::delivery::sink::Sink;
use crate::host::engine::{Accepted, Engine, Scope};
use crate::host::engine_state::{InFlightCall, Thread};
use crate::host::session::notifications::SESSION_END;
use crate::host::session::peer::{NO_SESSION, Peer, Untracked};
use crate::json::JsonSlice;
use crate::proto::catalog::kind::Kind;
use crate::proto::messages::error::RpcError;
use crate::proto::messages::message::Params;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The data that a call starts with, besides its context.
pub(in crate::host) struct Start {
    pub(in crate::host) input: JsonSlice,
    pub(in crate::host) asks: Asks,
    pub(in crate::host) retried: bool,
    pub(in crate::host) listing: Option<Box<Part>>,
    pub(in crate::host) admission: Option<Admission>,
    /// A check of the call's input that must finish first.
    pub(in crate::host) check: Option<Box<Check>>,
    /// Whether the call becomes a task when its handler starts the task.
    pub(in crate::host) may_be_task: bool,
    /// Set if the engine answers the call itself, and no handler runs.
    pub(in crate::host) own: Option<Own>,
    /// The thread that passes the call to its host.
    pub(in crate::host) thread: Thread,
    /// The outer call, if this call runs within one.
    pub(in crate::host) outer: Option<CallId>,
    /// The call is the engine's own.
    pub(in crate::host) engine: Option<EngineCall>,
}

/// A call that the engine starts for itself: a `start` or `stop` hook, or an operation of a host's store. No limit
/// refuses it, and the engine does not refuse it while the server closes.
#[derive(Clone, Copy)]
pub(in crate::host) struct EngineCall {
    pub(in crate::host) timeout: Duration,
    /// Whether the call waits for the start of its server.
    pub(in crate::host) waits_for_start: bool,
}

/// The remaining work for a call after its input has been checked.
pub(in crate::host) struct Check {
    /// The parameters, which may contain answers. `None` for anything that is not a request.
    pub(in crate::host) params: Option<Params>,
    pub(in crate::host) admission: Option<Admission>,
}

/// How long the engine may take for a request that it answers itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::host) enum Own {
    /// At most the store's timeout.
    Timed,
    /// Without a timeout: it waits for something that ends by itself.
    Untimed,
}

impl Start {
    /// A call with only this input. The thread that received the request passes the call to its host.
    pub(in crate::host) fn of(input: JsonSlice) -> Start {
        Start {
            input,
            asks: Asks::default(),
            retried: false,
            listing: None,
            admission: None,
            check: None,
            may_be_task: false,
            own: None,
            thread: Thread::Receiver,
            outer: None,
            engine: None,
        }
    }
}

impl Engine {
    pub(in crate::host) fn start(
        &self,
        scope: &Scope,
        context: Arc<CallContext>,
        start: Start,
        sink: &Arc<dyn Sink>,
    ) -> Result<Accepted, RpcError> {
        self.start_for(scope.peer().cloned(), context, start, sink)
    }

    pub(in crate::host) fn start_for(
        &self,
        peer: Option<Arc<Peer>>,
        context: Arc<CallContext>,
        start: Start,
        sink: &Arc<dyn Sink>,
    ) -> Result<Accepted, RpcError> {
        let Start {
            input,
            asks,
            retried,
            listing,
            admission,
            check,
            may_be_task,
            own,
            thread,
            outer,
            engine,
        } = start;
        let shared = &self.0;
        // The clock is read first, so that a panic of the clock has no lasting effect.
        let now = shared.now();
        // A call within another call is counted with the outer call.
        let share = context.arrival.share.as_ref().filter(|_| outer.is_none());
        let part = shares::part(share, shares::Kind::Calls)?;
        let lane = shared.lane_of(&context);
        if engine.is_some() {
            // A call that waits for the start must not prevent the start hooks from running.
            lane.acquire_unbounded();
        } else if !lane.acquire() {
            return Err(
                shared.busy("calls of this handler's queue are in flight (max_lane_calls)", lane.limit())
            );
        }
        let timeout = engine.map(|engine| engine.timeout).or(context.entry.policies.timeout);
        let timeout = timeout.unwrap_or(shared.limits.call_timeout);
        let unchecked = check.is_some();
        let admitting = admission.is_some() || own == Some(Own::Timed);
        let deadline = match own {
            Some(Own::Untimed) => None,
            _ => now.checked_add(if admitting { shared.limits.store_timeout } else { timeout }),
        };
        // For its client, a call within another call does not exist.
        let tracked = peer.filter(|_| outer.is_none());
        let of_session = !context.client.revision.is_modern();
        let insert = |session| {
            let flight = InFlightCall {
                context: context.clone(),
                input: input.clone(),
                sink: sink.clone(),
                peer: tracked.clone(),
                session,
                lane: lane.clone(),
                timeout,
                began: now,
                notified_slow: false,
                asks,
                waiters: Vec::new(),
                local: None,
                outbox: None,
                last_progress: None,
                progress_at: None,
                delivered: false,
                parked: false,
                admitting,
                retried,
                listing,
                check,
                task: None,
                may_be_task,
                outer,
                following: None,
                on_cancel: Vec::new(),
                permit: Permit::None,
                part,
            };
            match engine {
                Some(_) => Ok(shared.calls.insert_unbounded(deadline, |_| flight)),
                None => shared.calls.insert(deadline, |_| flight),
            }
        };
        let started = match (&tracked, &context.request_id) {
            (Some(peer), Some(id)) => peer.track(id, shared.limits.max_peer_calls, of_session, insert),
            (Some(peer), None) => {
                // The hook for a session's end runs however many calls the client has in flight.
                let ends = context.entry.kind == Kind::Hook && context.entry.name == SESSION_END;
                let most = if ends { usize::MAX } else { shared.limits.max_peer_calls };
                peer.enter(most, || insert(NO_SESSION))
            }
            (None, _) => insert(NO_SESSION).map_err(|Full| Untracked::Full),
        };
        let (call, earliest) = started.map_err(|untracked| {
            lane.release();
            match untracked {
                Untracked::Full => shared.busy("calls are in flight (max_calls)", shared.limits.max_calls),
                Untracked::PeerFull => shared.busy(
                    "calls of this client are in flight (max_peer_calls)",
                    shared.limits.max_peer_calls,
                ),
                Untracked::InFlight => in_flight(),
                Untracked::Closed if shared.closing.load(Ordering::Acquire) => shared.shutting_down(),
                Untracked::Closed => RpcError::invalid_request("Invalid request: the connection is closing"),
            }
        })?;
        if let Some(outer) = outer {
            if !shared.belongs(outer, call) {
                shared.end(call, End::Silent(CancelReason::Suspended));
                return Ok(Accepted::Started(call));
            }
        } else if
        // Checked after the call is in the table: either the thread that closes the server finds it, or this check
        // sees the close.
        engine.is_none() && shared.closing.load(Ordering::Acquire) {
            shared.end(call, End::Closing);
            return Ok(Accepted::Started(call));
        }
        if earliest {
            shared.wake_timer();
        }
        if own.is_some() {
            return Ok(Accepted::Started(call));
        }
        let port = self.port();
        if unchecked {
            port.check_aside(call);
            return Ok(Accepted::Pending(call));
        }
        let pending = match admission {
            Some(admission) => port.admit(call, admission),
            None if engine.is_some_and(|engine| !engine.waits_for_start) => {
                shared.acquire_and_run(&port, call, input, context, thread);
                false
            }
            None => {
                shared.dispatch(&port, call, input, context, thread);
                false
            }
        };
        Ok(if pending { Accepted::Pending(call) } else { Accepted::Started(call) })
    }
}

pub(in crate::host) fn in_flight() -> RpcError {
    RpcError::invalid_request("Invalid request: a request with this id is in flight")
}
