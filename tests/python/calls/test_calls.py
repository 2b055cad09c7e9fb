"""One call and its end: errors, time-outs, cancellation, progress, context."""

import asyncio
import contextvars
import gc
import json
import sys
import threading
import time
import weakref

import pytest
from tenon_mcp import Context, RegistrationError, Server, SyncContext
from wire import ENVELOPE, SECONDS, serving


class Quiet(Exception):
    pass


class Broken(Exception):
    def __str__(self):
        raise ValueError("no text")


class Unprintable(Exception):
    def __str__(self):
        return "\ud800"


ERRORS = [
    (RuntimeError("boom"), "boom"),
    (Quiet(), "Quiet"),
    (Broken(), "Broken"),
    (Unprintable(), "Unprintable"),
    (KeyError("k"), "'k'"),
    (SystemExit(3), "3"),
    (SystemExit(), "SystemExit"),
    (KeyboardInterrupt(), "KeyboardInterrupt"),
    (GeneratorExit(), "GeneratorExit"),
    (asyncio.CancelledError(), None),
    (StopIteration("over"), None),
]


@pytest.mark.parametrize("pause", [False, True])
@pytest.mark.parametrize(("error", "text"), ERRORS, ids=lambda value: type(value).__name__)
def test_whatever_is_raised_fails_the_call_and_nothing_else(error, text, pause):
    app = Server("t")

    @app.tool
    def sync():
        raise error

    @app.tool("async")
    async def asynchronous():
        if pause:
            await asyncio.sleep(0.001)
        raise error

    @app.tool
    async def fine() -> str:
        return "fine"

    with serving(app) as client:
        for name in ("sync", "async"):
            got = client.error(name)
            assert text is None or got == text
        assert client.text("fine") == "fine"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="groups are newer")
def test_groups_name_their_parts():
    app = Server("t")

    @app.tool
    async def grouped(count: int):
        async def part(name):
            await asyncio.sleep(0)
            raise ValueError(f"part {name}")

        async with asyncio.TaskGroup() as group:
            for name in range(count):
                group.create_task(part(name))

    with serving(app) as client:
        assert client.error("grouped", count=1) == "part 0"
        assert client.error("grouped", count=2) == "part 0; part 1"


def test_wrong_arguments_of_an_explicit_schema_are_the_functions_error():
    app = Server("t")

    @app.tool(input_schema={"type": "object"})
    def picky(a):
        return a

    with serving(app) as client:
        assert "unexpected keyword" in client.error("picky", b=1)
        assert "missing" in client.error("picky")
        assert client.text("picky", a=[1]) == "[1]"


def test_sync_tools_run_on_worker_threads_and_async_ones_on_the_loop():
    app = Server("t")

    @app.tool
    def sync() -> str:
        return threading.current_thread().name

    @app.tool("async")
    async def asynchronous() -> list:
        return [threading.current_thread().name, asyncio.current_task() is not None]

    with serving(app) as client:
        assert client.text("sync") == "tenon-worker"
        assert client.text("async").startswith('["Thread-') and client.text("async").endswith("true]")


def test_blocking_tools_run_side_by_side_up_to_the_cap():
    app = Server("t", max_workers=4)
    together = threading.Barrier(4)
    running, most = 0, 0
    lock = threading.Lock()

    @app.tool
    def block() -> str:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait(SECONDS)
        with lock:
            running -= 1
        return "met"

    with serving(app) as client:
        ids = [client.start_call("block") for _ in range(12)]
        assert [client.answer(id)["result"]["content"][0]["text"] for id in ids] == ["met"] * 12
        assert most == 4


def test_short_sync_tools_share_one_worker():
    def threads_of_many_calls():
        app = Server("t", max_workers=32)
        threads = set()

        @app.tool
        def short():
            threads.add(threading.get_ident())

        with serving(app) as client:
            for id in [client.start_call("short") for _ in range(500)]:
                client.answer(id)
        return len(threads)

    # One works, one is to spare. Each time that a busy machine keeps the one from running for some milliseconds, it
    # brings in the other, and its successor; so it may take a quieter moment to see that calls do not.
    assert any(threads_of_many_calls() <= 8 for _ in range(20))


def test_what_short_calls_came_to_waits_for_no_call_that_blocks():
    app = Server("t")
    go, over = threading.Event(), threading.Event()

    @app.tool
    def work(block: bool = False) -> str:
        if block:
            go.wait(SECONDS)
            over.set()
        return "worked"

    def line(id, **arguments):
        params = {"name": "work", "arguments": arguments}
        return json.dumps({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}).encode() + b"\n"

    with serving(app) as client:
        for batch in range(20):
            # Short calls make the function one for whose end others may wait; then it blocks between two of them.
            ids = [f"{batch}-{place}" for place in range(12)]
            go.clear()
            over.clear()
            client.write(b"".join(line(id, block=place == 8) for place, id in enumerate(ids)))
            for place, id in enumerate(ids):
                if place != 8:
                    assert client.answer(id)["result"]["content"][0]["text"] == "worked"
            assert not over.is_set()
            go.set()
            client.answer(ids[8])


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


def test_tools_can_be_registered_while_serving():
    app = Server("t")
    with serving(app) as client:
        assert client.request("tools/list")["result"]["tools"] == []

        @app.tool
        def late() -> str:
            return "late"

        assert client.text("late") == "late"


def gone(reference):
    for _ in range(250):
        gc.collect()
        if reference() is None:
            return True
        time.sleep(0.02)
    return False


def names(client):
    return [tool["name"] for tool in client.request("tools/list")["result"]["tools"]]


def test_a_tool_can_be_removed_at_any_time():
    app = Server("t")

    @app.tool
    def sync() -> bool:
        return app.remove("tool", "sync")

    @app.tool("async")
    async def asynchronous() -> list:
        return [app.remove("tool", "async"), app.remove("tool", "async")]

    app.tool("early")(lambda: 1)
    assert app.remove("tool", "early") is True
    assert app.remove("tool", "early") is False
    with serving(app) as client:
        assert client.text("sync") == "true"
        assert client.text("async") == "[true,false]"
        assert names(client) == []
        assert "error" in client.answer(client.start_call("sync"))
        app.tool("sync")(lambda: "another")
        assert client.text("sync") == "another"


@pytest.mark.parametrize("is_async", [False, True])
def test_a_removed_tool_is_let_go_of_when_its_last_call_has_ended(is_async):
    app = Server("t", max_workers=1)
    started, go = threading.Event(), threading.Event()

    class Function:
        def __call__(self) -> str:
            started.set()
            go.wait(SECONDS)
            return "done"

    class Asynchronous:
        async def __call__(self) -> str:
            started.set()
            while not go.is_set():
                await asyncio.sleep(0.001)
            return "done"

    function = Asynchronous() if is_async else Function()
    app.tool("f")(function)
    reference = weakref.ref(function)
    del function
    with serving(app) as client:
        requests = [client.start_call("f") for _ in range(3)]
        assert started.wait(SECONDS)
        client.request("ping")  # all three have been taken in
        assert app.remove("tool", "f")
        app.tool("other")(lambda: "other")
        assert names(client) == ["other"]
        gc.collect()
        assert reference() is not None
        go.set()
        for request in requests:
            assert client.answer(request)["result"]["content"][0]["text"] == "done"
        assert gone(reference)
        assert client.text("other") == "other"


def test_a_removed_tool_without_calls_is_let_go_of_at_once():
    app = Server("t")
    references = []
    for served in (False, True):
        for place in range(3):
            def function(place=place):
                return place

            app.tool(f"f{place}")(function)
            references.append(weakref.ref(function))
            del function
        if served:
            with serving(app) as client:
                assert client.text("f1") == "1"
                assert all(app.remove("tool", name) for name in names(client))
                assert all(map(gone, references))
        else:
            assert all(app.remove("tool", f"f{place}") for place in range(3))
            assert [reference() for reference in references] == [None] * 3


def test_a_name_that_is_taken_leaves_nothing_behind():
    app = Server("t")
    app.tool("f")(lambda: "first")

    def second():
        return "second"

    with pytest.raises(RegistrationError):
        app.tool("f")(second)
    reference = weakref.ref(second)
    del second
    assert gone(reference)
    app.tool("g")(lambda: "third")
    with serving(app) as client:
        assert (client.text("f"), client.text("g")) == ("first", "third")


def test_leftover_objects():
    """A server that has ended and its functions are not kept alive."""
    class Function:
        def __call__(self, a: int = 0) -> int:
            return a

    app = Server("t")
    function = Function()
    app.tool("f")(function)

    @app.tool
    def itself(served=app) -> str:
        return served.name

    with serving(app) as client:
        assert client.text("f", a=1) == "1"
        assert client.text("itself") == "t"
    reference = weakref.ref(function)
    del app, function, itself
    assert gone(reference)  # the thread that served may still be ending
