"""On which thread a handler runs."""

import asyncio
import contextvars
import select
import threading
import time

import pytest
from programs import TOOLS
from tenon_mcp import McpError, RegistrationError, Server, SyncContext
from wire import SECONDS, Program, beside, serving

FORM = {"type": "object", "properties": {"a": {"type": "string"}}}


def ran(app):
    """Polls until a call was run; gives its thread."""
    app.ran.clear()
    end = time.monotonic() + SECONDS
    while not app.ran:
        assert time.monotonic() < end and app.poll(timeout=1)
    return app.ran[0]


def threaded():
    app = Server("t")
    app.ran = []

    def note():
        app.ran.append(threading.current_thread())
        return threading.current_thread().name

    @app.tool
    def pool() -> str:
        return note()

    @app.tool(thread="loop")
    def loop() -> str:
        asyncio.get_running_loop()
        return note()

    @app.tool(thread="main")
    def main() -> str:
        return note()

    @app.tool("async", thread="loop")
    async def asynchronous() -> str:
        return note()

    @app.resource("test://main", thread="main")
    def resource() -> str:
        return note()

    @app.prompt(thread="main")
    def prompt() -> str:
        return note()

    return app


@pytest.mark.parametrize("beside_async", [False, True])
def test_threads_of_a_server_that_runs(beside_async):
    app = threaded()
    if not beside_async:
        for name in ("loop", "async"):
            app.remove("tool", name)
    with serving(app) as client:
        # `serving` runs the server on a thread, which is its main thread then.
        server = client.text("main")
        assert server.startswith("Thread-") and client.text("pool") == "tenon-worker"
        if beside_async:
            assert client.text("loop") == client.text("async") == server
        contents = client.request("resources/read", uri="test://main")["result"]["contents"]
        assert contents[0]["text"] == server
        messages = client.request("prompts/get", name="prompt")["result"]["messages"]
        assert messages[0]["content"]["text"] == server


def test_run_without_a_loop_runs_what_is_for_the_main_thread():
    source = TOOLS[: TOOLS.index("@app.tool")] + """
@app.tool(thread="main")
def main() -> str:
    return f"{threading.current_thread() is threading.main_thread()} {'asyncio.events' in sys.modules}"

app.run()
""".replace("import asyncio, ", "")
    source = source.replace("import asyncio, ctypes", "import ctypes")
    with Program(source) as program:
        for _ in range(3):
            assert program.client.text("main") == "True False"
        program.client.close()
        assert program.wait() == (0, "")


def test_a_main_loop_beside_a_server():
    app = threaded()
    with beside(app) as client:
        # All but what is for the main thread runs without it.
        assert client.text("pool") == "tenon-worker"
        assert client.text("loop") == client.text("async") == "tenon-loop"
        assert len(client.request("tools/list")["result"]["tools"]) == 4
        for start_one in (
            lambda: client.start_call("main"),
            lambda: client.start("resources/read", uri="test://main"),
            lambda: client.start("prompts/get", name="prompt"),
        ):
            request = start_one()
            client.request("ping")
            assert ran(app) is threading.current_thread()
            assert "result" in client.answer(request)
        assert app.poll()


def test_threads_that_are_wrong():
    app = Server("t")
    for thread, function, part in [
        ("gpu", lambda: None, "thread must be 'pool', 'loop' or 'main', not 'gpu'"),
        ("pool", asyncio.sleep, "async function runs on the loop"),
        ("main", asyncio.sleep, "async function runs on the loop"),
    ]:
        with pytest.raises(RegistrationError, match=part):
            app.tool("t", thread=thread)(function)


def test_async_middleware_has_functions_of_the_main_thread_run_where_it_polls():
    app = Server("t", stdio_drain_timeout=0)
    app.ran, context, cancelled = [], contextvars.ContextVar("context"), threading.Event()

    @app.middleware
    async def around(ctx, call_next):
        context.set("around")
        try:
            result = await call_next()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return f"{result} {threading.current_thread().name}"

    @app.tool(thread="main")
    def name(ctx: SyncContext) -> str:
        app.ran.append(threading.current_thread())
        return f"{threading.current_thread().name} {context.get()}"

    @app.tool(thread="main")
    def fails() -> str:
        app.ran.append(threading.current_thread())
        raise McpError(7, "no")

    @app.tool(thread="main")
    def asks(ctx: SyncContext) -> str:
        app.ran.append(threading.current_thread())
        return ctx.elicit("What?", FORM).content["a"]

    @app.tool(thread="main")
    def interrupted() -> str:
        raise KeyboardInterrupt

    main = threading.current_thread()
    with beside(app) as client:
        call = client.start_call("name")
        assert ran(app) is main
        text = client.answer(call)["result"]["content"][0]["text"]
        assert text == f"{main.name} around tenon-loop"
        # Several at once, one poll after the other.
        calls = [client.start_call("name") for _ in range(3)]
        app.ran.clear()
        while len(app.ran) < 3:
            assert app.poll(0, timeout=1)
        assert all("result" in client.answer(call) for call in calls)
        call = client.start_call("fails")
        assert ran(app) is main
        assert client.answer(call)["error"]["code"] == 7
        # A question ends the attempt; the function runs again with the answer.
        call = client.start_call("asks")
        assert ran(app) is main
        question = client.receive()
        client.send(id=question["id"], result={"action": "accept", "content": {"a": "this"}})
        assert ran(app) is main
        assert client.answer(call)["result"]["content"][0]["text"].startswith("this ")
        call = client.start_call("interrupted")
        with pytest.raises(KeyboardInterrupt):
            while app.poll(timeout=SECONDS):
                pass
        assert client.answer(call)["result"]["isError"]
        # One that is cancelled before the thread polls is not begun.
        cancelled.clear()
        call = client.start_call("name")
        select.select([app.wake_fd], [], [], SECONDS)
        client.send(method="notifications/cancelled", params={"requestId": call})
        assert cancelled.wait(SECONDS)
        app.ran.clear()
    assert app.ran == []
