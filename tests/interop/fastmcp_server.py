"""What clients of FastMCP call: a list in structured content, a text without any, and progress."""

import os

from tenon_mcp import Context, Server

app = Server("fastmcp")


@app.tool
def words() -> list[str]:
    return ["a", "b"]


@app.tool
def process() -> str:
    return str(os.getpid())


@app.tool
async def count(ctx: Context, to: int) -> str:
    for step in range(1, to + 1):
        ctx.progress(step, to)
    return "done"


app.run()
