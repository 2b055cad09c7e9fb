//! Handles caught panics: the client gets error -32603, and the log gets a record.

use crate::dispatch::calls::table::CallId;
use crate::host::engine_state::Shared;
use crate::json::JsonSlice;
use crate::panics::{Panicked, caught};
use crate::proto::messages::error::RpcError;
use crate::proto::messages::id::RequestId;
use crate::proto::messages::message::Malformed;
use serde_json::Value;
use std::fmt;

impl Shared {
    /// Logs a panic, and returns the error for the client.
    #[cold]
    pub(crate) fn panicked(&self, doing: impl fmt::Display, panicked: &Panicked) -> RpcError {
        self.log_handler_fault(|| format!("a panic ended {doing}: {panicked}"));
        RpcError::internal("Internal error: the server failed on this message; the reason is in its log")
    }

    /// Ends a call because of a panic. If the call has already ended, it already has its response.
    #[cold]
    pub(super) fn fail_panicked(&self, id: CallId, panicked: &Panicked) {
        let entry = self.calls.with(id, |flight| flight.context.entry.clone());
        let error = match entry {
            Some(entry) => self.panicked(format_args!("a call of {entry}"), panicked),
            None => self.panicked("the end of a call", panicked),
        };
        self.fail(id, &error);
    }

    /// Logs a panic that happened while a message was read.
    #[cold]
    pub(super) fn unread(&self, text: &[u8], panicked: &Panicked) -> Malformed {
        let (id, reply) = caught(|| ids(text)).ok().flatten().unwrap_or_default();
        Malformed { id, error: self.panicked("a message", panicked), answer: true, reply }
    }

    /// Runs code whose result no caller waits for. A panic is logged, and the result is `false`.
    #[inline]
    pub(crate) fn guard(&self, doing: &str, run: impl FnOnce()) -> bool {
        let done = caught(run);
        if let Err(panicked) = &done {
            self.panicked(doing, panicked);
        }
        done.is_ok()
    }
}

/// The id of a request and that of a response. They are read with another parser, because the engine's own has just
/// panicked.
fn ids(text: &[u8]) -> Option<(Option<RequestId>, Option<RequestId>)> {
    let message: Value = serde_json::from_slice(text).ok()?;
    let id = RequestId::new(JsonSlice::from_value(message.get("id")?));
    // The id of a response is one of the engine's, which may be another request's id to the sender.
    Some(if message.get("method").is_some() { (id, None) } else { (None, id) })
}
