//! The answers to what a rate limit refuses.

use crate::dispatch::policy::{CallRate, CallRates, RefusalForm};
use crate::host::Registered;
use crate::host::admission::interface::Answer;
use crate::host::calls::op::Outcome;
use crate::host::engine_state::Shared;
use crate::proto::messages::error::{RpcError, stage};
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
    pub(in crate::host) fn of_call(self, limits: &CallRates, entry: &Registered, is_task: bool) -> Answer {
        let (limit, wait) = match self.exceeded(limits) {
            Ok(exceeded) => exceeded,
            Err(error) => return error.into(),
        };
        let text =
            limit.refusal_text(wait, || format!("Too many calls: {entry} takes {}", limit.describe("call")));
        match limit.refusal.of(entry.kind, is_task) {
            // Over HTTP, only a request that exceeds a limit of the server has a status of its own. Some clients end their
            // session after such a status, and read no error in the response.
            RefusalForm::Error => error(limit, wait, RpcError::internal(text)).into(),
            RefusalForm::Result => Answer::Outcome(Box::new(Outcome::Failed(text)), limit.word()),
        }
    }

    /// The error for a request.
    pub(super) fn of_request(self, limits: &CallRates) -> RpcError {
        let (limit, wait) = match self.exceeded(limits) {
            Ok(exceeded) => exceeded,
            Err(error) => return error,
        };
        let text = limit.refusal_text(wait, || {
            format!("Too many requests: the server takes {}", limit.describe("request"))
        });
        error(limit, wait, RpcError::too_many(text))
    }

    fn exceeded(self, limits: &CallRates) -> Result<(&CallRate, Duration), RpcError> {
        match self {
            Refused::Exceeds { number, wait } => Ok((&limits.0[number], wait)),
            Refused::Store(why) => Err(Shared::no_store(&why)),
        }
    }
}

fn error(limit: &CallRate, wait: Duration, error: RpcError) -> RpcError {
    error.retry_after(wait).refused_by(stage::RATE_LIMIT, limit.word())
}
