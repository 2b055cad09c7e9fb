"""The server of the hostile soak: one program that serves every transport at once.

Arguments: the path of a Unix socket, and of the file that gets the addresses as JSON once the server listens.
"""

import asyncio
import json
import sys
from pathlib import Path

from tenon_mcp import Context, Server, SyncContext

# Short times, so that what hostile clients leave behind is gone within seconds and its growth can be seen.
app = Server(
    "hostile-soak",
    session_idle=5,
    handshake_timeout=2,
    header_timeout=5,
    request_timeout=5,
    write_timeout=5,
    connection_idle=10,
    resume_timeout=5,
    max_sessions=500,
    max_task_ttl=5,
    default_task_ttl=5,
)
LARGE = "x" * 262144
BACKTRACKING = {
    "type": "object",
    "properties": {"text": {"type": "string", "pattern": "^(?!-)[a-z0-9-]+(?<!-)$"}},
    "required": ["text"],
}


@app.tool
def add(a: int, b: int) -> int:
    return a + b


@app.tool
async def echo(text: str) -> str:
    return text


@app.tool
async def count(to: int, ctx: Context) -> str:
    for i in range(1, min(to, 50) + 1):
        ctx.progress(i, to)
    return f"counted to {to}"


@app.tool(input_schema=BACKTRACKING)
def match(text: str) -> str:
    return text[:10]


@app.tool
def large() -> str:
    return LARGE


@app.tool(timeout=2)
async def wait() -> None:
    await asyncio.get_running_loop().create_future()


@app.tool
def fail(ctx: SyncContext) -> None:
    raise ValueError("failed")


@app.tool(timeout=2)
async def ask(ctx: Context) -> str:
    answer = await ctx.elicit("Name?", {"type": "object", "properties": {"name": {"type": "string"}}})
    return answer.action


@app.tool(task_support="optional")
def work(ctx: SyncContext) -> str:
    ctx.set_status("working")
    return "done"


@app.resource("file://{+path}")
def file(path: str) -> str:
    return path


@app.prompt
def greet(name: str) -> str:
    return f"Greet {name}"


def announce(server):
    addresses = {"http": server.url, "websocket": server.websocket_url, "sse": server.sse_url, "unix": sys.argv[1]}
    path = Path(sys.argv[2])
    path.with_suffix(".new").write_text(json.dumps(addresses))
    path.with_suffix(".new").rename(path)


app.run(
    stdio=True,
    http="127.0.0.1:0",
    websocket="127.0.0.1:0",
    sse="127.0.0.1:0",
    unix=sys.argv[1],
    on_started=announce,
)
