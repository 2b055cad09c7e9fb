"""A PostgreSQL database that is only read: each query has a transaction that can write nothing, and a time."""

import math
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, time
from typing import Any

import asyncpg
import statements

STATEMENT_SECONDS = 30
MOST_ROWS = 10_000
MOST_BYTES = 4 << 20
FETCHED_ROWS = 50
SHOWN_ROWS = 50
SHOWN_CHARACTERS = 200
SCHEMA = "public"
DANGEROUS = "Error: Query contains potentially dangerous operations"
# What a transaction says that may only read; and a second statement, which the protocol of prepared ones cannot hold.
WRITES = (
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.ActiveSQLTransactionError,
    asyncpg.NoActiveSQLTransactionError,
    asyncpg.InvalidTransactionTerminationError,
)
# What a connection says that is ending.
LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
# A transaction that may only read still lets through what is no query at all, such as LISTEN or COPY.
READS = {"select", "with", "values", "table", "show", "explain"}
# So are functions that do something, such as ending another connection: of those that the catalogue calls volatile,
# these only tell something, or wait.
TELL = (
    "random random_normal gen_random_uuid uuidv4 uuidv7 clock_timestamp timeofday currval lastval pg_sleep pg_sleep_for"
    " pg_sleep_until pg_relation_size pg_table_size pg_indexes_size pg_total_relation_size pg_database_size"
).split()
VOLATILE = """
    SELECT 1 FROM pg_proc WHERE provolatile = 'v' AND proname <> ALL($3)
    AND (proname = ANY($1) OR pronargs = 1 AND proname = ANY($2)) LIMIT 1
"""


class Refused(Exception):
    """A query that was not run to its end; the message is for the client."""


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value)


def _size(value: Any) -> int:
    """About how many bytes it takes."""
    if isinstance(value, str | bytes):
        return len(value)
    return sum(map(_size, value)) if isinstance(value, list | tuple) else 16


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

    def __init__(self, columns: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
        self.columns = list(distinct(columns))
        self.rows = rows[:MOST_ROWS]
        self.truncated = len(rows) > MOST_ROWS

    def as_json(self) -> dict[str, Any]:
        rows = [dict(zip(self.columns, map(plain, row))) for row in self.rows]
        return {"columns": self.columns, "rows": rows, "row_count": len(rows), "truncated": self.truncated}


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


def _cell(value: Any) -> str:
    text = "NULL" if value is None else str(plain(value)).replace("\n", " ")
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"


class Database:
    """A pool of connections to one database."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @classmethod
    async def open(cls, url: str) -> "Database":
        # The server itself ends what takes too long, and what a connection begins may only read.
        settings = {
            "statement_timeout": str(STATEMENT_SECONDS * 1000),
            "default_transaction_read_only": "on",
            # As statements.py reads them.
            "standard_conforming_strings": "on",
            "idle_in_transaction_session_timeout": str(2 * STATEMENT_SECONDS * 1000),
        }
        return cls(await asyncpg.create_pool(url, min_size=2, max_size=10, server_settings=settings))

    async def close(self) -> None:
        await self._pool.close()

    async def query(self, query: str, params: Sequence[Any] = ()) -> Rows:
        """What a client asks: one statement, which reads."""
        read = statements.read(query)
        if read is None or read.first not in READS:
            raise Refused(DANGEROUS)
        try:
            async with self._reading() as connection:
                if await connection.fetchval(VOLATILE, list(read.called), list(read.members), TELL):
                    raise Refused(DANGEROUS)
                # As a prepared statement, so that it is one; by a cursor, so that not all of it is fetched.
                statement = await connection.prepare(query)
                cursor = await statement.cursor(*params)
                rows: list[tuple[Any, ...]] = []
                size = 0
                while len(rows) <= MOST_ROWS and (part := await cursor.fetch(FETCHED_ROWS)):
                    size += sum(_size(value) for row in part for value in row)
                    if size > MOST_BYTES:
                        raise Refused("Database error: the result is larger than 4 MiB")
                    rows += map(tuple, part)
                return Rows([column.name for column in statement.get_attributes()], rows)
        except WRITES:
            raise Refused(DANGEROUS) from None
        except asyncpg.QueryCanceledError:
            raise Refused(f"Database error: the query took longer than {STATEMENT_SECONDS} s") from None
        except (*LOST, ValueError, OverflowError, TypeError) as error:
            raise Refused(f"Database error: {error}") from None

    async def rows(self, query: str, *params: Any) -> list[asyncpg.Record]:
        """What this program asks."""
        try:
            async with self._reading() as connection:
                return await connection.fetch(query, *params)
        except (*LOST, ValueError) as error:
            raise Refused(f"Database error: {error}") from None

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[asyncpg.pool.PoolConnectionProxy]:
        async with self._pool.acquire() as connection:
            transaction = connection.transaction(readonly=True)
            await transaction.start()
            try:
                yield connection
            finally:
                # Never committed: what functions may have done nevertheless is undone.
                try:
                    await transaction.rollback()
                except LOST:
                    # With the connection it is gone anyway, and why that is so has been said.
                    connection.terminate()

    async def tables(self) -> list[str]:
        found = await self.rows(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = $1 ORDER BY table_name", SCHEMA
        )
        return [row["table_name"] for row in found]

    async def columns(self, table: str) -> list[asyncpg.Record]:
        """What the catalogue says of each column; nothing if there is no such table."""
        if "\0" in table:
            return []
        return await self.rows(
            "SELECT column_name, data_type, character_maximum_length, is_nullable, column_default"
            " FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position",
            SCHEMA,
            table,
        )
