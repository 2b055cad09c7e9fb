"""A SQLite file that can only be read, whatever the query says: the connection refuses the rest."""

import math
import queue
import sqlite3
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

SECONDS = 5.0
MOST_ROWS = 1000
MOST_BYTES = 4 << 20
# Of what the catalogue has, and of instructions where clients have no say in the statement.
ALL = 1_000_000
SHOWN_ROWS = 50
SHOWN_CHARACTERS = 200
# SQLite looks at the time only where a statement jumps back, so a whole row may pass between two looks. Bounds on
# instructions, values and patterns keep the slowest row that is known (LIKE in all of its instructions) at about 2 s.
# SQLite doubles the room for instructions, so this bound is 1,344 of them.
MAX_VALUE_BYTES = 64 * 1024
MAX_PATTERN_BYTES = 50
MAX_INSTRUCTIONS = 1500
# What all queries keep at a time: in memory, since a disk would fill without a bound. It bounds one sort too, which
# SQLite does without a look.
MOST_HEAP = 64 << 20
STEPS_BETWEEN_LOOKS = 20
# What a query may do besides calling functions and asking for what the file is like.
READS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE}
PRAGMAS = {"table_info", "table_xinfo", "table_list", "index_list", "index_info", "foreign_key_list"}
# The functions that a query may call. SQLite has others that reach outside of the database: load_extension runs a
# library's code, fts3_tokenizer takes an address of memory. One call of printf or format can take seconds. The time of
# glob, instr, json_patch, replace and unhex grows with the product of two lengths. A next release may add more,
# so the list says what is safe.
FUNCTIONS = frozenset(
    """
    abs char coalesce concat concat_ws hex ifnull iif length like likelihood likely lower ltrim nullif
    octet_length quote random randomblob round rtrim sign soundex sqlite_version substr substring trim
    typeof unicode unlikely upper zeroblob -> ->>
    avg count cume_dist dense_rank first_value group_concat lag last_value lead max min nth_value ntile percent_rank
    rank row_number string_agg sum total
    current_date current_time current_timestamp date datetime julianday strftime time timediff unixepoch
    acos acosh asin asinh atan atan2 atanh ceil ceiling cos cosh degrees exp floor ln log log10 log2 mod pi pow power
    radians sin sinh sqrt tan tanh trunc
    json json_array json_array_length json_error_position json_extract json_group_array json_group_object json_insert
    json_object json_pretty json_quote json_remove json_replace json_set json_type json_valid
    """.split()
)
# With a second value these compare each character with each of that value.
ONE_VALUE = ("ltrim", "rtrim", "trim")
ONLY_SELECT = "Error: Only SELECT queries are allowed"
TOO_LARGE = f"Database error: the query is too large, or needs more than {MOST_HEAP >> 20} MiB"


class Refused(Exception):
    """A query that was not run to its end; the message is for the client."""


def distinct(columns: Sequence[str]) -> Iterator[str]:
    """The names, with a number where an earlier column has the same."""
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    for column in columns:
        name, number = column, numbers.get(column, 1)
        while name in taken:
            number += 1
            name = f"{column}_{number}"
        numbers[column] = number
        taken.add(name)
        yield name


class Rows:
    """What a query gave: its columns, each with a name of its own, and its rows."""

    def __init__(self, columns: Sequence[str], rows: list[tuple[Any, ...]], truncated: bool) -> None:
        self.columns = list(distinct(columns))
        self.rows = rows
        self.truncated = truncated

    def as_json(self) -> dict[str, Any]:
        rows = [dict(zip(self.columns, map(_plain, row))) for row in self.rows]
        return {"columns": self.columns, "rows": rows, "row_count": len(rows), "truncated": self.truncated}


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _cell(value: Any) -> str:
    text = "NULL" if value is None else str(_plain(value)).replace("\n", " ")
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"


def table_text(found: Rows) -> str:
    """A table for people, of the first rows."""
    columns, rows = found.columns, found.rows
    if not rows:
        return "No results found"
    shown = [[_cell(value) for value in row] for row in rows[:SHOWN_ROWS]]
    widths = [max(len(cell) for cell in column) for column in zip(columns, *shown)]
    header, *lines = (" | ".join(cell.ljust(width) for cell, width in zip(row, widths)) for row in (columns, *shown))
    more = [f"... and {len(rows) - SHOWN_ROWS} more rows"] if len(rows) > SHOWN_ROWS else []
    if found.truncated:
        more.append(f"(cut at {len(rows):,}, there are more)")
    return "\n".join([header, "-" * len(header), *lines, *more])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def identifier(name: str, known: Iterable[str]) -> str:
    """A name of the catalogue, quoted; SQLite takes it in any case."""
    for one in known:
        if one.lower() == name.lower():
            return _quoted(one)
    raise Refused(f"Error: there is no '{name}'")


class Database:
    def __init__(self, path: str, max_connections: int) -> None:
        self._path = Path(path)
        # Places for connections, which are opened when they are needed.
        self._places: queue.LifoQueue[sqlite3.Connection | None] = queue.LifoQueue()
        for _ in range(max_connections):
            self._places.put(None)

    def read(
        self,
        query: str,
        params: Sequence[Any] = (),
        limit: int = MOST_ROWS,
        offset: int = 0,
        stopped: Callable[[], bool] = lambda: False,
        instructions: int = MAX_INSTRUCTIONS,
    ) -> Rows:
        """What a query finds. It is given up if it takes too long, or as soon as `stopped` says so."""
        with self._connection() as connection, closing(connection.cursor()) as cursor:
            denied: list[str] = []
            until = time.monotonic() + SECONDS
            connection.setlimit(sqlite3.SQLITE_LIMIT_VDBE_OP, instructions)
            connection.set_authorizer(lambda *about: _judge(denied, *about))
            for name in ONE_VALUE:
                refuse = partial(_refuse, denied, f"Database error: {name} takes one value here")
                connection.create_function(name, 2, refuse, deterministic=True)
            connection.set_progress_handler(lambda: time.monotonic() > until or stopped(), STEPS_BETWEEN_LOOKS)
            try:
                cursor.execute(query, params)
                if cursor.description is None:
                    raise Refused(ONLY_SELECT)
                rows = []
                size = 0
                for row in islice(cursor, offset, offset + limit + 1):
                    size += sum(len(value) if isinstance(value, (str, bytes)) else 8 for value in row)
                    if size > MOST_BYTES:
                        raise Refused("Database error: the result is larger than 4 MiB")
                    rows.append(row)
            except MemoryError:
                raise Refused(TOO_LARGE) from None
            except (sqlite3.Error, sqlite3.Warning, OverflowError, ValueError) as error:
                if denied:
                    raise Refused(denied[0]) from None
                late = time.monotonic() > until
                reason = f"the query took longer than {SECONDS:g} s" if late else str(error)
                raise Refused(f"Database error: {reason}") from None
            return Rows([column[0] for column in cursor.description], rows[:limit], len(rows) > limit)

    def tables(self, views: bool = False) -> list[str]:
        kinds = "('table', 'view')" if views else "('table')"
        found = self.read(
            f"SELECT name FROM sqlite_master WHERE type IN {kinds} AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
            " ORDER BY name",
            limit=ALL,
        )
        return [name for (name,) in found.rows]

    def columns(self, table: str) -> list[dict[str, Any]]:
        """What the catalogue says of each column; nothing if there is no such table."""
        query = f"PRAGMA table_info({_quoted(table)})"
        return self.read(query, limit=ALL, instructions=ALL).as_json()["rows"]

    def first_rows(self, table: str, limit: int, stopped: Callable[[], bool]) -> list[dict[str, Any]]:
        """The first rows of a table of the catalogue, which may be wide."""
        return self.read(f"SELECT * FROM {_quoted(table)}", (), limit, 0, stopped, ALL).as_json()["rows"]

    def close(self) -> None:
        """Closes the connections that nobody uses; a later query opens others."""
        for _ in range(self._places.qsize()):
            connection = self._places.get()
            if connection is not None:
                connection.close()
            self._places.put(None)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        connection = self._places.get()
        try:
            connection = connection or self._open()
            yield connection
        finally:
            self._places.put(connection)

    def _open(self) -> sqlite3.Connection:
        uri = self._path.absolute().as_uri() + "?mode=ro"
        try:
            # Without a transaction of Python's around it; whichever thread takes it has it alone.
            connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute(f"PRAGMA hard_heap_limit = {MOST_HEAP}")
        except sqlite3.Error as error:
            raise Refused(f"Database error: {self._path.name}: {error}") from None
        connection.text_factory = lambda data: data.decode(errors="replace")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
        connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, MAX_VALUE_BYTES)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, MAX_PATTERN_BYTES)
        return connection


def _refuse(denied: list[str], reason: str, *_: Any) -> None:
    denied.append(reason)
    raise Refused(reason)


def _judge(denied: list[str], action: int, first: str | None, second: str | None, *_: str | None) -> int:
    """Whether the statement that SQLite is about to compile may do this; if not, `denied` receives the reason."""
    allowed = action in READS
    if action == sqlite3.SQLITE_FUNCTION:
        allowed = str(second).lower() in FUNCTIONS
    elif action == sqlite3.SQLITE_PRAGMA:
        allowed = first in PRAGMAS
    if not allowed:
        is_function = action == sqlite3.SQLITE_FUNCTION
        denied.append(f"Database error: not authorized to use function: {second}" if is_function else ONLY_SELECT)
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY
