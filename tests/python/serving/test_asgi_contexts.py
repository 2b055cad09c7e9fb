"""Context variables behind ASGI: a call sees those of its own request only."""

import asyncio
import contextvars
import gc
import json
import logging
import queue
import threading
import time
import weakref
from typing import Any

import pytest
from asgi_client import INITIALIZE, call, ended, post, value
from tenon_mcp import Context, Depends, Server, SyncContext, ToolError
from wire import SECONDS

user: contextvars.ContextVar[str] = contextvars.ContextVar("user", default="nobody")
USERS = ["ann", "bob", "cleo"]


def told():
    return json.dumps(user.get())


def demo(**options):
    app = Server("demo", **options)

    @app.tool(name="task")
    async def in_a_task() -> str:
        before = user.get()
        user.set("changed")
        await asyncio.sleep(0)
        return json.dumps(before)

    @app.tool(name="at_once")
    async def ends_at_once() -> str:
        return told()

    for thread in "pool", "loop", "main":
        app.tool(thread, thread=thread)(lambda: told())

    @app.tool
    def depends(who: str = Depends(told)) -> str:
        return who

    return app


async def of_one(asgi, who, name):
    """What a tool says whose request comes from behind middleware that sets the variable."""
    user.set(who)
    return await value(call(asgi, name))


def of_all(asgi, names):
    async def main():
        for name in names:
            for _ in range(2):
                # Each in a task of its own, as a server has its requests.
                requests = [asyncio.ensure_future(of_one(asgi, who, name)) for who in USERS]
                assert await asyncio.gather(*requests) == USERS, name

    asyncio.run(main())


TOOLS = ["task", "at_once", "pool", "loop", "main", "depends"]


def test_a_call_runs_in_the_context_of_its_request():
    app = demo()
    asgi = app.asgi()
    of_all(asgi, TOOLS)
    # On another loop too, and after what has been there first.
    of_all(asgi, TOOLS)
    ended(app)


@pytest.mark.parametrize("is_async", [False, True])
def test_so_do_middleware_and_what_follows_it(is_async):
    app = demo()
    seen = []

    if is_async:

        @app.middleware
        async def around(ctx: Context, call_next: Any) -> Any:
            seen.append(user.get())
            return await call_next()
    else:

        @app.middleware
        def around(ctx: SyncContext, call_next: Any) -> Any:
            seen.append(user.get())
            return call_next()

    of_all(app.asgi(), TOOLS)
    assert sorted(seen) == sorted(USERS * 2 * len(TOOLS))
    ended(app)


def test_so_does_what_is_made_of_an_exception(caplog):
    class Own(Exception):
        pass

    class Asks(logging.Filter):
        def filter(self, record):
            seen.put(user.get())
            return True

    # One record for each failure: that of Python's.
    app = demo(mask_errors=False)
    seen = queue.Queue()
    app.map_error(Own, lambda error: ToolError(told()))

    @app.tool
    async def mapped_in_a_task() -> None:
        raise Own

    @app.tool
    async def fails_in_a_task() -> None:
        raise ValueError("wrong")

    def mapped():
        raise Own

    def fails():
        raise ValueError("wrong")

    threads = ["pool", "loop", "main"]
    for thread in threads:
        app.tool(f"mapped_{thread}", thread=thread)(mapped)
        app.tool(f"fails_{thread}", thread=thread)(fails)
    asgi = app.asgi()
    of_all(asgi, ["mapped_in_a_task", *(f"mapped_{thread}" for thread in threads)])
    asks = Asks()
    caplog.handler.addFilter(asks)

    async def main():
        for name in "fails_in_a_task", *(f"fails_{thread}" for thread in threads):
            user.set(name)
            await call(asgi, name).whole()
            # A worker answers before it logs.
            assert await asyncio.to_thread(seen.get, True, SECONDS) == name

    asyncio.run(main())
    caplog.handler.removeFilter(asks)
    ended(app)


def test_what_belongs_to_no_request_does_not_see_the_first_one():
    app = demo()
    seen = []
    app.on("start")(lambda: seen.append(user.get()))

    @app.tool
    def adds() -> str:
        app.tool("later")(lambda: told())
        return told()

    async def main():
        asgi = app.asgi()
        user.set("ann")
        await post(asgi, INITIALIZE).whole()
        assert await of_one(asgi, "bob", "adds") == "bob"
        assert await of_one(asgi, "cleo", "later") == "cleo"

    asyncio.run(main())
    ended(app)
    assert seen == ["nobody"]


def test_a_lifespan_is_seen_by_hooks_and_not_by_calls():
    app = demo()
    seen = []
    app.on("start")(lambda: seen.append(user.get()))

    async def main():
        asgi = app.asgi()
        user.set("life")
        async with asgi.lifespan():
            assert await value(contextvars.Context().run(call, asgi, "pool")) == "nobody"
            assert await asyncio.ensure_future(of_one(asgi, "bob", "task")) == "bob"

    asyncio.run(main())
    assert seen == ["life"]


def test_with_a_task_factory_of_the_programs_own():
    app = demo()
    made = []

    def factory(loop, work, **options):
        made.append(user.get())
        return asyncio.Task(work, loop=loop, **options)

    async def main():
        asgi = app.asgi()
        asyncio.get_running_loop().set_task_factory(factory)
        user.set("bob")
        assert await value(call(asgi, "task")) == "bob"

    asyncio.run(main())
    ended(app)
    assert "bob" in made


class Held:
    pass


async def holding(asgi, name, gone):
    """Calls a tool in a context that has something of its own."""
    held = Held()
    weakref.finalize(held, gone.set)
    contextvars.ContextVar("holds").set(held)
    await value(call(asgi, name))


@pytest.mark.parametrize("name", TOOLS)
def test_a_context_is_let_go_of_with_its_calls(name):
    app = demo()
    gone = threading.Event()

    async def main():
        asgi = app.asgi()
        await asyncio.ensure_future(holding(asgi, name, gone))
        # A thread of the engine may have been the last; what it lets go of is dropped when Python comes by.
        await of_one(asgi, "bob", name)
        assert await asyncio.to_thread(gone.wait, SECONDS)

    asyncio.run(main())
    ended(app)


@pytest.mark.parametrize("of", ["task", "worker", "loop"])
def test_a_context_that_holds_its_call_is_collected(of):
    app = demo()
    holds = contextvars.ContextVar("holds")
    left = weakref.WeakSet()

    def keep(ctx):
        holds.get().ctx = ctx
        return json.dumps(user.get())

    if of == "task":

        @app.tool
        async def keeps(ctx: Context) -> str:
            return keep(ctx)
    else:

        @app.tool(thread="loop" if of == "loop" else "pool")
        def keeps(ctx: SyncContext) -> str:
            return keep(ctx)

    async def request(asgi):
        held = Held()
        left.add(held)
        holds.set(held)
        await of_one(asgi, "bob", "keeps")

    async def main():
        asgi = app.asgi()
        for _ in range(20):
            await asyncio.ensure_future(request(asgi))
        until = time.monotonic() + SECONDS
        while left and time.monotonic() < until:
            await asyncio.ensure_future(of_one(asgi, "bob", "task"))
            gc.collect()
        assert not left

    asyncio.run(main())
    ended(app)


def test_a_context_is_let_go_of_while_other_requests_go_on():
    app = demo()
    gone = threading.Event()
    began = goes_on = None

    @app.tool
    async def stays() -> str:
        began.set()
        await goes_on.wait()
        return told()

    async def main():
        nonlocal goes_on, began
        goes_on, began = asyncio.Event(), asyncio.Event()
        asgi = app.asgi()
        await asyncio.ensure_future(holding(asgi, "task", gone))
        other = asyncio.ensure_future(call(asgi, "stays").whole())
        await began.wait()
        until = time.monotonic() + SECONDS
        while not gone.is_set() and time.monotonic() < until:
            await of_one(asgi, "cleo", "task")
        assert gone.is_set()
        goes_on.set()
        await other

    asyncio.run(main())
    ended(app)
