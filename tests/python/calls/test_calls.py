"""One call and its end: time-outs, cancellation, progress, context."""

import asyncio
import contextvars
import threading
import time

import pytest
from tenon_mcp import Context, Server, SyncContext
from wire import ENVELOPE, SECONDS, serving


def test_context_variables_of_the_caller_are_seen_and_changes_stay_in_the_call():
    variable = contextvars.ContextVar("variable", default="default")
    app = Server("t")

    @app.tool
    def sync() -> str:
        before = variable.get()
        variable.set("changed")
        return before

    @app.tool("async")
    async def asynchronous() -> str:
        before = variable.get()
        variable.set("changed")
        await asyncio.sleep(0)
        return before + " " + variable.get()

    run = app.run
    app.run = lambda **options: contextvars.Context().run(lambda: (variable.set("outer"), run(**options)))
    with serving(app) as client:
        for _ in range(3):
            assert client.text("sync") == "outer"
            assert client.text("async") == "outer changed"


@pytest.mark.parametrize("is_async", [False, True])
def test_a_time_out_is_answered_and_the_late_result_is_dropped(is_async):
    app = Server("t")
    go, done = threading.Event(), threading.Event()

    @app.tool("slow", timeout=0.05)
    def slow(ctx: SyncContext):
        go.wait(SECONDS)
        done.set()
        return "late"

    @app.tool("slow_async", timeout=0.05)
    async def slow_async():
        try:
            await asyncio.sleep(SECONDS)
        except asyncio.CancelledError:
            done.set()
            return "late"

    with serving(app) as client:
        error = client.error("slow_async" if is_async else "slow")
        assert "timed out after 50 ms" in error
        go.set()
        assert done.wait(SECONDS)
        assert client.request("ping")["result"] == {}
        assert client.rest() == []


def test_cancelling_an_async_tool_cancels_its_task():
    app = Server("t")
    started, ended = threading.Event(), threading.Event()

    @app.tool
    async def wait():
        started.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()

    with serving(app) as client:
        request = client.start_call("wait")
        assert started.wait(SECONDS)
        client.cancel(request)
        assert ended.wait(SECONDS)
        client.request("ping")
        assert client.rest() == []


def test_a_cancelled_sync_tool_can_see_it():
    app = Server("t")
    started, ended = threading.Event(), threading.Event()

    @app.tool
    def wait(ctx: SyncContext):
        assert not ctx.cancelled
        started.set()
        while not ctx.cancelled:
            time.sleep(0.001)
        ended.set()

    with serving(app) as client:
        request = client.start_call("wait")
        assert started.wait(SECONDS)
        client.cancel(request)
        assert ended.wait(SECONDS)
        client.request("ping")
        assert client.rest() == []


def test_a_call_cancelled_in_the_queue_never_runs():
    app = Server("t", max_workers=1)
    started, go = threading.Event(), threading.Event()
    ran = []

    @app.tool
    def first():
        started.set()
        go.wait(SECONDS)

    @app.tool
    def second(n: int):
        ran.append(n)

    with serving(app) as client:
        blocker = client.start_call("first")
        assert started.wait(SECONDS)
        queued = [client.start_call("second", {"n": n}) for n in range(3)]
        client.cancel(queued[0])
        client.cancel(queued[2])
        client.request("ping")
        go.set()
        client.answer(blocker)
        client.answer(queued[1])
        assert client.rest() == []
    assert ran == [1]


@pytest.mark.parametrize("is_async", [False, True])
def test_progress(is_async):
    app = Server("t")

    def report(ctx):
        for value, total, message in [(1, 3, "one"), (1, 3, "again"), (2.5, None, None), (float("nan"), 3, "nan")]:
            ctx.progress(value, total, message)
        ctx.progress(3)

    @app.tool
    def sync(ctx: SyncContext):
        report(ctx)

    @app.tool("async")
    async def asynchronous(ctx: Context):
        report(ctx)

    with serving(app) as client:
        name = "async" if is_async else "sync"
        request = client.start_call(name, _meta={"progressToken": "p"})
        assert [client.receive()["params"] for _ in range(3)] == [
            {"progressToken": "p", "progress": 1, "total": 3, "message": "one"},
            {"progressToken": "p", "progress": 2.5},
            {"progressToken": "p", "progress": 3},
        ]
        client.answer(request)
        client.call(name)
        assert client.rest() == []


def test_what_a_context_knows():
    app = Server("t")

    @app.tool
    async def know(ctx: Context, x: int = 0) -> dict:
        return {
            "id": ctx.request_id,
            "info": ctx.client_info,
            "capabilities": ctx.client_capabilities,
            "version": ctx.protocol_version,
            "meta": ctx.meta,
            "session": ctx.session_id,
            "cancelled": ctx.cancelled,
        }

    with serving(app) as client:
        request = client.start_call("know", _meta={"my/key": [1]})
        assert client.answer(request)["result"]["structuredContent"] == {
            "id": request,
            "info": {"name": "test", "version": "1"},
            "capabilities": {"elicitation": {}},
            "version": "2025-11-25",
            "meta": {"my/key": [1]},
            "session": None,
            "cancelled": False,
        }
        client.send(id="text", method="tools/call", params={"name": "know"})
        known = client.answer("text")["result"]["structuredContent"]
        assert (known["id"], known["meta"]) == ("text", {})
    with serving(app, modern=True) as client:
        known = client.call("know")["structuredContent"]
        assert known["version"] == "2026-07-28"
        assert known["info"] == {"name": "test", "version": "1"}
        assert known["meta"] == ENVELOPE


def test_the_context_is_not_an_argument():
    app = Server("t")

    @app.tool
    async def open_one(ctx: Context, **rest) -> dict:
        return {"type": type(ctx).__name__, "rest": rest}

    with serving(app) as client:
        (tool,) = client.request("tools/list")["result"]["tools"]
        assert tool["inputSchema"]["properties"] == {}
        result = client.call("open_one", ctx="mine", other=1)["structuredContent"]
        assert result == {"type": "Context", "rest": {"other": 1}}


def test_a_context_outlives_its_call_harmlessly():
    app = Server("t")
    kept = []

    @app.tool
    async def keep(ctx: Context):
        kept.append(ctx)

    with serving(app) as client:
        client.call("keep")
        (ctx,) = kept
        ctx.progress(5)
        assert ctx.request_id == 2
        assert ctx.cancelled is False
        assert client.rest() == []


def test_a_custom_task_factory_is_respected_and_may_fail():
    app = Server("t")
    made = []

    @app.tool
    async def plain() -> str:
        await asyncio.sleep(0)
        return "plain"

    @app.tool
    async def install(fail: bool) -> str:
        def factory(loop, coro, **options):
            if fail:
                raise RuntimeError("no tasks today")
            made.append(coro)
            return asyncio.Task(coro, loop=loop, **options)

        asyncio.get_running_loop().set_task_factory(factory)
        asyncio.get_running_loop().call_later(0.2, asyncio.get_running_loop().set_task_factory, None)
        return "installed"

    with serving(app) as client:
        assert client.text("install", fail=False) == "installed"
        assert client.text("plain") == "plain"
        assert len(made) == 1
    with serving(app) as client:
        assert client.text("install", fail=True) == "installed"
        assert client.error("plain") == "no tasks today"
