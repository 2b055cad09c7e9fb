"""Objects of a failed call are freed without the garbage collector: no exception refers to itself."""

import asyncio
import gc
import logging
import threading
import weakref

import pytest
from tenon_mcp import Context, Depends, Server, SyncContext
from wire import SECONDS, serving

# ruff: noqa: B008


class Held:
    """Such as a connection."""


@pytest.fixture
def held(monkeypatch):
    """Makes objects, and looks whether all of them have gone."""
    gone, refs = threading.Semaphore(0), []

    def make():
        one = Held()
        refs.append(weakref.ref(one, lambda _: gone.release()))
        return one

    def check():
        assert refs
        for _ in refs:
            assert gone.acquire(timeout=SECONDS)

    # What pytest keeps of the log would hold the exceptions.
    monkeypatch.setattr(logging.getLogger("tenon_mcp.call"), "disabled", True)
    gc.collect()
    gc.disable()
    try:
        yield make, check
    finally:
        gc.enable()


def fails(make):
    """Handlers of each kind that fail."""

    def pool():
        one = make()
        raise ValueError(type(one))

    async def on_loop():
        one = make()
        raise ValueError(type(one))

    def opened():
        yield make()

    async def opened_on_loop():
        yield make()

    def cleared():
        one = make()
        try:
            yield one
        except ValueError as error:
            raise OSError from error

    def depends(one=Depends(opened), other=Depends(cleared)):
        raise ValueError(type(one))

    async def depends_on_loop(one=Depends(opened_on_loop), other=Depends(cleared)):
        raise ValueError(type(one))

    def yields():
        one = make()
        yield "a"
        raise ValueError(type(one))

    return [pool, on_loop, depends, depends_on_loop, yields]


@pytest.mark.parametrize("around", ["", "a", "d", "ad", "da"])
@pytest.mark.parametrize("which", range(5))
def test_a_failing_call_leaves_nothing(held, around, which):
    make, check = held
    app = Server("t")
    for way in around:
        if way == "a":

            @app.middleware
            async def on_loop(ctx: Context, call_next):
                one = make()
                return await call_next() or one

        else:

            @app.middleware
            def beside(ctx: SyncContext, call_next):
                one = make()
                return call_next() or one

    app.tool("fails")(fails(make)[which])
    with serving(app) as client:
        for _ in range(3):
            client.error("fails")
        check()


def test_a_failing_call_of_the_main_thread_leaves_nothing(held):
    make, check = held
    app = Server("t")
    app.tool("fails", thread="main")(fails(make)[0])

    @app.middleware
    async def on_loop(ctx: Context, call_next):
        return await call_next()

    app.start(http=0)
    call = threading.Thread(target=lambda: asyncio.run(app.call_tool("fails", raise_on_error=False)))
    call.start()
    while call.is_alive():
        app.poll(timeout=0.05)
    check()
    app.close()
    while app.poll(timeout=None):
        pass
