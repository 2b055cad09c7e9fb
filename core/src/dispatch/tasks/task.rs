//! One task: its status, its questions and its result.

use crate::dispatch::principal::Principal;
use crate::json::{JsonSlice, JsonWriter, Kind};
use crate::proto::session::task::{Facts, Status};
use crate::proto::version::Revision;
use std::sync::Arc;
use std::time::Duration;

/// A task, in the form of its record in the store. Times are seconds since 1970.
///
/// ```text
/// working <-> input_required -> completed | failed | cancelled
/// ```
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Task {
    /// The task's id, which cannot be guessed.
    pub(crate) id: Arc<str>,
    /// The tool that runs. A record of an earlier version names none.
    pub(crate) tool: Option<Arc<str>>,
    /// The revision of the request that began the task. Requests of other revisions cannot see the task.
    pub(crate) revision: Revision,
    /// The principal that began the task, if known.
    pub(crate) principal: Option<Principal>,
    pub(super) status: Status,
    pub(super) message: Option<String>,
    pub(super) created: u64,
    pub(super) updated: u64,
    /// How long the task is kept, from its start.
    pub(super) ttl: Duration,
    pub(super) poll: Duration,
    /// When the lease of the process that runs the task ends, if it is not renewed.
    pub(super) lease: u64,
    /// The unanswered questions.
    pub(super) inputs: Vec<Input>,
    /// Answers that other processes received for the process that runs the task.
    pub(super) answers: Vec<(String, JsonSlice)>,
    /// The result or the error, once the task has ended.
    pub(super) outcome: Option<Result<JsonSlice, JsonSlice>>,
}

/// Whole seconds, rounded up.
pub(crate) fn seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}

/// An unanswered question.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Input {
    /// Identifies the question among all questions that the task ever asks (T2-8).
    pub(crate) key: String,
    pub(crate) method: String,
    pub(crate) params: JsonSlice,
}

impl Task {
    /// A new task, which is working.
    pub(crate) fn new(
        (id, tool): (Arc<str>, &str),
        revision: Revision,
        principal: Option<&Principal>,
        (ttl, poll): (Duration, Duration),
        (now, lease): (u64, u64),
    ) -> Task {
        Task {
            id,
            tool: Some(tool.into()),
            revision,
            principal: principal.cloned(),
            status: Status::Working,
            message: None,
            created: now,
            updated: now,
            ttl,
            poll,
            lease,
            inputs: Vec::new(),
            answers: Vec::new(),
            outcome: None,
        }
    }

    pub(crate) fn status(&self) -> Status {
        self.status
    }

    pub(crate) fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    pub(crate) fn outcome(&self) -> Option<&Result<JsonSlice, JsonSlice>> {
        self.outcome.as_ref()
    }

    /// The time at which the task expires.
    pub(crate) fn expires(&self) -> u64 {
        self.created.saturating_add(seconds(self.ttl))
    }

    /// How long the task's record must be kept from `now`.
    pub(crate) fn left(&self, now: u64) -> Duration {
        Duration::from_secs(self.expires().saturating_sub(now).max(1))
    }

    /// Whether the task belongs to `principal` and to `revision`.
    pub(crate) fn belongs_to(&self, principal: Option<&Principal>, revision: Revision) -> bool {
        self.principal.as_ref() == principal && self.revision == revision
    }

    /// Whether the task is running according to its record, but the process that ran it has not renewed its lease in
    /// time.
    pub(crate) fn is_orphaned(&self, now: u64) -> bool {
        !self.status.is_final() && self.lease < now
    }

    /// Renews the lease of the process that runs the task.
    pub(crate) fn renew(&mut self, lease: u64) {
        self.lease = lease;
    }

    /// Sets the task's status message. Returns `false` if the message is not new, or the task has ended.
    pub(crate) fn say(&mut self, message: &str, now: u64) -> bool {
        if self.status.is_final() || self.message.as_deref() == Some(message) {
            return false;
        }
        self.message = Some(message.to_owned());
        self.updated = now;
        true
    }

    /// Adds a question. Returns `false` if the task has ended.
    pub(crate) fn ask(&mut self, input: Input, now: u64) -> bool {
        if self.status.is_final() {
            return false;
        }
        self.inputs.push(input);
        (self.status, self.updated) = (Status::InputRequired, now);
        true
    }

    /// Removes an answered question. Returns `false` if it does not wait for an answer.
    pub(crate) fn answered(&mut self, key: &str, now: u64) -> bool {
        let Some(place) = self.inputs.iter().position(|input| input.key == key) else { return false };
        self.inputs.remove(place);
        if self.inputs.is_empty() {
            self.status = Status::Working;
        }
        self.updated = now;
        true
    }

    /// Stores an answer for the process that runs the task. Returns `false` if the question does not wait for an
    /// answer.
    pub(crate) fn leave_answer(&mut self, key: &str, answer: JsonSlice, now: u64) -> bool {
        let taken = self.answered(key, now);
        if taken {
            self.answers.push((key.to_owned(), answer));
        }
        taken
    }

    /// Removes and returns the answers that other processes received.
    pub(crate) fn take_answers(&mut self) -> Vec<(String, JsonSlice)> {
        std::mem::take(&mut self.answers)
    }

    /// Ends the task. Returns `false` if it had already ended.
    pub(crate) fn finish(&mut self, outcome: Result<JsonSlice, JsonSlice>, now: u64) -> bool {
        // Only in 2025-11-25 is a tool's own failed result a failure of the task (T1-9, T2-6).
        let says_failed = |result: &JsonSlice| {
            !self.revision.is_modern()
                && result.member("isError").is_some_and(|flag| flag.kind() == Kind::True)
        };
        let status = match &outcome {
            Ok(result) if says_failed(result) => Status::Failed,
            Ok(_) => Status::Completed,
            Err(_) => Status::Failed,
        };
        if !self.end(status, now) {
            return false;
        }
        if let Err(error) = &outcome {
            let text = error.member("message");
            self.message = text.as_ref().and_then(|text| text.decode_str()).map(|text| text.into_owned());
        }
        self.outcome = Some(outcome);
        true
    }

    /// Cancels the task. Returns `false` if it had already ended.
    pub(crate) fn cancel(&mut self, now: u64) -> bool {
        self.end(Status::Cancelled, now)
    }

    /// Replaces a result for which there is no room: the task has failed with `error`. Returns `false` if its outcome
    /// is not a result.
    pub(crate) fn lose_result(&mut self, error: JsonSlice) -> bool {
        let lost = matches!(self.outcome, Some(Ok(_)));
        if lost {
            (self.status, self.outcome) = (Status::Failed, Some(Err(error)));
        }
        lost
    }

    fn end(&mut self, status: Status, now: u64) -> bool {
        if self.status.is_final() {
            return false;
        }
        (self.status, self.updated) = (status, now);
        self.inputs.clear();
        self.answers.clear();
        true
    }

    /// The facts that both forms of the protocol report.
    pub(crate) fn facts(&self) -> Facts<'_> {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Facts {
            id: &self.id,
            status: self.status,
            message: self.message.as_deref(),
            created: self.created,
            updated: self.updated,
            ttl_ms: millis(self.ttl),
            poll_ms: millis(self.poll),
        }
    }

    /// Writes the members that the task's revision reports into an open object. In 2026-07-28 this includes its
    /// questions or its outcome (T2-5).
    pub(crate) fn write(&self, out: &mut JsonWriter) {
        self.facts().write(self.revision, out);
        if !self.revision.is_modern() {
            return;
        }
        if self.status == Status::InputRequired {
            self.write_inputs(out);
        }
        match &self.outcome {
            Some(Ok(result)) => out.key("result").slice(result),
            Some(Err(error)) => out.key("error").slice(error),
            None => out,
        };
    }

    pub(super) fn write_inputs(&self, out: &mut JsonWriter) {
        out.key("inputRequests").begin_object();
        for input in &self.inputs {
            out.key(&input.key).begin_object();
            out.key("method").str(&input.method).key("params").slice(&input.params).end_object();
        }
        out.end_object();
    }
}
