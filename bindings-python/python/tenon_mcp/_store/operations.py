"""The operations of a store and its replies; made from the engine's tables. Times are in seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import NotRequired


class StoreRecord(TypedDict):
    """A record."""

    value: bytes
    """The record's value."""
    version: int
    """The record's version."""


class StoreEntry(TypedDict):
    """An entry of a log."""

    position: int
    """The position in the log, above 0."""
    entry: bytes
    """The entry."""


class GetOp(TypedDict):
    """Reads a record. Replies: ``value``."""

    op: Literal["get"]
    key: str
    """The record's key, as ``kind/name``."""
    touch: float | None
    """The record's new time to live from now; without it, the time to live stays."""


class PutOp(TypedDict):
    """Writes a record, new or old, if the condition holds. The record gets a version that its key never had before.
    Replies: ``stored``, ``conflict``, ``full``.
    """

    op: Literal["put"]
    key: str
    """The record's key, as ``kind/name``."""
    value: bytes
    """The record's new value."""
    ttl: float
    """The time after which the record expires, unless it is touched or written again."""
    when: Literal["always", "absent", "version"]
    """The condition: ``always``; ``absent`` if there must be no record; ``version`` if the record must have this
    ``version``.
    """
    version: int | None
    """The version that the record must have, if ``when`` is ``version``."""


class TouchOp(TypedDict):
    """Gives a record a new time to live. The version stays. Replies: ``found``."""

    op: Literal["touch"]
    key: str
    """The record's key, as ``kind/name``."""
    ttl: float
    """The record's new time to live from now."""


class DeleteOp(TypedDict):
    """Removes a record, if the condition holds. With ``absent`` it removes nothing: the reply is ``found`` with
    false, or ``conflict``. Replies: ``found``, ``conflict``.
    """

    op: Literal["delete"]
    key: str
    """The record's key, as ``kind/name``."""
    when: Literal["always", "absent", "version"]
    """The condition: ``always``; ``absent`` if there must be no record; ``version`` if the record must have this
    ``version``.
    """
    version: int | None
    """The version that the record must have, if ``when`` is ``version``."""


class AppendOp(TypedDict):
    """Adds an entry to the end of a log, and then removes the oldest entries that do not stay; the new entry counts.
    The first entry creates the log. The position of the entry is above that of any entry that was ever appended
    to this log, even if the log has expired or was removed since. Replies: ``appended``, ``full``.
    """

    op: Literal["append"]
    key: str
    """The log's key, as ``kind/name``."""
    entry: bytes
    """The entry."""
    ttl: float
    """The time after which the whole log expires, unless more is appended."""
    keep_entries: int | None
    """At most this number of entries stay."""
    keep_bytes: int | None
    """As many entries stay as have at most this number of bytes together."""
    keep_age: float | None
    """Entries that are older than this do not stay."""
    keep_after: int
    """Entries up to this position do not stay; 0 removes none."""


class ReadOp(TypedDict):
    """Reads a log from a position on. A log that does not exist has no entries. Replies: ``entries``."""

    op: Literal["read"]
    key: str
    """The log's key, as ``kind/name``."""
    after: int
    """The position after which to begin; 0 begins with the oldest entry."""
    max_entries: int
    """The largest number of entries to return."""
    max_bytes: int
    """The most bytes of all returned entries together. The first entry is returned in any case."""


class TrimOp(TypedDict):
    """Removes the oldest entries of a log that do not stay. ``found`` says whether the log exists. Replies:
    ``found``.
    """

    op: Literal["trim"]
    key: str
    """The log's key, as ``kind/name``."""
    keep_entries: int | None
    """At most this number of entries stay."""
    keep_bytes: int | None
    """As many entries stay as have at most this number of bytes together."""
    keep_age: float | None
    """Entries that are older than this do not stay."""
    keep_after: int
    """Entries up to this position do not stay; 0 removes none."""


class ExpireOp(TypedDict):
    """Gives a whole log a new time to live, or removes it. Replies: ``found``."""

    op: Literal["expire"]
    key: str
    """The log's key, as ``kind/name``."""
    ttl: float
    """The log's new time to live from now; 0 removes the log."""


class AddOp(TypedDict):
    """Adds to a counter. The first addition creates the counter with the value 0; adding 0 creates none. If the sum
    exceeds the range of the number, it becomes the end of the range. Replies: ``count``, ``full``.
    """

    op: Literal["add"]
    key: str
    """The counter's key, as ``kind/name``."""
    by: int
    """The amount to add; it may be negative or 0."""
    window: float
    """The lifetime of the counter, if this operation creates it. Later operations do not extend it."""
    most: int | None
    """If the value would exceed this and ``by`` is above 0, nothing is added."""


class TakeOp(TypedDict):
    """Takes pieces of an allowance, all or none, by the clock of the store. If a key comes with another rate than
    before, what it has taken counts by the new one. Between a bucket and a window, the allowance begins anew.
    Replies: ``taken``, ``full``.
    """

    op: Literal["take"]
    key: str
    """The key that has the allowance, as ``kind/name``."""
    by: int
    """The number of pieces; 0 takes none. A negative number gives back that many of the pieces that were taken last,
    but no more than there are.
    """
    amount: int
    """The number of pieces for each period, from 1 to 2 ** 32 - 1."""
    period: float
    """The period, above 0."""
    burst: int | None
    """With a burst, the allowance is a token bucket. It has at most this number of pieces, from 1 to 2 ** 32 - 1,
    and ``amount`` of them come back evenly in a period. Without one, it is a sliding window: each piece comes
    back when it is as old as the period.
    """


StoreOp = (
    GetOp
    | PutOp
    | TouchOp
    | DeleteOp
    | AppendOp
    | ReadOp
    | TrimOp
    | ExpireOp
    | AddOp
    | TakeOp
)
"""An operation of a store."""


class ValueReply(TypedDict):
    """The record that was read."""

    result: Literal["value"]
    record: NotRequired[StoreRecord | None]
    """The record; without it, there is none."""


class StoredReply(TypedDict):
    """The record was written."""

    result: Literal["stored"]
    version: int
    """The record's new version."""


class ConflictReply(TypedDict):
    """The condition does not hold, so nothing was changed."""

    result: Literal["conflict"]
    record: NotRequired[StoreRecord | None]
    """The present record; without it, there is none."""


class FoundReply(TypedDict):
    """Whether there was anything to change."""

    result: Literal["found"]
    found: bool
    """Whether there was a record or a log."""


class AppendedReply(TypedDict):
    """The entry was appended."""

    result: Literal["appended"]
    position: int
    """The position of the entry, above 0."""


class EntriesReply(TypedDict):
    """Entries of a log."""

    result: Literal["entries"]
    entries: Sequence[StoreEntry]
    """The entries, oldest first, each with its position."""
    missed: bool
    """Whether entries after the requested position no longer exist. It is also true if the store does not know, for
    example because the log has expired and ``after`` is not 0. With ``after`` 0 it is true if entries of this log
    were removed.
    """
    more: bool
    """Whether more entries follow."""


class CountReply(TypedDict):
    """A counter."""

    result: Literal["count"]
    value: int
    """The counter's present value; 0 if there is no counter."""
    added: bool
    """Whether the value includes the amount to add."""
    left: float
    """The remaining lifetime of the counter; 0 if there is no counter."""


class TakenReply(TypedDict):
    """An allowance."""

    result: Literal["taken"]
    taken: bool
    """Whether the pieces were taken or given back; true if ``by`` is 0."""
    left: int
    """The number of pieces that can be taken now."""
    wait: float
    """The time until the pieces can be taken, if they were not, otherwise 0. If they never can, it is a century."""
    reset: float
    """The time until all pieces have come back."""


class FullReply(TypedDict):
    """The store has reached its limit, and nothing was changed."""

    result: Literal["full"]


class UnsupportedReply(TypedDict):
    """The store does not know the operation."""

    result: Literal["unsupported"]


class UnavailableReply(TypedDict):
    """The store cannot be reached."""

    result: Literal["unavailable"]
    reason: str
    """The reason, which the client gets."""


StoreReply = (
    ValueReply
    | StoredReply
    | ConflictReply
    | FoundReply
    | AppendedReply
    | EntriesReply
    | CountReply
    | TakenReply
    | FullReply
    | UnsupportedReply
    | UnavailableReply
)
"""The reply of a store."""
