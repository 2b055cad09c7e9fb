//! Ends calls: removes them from the call table and informs the peer and the host.

use crate::dispatch::calls::ask::AskError;
use crate::dispatch::calls::table::CallId;
use crate::dispatch::observer::RequestEnd;
use crate::faults;
use crate::host::Target;
use crate::host::admission::interface::CallEnd;
use crate::host::cache::Ended;
use crate::host::calls::in_flight::InFlightCall;
use crate::host::calls::op::{CancelReason, HostOp, Outcome};
use crate::host::delivery::sink::Outgoing;
use crate::host::engine_state::Shared;
use crate::host::session::peer::Peer;
use crate::proto::messages::error::RpcError;
use crate::proto::results::shape;
use std::mem::take;

/// How a call ends without its handler's outcome.
pub(in crate::host) enum End {
    /// The client gets no answer.
    Silent(CancelReason),
    /// The client gets this failure.
    Failed(CancelReason, String),
    /// The server is closing; the client gets an error that says so (RPC-14).
    Closing,
}

impl Shared {
    /// Ends a call before its handler completes it. Returns `false` if it had already ended.
    pub(in crate::host) fn end(&self, id: CallId, end: End) -> bool {
        let Some(flight) = self.calls.remove(id) else { return false };
        self.end_removed(id, flight, end);
        true
    }

    /// Ends a call that was removed from the table, and that its handler has not completed.
    pub(in crate::host) fn end_removed(&self, id: CallId, mut flight: InFlightCall, end: End) {
        let mut settled = None;
        let (reason, outgoing) = match end {
            End::Silent(reason) => (reason, Outgoing::Dropped),
            End::Failed(reason, text) => {
                let outcome = Outcome::Failed(text);
                let mut outgoing = self.shape(&flight, &outcome, &mut None);
                let end = flight.passage.data().map_or(CallEnd::Unknown, |data| data.end);
                let ended = Ended { outcome: Some(outcome), wrong: None, end };
                settled = self.settle_cache(&mut flight, ended, &mut outgoing);
                (reason, outgoing)
            }
            End::Closing if flight.task.as_ref().is_some_and(|task| task.is_handed_out()) => {
                let error = RpcError::internal("The server was shut down before the task ended");
                (CancelReason::Closing, self.failure(&flight, &error))
            }
            End::Closing => (CancelReason::Closing, self.failure(&flight, &self.shutting_down())),
        };
        self.finish(id, &mut flight, outgoing, Some(reason));
        if let Some(settled) = settled {
            self.share(settled);
        }
    }

    /// Ends a call that was removed from the table: gives back all that it holds, and notifies the peer, and the host if
    /// it still works on the call. All calls end here.
    pub(in crate::host) fn finish(
        &self,
        id: CallId,
        flight: &mut InFlightCall,
        outgoing: Outgoing,
        tell_host: Option<CancelReason>,
    ) {
        let how = end_of(&outgoing, tell_host.as_ref());
        flight.observed.finished(how, outgoing.size());
        // First, because the next call that gets this call's permit needs a credit.
        flight.lane.release();
        self.release_stages(id, flight);
        self.release_production(flight);
        flight.part = None;
        // After the credit and the permits, which the handler of the audit hook may need.
        if let Some(trail) = flight.audit.take() {
            self.audit_ended(flight, &trail, how);
        }
        if let Some(following) = &flight.following {
            self.end_following(following);
        }
        // While the server is ending, responses are not delayed.
        let ends = tell_host == Some(CancelReason::Closing);
        let spaced =
            flight.sent.outbox.as_ref().filter(|_| !ends).and_then(|_| self.spaced_until(flight, &outgoing));
        let cancelled = matches!(outgoing, Outgoing::Dropped) || ends;
        let reason = if cancelled { "the call was cancelled" } else { "the call has ended" };
        for request in flight.asks.pending.iter().filter_map(|pending| pending.request) {
            let Some(peer) = &flight.peer else { continue };
            let Some(question) = peer.take_ask(request) else { continue };
            let withdrawal = Outgoing::Event { body: shape::cancelled(request, reason), droppable: false };
            match &flight.sent.outbox {
                Some(outbox) if !question.moved => outbox.queue(withdrawal),
                _ => drop(peer.send(withdrawal)),
            }
        }
        // A waker may panic, which must not prevent the remaining notifications.
        match &flight.sent.outbox {
            Some(outbox) => self.answer(outbox, flight.id(), outgoing, spaced),
            None => {
                if let (Some(peer), Some(request)) = (&flight.peer, flight.id()) {
                    // The id is freed before the response is sent, because a client that has the response may reuse the
                    // id at once (RPC-7).
                    peer.forget(request);
                }
                self.guard("the delivery of an answer", || {
                    flight.sink.send(outgoing);
                    faults::pass("deliver");
                });
                settle(flight.peer.as_deref(), flight.session);
            }
        }
        if let Some(local) = &flight.handler.local {
            local.cancel();
        }
        if tell_host.as_ref().is_some_and(|reason| *reason != CancelReason::Suspended) {
            let told = take(&mut flight.handler.on_cancel);
            told.into_iter().for_each(|tell| _ = self.guard("a call's on_cancel", tell));
        }
        // The questions may belong to a task that outlives the handler.
        for (_, waiter) in take(&mut flight.handler.waiters) {
            waiter(Err(AskError::Stale));
        }
        if let (Some(reason), true, Target::Lane { lane, .. }) =
            (tell_host, flight.handler.delivered && !flight.handler.parked, flight.context.target())
        {
            // Not `flight.lane`, which only counts the call.
            self.lane(flight.context.arrival.lane(*lane)).push(HostOp::Cancel { call: id, reason });
        }
    }
}

/// How a call has ended, for observers.
#[inline]
fn end_of(outgoing: &Outgoing, reason: Option<&CancelReason>) -> RequestEnd {
    match (outgoing, reason) {
        (_, Some(CancelReason::Requested(_))) => RequestEnd::Cancelled,
        (_, Some(CancelReason::Disconnected)) => RequestEnd::Disconnected,
        (_, Some(CancelReason::TimedOut)) => RequestEnd::TimedOut,
        (_, Some(CancelReason::Closing)) => RequestEnd::Closing,
        (Outgoing::Response { error: Some(_), .. }, _) => RequestEnd::Error,
        (_, Some(CancelReason::Suspended)) => RequestEnd::InputRequired,
        (_, None) => RequestEnd::Ok,
    }
}

/// Called after the response: an idle peer may be closed.
pub(in crate::host) fn settle(peer: Option<&Peer>, session: u64) {
    if let Some(peer) = peer {
        peer.settle(session);
    }
}
