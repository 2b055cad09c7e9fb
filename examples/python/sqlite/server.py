"""A SQLite database for models to read: queries, schemas, aggregates, and each table as a resource."""

import os
import sys
from typing import Annotated, Any
from urllib.parse import quote

from database import Database, Refused, Rows, identifier, table_text
from tenon_mcp import McpError, NotFound, Server, SyncContext, ToolError, ToolResult

FUNCTIONS = ("COUNT", "SUM", "AVG", "MIN", "MAX")
ROWS_OF_A_RESOURCE = 100
RowLimit = Annotated[int, {"minimum": 0, "maximum": 1000}]
Offset = Annotated[int, {"minimum": 0}]


def result(rows: Rows) -> ToolResult:
    return ToolResult(table_text(rows), structured=rows.as_json())


def make_server(db_path: str = "example.db", max_connections: int = 10) -> Server:
    """A server of this file, which reads it over as many connections."""
    # Each call that runs finds a connection; others wait in the engine's queue, where a client can still cancel them.
    app = Server("database-server", "1.0.0", max_workers=max_connections)
    database = Database(db_path, max_connections)
    app.map_error(Refused, lambda error: ToolError(str(error)))

    @app.on("stop")
    def close() -> None:
        database.close()

    @app.tool
    def execute_select(
        query: str, ctx: SyncContext, params: list[Any] | None = None, limit: RowLimit = 1000, offset: Offset = 0
    ) -> ToolResult:
        """Run one query that reads, with ? for each of params.

        Args:
            limit: How many rows at most.
            offset: How many rows to pass over.
        """
        return result(database.read(query, params or (), limit, offset, lambda: ctx.cancelled))

    @app.tool
    def list_tables() -> str:
        """Name the tables."""
        try:
            names = database.tables()
        except Refused as error:
            raise ToolError(f"Error: {str(error).removeprefix('Database error: ')}") from None
        return "\n".join(["Tables in database:", *(f"- {name}" for name in names)])

    @app.tool
    def get_table_schema(table_name: str) -> str:
        """Describe the columns of a table."""
        columns = database.columns(table_name)
        if not columns:
            raise ToolError(f"Table '{table_name}' not found")
        lines = [f"Schema for table '{table_name}':", "-" * 40]
        for column in columns:
            line = f"  {column['name']} ({column['type']})"
            line += " NOT NULL" if column["notnull"] else ""
            line += " PRIMARY KEY" if column["pk"] else ""
            line += f" DEFAULT {column['dflt_value']}" if column["dflt_value"] is not None else ""
            lines.append(line)
        return "\n".join(lines)

    @app.tool
    def execute_aggregation(
        table: str, ctx: SyncContext, group_by: str | None = None, aggregate_func: str = "COUNT", column: str = "*"
    ) -> ToolResult:
        """Count, add up or compare the values of a column, for each value of another one."""
        function = aggregate_func.upper()
        if function not in FUNCTIONS:
            raise ToolError(f"Error: Only {', '.join(FUNCTIONS)} functions are allowed")
        known = [one["name"] for one in database.columns(table)]
        if not known:
            raise ToolError(f"Error: there is no table '{table}'")
        if column == "*" and function != "COUNT":
            raise ToolError(f"Error: {function} needs a column")
        # Names cannot be parameters: they are the catalogue's own, quoted.
        of = "*" if column == "*" else identifier(column, known)
        by = identifier(group_by, known) if group_by is not None else None
        source = identifier(table, database.tables(views=True))
        query = f"SELECT {function}({of}) AS result FROM {source}"
        if by is not None:
            query = f"SELECT {by}, {function}({of}) AS result FROM {source} GROUP BY {by} ORDER BY {by}"
        return result(database.read(query, stopped=lambda: ctx.cancelled))

    def list_resources() -> list[dict[str, Any]]:
        return [
            {
                "uri": f"database://tables/{quote(name, safe='')}",
                "name": f"Table: {name}",
                "description": f"Access to {name} table",
                "mimeType": "application/json",
            }
            for name in database.tables()
        ]

    def read_table(path: str, ctx: SyncContext) -> list[dict[str, Any]]:
        kind, _, name = path.partition("/")
        if kind != "tables":
            raise McpError(-32602, "Invalid database URI")
        if not name or "\0" in name:
            raise McpError(-32602, "Invalid table name")
        if name not in database.tables():
            raise NotFound
        return database.first_rows(name, ROWS_OF_A_RESOURCE, lambda: ctx.cancelled)

    app.resource_provider("database://{+path}", list=list_resources, read=read_table)
    return app


app = make_server(os.environ.get("DATABASE_PATH", "example.db"))

if __name__ == "__main__":
    app.run(http=sys.argv[1] if len(sys.argv) > 1 else None)
