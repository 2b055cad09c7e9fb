//! Writes operations and replies as JSON objects.

use super::scalar::{bytes, integer, number, time};
use crate::dispatch::options::Spelling;
use crate::dispatch::store::{Keep, Rate, Record, StoreDone, StoreOp, When};
use crate::json::JsonSlice;
use serde_json::{Map, Value, json};
use std::time::Duration;

struct Members {
    spelling: Spelling,
    members: Map<String, Value>,
}

impl Members {
    fn new(spelling: Spelling, kind: &str, name: &str) -> Members {
        let mut members = Map::new();
        members.insert(kind.to_owned(), name.into());
        Members { spelling, members }
    }

    fn put(mut self, name: &str, value: Value) -> Members {
        self.members.insert(self.spelling.name(name).into_owned(), value);
        self
    }

    /// A value that may be missing. In C a missing member is easier to handle than null.
    fn maybe(self, name: &str, value: Option<Value>) -> Members {
        match value {
            None if self.spelling == Spelling::C => self,
            value => self.put(name, value.unwrap_or_default()),
        }
    }

    fn time(self, name: &str, value: Duration) -> Members {
        let value = time(value, self.spelling);
        self.put(name, value)
    }

    fn number(self, name: &str, value: u64) -> Members {
        let value = number(value, self.spelling);
        self.put(name, value)
    }

    fn when(self, when: When) -> Members {
        match when {
            When::Always => self.put("when", "always".into()).maybe("version", None),
            When::Absent => self.put("when", "absent".into()).maybe("version", None),
            When::Is(version) => self.put("when", "version".into()).number("version", version.0),
        }
    }

    fn keep(self, keep: &Keep) -> Members {
        let spelling = self.spelling;
        let count = |count: usize| number(count as u64, spelling);
        self.maybe("keep_entries", keep.entries.map(count))
            .maybe("keep_bytes", keep.bytes.map(count))
            .maybe("keep_age", keep.age.map(|age| time(age, spelling)))
            .number("keep_after", keep.after)
    }

    fn record(self, record: &Option<Record>) -> Members {
        let spelling = self.spelling;
        let write = |record: &Record| json!({ "value": bytes(&record.value), "version": number(record.version.0, spelling) });
        self.maybe("record", record.as_ref().map(write))
    }

    fn end(self) -> JsonSlice {
        JsonSlice::from_value(&self.members.into())
    }
}

/// The operation's name in the table.
pub(super) fn name_of(op: &StoreOp) -> &'static str {
    match op {
        StoreOp::Get { .. } => "get",
        StoreOp::Put { .. } => "put",
        StoreOp::Touch { .. } => "touch",
        StoreOp::Delete { .. } => "delete",
        StoreOp::Append { .. } => "append",
        StoreOp::Read { .. } => "read",
        StoreOp::Trim { .. } => "trim",
        StoreOp::Expire { .. } => "expire",
        StoreOp::Add { .. } => "add",
        StoreOp::Take { .. } => "take",
    }
}

/// The object of an operation, in the spelling of a language.
pub fn write_operation(op: &StoreOp, spelling: Spelling) -> JsonSlice {
    let out = Members::new(spelling, "op", name_of(op)).put("key", op.key().into());
    let out = match op {
        StoreOp::Get { touch, .. } => out.maybe("touch", touch.map(|ttl| time(ttl, spelling))),
        StoreOp::Put { value, ttl, when, .. } => out.put("value", bytes(value)).time("ttl", *ttl).when(*when),
        StoreOp::Touch { ttl, .. } | StoreOp::Expire { ttl, .. } => out.time("ttl", *ttl),
        StoreOp::Delete { when, .. } => out.when(*when),
        StoreOp::Append { entry, ttl, keep, .. } => {
            out.put("entry", bytes(entry)).time("ttl", *ttl).keep(keep)
        }
        StoreOp::Read { after, max_entries, max_bytes, .. } => out
            .number("after", *after)
            .number("max_entries", *max_entries as u64)
            .number("max_bytes", *max_bytes as u64),
        StoreOp::Trim { keep, .. } => out.keep(keep),
        StoreOp::Add { by, window, most, .. } => out
            .put("by", integer(*by, spelling))
            .time("window", *window)
            .maybe("most", most.map(|most| integer(most, spelling))),
        StoreOp::Take { by, rate, .. } => {
            // So no store has to check it.
            let Rate { amount, period, burst } = rate.bounded();
            out.put("by", integer(*by, spelling))
                .number("amount", amount.into())
                .time("period", period)
                .maybe("burst", burst.map(|burst| number(burst.into(), spelling)))
        }
    };
    out.end()
}

/// The object of a reply, in the spelling of a language. A store writes such an object; tests compare with it.
pub fn write_reply(done: &StoreDone, spelling: Spelling) -> JsonSlice {
    let reply = |name| Members::new(spelling, "result", name);
    let out = match done {
        StoreDone::Value(record) => reply("value").record(record),
        StoreDone::Stored(version) => reply("stored").number("version", version.0),
        StoreDone::Conflict(record) => reply("conflict").record(record),
        StoreDone::Found(found) => reply("found").put("found", (*found).into()),
        StoreDone::Appended(position) => reply("appended").number("position", *position),
        StoreDone::Entries(read) => {
            let entries = read.entries.iter();
            let entries = entries
                .map(|one| json!({ "position": number(one.position, spelling), "entry": bytes(&one.bytes) }));
            let out = reply("entries").put("entries", entries.collect());
            out.put("missed", read.missed.into()).put("more", read.more.into())
        }
        StoreDone::Count { value, added, left } => reply("count")
            .put("value", integer(*value, spelling))
            .put("added", (*added).into())
            .time("left", *left),
        StoreDone::Taken { taken, left, wait, reset } => reply("taken")
            .put("taken", (*taken).into())
            .number("left", *left)
            .time("wait", *wait)
            .time("reset", *reset),
        StoreDone::Full => reply("full"),
        StoreDone::Unsupported => reply("unsupported"),
        StoreDone::Unavailable(reason) => reply("unavailable").put("reason", reason.as_str().into()),
    };
    out.end()
}
