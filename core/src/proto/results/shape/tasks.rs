//! The responses to requests about tasks.

use crate::json::{JsonSlice, JsonWriter};
use crate::proto::messages::id::RequestId;
use crate::proto::messages::reply::Reply;
use crate::proto::results::shape::Shaper;
use crate::proto::session::task::{Facts, related};
use crate::proto::version::Revision;
use bytes::Bytes;

impl Shaper {
    /// The response to a call that has become a task: flat in 2026-07-28 (T2-3), nested in 2025-11-25 (T1-5).
    pub fn task_created(&self, id: &RequestId, revision: Revision, facts: &Facts<'_>) -> Bytes {
        let mut out = self.open_result(id, 256);
        if revision.is_modern() {
            facts.write(revision, &mut out);
        } else {
            out.key("task").begin_object();
            facts.write(revision, &mut out);
            out.end_object();
        }
        self.close_result(out, revision, br#""task""#)
    }

    /// A task as the result of `tasks/get` and, in 2025-11-25, of `tasks/cancel`. `write` writes its members.
    pub fn task(&self, id: &RequestId, revision: Revision, write: impl FnOnce(&mut JsonWriter)) -> Bytes {
        let mut out = self.open_result(id, 256);
        write(&mut out);
        self.close_result(out, revision, br#""complete""#)
    }
}

/// The response to `tasks/result`: the call's outcome, with a reference to its task (T1-8, T1-10).
pub fn task_outcome(id: &RequestId, task: &str, outcome: &Result<JsonSlice, JsonSlice>) -> Bytes {
    let outcome = match outcome {
        Ok(result) => Ok(related(result, task)),
        // An error has no `_meta` (S11:Error).
        Err(error) => Err(error.clone()),
    };
    Reply { id: id.clone(), outcome }.to(id)
}
