"""`def` functions that return awaitables: they are awaited, or refused with an explanation."""

import asyncio
import contextvars
import functools
import gc
import warnings

import pytest
from tenon_mcp import Context, Depends, McpError, RegistrationError, Server, StartError, SyncContext, ToolError
from tenon_mcp.testing import Client


def wrapped(function):
    @functools.wraps(function)
    def call(*positional, **named):
        return function(*positional, **named)

    return call


def test_what_a_wrapper_returns_is_awaited_on_the_loop():
    app, seen = Server("t"), []

    @app.tool
    @wrapped
    @wrapped
    async def add(a: int, b: int, ctx: Context) -> int:
        await asyncio.sleep(0)
        seen.append(asyncio.current_task())
        ctx.progress(1)
        return a + b

    class Thing:
        @wrapped
        async def method(self, a: int) -> dict[str, int]:
            await asyncio.sleep(0)
            return {"a": a}

    app.tool(Thing().method)
    app.tool("partial")(functools.partial(wrapped(add.__wrapped__), b=40))

    # A function that waits by itself says where it runs.
    async def inner(a: int) -> str:
        return f"waited for {a}"

    @app.tool("waits", thread="pool")
    @functools.wraps(inner)
    def waits(a: int) -> str:
        return asyncio.run(inner(a))

    @app.tool("ready")
    @functools.wraps(inner)
    def ready(a: int) -> str:
        return f"{a} at once"

    @app.resource("test://{a}")
    @wrapped
    async def resource(a: int) -> str:
        return f"resource {a}"

    @app.prompt
    @wrapped
    async def ask(a: int) -> str:
        return f"prompt {a}"

    with Client(app) as client:
        told = []
        assert client.call_tool("add", {"a": 1, "b": 2}, on_progress=lambda *how_far: told.append(how_far)).data == 3
        assert told and seen[0] is not None
        assert client.call_tool("method", {"a": 1}).data == {"a": 1}
        assert client.call_tool("partial", {"a": 2}).data == 42
        assert client.call_tool("waits", {"a": 3}).text == "waited for 3"
        assert client.call_tool("ready", {"a": 4}).text == "4 at once"
        assert client.read_resource("test://5").text == "resource 5"
        assert client.get_prompt("ask", {"a": "6"}).messages[0]["content"]["text"] == "prompt 6"
    assert app.tools["add"].fn is add


def test_a_wrapper_sees_what_the_function_sees_and_is_cancelled_with_it():
    app, number, ended = Server("t"), contextvars.ContextVar("number"), []

    def numbered(function):
        @functools.wraps(function)
        def call(*positional, **named):
            number.set(7)
            return function(*positional, **named)

        return call

    @app.tool(timeout=0.05)
    @numbered
    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number.get())

    with Client(app) as client, pytest.raises(ToolError, match="timed out"):
        client.call_tool("waits")
    assert ended == [7]


def test_wrapped_dependencies_and_middleware():
    app = Server("t")

    @wrapped
    async def database(ctx: Context) -> str:
        await asyncio.sleep(0)
        return f"database of {ctx.name}"

    @app.middleware
    @wrapped
    async def around(ctx: Context, call_next):
        return f"<{await call_next()}>"

    @app.tool
    async def uses(db: str = Depends(database)) -> str:
        return db

    with Client(app) as client:
        assert client.call_tool("uses").text == "<database of uses>"
    with pytest.raises(RegistrationError, match=r"Depends.*database.*is async"):

        @app.tool
        def cannot(db: str = Depends(database)) -> str:
            return db


def test_the_context_is_that_of_async_functions():
    with pytest.raises(RegistrationError, match="annotate it with Context"):

        @Server("t").tool
        @wrapped
        async def tool(ctx: SyncContext) -> None:
            pass


async def forgotten(a: int = 1) -> str:
    return "never"


def items():
    yield "never"


@pytest.mark.parametrize("thread", [None, "loop", "main"])
def test_what_nobody_awaits_is_told_by_name(thread):
    app = Server("t")
    app.tool("lost", thread=thread)(lambda: forgotten())
    app.tool("declared", thread=thread)(lambda: forgotten())

    @app.tool(thread=thread)
    def numbers() -> list[int]:
        return forgotten()

    @app.tool(thread=thread)
    def listed() -> dict:
        return forgotten()

    @app.tool(thread=thread)
    def yields():
        return items()

    @app.tool
    async def twice():
        return forgotten()

    @app.resource("test://a", thread=thread)
    def resource():
        return forgotten()

    with warnings.catch_warnings(record=True) as warned, Client(app) as client:
        warnings.simplefilter("always")
        for name in ("lost", "numbers", "listed", "twice"):
            with pytest.raises(ToolError, match=f"tool '{name}' returned coroutine, which was not awaited.*async def"):
                client.call_tool(name)
        with pytest.raises(ToolError, match="tool 'yields' returned generator, whose items were not read"):
            client.call_tool("yields")
        with pytest.raises(McpError, match="resource 'test://a' returned coroutine, which was not awaited"):
            client.read_resource("test://a")
        gc.collect()
    assert not [warning for warning in warned if "never awaited" in str(warning.message)]


def test_a_hook_that_nobody_awaits_fails():
    app = Server("t")
    app.on("start")(lambda: forgotten())
    with pytest.raises(StartError, match="returned coroutine, which was not awaited"), Client(app):
        pass


def test_a_wrapped_hook_is_awaited():
    app, told = Server("t"), []

    @app.on("start")
    @wrapped
    async def start() -> None:
        await asyncio.sleep(0)
        told.append("start")

    with Client(app):
        assert told == ["start"]
