//! The operations of a store, and their results.

use super::table::CENTURY;
use bytes::Bytes;
use std::time::Duration;

/// One operation on a store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StoreOp {
    /// Reads a record: [`StoreDone::Value`].
    Get {
        /// The record.
        key: String,
        /// The record's new time to live from now, if that changes.
        touch: Option<Duration>,
    },
    /// Writes a record, new or old: [`StoreDone::Stored`], [`StoreDone::Conflict`] or [`StoreDone::Full`].
    Put {
        /// The record.
        key: String,
        /// The record's value.
        value: Bytes,
        /// The time after which the record expires if it is not touched or written again.
        ttl: Duration,
        /// The condition for writing it.
        when: When,
    },
    /// Gives a record a new time to live: [`StoreDone::Found`].
    Touch {
        /// The record.
        key: String,
        /// The time to live from now.
        ttl: Duration,
    },
    /// Removes a record: [`StoreDone::Found`] or [`StoreDone::Conflict`].
    Delete {
        /// The record.
        key: String,
        /// The condition for removing it. [`When::Absent`] removes nothing.
        when: When,
    },
    /// Adds an entry to the end of a log. The first entry creates the log: [`StoreDone::Appended`] or
    /// [`StoreDone::Full`].
    Append {
        /// The log.
        key: String,
        /// The entry.
        entry: Bytes,
        /// The time after which the whole log expires if nothing more is appended.
        ttl: Duration,
        /// The entries to keep, including the new one.
        keep: Keep,
    },
    /// Reads a log: [`StoreDone::Entries`].
    Read {
        /// The log.
        key: String,
        /// The position after which to begin; 0 begins with the oldest entry that exists.
        after: u64,
        /// The maximum number of entries.
        max_entries: usize,
        /// The maximum bytes of all entries together. At least one entry is returned, even if it is longer.
        max_bytes: usize,
    },
    /// Removes the oldest entries of a log: [`StoreDone::Found`].
    Trim {
        /// The log.
        key: String,
        /// Which entries are kept.
        keep: Keep,
    },
    /// Gives a whole log a new time to live from now, or removes it with [`Duration::ZERO`]: [`StoreDone::Found`].
    Expire {
        /// The log.
        key: String,
        /// The time to live from now.
        ttl: Duration,
    },
    /// Adds to a counter and returns its value: [`StoreDone::Count`] or [`StoreDone::Full`]. The first addition
    /// creates the counter with the value 0. If the sum exceeds the range of the number, it becomes the end of the
    /// range. Adding 0 creates no counter.
    Add {
        /// The counter.
        key: String,
        /// The amount to add; it may be negative.
        by: i64,
        /// The lifetime of the counter if this operation creates it. Later additions do not extend the lifetime.
        window: Duration,
        /// Nothing is added if the value would exceed this. It does not limit an operation that decreases the value.
        most: Option<i64>,
    },
    /// Takes pieces of an allowance, all or none, by the clock of the store: [`StoreDone::Taken`] or [`StoreDone::Full`].
    Take {
        /// The key that has the allowance.
        key: String,
        /// The number of pieces; 0 takes none. A negative number gives back that many of the pieces that were taken last.
        /// Only what has just been taken should be given back.
        by: i64,
        /// The allowance. If a key comes with another rate than before, what it has taken counts by the new one. Between
        /// a bucket and a window, it begins anew.
        rate: Rate,
    },
}

/// An allowance over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    /// The number of pieces for each period, at least 1.
    pub amount: u32,
    /// The period, above 0 and at most a century.
    pub period: Duration,
    /// With a burst, the allowance is a token bucket (GCRA). It has at most this number of pieces, at least 1, and what was
    /// taken comes back evenly. Without one, it is a sliding window: in no span of the length of the period are more than
    /// `amount` pieces taken. The windows of the [`MemoryStore`](super::MemoryStore) are exact up to an amount of
    /// 4,096. Above it, pieces come back up to a 2,048th of the period late.
    pub burst: Option<u32>,
}

impl Rate {
    /// The most pieces that can be taken at once.
    pub fn most(&self) -> u32 {
        self.burst.unwrap_or(self.amount)
    }

    /// The nearest rate within the bounds.
    pub(in crate::dispatch::store) fn bounded(self) -> Rate {
        Rate {
            amount: self.amount.max(1),
            period: self.period.clamp(Duration::from_nanos(1), CENTURY),
            burst: self.burst.map(|burst| burst.max(1)),
        }
    }
}

/// The kind of a key, which is the part before the first slash.
pub(super) fn kind_of(key: &str) -> &str {
    // Kinds are so short that a search for many bytes at a time is slower.
    let end = key.bytes().position(|byte| byte == b'/').unwrap_or(key.len());
    &key[..end]
}

impl StoreOp {
    /// The name of the operation, for observers.
    pub(super) fn name(&self) -> &'static str {
        match self {
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

    /// The key of the operation.
    pub fn key(&self) -> &str {
        match self {
            StoreOp::Get { key, .. }
            | StoreOp::Put { key, .. }
            | StoreOp::Touch { key, .. }
            | StoreOp::Delete { key, .. }
            | StoreOp::Append { key, .. }
            | StoreOp::Read { key, .. }
            | StoreOp::Trim { key, .. }
            | StoreOp::Expire { key, .. }
            | StoreOp::Add { key, .. }
            | StoreOp::Take { key, .. } => key,
        }
    }
}

/// The condition for changing a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// No condition.
    #[default]
    Always,
    /// There is no record.
    Absent,
    /// The record has this version.
    Is(Version),
}

impl When {
    /// Whether the condition holds for a record of this version, or for a missing record.
    pub fn holds(self, there: Option<Version>) -> bool {
        match self {
            When::Always => true,
            When::Absent => there.is_none(),
            When::Is(version) => there == Some(version),
        }
    }
}

/// The version of a record. It changes with each write, and its key never had the new version before. Only the store
/// knows the meaning of the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version(pub u64);

/// A record that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The value of the record.
    pub value: Bytes,
    /// The version of the record.
    pub version: Version,
}

/// Which entries of a log are kept: its newest ones. By default, all for which there is room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// At most this number of entries.
    pub entries: Option<usize>,
    /// As many entries as have at most this number of bytes together.
    pub bytes: Option<usize>,
    /// Entries that are not older than this.
    pub age: Option<Duration>,
    /// Entries after this position.
    pub after: u64,
}

/// An entry of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Greater than the position of any entry that was ever appended to this log, whether that entry still exists or
    /// not. Positions start above 0 and may skip numbers.
    pub position: u64,
    /// The appended bytes.
    pub bytes: Bytes,
}

/// A part of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entries {
    /// The entries, oldest first.
    pub entries: Vec<Entry>,
    /// Whether entries after the requested position no longer exist. It is also set if the store does not know, for
    /// example because the log has expired.
    pub missed: bool,
    /// Whether more entries follow.
    pub more: bool,
}

/// The result of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreDone {
    /// The record, if there is one.
    Value(Option<Record>),
    /// The record was written and has this version now.
    Stored(Version),
    /// The condition does not hold; this is the present record.
    Conflict(Option<Record>),
    /// Whether there was anything to touch, remove or trim.
    Found(bool),
    /// The entry was appended at this position.
    Appended(u64),
    /// Entries of a log; none if the log does not exist.
    Entries(Entries),
    /// A counter.
    Count {
        /// The counter's present value.
        value: i64,
        /// Whether the value includes the amount to add.
        added: bool,
        /// The remaining lifetime of the counter; zero if there is none.
        left: Duration,
    },
    /// An allowance.
    Taken {
        /// Whether the pieces were taken or given back.
        taken: bool,
        /// The number of pieces that can be taken now.
        left: u64,
        /// The time until the pieces can be taken, if they were not; a century if they never can.
        wait: Duration,
        /// The time until all has come back.
        reset: Duration,
    },
    /// The store has reached its limit, and nothing in it has expired.
    Full,
    /// The store does not know the operation.
    Unsupported,
    /// The store cannot be reached; the text gives the reason.
    Unavailable(String),
}

impl StoreDone {
    /// The name of the result, for observers.
    pub(super) fn name(&self) -> &'static str {
        match self {
            StoreDone::Value(_) => "value",
            StoreDone::Stored(_) => "stored",
            StoreDone::Conflict(_) => "conflict",
            StoreDone::Found(_) => "found",
            StoreDone::Appended(_) => "appended",
            StoreDone::Entries(_) => "entries",
            StoreDone::Count { .. } => "count",
            StoreDone::Taken { .. } => "taken",
            StoreDone::Full => "full",
            StoreDone::Unsupported => "unsupported",
            StoreDone::Unavailable(_) => "unavailable",
        }
    }

    /// The reason if the store did not even try.
    pub fn failure(&self) -> Option<&str> {
        match self {
            StoreDone::Unavailable(why) => Some(why),
            StoreDone::Unsupported => Some("it does not support the operation"),
            _ => None,
        }
    }
}

/// The callback for the result of an operation. It is called exactly once.
pub type Done = Box<dyn FnOnce(StoreDone) + Send>;
