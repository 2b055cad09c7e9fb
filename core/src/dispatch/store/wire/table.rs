//! The operations and the replies, with their members.

/// The form of a member's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WireForm {
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// True or false.
    Flag,
    /// A time span, in the language's unit.
    Time,
    /// An integer from 0.
    Number,
    /// An integer of 64 bits with a sign.
    Integer,
    /// The condition for changing a record: `always`, `absent` or `version`.
    Condition,
    /// A record: its value and its version.
    Record,
    /// Entries of a log, each with its position.
    Entries,
}

/// A member of an operation or a reply.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct WireMember {
    /// The name; Node has it in camelCase.
    pub name: &'static str,
    /// The form of the value.
    pub form: WireForm,
    /// Whether the value may be missing.
    pub optional: bool,
    /// The description, in sentences.
    pub text: &'static str,
}

/// An operation, or a reply.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct WireRow {
    /// The name.
    pub name: &'static str,
    /// The members, besides the one that has the name.
    pub members: &'static [WireMember],
    /// For an operation: the names of its replies. Each operation may also be answered by `unsupported` and
    /// `unavailable`.
    pub replies: &'static [&'static str],
    /// The description, in sentences.
    pub text: &'static str,
}

impl WireRow {
    /// Whether the reply of this name may answer this operation.
    pub(super) fn allows(&self, reply: &str) -> bool {
        self.replies.contains(&reply) || matches!(reply, "unsupported" | "unavailable")
    }
}

const fn member(name: &'static str, form: WireForm, text: &'static str) -> WireMember {
    WireMember { name, form, optional: false, text }
}

const fn optional(name: &'static str, form: WireForm, text: &'static str) -> WireMember {
    WireMember { name, form, optional: true, text }
}

const fn row(
    name: &'static str,
    members: &'static [WireMember],
    replies: &'static [&'static str],
    text: &'static str,
) -> WireRow {
    WireRow { name, members, replies, text }
}

const RECORD_KEY: WireMember = member("key", WireForm::Text, "The record's key, as `kind/name`.");
const LOG_KEY: WireMember = member("key", WireForm::Text, "The log's key, as `kind/name`.");
const COUNTER_KEY: WireMember = member("key", WireForm::Text, "The counter's key, as `kind/name`.");
const ALLOWANCE_KEY: WireMember =
    member("key", WireForm::Text, "The key that has the allowance, as `kind/name`.");
const WHEN: WireMember = member(
    "when",
    WireForm::Condition,
    "The condition: `always`; `absent` if there must be no record; `version` if the record must have this `version`.",
);
const WHEN_VERSION: WireMember =
    optional("version", WireForm::Number, "The version that the record must have, if `when` is `version`.");
const KEEP_ENTRIES: WireMember =
    optional("keep_entries", WireForm::Number, "At most this number of entries stay.");
const KEEP_BYTES: WireMember = optional(
    "keep_bytes",
    WireForm::Number,
    "As many entries stay as have at most this number of bytes together.",
);
const KEEP_AGE: WireMember =
    optional("keep_age", WireForm::Time, "Entries that are older than this do not stay.");
const KEEP_AFTER: WireMember =
    member("keep_after", WireForm::Number, "Entries up to this position do not stay; 0 removes none.");

/// The operations. The member `op` has the name.
pub const OPERATIONS: &[WireRow] = &[
    row(
        "get",
        &[
            RECORD_KEY,
            optional(
                "touch",
                WireForm::Time,
                "The record's new time to live from now; without it, the time to live stays.",
            ),
        ],
        &["value"],
        "Reads a record.",
    ),
    row(
        "put",
        &[
            RECORD_KEY,
            member("value", WireForm::Bytes, "The record's new value."),
            member(
                "ttl",
                WireForm::Time,
                "The time after which the record expires, unless it is touched or written again.",
            ),
            WHEN,
            WHEN_VERSION,
        ],
        &["stored", "conflict", "full"],
        "Writes a record, new or old, if the condition holds. The record gets a version that its key never had before.",
    ),
    row(
        "touch",
        &[RECORD_KEY, member("ttl", WireForm::Time, "The record's new time to live from now.")],
        &["found"],
        "Gives a record a new time to live. The version stays.",
    ),
    row(
        "delete",
        &[RECORD_KEY, WHEN, WHEN_VERSION],
        &["found", "conflict"],
        "Removes a record, if the condition holds. With `absent` it removes nothing: the reply is `found` with false, or \
         `conflict`.",
    ),
    row(
        "append",
        &[
            LOG_KEY,
            member("entry", WireForm::Bytes, "The entry."),
            member(
                "ttl",
                WireForm::Time,
                "The time after which the whole log expires, unless more is appended.",
            ),
            KEEP_ENTRIES,
            KEEP_BYTES,
            KEEP_AGE,
            KEEP_AFTER,
        ],
        &["appended", "full"],
        "Adds an entry to the end of a log, and then removes the oldest entries that do not stay; the new entry counts. The \
         first entry creates the log. The position of the entry is above that of any entry that was ever appended to this \
         log, even if the log has expired or was removed since.",
    ),
    row(
        "read",
        &[
            LOG_KEY,
            member(
                "after",
                WireForm::Number,
                "The position after which to begin; 0 begins with the oldest entry.",
            ),
            member("max_entries", WireForm::Number, "The largest number of entries to return."),
            member(
                "max_bytes",
                WireForm::Number,
                "The most bytes of all returned entries together. The first entry is returned in any case.",
            ),
        ],
        &["entries"],
        "Reads a log from a position on. A log that does not exist has no entries.",
    ),
    row(
        "trim",
        &[LOG_KEY, KEEP_ENTRIES, KEEP_BYTES, KEEP_AGE, KEEP_AFTER],
        &["found"],
        "Removes the oldest entries of a log that do not stay. `found` says whether the log exists.",
    ),
    row(
        "expire",
        &[LOG_KEY, member("ttl", WireForm::Time, "The log's new time to live from now; 0 removes the log.")],
        &["found"],
        "Gives a whole log a new time to live, or removes it.",
    ),
    row(
        "add",
        &[
            COUNTER_KEY,
            member("by", WireForm::Integer, "The amount to add; it may be negative or 0."),
            member(
                "window",
                WireForm::Time,
                "The lifetime of the counter, if this operation creates it. Later operations do not extend it.",
            ),
            optional(
                "most",
                WireForm::Integer,
                "If the value would exceed this and `by` is above 0, nothing is added.",
            ),
        ],
        &["count", "full"],
        "Adds to a counter. The first addition creates the counter with the value 0; adding 0 creates none. If the sum \
         exceeds the range of the number, it becomes the end of the range.",
    ),
    row(
        "take",
        &[
            ALLOWANCE_KEY,
            member(
                "by",
                WireForm::Integer,
                "The number of pieces; 0 takes none. A negative number gives back that many of the pieces that were taken \
                 last, but no more than there are.",
            ),
            member(
                "amount",
                WireForm::Number,
                "The number of pieces for each period, from 1 to 2 ** 32 - 1.",
            ),
            member("period", WireForm::Time, "The period, above 0."),
            optional(
                "burst",
                WireForm::Number,
                "With a burst, the allowance is a token bucket. It has at most this number of pieces, from 1 to 2 ** 32 - 1, \
                 and `amount` of them come back evenly in a period. Without one, it is a sliding window: each piece comes \
                 back when it is as old as the period.",
            ),
        ],
        &["taken", "full"],
        "Takes pieces of an allowance, all or none, by the clock of the store. If a key comes with another rate than before, \
         what it has taken counts by the new one. Between a bucket and a window, the allowance begins anew.",
    ),
];

/// The replies. The member `result` has the name.
pub const REPLIES: &[WireRow] = &[
    row(
        "value",
        &[optional("record", WireForm::Record, "The record; without it, there is none.")],
        &[],
        "The record that was read.",
    ),
    row(
        "stored",
        &[member("version", WireForm::Number, "The record's new version.")],
        &[],
        "The record was written.",
    ),
    row(
        "conflict",
        &[optional("record", WireForm::Record, "The present record; without it, there is none.")],
        &[],
        "The condition does not hold, so nothing was changed.",
    ),
    row(
        "found",
        &[member("found", WireForm::Flag, "Whether there was a record or a log.")],
        &[],
        "Whether there was anything to change.",
    ),
    row(
        "appended",
        &[member("position", WireForm::Number, "The position of the entry, above 0.")],
        &[],
        "The entry was appended.",
    ),
    row(
        "entries",
        &[
            member("entries", WireForm::Entries, "The entries, oldest first, each with its position."),
            member(
                "missed",
                WireForm::Flag,
                "Whether entries after the requested position no longer exist. It is also true if the store does not know, \
                 for example because the log has expired and `after` is not 0. With `after` 0 it is true if entries of this \
                 log were removed.",
            ),
            member("more", WireForm::Flag, "Whether more entries follow."),
        ],
        &[],
        "Entries of a log.",
    ),
    row(
        "count",
        &[
            member("value", WireForm::Integer, "The counter's present value; 0 if there is no counter."),
            member("added", WireForm::Flag, "Whether the value includes the amount to add."),
            member(
                "left",
                WireForm::Time,
                "The remaining lifetime of the counter; 0 if there is no counter.",
            ),
        ],
        &[],
        "A counter.",
    ),
    row(
        "taken",
        &[
            member(
                "taken",
                WireForm::Flag,
                "Whether the pieces were taken or given back; true if `by` is 0.",
            ),
            member("left", WireForm::Number, "The number of pieces that can be taken now."),
            member(
                "wait",
                WireForm::Time,
                "The time until the pieces can be taken, if they were not, otherwise 0. If they never can, it is a century.",
            ),
            member("reset", WireForm::Time, "The time until all pieces have come back."),
        ],
        &[],
        "An allowance.",
    ),
    row("full", &[], &[], "The store has reached its limit, and nothing was changed."),
    row("unsupported", &[], &[], "The store does not know the operation."),
    row(
        "unavailable",
        &[member("reason", WireForm::Text, "The reason, which the client gets.")],
        &[],
        "The store cannot be reached.",
    ),
];
