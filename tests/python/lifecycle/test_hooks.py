"""The hooks ``start`` and ``stop``: before the first call, after the last."""

from __future__ import annotations

import asyncio
import threading

import pytest
from tenon_mcp import Context, Server, StartError, SyncContext
from tenon_mcp.testing import Client

SECONDS = 20


def noted(app: Server, told: list[str], name: str = "") -> None:
    app.on("start")(lambda: told.append(f"{name}start"))
    app.on("stop")(lambda: told.append(f"{name}stop"))


@pytest.mark.parametrize("kind", ["def", "async", "loop", "main"])
def test_hooks_run_around_all_calls(kind):
    app, told = Server("demo"), []
    if kind == "async":

        @app.on("start")
        async def start(ctx: Context) -> None:
            await asyncio.sleep(0)
            told.append(ctx.name)

        @app.on("stop")
        async def stop(ctx: Context) -> None:
            await asyncio.sleep(0)
            told.append(ctx.name)

    else:
        for hook in ("start", "stop"):

            @app.on(hook, thread=None if kind == "def" else kind)
            def happens(ctx: SyncContext) -> None:
                told.append(ctx.name)

    @app.tool
    def work() -> str:
        told.append("work")
        return "done"

    with Client(app) as client:
        assert told == ["start"]
        assert client.call_tool("work").data == "done"
    assert told == ["start", "work", "stop"]
    # Each serving has its own.
    with Client(app):
        pass
    assert told[3:] == ["start", "stop"]


def test_a_start_that_raises_is_named_and_nothing_is_served():
    app, told = Server("demo", mask_errors=True), []

    @app.on("start")
    async def start() -> None:
        raise ValueError("no database")

    app.on("stop")(lambda: told.append("stop"))
    message = 'hook "start" failed: no database'
    with pytest.raises(StartError, match=message), Client(app):
        pass

    async def within() -> None:
        with pytest.raises(StartError, match=message):
            async with Client(app):
                pass
        with pytest.raises(StartError, match=message):
            await app.serve(http="127.0.0.1:0", on_started=lambda _: told.append("started"))

    asyncio.run(within())
    with pytest.raises(StartError, match=message):
        app.run(http="127.0.0.1:0", signals=False)
    with pytest.raises(StartError, match=message):
        app.start(http="127.0.0.1:0")
    assert told == []


def test_poll_runs_the_start_of_the_main_thread():
    app, threads = Server("demo"), []
    app.on("start", thread="main")(lambda: threads.append(threading.current_thread()))
    app.on("stop", thread="main")(lambda: threads.append(threading.current_thread()))
    app.start(http="127.0.0.1:0")
    assert threads == []
    while not threads:
        assert app.poll(timeout=SECONDS)
    app.close()
    while app.poll(timeout=SECONDS):
        pass
    assert threads == [threading.main_thread()] * 2

    def fails() -> None:
        raise ValueError("no window")

    app.remove("hook", "start")
    app.on("start", thread="main")(fails)
    app.start(http="127.0.0.1:0")
    with pytest.raises(StartError, match="no window"):
        while app.poll(timeout=SECONDS):
            pass


def test_on_started_comes_after_the_start():
    app, told = Server("demo"), []
    noted(app, told)

    def started(app: Server) -> None:
        told.append("listens")
        app.close()

    app.run(http="127.0.0.1:0", signals=False, on_started=started)
    assert told == ["start", "listens", "stop"]


def test_mounted_servers_start_and_stop_along():
    outer, inner, told = Server("outer"), Server("inner"), []
    noted(outer, told, "outer ")
    noted(inner, told, "inner ")
    outer.mount(inner, "in")
    with Client(outer):
        pass
    assert told == ["outer start", "inner start", "inner stop", "outer stop"]
