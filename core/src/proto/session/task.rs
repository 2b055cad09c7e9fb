//! Tasks on the wire: the extension of 2026-07-28 (digest 7.13) and the experimental form of 2025-11-25 (digest 7.12).

use crate::json::{JsonSlice, JsonWriter, Kind};
use crate::proto::messages::envelope::Client;
use crate::proto::messages::error::RpcError;
use crate::proto::version::Revision;

/// The extension that a modern client declares to be given tasks.
pub const EXTENSION: &str = "io.modelcontextprotocol/tasks";
/// The `_meta` key that ties a message of 2025-11-25 to its task (T1-10).
pub const RELATED: &str = "io.modelcontextprotocol/related-task";

/// Whether calls of a tool may, or must, become tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TaskSupport {
    /// Its calls are never tasks.
    #[default]
    Forbidden,
    /// A call is a task where the client can have tasks: in 2026-07-28 one that declares the extension, in 2025-11-25
    /// one whose request asks for it. Everybody else's calls are answered as always.
    Optional,
    /// Its calls are tasks, and clients that cannot have any are refused.
    Required,
}

impl TaskSupport {
    const ALL: [TaskSupport; 3] = [TaskSupport::Forbidden, TaskSupport::Optional, TaskSupport::Required];

    /// Its word: `forbidden`, `optional`, `required`.
    pub fn as_str(self) -> &'static str {
        match self {
            TaskSupport::Forbidden => "forbidden",
            TaskSupport::Optional => "optional",
            TaskSupport::Required => "required",
        }
    }

    /// The support of this word.
    pub fn named(word: &str) -> Option<TaskSupport> {
        TaskSupport::ALL.into_iter().find(|support| support.as_str() == word)
    }
}

/// Where a task stands (T1-6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is at work.
    Working,
    /// It waits for answers of the client.
    InputRequired,
    /// It has its result.
    Completed,
    /// It has an error; in 2025-11-25 also a result that says it is one (T1-9, T2-6).
    Failed,
    /// It was cancelled.
    Cancelled,
}

impl Status {
    const ALL: [Status; 5] =
        [Status::Working, Status::InputRequired, Status::Completed, Status::Failed, Status::Cancelled];

    /// Its word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Working => "working",
            Status::InputRequired => "input_required",
            Status::Completed => "completed",
            Status::Failed => "failed",
            Status::Cancelled => "cancelled",
        }
    }

    /// The status of this word.
    pub fn named(word: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Whether nothing follows.
    pub fn is_final(self) -> bool {
        !matches!(self, Status::Working | Status::InputRequired)
    }
}

/// What both forms tell of a task.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Its id.
    pub id: &'a str,
    /// Where it stands.
    pub status: Status,
    /// What it says of where it stands.
    pub message: Option<&'a str>,
    /// When it began, in seconds since 1970.
    pub created: u64,
    /// When it changed last.
    pub updated: u64,
    /// How long it is kept from its beginning on.
    pub ttl_ms: u64,
    /// How often a client should look.
    pub poll_ms: u64,
}

impl Facts<'_> {
    /// Writes the members that `revision` has for them into an open object (digest 9.4).
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

/// Whether this request's client can be given tasks by the extension (T2-1).
pub fn is_declared_by(client: &Client) -> bool {
    client.revision.is_modern()
        && client
            .capabilities
            .member("extensions")
            .and_then(|extensions| extensions.member(EXTENSION))
            .is_some_and(|settings| settings.kind() == Kind::Object)
}

/// -32021: the client declares no tasks (T2-2, T2-11).
pub fn undeclared(what: impl std::fmt::Display) -> RpcError {
    let required = serde_json::json!({ "extensions": { EXTENSION: {} } });
    RpcError::missing_capability(
        format!("{what}: the client does not declare the extension {EXTENSION}"),
        JsonSlice::from_value(&required),
    )
}

/// -32602: there is no such task, or not for who asks (T1-13, T2-10, T2-16).
pub fn unknown(id: &str) -> RpcError {
    RpcError::invalid_params(format!(
        "Invalid params: unknown task {:?}",
        crate::proto::messages::error::clip(id)
    ))
}

/// An object whose `_meta` says to which task it belongs.
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

/// Seconds since 1970 as ISO 8601 has them (T1-7).
pub fn timestamp(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // The era's years begin in March, so that the day that some have more is the last one.
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
