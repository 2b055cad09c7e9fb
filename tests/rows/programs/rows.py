"""Uses the rows of the tables from Python."""

import os

from tenon_mcp import Context, Server

app = Server("rows", row_setting="the setting of a row")


@app.tool(row_policy="a word of the entry")
async def probe(context: Context) -> str:
    return context.row_field


http = {"unix": os.environ["ROWS_SOCKET"], "allowed_origins": ["*"], "row_headers": ["x-row"]}
app.run(stdio=True, http=http)
