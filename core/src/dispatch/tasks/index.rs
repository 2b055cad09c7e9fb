//! The list of a principal's tasks, oldest first. It limits their number, and `tasks/list` returns it (T1-14).

use crate::dispatch::principal::{self, Principal};
use crate::json::{self, JsonSlice, JsonWriter};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::time::Duration;

/// The list of one principal's tasks, in the form of its record in the store.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Index(Vec<TaskEntry>);

/// A task in the list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TaskEntry {
    pub(crate) id: String,
    /// When the task expires, in seconds since 1970.
    pub(crate) expires: u64,
}

/// The principal has reached its limit of tasks.
#[derive(Debug, PartialEq)]
pub(crate) struct TooMany;

impl Index {
    /// The key of the list's record. Principals may have any length.
    pub(crate) fn key(principal: Option<&Principal>) -> String {
        let mut digest = Sha256::new();
        principal::key(principal, |bytes| digest.update(bytes));
        format!("tasks-of/{}", URL_SAFE_NO_PAD.encode(digest.finalize()))
    }

    /// Reads a record as of `now`. A record that cannot be read counts as an empty list.
    pub(crate) fn from_record(record: &Bytes, now: u64) -> Index {
        let limits = json::Limits { max_depth: 4, max_bytes: usize::MAX };
        let Ok(record) = JsonSlice::parse(record.clone(), &limits) else { return Index::default() };
        let entry = |entry: JsonSlice| {
            let id = entry.member("id")?.decode_str()?.into_owned();
            let expires = entry.member("expires")?.as_str().parse().ok()?;
            Some(TaskEntry { id, expires })
        };
        Index(record.elements().filter_map(entry).filter(|listed| listed.expires > now).collect())
    }

    pub(crate) fn to_record(&self) -> Bytes {
        let mut out = JsonWriter::with_capacity(80 * self.0.len());
        out.begin_array();
        for listed in &self.0 {
            out.begin_object().key("id").str(&listed.id).key("expires").uint(listed.expires).end_object();
        }
        out.end_array();
        out.into_bytes()
    }

    /// Adds a task.
    pub(crate) fn add(&mut self, listed: TaskEntry, most: usize) -> Result<(), TooMany> {
        if self.0.len() >= most {
            return Err(TooMany);
        }
        self.0.push(listed);
        Ok(())
    }

    /// The tasks after the task with this id, or all tasks. `None` if there is no task with this id.
    pub(crate) fn after(&self, id: Option<&str>) -> Option<&[TaskEntry]> {
        match id {
            None => Some(&self.0),
            Some(id) => {
                let place = self.0.iter().position(|listed| listed.id == id)?;
                Some(&self.0[place + 1..])
            }
        }
    }

    /// How long the record of this list must be kept: as long as the last task.
    pub(crate) fn left(&self, now: u64) -> Duration {
        let last = self.0.iter().map(|listed| listed.expires).max().unwrap_or(now);
        Duration::from_secs(last.saturating_sub(now).max(1))
    }
}
