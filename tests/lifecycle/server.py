"""The lifecycle test's server in Python: tools that block whatever they are told, and one that prints.

`--http ADDRESS` serves HTTP, `--all FOLDER` every transport, `--client FILE` a client in this process,
`--embedded FILE` requests that this process hands over; with `--throw` there are functions of every kind that raise.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tenon_mcp import McpError, Server, SyncContext
from tenon_mcp.testing import Client

LONG = 600.0

limits = {"drain_timeout": LONG, "stdio_drain_timeout": LONG} if "--long" in sys.argv else {}
app = Server("lifecycle", **limits)


def hang() -> None:
    print("blocked", file=sys.stderr, flush=True)
    while True:
        time.sleep(LONG)


@app.tool
def block() -> None:
    hang()


@app.tool
async def block_loop() -> None:
    hang()


@app.tool
def quick() -> str:
    return "done"


@app.tool
def flood(lines: int) -> str:
    for _ in range(lines):
        sys.stderr.write("x" * 1023 + "\n")
    sys.stderr.flush()
    return "printed"


@app.tool
def ask(ctx: SyncContext) -> str:
    ctx.elicit("Name?", {"type": "object", "properties": {"name": {"type": "string"}}}, key="name")
    return "asked"


@app.tool(timeout=0.1)
async def late() -> None:
    await asyncio.Event().wait()


# A long text is not matched where others wait.
LONG_TEXT = {"type": "object", "properties": {"text": {"type": "string", "pattern": "(?!-)x"}}}


@app.tool(input_schema=LONG_TEXT)
def costly(text: str) -> str:
    return "checked"


def raise_everywhere() -> None:
    @app.tool
    def throw() -> None:
        raise RuntimeError("thrown")

    @app.tool
    def guarded() -> str:
        return "not reached"

    @app.middleware(ops="tool")
    def guard(ctx: SyncContext, call_next: Callable[[], object]) -> object:
        if ctx.name == "guarded":
            raise RuntimeError("thrown")
        return call_next()

    @app.middleware(ops="tool_list")
    def guard_list(ctx: SyncContext, call_next: Callable[[], object]) -> object:
        raise RuntimeError("thrown")

    @app.resource("throw://now")
    def now() -> str:
        raise RuntimeError("thrown")

    @app.resource("thrown://{when}")
    async def then(when: str) -> str:
        raise RuntimeError("thrown")

    @app.method("demo/throw")
    async def method() -> None:
        raise RuntimeError("thrown")

    @app.prompt
    def greet(name: str) -> str:
        raise RuntimeError("thrown")

    @app.completion(prompt="greet", argument="name")
    def names(value: str) -> list[str]:
        raise RuntimeError("thrown")

    @app.completion(template="thrown://{when}", argument="when")
    async def times(value: str) -> list[str]:
        raise RuntimeError("thrown")

    def listed() -> list[dict]:
        raise RuntimeError("thrown")

    def row(number: str) -> str:
        raise RuntimeError("thrown")

    app.resource_provider("row://{number}", list=listed, read=row)

    @app.replace("resources/templates/list")
    def templates() -> dict:
        raise RuntimeError("thrown")

    @app.notification("notifications/demo/throw")
    async def noted() -> None:
        raise RuntimeError("thrown")

    @app.on("session_start")
    def begun() -> None:
        raise RuntimeError("thrown")

    @app.on("error")
    async def told(kind: str, name: str, message: str) -> None:
        raise RuntimeError("thrown")


def call_within(file: str) -> None:
    """Calls before, at and after the fault that `file` arms."""
    with Client(app) as client:
        for number in range(3):
            if number == 1:
                Path(file).touch()
            try:
                print(client.call_tool("quick").text)
            except McpError as error:
                print(error.code, error)


async def one_request(asgi: Callable) -> str:
    """One call as ASGI servers hand it over."""
    headers = {
        "host": "localhost",
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": "quick",
    }
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": "quick", "arguments": {}, "_meta": meta}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    pieces = asyncio.Queue()
    pieces.put_nowait({"type": "http.request", "body": body, "more_body": False})
    said = []

    async def say(message: dict) -> None:
        said.append(message.get("body", b""))

    named = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "http_version": "1.1", "method": "POST", "path": "/mcp", "headers": named}
    await asgi(scope, pieces.get, say)
    answer = json.loads(b"".join(said))
    if error := answer.get("error"):
        return f"{error['code']} {error['message']}"
    return answer["result"]["content"][0]["text"]


async def call_embedded(file: str) -> None:
    """The same without a client."""
    asgi = app.asgi()
    async with asgi.lifespan():
        for number in range(3):
            if number == 1:
                Path(file).touch()
            print(await one_request(asgi))


def argument(name: str) -> str | None:
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else None


http, folder, file, embedded = map(argument, ("--http", "--all", "--client", "--embedded"))
if "--throw" in sys.argv:
    raise_everywhere()
if file:
    call_within(file)
elif embedded:
    asyncio.run(call_embedded(embedded))
elif folder:
    app.run(
        stdio=True,
        http="127.0.0.1:0",
        websocket="/ws",
        sse="/sse",
        unix=f"{folder}/socket",
        on_started=lambda app: print(f"listening {app.url}", file=sys.stderr, flush=True),
    )
elif "--loop" in sys.argv:
    asyncio.run(app.serve(http=http))
else:
    app.run(http=http)
