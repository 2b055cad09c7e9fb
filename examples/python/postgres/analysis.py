"""What a table is like, and what is worth asking of it, by the names that its catalogue has."""

from typing import Any

from database import SCHEMA, Database, plain, quoted
from tenon_mcp import ToolError

NUMERIC = ("smallint", "integer", "bigint", "numeric", "real", "double precision")
GROUPED = ("text", "character varying", "character", "boolean", "uuid")
TIMES = ("date", "timestamp without time zone", "timestamp with time zone")


def ordered(column: Any) -> str:
    """A column as what can be compared and grouped, which any text can and not any type, such as json or point."""
    name = quoted(column["column_name"])
    return name if column["data_type"] in (*NUMERIC, *GROUPED, *TIMES) else f"{name}::text"


async def analyze(database: Database, table: str, columns: list[Any]) -> str:
    of = f"{quoted(SCHEMA)}.{quoted(table)}"
    [total] = await database.rows(f"SELECT count(*) AS n FROM {of}")
    lines = [f"Analysis for table '{table}':", f"Total rows: {total['n']:,}", f"Total columns: {len(columns)}"]
    for column in columns:
        name, kind = column["column_name"], column["data_type"]
        one = quoted(name)
        lines.append(f"  {name} ({kind}):")
        # As text, which every type has and can be compared.
        distinct = f"count(DISTINCT {one}::text) AS distinct, count(*) - count({one}) AS nulls"
        if kind in NUMERIC:
            [found] = await database.rows(
                f"SELECT min({one}) AS low, max({one}) AS high, avg({one}) AS mean, {distinct} FROM {of}"
            )
            if found["low"] is not None:
                lines.append(f"    Range: {plain(found['low'])} - {plain(found['high'])}")
                lines.append(f"    Average: {found['mean']:.2f}")
        else:
            [found] = await database.rows(f"SELECT {distinct} FROM {of}")
        lines.append(f"    Distinct values: {found['distinct']}")
        lines.append(f"    Null values: {found['nulls']}")
    return "\n".join(lines)


def suggest(table: str, columns: list[Any], kind: str) -> str:
    """Three queries, each of which runs as it is."""
    of = f"{quoted(SCHEMA)}.{quoted(table)}"
    names = [column["column_name"] for column in columns]
    first = columns[names.index("id") if "id" in names else 0]
    id, by = quoted(first["column_name"]), ordered(first)
    text = next((ordered(column) for column in columns if column["data_type"] in GROUPED), by)
    dates = [column["column_name"] for column in columns if column["data_type"] in TIMES]
    created = next((name for name in dates if name.startswith("created")), dates[0] if dates else None)
    day = f"{quoted(created)}::date" if created else None
    nulls = ", ".join(f"count(*) - count({quoted(name)}) AS {quoted(name)}" for name in names)
    queries = {
        "overview": [
            f"SELECT count(*) FROM {of}",
            f"SELECT * FROM {of} LIMIT 10",
            f"SELECT * FROM {of} ORDER BY {by} DESC LIMIT 5",
        ],
        "analysis": [
            f"SELECT {text}, count(*) FROM {of} GROUP BY {text} ORDER BY count(*) DESC",
            f"SELECT {day} AS day, count(*) FROM {of} GROUP BY 1 ORDER BY 1"
            if day
            else f"SELECT count(DISTINCT {text}) FROM {of}",
            f"SELECT * FROM {of} WHERE {day} > current_date - 7"
            if day
            else f"SELECT {by}, count(*) FROM {of} GROUP BY 1 ORDER BY 1 LIMIT 20",
        ],
        "quality": [
            f"SELECT count(*) AS total, count(DISTINCT {id}::text) AS unique_ids FROM {of}",
            f"SELECT * FROM {of} WHERE {id} IS NULL",
            f"SELECT {nulls} FROM {of}",
        ],
    }
    if kind not in queries:
        raise ToolError(f"Unknown analysis type. Available types: {', '.join(queries)}")
    numbered = [f"{number}. {query}" for number, query in enumerate(queries[kind], 1)]
    return "\n".join([f"Suggested {kind} queries for {table}:", "", *numbered])
