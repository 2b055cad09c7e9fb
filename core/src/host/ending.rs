//! How calls end.

use super::Target;
use super::op::{CancelReason, HostOp, Outcome};
use super::peer::Peer;
use super::shared::{Flight, Shared};
use super::sink::Outgoing;
use crate::dispatch::ask::AskError;
use crate::dispatch::calls::CallId;
use crate::faults;
use crate::proto::error::RpcError;
use crate::proto::shape;

/// How a call ends without its handler's outcome.
pub(super) enum End {
    /// The client gets no answer.
    Silent(CancelReason),
    /// The client gets this failure.
    Failed(CancelReason, String),
    /// The server is closing; the client gets an error that says so (RPC-14).
    Closing,
}

impl Shared {
    /// Ends a call that its handler did not end. `false` if it had ended already.
    pub(super) fn end(&self, id: CallId, end: End) -> bool {
        let Some(flight) = self.calls.remove(id) else { return false };
        let (reason, outgoing) = match end {
            End::Silent(reason) => (reason, Outgoing::Dropped),
            End::Failed(reason, text) => (reason, self.shape(&flight, &Outcome::Failed(text), &mut None)),
            End::Closing if flight.task.as_ref().is_some_and(|task| task.is_handed_out()) => {
                let error = RpcError::internal("The server was shut down before the task came to its end");
                (CancelReason::Closing, self.failure(&flight, &error))
            }
            End::Closing => (CancelReason::Closing, self.failure(&flight, &self.shutting_down())),
        };
        self.finish(id, flight, outgoing, Some(reason));
        true
    }

    /// The one way out of the table: credit back, peer told, host told if it still works on the call.
    pub(super) fn finish(
        &self,
        id: CallId,
        mut flight: Flight,
        outgoing: Outgoing,
        tell_host: Option<CancelReason>,
    ) {
        flight.lane.release();
        flight.part = None;
        if let Some(places) = &flight.context.entry.places {
            self.end_place(places, id, flight.place);
        }
        if let Some(following) = &flight.following {
            self.end_following(following);
        }
        // At the end of the server nothing waits.
        let ends = tell_host == Some(CancelReason::Closing);
        let spaced =
            flight.outbox.as_ref().filter(|_| !ends).and_then(|_| self.spaced_until(&flight, &outgoing));
        let cancelled = matches!(outgoing, Outgoing::Dropped) || ends;
        let reason = if cancelled { "the call was cancelled" } else { "the call has ended" };
        for request in flight.asks.pending.iter().filter_map(|pending| pending.request) {
            let Some(peer) = &flight.peer else { continue };
            let Some(question) = peer.take_ask(request) else { continue };
            let withdrawal = Outgoing::Event { body: shape::cancelled(request, reason), droppable: false };
            match &flight.outbox {
                Some(outbox) if !question.moved => outbox.queue(withdrawal),
                _ => drop(peer.send(withdrawal)),
            }
        }
        // Whoever is woken for it may panic, which must not keep the rest from being told.
        match &flight.outbox {
            Some(outbox) => self.answer(outbox, flight.id(), outgoing, spaced),
            None => {
                if let (Some(peer), Some(request)) = (&flight.peer, flight.id()) {
                    // Before the response: who has it may use the id again at once (RPC-7).
                    peer.forget(request);
                }
                self.guard("the delivery of an answer", || {
                    flight.sink.send(outgoing);
                    faults::pass("deliver");
                });
                settle(flight.peer.as_deref(), flight.session);
            }
        }
        if let Some(local) = &flight.local {
            local.cancel();
        }
        if tell_host.as_ref().is_some_and(|reason| *reason != CancelReason::Suspended) {
            flight.on_cancel.into_iter().for_each(|tell| _ = self.guard("a call's on_cancel", tell));
        }
        // The questions may have been asked by a task that outlives the handler.
        for (_, waiter) in flight.waiters {
            waiter(Err(AskError::Stale));
        }
        if let (Some(reason), true, Target::Lane { .. }) =
            (tell_host, flight.delivered && !flight.parked, flight.context.target())
        {
            flight.lane.push(HostOp::Cancel { call: id, reason });
        }
    }
}

/// After the response: an idle peer may be closed.
pub(super) fn settle(peer: Option<&Peer>, session: u64) {
    if let Some(peer) = peer {
        peer.settle(session);
    }
}
