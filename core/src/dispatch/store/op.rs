//! The operations of a store, and their results.

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
        /// Its new time to live from now, if that changes.
        touch: Option<Duration>,
    },
    /// Writes a record, new or old: [`StoreDone::Stored`], [`StoreDone::Conflict`] or [`StoreDone::Full`].
    Put {
        /// The record.
        key: String,
        /// Its value.
        value: Bytes,
        /// When it expires without being touched or written again.
        ttl: Duration,
        /// What must be there for it to be written.
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
        /// What must be there for it to be removed. [`When::Absent`] removes nothing.
        when: When,
    },
    /// Adds an entry to the end of a log, which begins with its first: [`StoreDone::Appended`] or [`StoreDone::Full`].
    Append {
        /// The log.
        key: String,
        /// The entry.
        entry: Bytes,
        /// When the whole log expires if nothing more is appended.
        ttl: Duration,
        /// What is kept of it, the new entry included.
        keep: Keep,
    },
    /// Reads a log: [`StoreDone::Entries`].
    Read {
        /// The log.
        key: String,
        /// The position behind which to begin; 0 begins with the oldest entry there is.
        after: u64,
        /// Entries at most.
        max_entries: usize,
        /// Bytes at most, of all entries together. One entry is given in any case.
        max_bytes: usize,
    },
    /// Removes the oldest entries of a log: [`StoreDone::Found`].
    Trim {
        /// The log.
        key: String,
        /// What is kept of it.
        keep: Keep,
    },
    /// Gives a whole log a new time to live from now, or with [`Duration::ZERO`] removes it: [`StoreDone::Found`].
    Expire {
        /// The log.
        key: String,
        /// The time to live from now.
        ttl: Duration,
    },
    /// Adds to a counter, which begins with 0 when it is first added to, and tells its value: [`StoreDone::Count`] or
    /// [`StoreDone::Full`]. A sum beyond the range of the number is the end of the range. 0 begins no counter.
    Add {
        /// The counter.
        key: String,
        /// What is added; may be negative.
        by: i64,
        /// How long a counter lasts that begins with this. Later additions do not extend it.
        window: Duration,
        /// Nothing is added if the value would become greater than this. Does not bind what makes it smaller.
        most: Option<i64>,
    },
}

impl StoreOp {
    /// The key it is about.
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
            | StoreOp::Add { key, .. } => key,
        }
    }
}

/// What must be there for a record to be changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// Anything or nothing.
    #[default]
    Always,
    /// Nothing.
    Absent,
    /// The record in this version.
    Is(Version),
}

impl When {
    /// Whether it holds for a record of this version, or for none.
    pub fn holds(self, there: Option<Version>) -> bool {
        match self {
            When::Always => true,
            When::Absent => there.is_none(),
            When::Is(version) => there == Some(version),
        }
    }
}

/// The version of a record: another with each write, and none that its key ever had before. The number means something to
/// its store only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version(pub u64);

/// A record that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its value.
    pub value: Bytes,
    /// Its version.
    pub version: Version,
}

/// What is kept of a log: its newest entries. By default all that there is room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// So many at most.
    pub entries: Option<usize>,
    /// As many as have so many bytes together.
    pub bytes: Option<usize>,
    /// Those that were appended no longer ago than this.
    pub age: Option<Duration>,
    /// Those behind this position.
    pub after: u64,
}

/// An entry of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Greater than that of any entry that was appended to this log before, whether it still exists or not. Positions
    /// begin above 0 and may leave out numbers.
    pub position: u64,
    /// What was appended.
    pub bytes: Bytes,
}

/// A part of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entries {
    /// The entries, oldest first.
    pub entries: Vec<Entry>,
    /// Entries behind the position that was asked for are gone; also if the store cannot tell, as of a log that has
    /// expired.
    pub missed: bool,
    /// More entries follow these.
    pub more: bool,
}

/// What an operation came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreDone {
    /// The record, if there is one.
    Value(Option<Record>),
    /// The record was written and has this version now.
    Stored(Version),
    /// What must be there is not; this is there instead.
    Conflict(Option<Record>),
    /// Whether there was what was to be touched, removed or trimmed.
    Found(bool),
    /// The entry was appended at this position.
    Appended(u64),
    /// Entries of a log; of one that does not exist, none.
    Entries(Entries),
    /// A counter.
    Count {
        /// Its value now.
        value: i64,
        /// Whether that includes what was to be added.
        added: bool,
        /// How long it still lasts; zero if there is none.
        left: Duration,
    },
    /// The store holds its maximum and nothing in it has expired.
    Full,
    /// The store does not know the operation.
    Unsupported,
    /// The store cannot be reached; the text says why.
    Unavailable(String),
}

impl StoreDone {
    /// Why the store did not even try, if it did not.
    pub fn failure(&self) -> Option<&str> {
        match self {
            StoreDone::Unavailable(why) => Some(why),
            StoreDone::Unsupported => Some("it does not know the operation"),
            _ => None,
        }
    }
}

/// Called exactly once with what an operation came to.
pub type Done = Box<dyn FnOnce(StoreDone) + Send>;
