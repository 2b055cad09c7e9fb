"""Servers beside a main loop of the program's own, which polls them."""

import contextvars
import os
import selectors
import signal
import threading
import time
import warnings

import pytest
from http_client import Peer
from programs import TOOLS, ends, start
from tenon_mcp import ForkedError, McpError, NotFound, ServeError, Server, StateError, SyncContext
from wire import SECONDS, Program, beside, serving

FORM = {"type": "object", "properties": {"a": {"type": "string"}}}


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


def test_a_poll_without_time_runs_one_call():
    app = Server("t")
    count = 0

    @app.tool(thread="main")
    def add() -> None:
        nonlocal count
        count += 1

    with beside(app) as client:
        requests = [client.start_call("add") for _ in range(100)]
        client.request("ping")
        for polls in range(1, len(requests) + 1):
            assert app.poll(0)
            assert count == polls
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
            with pytest.raises(StateError, match="is already being served"):
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
