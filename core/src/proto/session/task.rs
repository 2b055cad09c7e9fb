//! Tasks in messages: the extension of 2026-07-28 (digest 7.13), and the experimental form of 2025-11-25 (digest 7.12).

use crate::json::{JsonSlice, JsonWriter, Kind};
use crate::proto::messages::envelope::Client;
use crate::proto::messages::error::RpcError;
use crate::proto::version::Revision;

/// The extension that a modern client declares if it supports tasks.
pub const EXTENSION: &str = "io.modelcontextprotocol/tasks";
/// The `_meta` key by which a message of 2025-11-25 refers to its task (T1-10).
pub const RELATED: &str = "io.modelcontextprotocol/related-task";

/// Whether calls of a tool can be tasks, or must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TaskSupport {
    /// Calls of the tool are never tasks.
    #[default]
    Forbidden,
    /// A call is a task if the client supports tasks: in 2026-07-28 a client that declares the extension, in 2025-11-25
    /// a client whose request asks for a task. Calls of other clients get an ordinary response.
    Optional,
    /// Calls of the tool are always tasks. A call of a client without support for tasks is refused.
    Required,
}

impl TaskSupport {
    /// Every value.
    pub const ALL: [TaskSupport; 3] = [TaskSupport::Forbidden, TaskSupport::Optional, TaskSupport::Required];

    /// The value in messages: `forbidden`, `optional`, `required`.
    pub fn as_str(self) -> &'static str {
        match self {
            TaskSupport::Forbidden => "forbidden",
            TaskSupport::Optional => "optional",
            TaskSupport::Required => "required",
        }
    }

    /// The support with this value.
    pub fn named(word: &str) -> Option<TaskSupport> {
        TaskSupport::ALL.into_iter().find(|support| support.as_str() == word)
    }
}

/// The status of a task (T1-6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The task is running.
    Working,
    /// The task waits for answers from the client.
    InputRequired,
    /// The task has its result.
    Completed,
    /// The task has an error. In 2025-11-25 this includes a result with `isError` (T1-9, T2-6).
    Failed,
    /// The task was cancelled.
    Cancelled,
}

impl Status {
    const ALL: [Status; 5] =
        [Status::Working, Status::InputRequired, Status::Completed, Status::Failed, Status::Cancelled];

    /// The value in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Working => "working",
            Status::InputRequired => "input_required",
            Status::Completed => "completed",
            Status::Failed => "failed",
            Status::Cancelled => "cancelled",
        }
    }

    /// The status with this value.
    pub fn named(word: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Whether the task has ended.
    pub fn is_final(self) -> bool {
        !matches!(self, Status::Working | Status::InputRequired)
    }
}

/// The facts about a task that both forms contain.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The task's id.
    pub id: &'a str,
    /// The task's status.
    pub status: Status,
    /// The message that describes the status.
    pub message: Option<&'a str>,
    /// When the task was created, in seconds since 1970.
    pub created: u64,
    /// When the task was last changed, in seconds since 1970.
    pub updated: u64,
    /// How long the task is kept after its creation, in milliseconds.
    pub ttl_ms: u64,
    /// How often a client should poll the task, in milliseconds.
    pub poll_ms: u64,
}

impl Facts<'_> {
    /// Writes the members of `revision` into an open object (digest 9.4).
    pub fn write(&self, revision: Revision, out: &mut JsonWriter) {
        let (ttl, poll) =
            if revision.is_modern() { ("ttlMs", "pollIntervalMs") } else { ("ttl", "pollInterval") };
        out.key("taskId").str(self.id).key("status").str(self.status.as_str());
        if let Some(message) = self.message {
            out.key("statusMessage").str(message);
        }
        out.key("createdAt").str(&timestamp(self.created));
        out.key("lastUpdatedAt").str(&timestamp(self.updated));
        out.key(ttl).uint(self.ttl_ms).key(poll).uint(self.poll_ms);
    }
}

/// Whether this request's client supports tasks by the extension (T2-1).
pub fn is_declared_by(client: &Client) -> bool {
    client.revision.is_modern()
        && client
            .capabilities
            .member("extensions")
            .and_then(|extensions| extensions.member(EXTENSION))
            .is_some_and(|settings| settings.kind() == Kind::Object)
}

/// -32021: the client does not declare support for tasks (T2-2, T2-11).
pub fn undeclared(what: impl std::fmt::Display) -> RpcError {
    let required = serde_json::json!({ "extensions": { EXTENSION: {} } });
    RpcError::missing_capability(
        format!("{what}: the client does not declare the extension {EXTENSION}"),
        JsonSlice::from_value(&required),
    )
}

/// -32602: the task does not exist, or belongs to another principal (T1-13, T2-10, T2-16).
pub fn unknown(id: &str) -> RpcError {
    RpcError::invalid_params(format!(
        "Invalid params: unknown task {:?}",
        crate::proto::messages::error::clip(id)
    ))
}

/// A copy of an object whose `_meta` refers to the task.
pub fn related(object: &JsonSlice, task: &str) -> JsonSlice {
    let mut out = JsonWriter::with_capacity(object.as_bytes().len() + 96 + task.len());
    let copy = |out: &mut JsonWriter, from: &JsonSlice, without: &str| {
        for member in from.members() {
            let name = member.name(from.as_bytes());
            if name != without {
                out.key(&name).slice(&from.subslice(member.value));
            }
        }
    };
    out.begin_object();
    copy(&mut out, object, "_meta");
    out.key("_meta").begin_object();
    if let Some(meta) = object.member("_meta").filter(|meta| meta.kind() == Kind::Object) {
        copy(&mut out, &meta, RELATED);
    }
    out.key(RELATED).begin_object().key("taskId").str(task).end_object();
    out.end_object().end_object();
    out.into_slice()
}

/// Seconds since 1970 in the form of ISO 8601 (T1-7).
pub fn timestamp(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // The years of this calculation begin in March, so that a leap day is the last day of a year.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn seconds_are_written_as_iso_8601_has_them() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_785_196_800, "2026-07-28T00:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(timestamp(seconds), text);
        }
    }

    #[test]
    fn a_message_of_a_task_keeps_its_other_metadata() {
        let object = JsonSlice::from_value(&json!({ "a": 1, "_meta": { "b": 2, RELATED: 3 } }));
        let expected = json!({ "a": 1, "_meta": { "b": 2, RELATED: { "taskId": "t" } } });
        assert_eq!(related(&object, "t").to_value().unwrap(), expected);
        let expected: Value = json!({ "_meta": { RELATED: { "taskId": "t" } } });
        assert_eq!(related(&JsonSlice::empty_object(), "t").to_value().unwrap(), expected);
    }

    #[test]
    fn words_name_what_they_are_the_words_of() {
        for status in Status::ALL {
            assert_eq!(Status::named(status.as_str()), Some(status));
        }
        for support in TaskSupport::ALL {
            assert_eq!(TaskSupport::named(support.as_str()), Some(support));
        }
    }
}
