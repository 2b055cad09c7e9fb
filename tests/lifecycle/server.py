"""The lifecycle test's server in Python: tools that block whatever they are told, and one that prints.

`--http ADDRESS` serves HTTP, `--all FOLDER` every transport, `--client FILE` a client in this process; with `--throw`
there are functions of every kind that raise.
"""

import asyncio
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


def argument(name: str) -> str | None:
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else None


http, folder, file = map(argument, ("--http", "--all", "--client"))
if "--throw" in sys.argv:
    raise_everywhere()
if file:
    call_within(file)
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
