"""A PostgreSQL database for models to read: queries, schemas, an analysis of each table, queries worth asking."""

import json
import os
import sys
import time
from collections import OrderedDict
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

from analysis import analyze, suggest
from database import SCHEMA, Database, Refused, plain, quoted, table_text
from tenon_mcp import Context, McpError, NotFound, Server, ToolError, ToolResult

DATABASE_URL = os.environ.get("DATABASE_URL", "postgresql://127.0.0.1:5432/postgres")
ROWS_OF_A_RESOURCE = 100
CACHE_SECONDS = 300.0
CACHED_AT_MOST = 128


@asynccontextmanager
async def lifespan(_app: Server):
    database = await Database.open(DATABASE_URL)
    try:
        yield database
    finally:
        await database.close()


app = Server("database-server", "1.0.0", lifespan=lifespan)
app.map_error(Refused, lambda error: ToolError(str(error)))
# Answers of the last five minutes, the newest last, by the time at which they were given.
cache: OrderedDict[str, tuple[float, str, dict[str, Any]]] = OrderedDict()


@app.tool
async def execute_query(ctx: Context[Database], query: str, params: list[Any] | None = None) -> ToolResult:
    """Run one query that reads, with $1, $2 … for params. Repeated within five minutes, it is answered from before."""
    # As JSON, so that a text and a number that look the same are two keys.
    key = json.dumps([query, params or []])
    kept = cache.get(key)
    if kept is not None and time.monotonic() - kept[0] < CACHE_SECONDS:
        return ToolResult(f"(Cached) {kept[1]}", structured=kept[2])
    found = await ctx.lifespan.query(query, params or ())
    text, structured = table_text(found), found.as_json()
    cache[key] = (time.monotonic(), text, structured)
    cache.move_to_end(key)
    if len(cache) > CACHED_AT_MOST:
        cache.popitem(last=False)
    return ToolResult(text, structured=structured)


async def known_columns(ctx: Context[Database], table: str) -> list[Any]:
    columns = await ctx.lifespan.columns(table)
    if not columns:
        raise ToolError(f"Table '{table}' not found")
    return columns


@app.tool
async def get_table_schema(ctx: Context[Database], table_name: str) -> str:
    """Describe the columns of a table."""
    lines = [f"Schema for table '{table_name}':", "-" * 50]
    for column in await known_columns(ctx, table_name):
        length = column["character_maximum_length"]
        line = f"  {column['column_name']} ({column['data_type']}{f'({length})' if length else ''})"
        line += " NOT NULL" if column["is_nullable"] == "NO" else ""
        line += f" DEFAULT {column['column_default']}" if column["column_default"] is not None else ""
        lines.append(line)
    return "\n".join(lines)


@app.tool
async def analyze_table(ctx: Context[Database], table_name: str) -> str:
    """Count the rows of a table, and say of each column what values it has."""
    columns = await known_columns(ctx, table_name)
    try:
        return await analyze(ctx.lifespan, table_name, columns)
    except Refused as error:
        raise ToolError(f"Error analyzing table: {str(error).removeprefix('Database error: ')}") from None


@app.tool
async def suggest_queries(ctx: Context[Database], table_name: str, analysis_type: str = "overview") -> str:
    """Suggest queries worth asking: overview, analysis or quality."""
    return suggest(table_name, await known_columns(ctx, table_name), analysis_type)


async def list_tables(ctx: Context[Database]) -> list[dict[str, Any]]:
    return [
        {
            "uri": f"database://tables/{quote(name)}",
            "name": f"Table: {name}",
            "description": f"Access to {name} table",
            "mimeType": "application/json",
        }
        for name in await ctx.lifespan.tables()
    ]


async def read_table(ctx: Context[Database], path: str) -> list[dict[str, Any]]:
    kind, _, name = path.partition("/")
    if kind != "tables":
        raise McpError(-32602, "Invalid database URI")
    if not name or "\0" in name:
        raise McpError(-32602, "Invalid table name")
    if name not in await ctx.lifespan.tables():
        raise NotFound
    of = f"{quoted(SCHEMA)}.{quoted(name)}"
    rows = await ctx.lifespan.rows(f"SELECT * FROM {of} LIMIT {ROWS_OF_A_RESOURCE}")
    return [{column: plain(value) for column, value in row.items()} for row in rows]


app.resource_provider("database://{+path}", list=list_tables, read=read_table)

if __name__ == "__main__":
    app.run(http=sys.argv[1] if len(sys.argv) > 1 else None)
