"""The lifespan of a server: what is built at its start and closed at its end."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from tenon_mcp import Context, McpError, RegistrationError, Server, StartError, SyncContext
from tenon_mcp.testing import Client
from test_hooks import noted
from wire import Program

SECONDS = 20


class Pool:
    def __init__(self) -> None:
        self.open = True


def lifespans(told: list[str]):
    """The same lifespan in every form there is."""

    @asynccontextmanager
    async def asynchronous(app: Server):
        told.append(f"open {app.name}")
        await asyncio.sleep(0)
        pool = Pool()
        try:
            yield pool
        finally:
            await asyncio.sleep(0)
            pool.open = False
            told.append("close")

    @contextmanager
    def plain(app: Server):
        told.append(f"open {app.name}")
        pool = Pool()
        try:
            yield pool
        finally:
            pool.open = False
            told.append("close")

    async def async_generator(app: Server):
        async with asynchronous(app) as pool:
            yield pool

    def generator(app: Server):
        with plain(app) as pool:
            yield pool

    class Manager:
        def __init__(self, app: Server) -> None:
            self.manager = plain(app)

        def __enter__(self) -> Pool:
            return self.manager.__enter__()

        def __exit__(self, *error: object) -> None:
            self.manager.__exit__(None, None, None)

    return {
        "async": asynchronous,
        "sync": plain,
        "async generator": async_generator,
        "generator": generator,
        "class": Manager,
        "lambda": lambda app: plain(app),
    }


@pytest.mark.parametrize("form", list(lifespans([])))
def test_what_a_lifespan_yields_is_in_every_context(form):
    told: list[str] = []
    app = Server("demo", lifespan=lifespans(told)[form])
    seen = []

    @app.tool
    def sync(ctx: SyncContext[Pool]) -> bool:
        seen.append(ctx.lifespan)
        return ctx.lifespan.open

    @app.tool
    async def asynchronous(ctx: Context[Pool]) -> bool:
        seen.append(ctx.lifespan)
        return ctx.lifespan.open

    @app.resource("config://pool")
    def config(ctx: SyncContext) -> str:
        return str(ctx.lifespan.open)

    @app.middleware
    async def around(ctx: Context, call_next):
        seen.append(ctx.lifespan)
        return await call_next()

    @app.middleware(ops="tool_list")
    def lists(ctx: SyncContext, call_next):
        seen.append(ctx.lifespan)
        return call_next()

    with Client(app) as client:
        assert client.call_tool("sync").data is True
        assert client.call_tool("asynchronous").data is True
        assert client.read_resource("config://pool").text == "True"
        client.list_tools()
        assert told == ["open demo"]
    assert told == ["open demo", "close"]
    assert len(seen) == 6 and len(set(map(id, seen))) == 1 and isinstance(seen[0], Pool) and not seen[0].open


def test_without_a_lifespan_there_is_nothing():
    app = Server("demo")

    @app.tool
    def sync(ctx: SyncContext) -> bool:
        return ctx.lifespan is None

    with Client(app) as client:
        assert client.call_tool("sync").data is True


def test_a_lifespan_is_left_in_the_task_that_entered_it():
    tasks = []

    @asynccontextmanager
    async def lifespan(app: Server):
        tasks.append(asyncio.current_task())
        yield
        tasks.append(asyncio.current_task())

    async def main() -> None:
        async with Client(Server("demo", lifespan=lifespan)):
            pass

    asyncio.run(main())
    assert len(tasks) == 2 and tasks[0] is tasks[1]


def test_mounted_servers_have_their_own_lifespans():
    outer_told: list[str] = []
    outer = Server("outer", lifespan=lifespans(outer_told)["async"])
    inner = Server("inner", lifespan=lambda app: contextmanager(lambda: iter(["inner's"]))())

    @inner.tool
    def whose(ctx: SyncContext[str]) -> str:
        return ctx.lifespan

    @outer.tool
    def mine(ctx: SyncContext[Pool]) -> bool:
        return isinstance(ctx.lifespan, Pool)

    outer.mount(inner, "in")
    with Client(outer) as client:
        assert client.call_tool("in_whose").data == "inner's"
        assert client.call_tool("mine").data is True
    assert outer_told == ["open outer", "close"]


@pytest.mark.parametrize("form", ["async", "sync"])
@pytest.mark.parametrize("has_loop", [False, True])
def test_what_is_mounted_while_the_other_is_served_has_its_lifespan(form, has_loop):
    told: list[str] = []
    outer, inner, bad = Server("outer"), Server("inner", lifespan=lifespans(told)[form]), Server("bad", lifespan=raises)

    @inner.tool
    def whose(ctx: SyncContext[Pool]) -> bool:
        return ctx.lifespan.open

    @bad.tool
    def never() -> None:
        pass

    if has_loop:

        @outer.tool
        async def own() -> None:
            pass

    with Client(outer) as client:
        outer.mount(inner, "in")
        assert client.call_tool("in_whose").data is True
        outer.mount(bad, "bad")
        with pytest.raises(McpError, match="bad_never.*has not started"):
            client.call_tool("bad_never")
        assert told == ["open inner"]
        assert client.call_tool("in_whose").data is True
    assert told == ["open inner", "close"]


@pytest.mark.parametrize("kind", ["async", "def"])
def test_servers_mounted_later_do_not_wait_for_each_other(kind):
    outer = Server("outer")
    x, y, z = Server("x"), Server("y"), Server("z")
    for inner in (x, y, z):
        inner.tool("work")(lambda own=inner.name: own)
    noted(x, [])
    entered, go, called = threading.Event(), threading.Event(), []

    with Client(outer) as client:
        if kind == "def":

            @y.on("start")
            def start() -> None:
                called.append(client.call_tool("x_work").text)
                entered.set()
                assert go.wait(SECONDS)

        else:

            @y.on("start")
            async def start() -> None:
                called.append(await asyncio.to_thread(lambda: client.call_tool("x_work").text))
                entered.set()
                assert await asyncio.to_thread(go.wait, SECONDS)

        outer.mount(x, "x")
        outer.mount(y, "y")
        try:
            assert entered.wait(SECONDS) and called == ["x"]
            assert client.call_tool("x_work").text == "x"
            outer.mount(z, "z")
            assert client.call_tool("z_work").text == "z"
        finally:
            go.set()
        assert client.call_tool("y_work").text == "y"


def raises(app: Server):
    raise OSError("no disk")
    yield


async def raises_later(app: Server):
    await asyncio.sleep(0)
    raise OSError("no disk")
    yield


@pytest.mark.parametrize(
    ("lifespan", "why"),
    [
        (raises, "no disk"),
        (raises_later, "no disk"),
        (lambda app: 3, "lifespan must return a context manager, not int"),
    ],
)
def test_a_lifespan_that_fails_is_named(lifespan, why):
    app = Server("demo", lifespan=lifespan)
    with pytest.raises(StartError, match=why), Client(app):
        pass


def test_a_lifespan_that_takes_too_long_is_given_up():
    left = []

    @asynccontextmanager
    async def lifespan(app: Server):
        try:
            await asyncio.Event().wait()
        finally:
            left.append(True)
        yield

    with pytest.raises(StartError, match="timed out after 50 ms"), Client(
        Server("demo", lifespan=lifespan, start_timeout=0.05)
    ):
        pass
    assert left == [True]


def test_what_stands_in_its_place_is_refused():
    app = Server("demo", lifespan=lambda app: contextmanager(lambda: iter([1]))())
    with pytest.raises(RegistrationError, match="the server has a lifespan"):
        app.on("start")
    with pytest.raises(RegistrationError, match="lifespan must be a function"):
        Server("demo", lifespan=3)  # type: ignore[arg-type]


META = (
    '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",'
    '"io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"},'
    '"io.modelcontextprotocol/clientCapabilities":{}}'
)


def run_program(program: Path, *tools: str) -> subprocess.CompletedProcess[str]:
    """Calls tools over stdio; the end of the input is there before the start has come to its end."""
    call = '{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"%s","arguments":{},%s}}\n'
    lines = "".join(call % (number, tool, META) for number, tool in enumerate(tools))
    return subprocess.run(
        [sys.executable, program], input=lines, capture_output=True, text=True, timeout=SECONDS, check=True
    )


def test_the_example_counts():
    program = Path(__file__).parents[3] / "examples/python/lifespan/server.py"
    done = run_program(program, "count", "count", "count")
    assert all(f'"text":"{n}"' in done.stdout for n in (1, 2, 3)) and '"text":"4"' not in done.stdout, done


def test_a_def_server_with_a_plain_lifespan_needs_no_asyncio(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        """
import sys
from contextlib import contextmanager
from tenon_mcp import Server, SyncContext

@contextmanager
def lifespan(app):
    print("open", file=sys.stderr)
    yield 42
    print("close", "asyncio" in sys.modules, file=sys.stderr)

app = Server("demo", lifespan=lifespan)

@app.tool
def number(ctx: SyncContext) -> int:
    return ctx.lifespan

app.run()
"""
    )
    done = run_program(program, "number")
    assert '"text":"42"' in done.stdout
    assert done.stderr.split() == ["open", "close", "False"]


def test_under_asgi_it_starts_with_the_first_request():
    told: list[str] = []
    app = Server("demo", lifespan=lifespans(told)["async"])

    @app.tool
    async def opened(ctx: Context[Pool]) -> bool:
        return ctx.lifespan.open

    async def main() -> None:
        asgi = app.asgi()
        assert told == []
        async with Client(app) as client:
            assert (await client.call_tool("opened")).data is True
        assert told == ["open demo", "close"]
        async with asgi.lifespan():
            assert told == ["open demo", "close", "open demo"]
        assert told[3:] == ["close"]

    asyncio.run(main())

    async def outer() -> list[str]:
        sent: list[str] = []
        failing = Server("demo", lifespan=raises_later).asgi()

        async def receive():
            return {"type": "lifespan.startup"}

        async def send(message):
            sent.append(message["type"] + ": " + message.get("message", ""))

        await failing({"type": "lifespan"}, receive, send)
        return sent

    assert asyncio.run(outer()) == ['lifespan.startup.failed: hook "start" failed: no disk']


def test_a_lifespan_that_is_entered_too_late_is_left():
    entered, go, left = threading.Event(), threading.Event(), threading.Event()

    @contextmanager
    def lifespan(app: Server):
        entered.set()
        assert go.wait(SECONDS)
        try:
            yield "value"
        finally:
            left.set()

    app = Server("demo", lifespan=lifespan, start_timeout=0.1)
    with pytest.raises(StartError, match="timed out"):
        app.start(http="127.0.0.1:0")
    assert entered.is_set() and not left.is_set()
    go.set()
    assert left.wait(SECONDS)


def test_ctrl_c_is_heard_while_start_waits():
    source = """
import sys, threading
from tenon_mcp import Server

app = Server("demo")

@app.on("start")
def opens() -> None:
    print("opens", file=sys.stderr, flush=True)
    threading.Event().wait()

app.start(http="127.0.0.1:0")
"""
    with Program(source, connect=False) as program:
        assert program.said() == "opens"
        program.process.send_signal(signal.SIGINT)
        code, errors = program.wait()
        assert code == -signal.SIGINT and "KeyboardInterrupt" in errors
