"""On which thread a handler runs, and servers beside a main loop of the program's own."""

import asyncio
import contextvars
import os
import select
import selectors
import signal
import threading
import time
import warnings

import pytest
from http_client import Peer
from programs import TOOLS, ends, start
from tenon_mcp import ForkedError, McpError, NotFound, RegistrationError, ServeError, Server, StateError, SyncContext
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


def test_a_main_loop_polls_while_http_is_served():
    app = Server("t")
    threads = set()

    @app.tool(thread="main")
    def main(n: int) -> int:
        threads.add(threading.current_thread())
        return n

    app.start(http=0)
    answers = {}

    def ask(first):
        peer = Peer(app.url)
        for n in range(first, first + 25):
            answers[n] = peer.call("main", {"n": n}, modern=True).read()

    askers = [threading.Thread(target=ask, args=(100 * n,)) for n in range(4)]
    for asker in askers:
        asker.start()
    with selectors.DefaultSelector() as selector:
        selector.register(app.wake_fd, selectors.EVENT_READ)
        while any(asker.is_alive() for asker in askers):
            if selector.select(0.05):
                assert app.poll()
        app.close()
        # Its end wakes the loop too.
        while app.poll():
            assert selector.select(SECONDS)
    assert threads == {threading.current_thread()}
    assert len(answers) == 100
    assert all(f'"text":"{n}"'.encode() in answer for n, answer in answers.items())
    assert app.url is None and not app.poll(timeout=None)


def test_the_budget_of_a_poll_is_a_limit():
    app = Server("t", poll_budget=SECONDS)
    count = 0

    @app.tool(thread="main")
    def slow() -> None:
        nonlocal count
        count += 1
        time.sleep(0.005)

    with beside(app) as client:
        requests = [client.start_call("slow") for _ in range(3)]
        client.request("ping")
        assert app.poll()
        assert count == 3
        for request in requests:
            client.answer(request)


def test_polling_ends_with_its_budget():
    app = Server("t")
    times = []

    @app.tool(thread="main")
    def slow() -> None:
        times.append(time.monotonic())
        end = times[-1] + 0.02
        while time.monotonic() < end:
            pass

    with beside(app) as client:
        requests = [client.start_call("slow") for _ in range(4)]
        client.request("ping")
        assert app.poll(0.001)
        assert len(times) == 1
        # The first is answered, although others wait; and the descriptor says that they do.
        assert not client.answer(requests[0])["result"].get("isError")
        assert len(times) == 1
        with selectors.DefaultSelector() as selector:
            selector.register(app.wake_fd, selectors.EVENT_READ)
            assert selector.select(SECONDS)
        assert app.poll(SECONDS)
        assert len(times) == 4
        for request in requests[1:]:
            client.answer(request)
        for wrong in (-1, "x", float("nan")):
            with pytest.raises(ValueError, match="budget"):
                app.poll(wrong)
        with pytest.raises(ValueError, match="timeout"):
            app.poll(timeout="x")


@pytest.mark.parametrize("thread", ["loop", "main"])
@pytest.mark.parametrize("modern", [False, True])
def test_who_cannot_wait_for_an_answer_runs_again_with_it(thread, modern):
    app = Server("t")
    attempts = []

    @app.tool(thread=thread)
    def ask(ctx: SyncContext) -> str:
        attempts.append(ctx.once("n", lambda: len(attempts)))
        answer = ctx.elicit("?", FORM)
        return f"{answer.action} {answer.content['a']}"

    @app.tool
    async def free() -> str:
        return "free"

    with serving(app, modern=modern) as client:
        answer = {"action": "accept", "content": {"a": "x"}}
        request = client.start_call("ask")
        if modern:
            first = client.answer(request)["result"]
            assert first["resultType"] == "input_required"
            answers = {key: answer for key in first["inputRequests"]}
            request = client.start_call("ask", inputResponses=answers, requestState=first["requestState"])
        else:
            question = client.question()
            # Nobody waits in there.
            assert client.text("free") == "free"
            client.send(id=question["id"], result=answer)
        assert client.answer(request)["result"]["content"][0]["text"] == "accept x"
    assert attempts == [0, 0]


def test_what_was_cancelled_before_it_was_polled_does_not_run():
    app = Server("t")
    names = []

    @app.tool(thread="main")
    def note(name: str) -> None:
        names.append(name)

    @app.tool(thread="main", timeout=0.02)
    def late() -> None:
        names.append("late")

    with beside(app) as client:
        cancelled = client.start_call("note", {"name": "cancelled"})
        assert "timed out" in client.error("late")
        client.cancel(cancelled)
        request = client.start_call("note", {"name": "not cancelled"})
        client.request("ping")
        while not names:
            app.poll(timeout=1)
        client.answer(request)
    assert names == ["not cancelled"]


@pytest.mark.parametrize("thread", ["pool", "loop", "main"])
def test_context_variables_are_those_of_who_began_to_serve(thread):
    variable = contextvars.ContextVar("variable", default="default")
    app = Server("t")
    seen = []

    @app.tool(thread=thread)
    def get() -> None:
        seen.append(variable.get())
        variable.set("changed")

    def main():
        variable.set("outer")
        with beside(app) as client:
            variable.set("later")
            for n in range(2):
                client.start_call("get")
                while len(seen) == n:
                    assert app.poll(timeout=0.05)

    contextvars.Context().run(main)
    assert seen == ["outer", "outer"]


@pytest.mark.parametrize("thread", ["loop", "main"])
def test_what_is_raised_fails_the_call(thread):
    app = Server("t")

    @app.tool(thread=thread)
    def fail(how: str) -> None:
        raise {"exit": SystemExit(3), "error": LookupError("not there"), "mcp": McpError(-5, "mine")}[how]

    @app.resource("test://{x}", thread=thread)
    def nothing(x: str) -> str:
        raise NotFound

    with serving(app) as client:
        assert client.error("fail", how="exit") == "3"
        assert client.error("fail", how="error") == "not there"
        assert client.answer(client.start_call("fail", {"how": "mcp"}))["error"]["code"] == -5
        assert client.request("resources/read", uri="test://a")["error"]["code"] == -32002


def test_an_interrupt_goes_through_poll():
    source = TOOLS + """
@app.tool(thread="main")
def main(ctx: SyncContext) -> None:
    ctx.progress(1)
    # In short turns: an interrupt just before a sleep begins does not end it.
    while True:
        time.sleep(0.01)

app.start()
try:
    while app.poll(timeout=None):
        pass
except KeyboardInterrupt:
    print("interrupted", file=sys.stderr)
"""
    with Program(source) as program:
        request = start(program, "main")
        program.interrupt()
        assert program.client.answer(request)["result"]["isError"]
        assert program.wait() == (0, "interrupted\n")


def test_a_program_that_just_ends_lets_async_functions_clean_up():
    source = TOOLS + """
@app.tool
async def waits(ctx: Context) -> None:
    ctx.progress(1)
    try:
        await asyncio.sleep(60)
    finally:
        time.sleep(0.3)
        print("cleaned up", file=sys.stderr)

@app.tool(thread="main")
def leave() -> None:
    raise KeyboardInterrupt

app.start()
try:
    while app.poll(timeout=None):
        pass
except KeyboardInterrupt:
    pass
"""
    with Program(source) as program:
        start(program, "waits")
        program.client.start_call("leave", {})
        assert program.wait() == (0, "cleaned up\n")


@pytest.mark.parametrize("name", ["main_python", "main_sleep", "main_c", "loop_sleep"])
@pytest.mark.parametrize("alone", [False, True])
def test_ctrl_c_ends_what_blocks_the_main_thread(name, alone):
    source = TOOLS[: TOOLS.index("@app.tool")] if alone and name != "loop_sleep" else TOOLS
    source += """
@app.tool(thread="main")
def main_python(ctx: SyncContext) -> None:
    ctx.progress(1)
    while True:
        pass

@app.tool(thread="main")
def main_sleep(ctx: SyncContext) -> None:
    ctx.progress(1)
    time.sleep(60)

@app.tool(thread="main")
def main_c(ctx: SyncContext) -> None:
    ctx.progress(1)
    hold_interpreter()

if "loop" in sys.argv[1]:
    @app.tool(thread="loop")
    def loop_sleep(ctx: SyncContext) -> None:
        ctx.progress(1)
        time.sleep(60)

app.run()
"""
    with Program(source, name) as program:
        start(program, name)
        program.process.send_signal(signal.SIGINT)
        assert ends(program) == 130


def test_exit_beside_a_started_server():
    source = TOOLS + """
pending = threading.Semaphore(0)

@app.tool
async def pend():
    pending.release()
    await asyncio.sleep(60)

@app.tool
def pend_sync():
    pending.release()
    time.sleep(60)

@app.tool(thread="main")
def main():
    pass

app.start()
pending.acquire()
pending.acquire()
print("exit", file=sys.stderr)
"""
    with Program(source) as program:
        for name in ("pend", "pend_sync", "main"):
            program.client.start_call(name)
        assert program.wait() == (0, "exit\n")


def test_starting_again_and_wrongly():
    app = Server("t")
    for wrong in (app.poll, lambda: app.wake_fd):
        with pytest.raises(StateError, match="start"):
            wrong()
    for _ in range(2):
        with beside(app, http=0) as client:
            with pytest.raises(StateError, match="is being served already"):
                app.start(http=0)
            other = Server("t")
            with pytest.raises(ServeError, match="in use"):
                other.start(http=app.url.removeprefix("http://"))
            with pytest.raises(StateError):
                other.poll()
            assert client.request("ping")["result"] == {}


def test_a_child_of_a_started_server_does_not_poll():
    app = Server("t")
    with beside(app) as client:
        with warnings.catch_warnings():
            # Python warns that threads do not survive a fork, which is the point.
            warnings.simplefilter("ignore")
            pid = os.fork()
        if pid == 0:
            code = 1
            try:
                app.poll()
            except ForkedError:
                code = 7
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
        assert client.request("ping")["result"] == {}


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
