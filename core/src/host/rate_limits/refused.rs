//! The answers to what a rate limit refuses.

use crate::dispatch::policy::{CallRate, refusal_text};
use crate::host::Registered;
use crate::host::admission::interface::Answer;
use crate::host::engine_state::Shared;
use crate::proto::messages::error::{Refuser, RpcError, stage};
use std::time::Duration;

/// Why a request is refused.
#[derive(Debug)]
pub(in crate::host) enum Refused {
    /// It exceeds this limit, and could be made after this time.
    Exceeds { number: usize, wait: Duration },
    /// The store has failed; the text gives the reason.
    Store(String),
}

impl Refused {
    /// The answer to a call of an entry.
    pub(in crate::host) fn of_call(self, limits: &[CallRate], entry: &Registered, is_task: bool) -> Answer {
        let (limit, wait) = match self.exceeded(limits) {
            Ok(exceeded) => exceeded,
            Err(error) => return error.into(),
        };
        let text = refusal_text(limit.text.as_deref(), wait, &[], || {
            format!("Too many calls: {entry} takes {}", limit.describe("call"))
        });
        let refuser = Refuser { stage: stage::RATE_LIMIT, by: limit.word() };
        Answer::retry_later(limit.refusal.of(entry.kind, is_task), text, wait, refuser)
    }

    /// The error for a request.
    pub(super) fn of_request(self, limits: &[CallRate]) -> RpcError {
        let (limit, wait) = match self.exceeded(limits) {
            Ok(exceeded) => exceeded,
            Err(error) => return error,
        };
        let text = refusal_text(limit.text.as_deref(), wait, &[], || {
            format!("Too many requests: the server takes {}", limit.describe("request"))
        });
        RpcError::too_many(text).retry_after(wait).refused_by(stage::RATE_LIMIT, limit.word())
    }

    fn exceeded(self, limits: &[CallRate]) -> Result<(&CallRate, Duration), RpcError> {
        match self {
            Refused::Exceeds { number, wait } => Ok((&limits[number], wait)),
            Refused::Store(why) => Err(Shared::no_store(&why)),
        }
    }
}
