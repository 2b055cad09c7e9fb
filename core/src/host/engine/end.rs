//! Ends calls before their handler completes them: if they are cancelled, or if a peer or the server closes.

use crate::dispatch::calls::table::CallId;
use crate::dispatch::log::{self, LogLevel};
use crate::host::bus::StreamEnd;
use crate::host::calls::completion::End;
use crate::host::calls::op::CancelReason;
use crate::host::engine::Engine;
use crate::host::session::peer::Peer;
use crate::proto::messages::error::clip;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Engine {
    /// Ends a call: with an error if the server is closing, otherwise without a response. Returns `false` if it had
    /// already ended.
    ///
    /// If the call is a task that its client knows of, the task continues without its client (MH-53).
    pub fn cancel(&self, call: CallId, reason: CancelReason) -> bool {
        let left = reason == CancelReason::Disconnected
            && self
                .0
                .calls
                .with(call, |flight| flight.task.clone())
                .flatten()
                .is_some_and(|task| task.is_handed_out());
        if left {
            return false;
        }
        if reason == CancelReason::Closing {
            self.log_overdue(call);
        }
        self.0.end(call, if reason == CancelReason::Closing { End::Closing } else { End::Silent(reason) })
    }

    /// Logs a call that did not end within the timeout for the end of its server or connection.
    fn log_overdue(&self, call: CallId) {
        let about = self.0.calls.with(call, |flight| (flight.context.clone(), flight.began));
        let Some((context, began)) = about else { return };
        self.observers().diagnose(LogLevel::Info, log::CALL, || {
            let entry = &context.entry;
            let request = match &context.request_id {
                Some(id) => format!("request {}", id.raw().as_str()),
                None => "no request".to_owned(),
            };
            let age = self.now().saturating_duration_since(began).as_secs_f64();
            let ended = if self.0.closing.load(Ordering::Acquire) { "server" } else { "connection" };
            format!(
                "{} {:?} ({request}) was cut off after {age:.1} s, because the {ended} ended",
                entry.kind.noun(),
                clip(&entry.name)
            )
        });
    }

    /// Ends the calls of a peer that wait for its answers. The peer will send no more messages, but may still read.
    /// Later questions to it fail at once.
    pub fn end_input(&self, peer: &Arc<Peer>) {
        self.session_ends(peer);
        for call in peer.end_input() {
            let waits = self.0.calls.with(call, |flight| !flight.asks.pending.is_empty());
            if waits == Some(true) {
                self.cancel(call, CancelReason::Disconnected);
            }
        }
    }

    /// Ends all calls of a peer, and refuses further ones.
    pub fn close_peer(&self, peer: &Arc<Peer>, reason: CancelReason) {
        self.session_ends(peer);
        let end = if reason == CancelReason::Closing { StreamEnd::Closing } else { StreamEnd::Disconnected };
        for call in peer.close() {
            self.cancel(call, reason.clone());
        }
        self.0.end_spaced(peer, reason != CancelReason::Closing);
        for listen in peer.take_listens() {
            self.end_stream(listen, end);
        }
        self.unsubscribe_all(peer);
        self.0.bus.leave(peer);
        self.leaves(peer);
    }

    /// Ends every call in flight, as the last step of a shutdown. Operations of the store may still finish.
    pub fn cancel_all(&self, reason: CancelReason) {
        for call in self.0.calls.select(|flight| !flight.context.of_engine) {
            self.cancel(call, reason.clone());
        }
        self.0.send_all_spaced();
    }
}
