"""Servers on uvloop and on asyncio: waking, cancelling and closing."""

import asyncio
import contextvars
import functools
import signal
import sys
import threading
import time

import pytest
from asgi_client import call, ended, value
from tenon_mcp import Context, Server, SyncContext
from wire import SECONDS, Program

TENANT = contextvars.ContextVar("tenant")


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request):
    """Runs a coroutine on a loop of this maker's."""
    if request.param == "asyncio":
        return asyncio.run
    uvloop = pytest.importorskip("uvloop", reason="uvloop is not there for this Python")

    def run(main):
        async def checked():
            assert type(asyncio.get_running_loop()).__module__.startswith("uvloop")
            return await asyncio.wait_for(main, SECONDS)

        return uvloop.run(checked())

    return run


def demo():
    app, told = Server("demo"), []

    @app.tool
    async def add(a: int, b: int) -> int:
        await asyncio.sleep(0)
        return a + b

    @app.tool
    def on_worker(ctx: SyncContext) -> str:
        return f"{TENANT.get()} {threading.current_thread() is threading.main_thread()}"

    @app.tool
    async def forever() -> None:
        told.append("entered")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            told.append("cancelled")
            raise

    @app.tool
    async def where() -> list[int]:
        return [id(asyncio.get_running_loop()), threading.get_ident()]

    @app.tool
    async def greet(ctx: Context) -> str:
        answer = await ctx.elicit("Who?", {"type": "object", "properties": {"name": {"type": "string"}}})
        return f"Hello {answer.content['name']}"

    return app, told


@pytest.mark.parametrize("revision", ["2025-11-25", "2026-07-28"])
def test_calls_questions_and_cancellation_on_the_running_loop(loop, revision):
    from tenon_mcp.testing import Client

    app, told = demo()

    async def main():
        TENANT.set("acme")
        started = asyncio.Event()
        serving = asyncio.create_task(app.serve(http=0, on_started=lambda _: started.set()))
        await started.wait()
        here = [id(asyncio.get_running_loop()), threading.get_ident()]
        async with Client(app, revision=revision, elicit=lambda _: {"name": "Ada"}) as client:
            sums = await asyncio.gather(*(client.call_tool("add", {"a": a, "b": 1}) for a in range(200)))
            assert [sum.data for sum in sums] == list(range(1, 201))
            assert (await client.call_tool("where")).data == here
            assert (await client.call_tool("greet")).text == "Hello Ada"
            assert (await client.call_tool("on_worker")).text == "acme False"
            stuck = asyncio.create_task(client.call_tool("forever"))
            while told != ["entered"]:
                await client.ping()
            stuck.cancel()
            with pytest.raises(asyncio.CancelledError):
                await stuck
            while told != ["entered", "cancelled"]:
                await client.ping()
            # Closing lets go of what goes on for ever, and the task that serves ends by itself.
            left = asyncio.create_task(client.call_tool("forever"))
            while len(told) < 3:
                await client.ping()
            app._running.end()
            with pytest.raises(Exception, match="shut|ended|cancelled"):
                await left
        await serving
        # And again, ended by cancelling it.
        started.clear()
        serving = asyncio.create_task(app.serve(http=0, on_started=lambda _: started.set()))
        await started.wait()
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        assert app.url is None

    loop(main())
    assert told == ["entered", "cancelled"] * 2


def test_turns_whose_time_is_over_at_their_start(loop):
    from tenon_mcp.testing import Client

    app, _ = demo()

    def delay(_, event, function):
        if event == "c_return" and function.__name__ == "begin":
            time.sleep(0.005)

    async def main():
        async with Client(app) as client:
            sys.setprofile(delay)
            try:
                sums = await asyncio.gather(*(client.call_tool("add", {"a": a, "b": 1}) for a in range(100)))
            finally:
                sys.setprofile(None)
            assert [sum.data for sum in sums] == list(range(1, 101))

    loop(asyncio.wait_for(main(), SECONDS))


def test_asgi(loop):
    app, _ = demo()
    serve = app.asgi()

    async def main():
        here = [id(asyncio.get_running_loop()), threading.get_ident()]
        assert await value(call(serve, "where")) == here
        sums = await asyncio.gather(*(value(call(serve, "add", {"a": a, "b": 1})) for a in range(50)))
        assert sums == list(range(1, 51))

    # Its loops come and go.
    for _ in range(3):
        loop(main())
    ended(app)


PROGRAM = """
import asyncio, sys
LOOP
from tenon_mcp import Context, Server

app = Server("demo")

@app.tool
async def greet(ctx: Context) -> str:
    answer = await ctx.elicit("Who?", {"type": "object", "properties": {"name": {"type": "string"}}})
    return f"{type(asyncio.get_running_loop()).__module__} greets {answer.content['name']}"

@app.tool
async def forever(ctx: Context) -> None:
    ctx.progress(1)
    try:
        await asyncio.Event().wait()
    finally:
        print("let go", file=sys.stderr, flush=True)

RUN
"""


@pytest.mark.skipif(sys.version_info >= (3, 16), reason="there are no policies any more")
@pytest.mark.parametrize("how", ["serve", "policy"])
def test_programs(how):
    pytest.importorskip("uvloop", reason="uvloop is not there for this Python")
    loop, run = {
        "serve": ("import uvloop", "uvloop.run(app.serve())"),
        # The loop that the engine makes is of the program's policy.
        "policy": ("import uvloop; asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())", "app.run()"),
    }[how]
    source = PROGRAM.replace("LOOP", f"import warnings; warnings.simplefilter('ignore'); {loop}").replace("RUN", run)
    with Program(source) as program:
        client = program.client
        greeting = client.start_call("greet")
        question = client.question()
        client.send(id=question["id"], result={"action": "accept", "content": {"name": "Ada"}})
        assert client.answer(greeting)["result"]["content"][0]["text"] == "uvloop greets Ada"
        stuck = client.start_call("forever", _meta={"progressToken": 1})
        assert client.receive()["method"] == "notifications/progress"
        client.cancel(stuck)
        assert program.said() == "let go"
        if how == "policy":
            program.interrupt()
            code, errors = program.wait()
            assert code == 128 + signal.SIGINT, errors
        else:
            client.rest()
            assert program.wait()[0] == 0


def test_a_wrapped_function(loop):
    from tenon_mcp.testing import Client

    app = Server("t")

    async def inner(a: int) -> int:
        await asyncio.sleep(0)
        return a

    @app.tool(name="outer")
    @functools.wraps(inner)
    def outer(a: int) -> int:
        return inner(a)

    async def main():
        async with Client(app) as client:
            assert (await client.call_tool("outer", {"a": 3})).data == 3

    loop(main())
