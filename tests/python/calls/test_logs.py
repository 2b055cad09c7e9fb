"""What clients and the program's log get of a failure."""

import asyncio
import contextlib
import logging
import os
import queue
import re
import sys
import threading
import time
import traceback

import pytest
from tenon_mcp import Context, Server, SyncContext
from wire import SECONDS, Program, serving, wait_for


class RecordList(logging.Handler):
    """Keeps records for a test that waits for them."""

    def __init__(self):
        super().__init__()
        self.queue = queue.Queue()

    def emit(self, record):
        self.queue.put(record)

    def next(self):
        return self.queue.get(timeout=SECONDS)


@contextlib.contextmanager
def listening(level=logging.WARNING):
    logger, kept = logging.getLogger("tenon_mcp"), RecordList()
    logger.addHandler(kept)
    logger.setLevel(level)
    logger.propagate = False
    try:
        yield kept
    finally:
        logger.propagate = True
        logger.setLevel(logging.NOTSET)
        logger.removeHandler(kept)


@pytest.fixture
def log():
    with listening() as kept:
        yield kept


class Quiet(Exception):
    pass


class Broken(Exception):
    def __str__(self):
        raise SystemExit("no text")


class Jealous(Exception):
    @property
    def exceptions(self):
        raise ValueError("nobody is to look")


class Endless(Exception):
    @property
    def exceptions(self):
        return (self,)


ERRORS = [
    (RuntimeError("boom"), "boom"),
    (Quiet(), "Quiet"),
    (ValueError("half \udcff of a pair"), "half ? of a pair"),
    (Broken(), "Broken"),
    (Jealous("mine"), "mine"),
    (Endless("round"), "round"),
    (KeyError("k"), "'k'"),
    (OSError(2, "gone", "file"), "[Errno 2] gone: 'file'"),
    (SystemExit(3), "3"),
    (SystemExit(), "SystemExit"),
    (KeyboardInterrupt(), "KeyboardInterrupt"),
    (GeneratorExit(), "GeneratorExit"),
]


def raising(error):
    app = Server("t")

    @app.tool
    def sync():
        raise error

    @app.tool("async")
    async def asynchronous():
        raise error

    @app.tool("later")
    async def later():
        await asyncio.sleep(0)
        raise error

    return app


@pytest.mark.parametrize(("error", "text"), ERRORS, ids=range(len(ERRORS)))
def test_the_client_is_told_the_message_and_the_log_the_traceback(log, error, text):
    with serving(raising(error)) as client:
        for name in ("sync", "async", "later"):
            error.__traceback__ = None
            assert client.call(name) == {"content": [{"type": "text", "text": text}], "isError": True}
            record = log.next()
            assert (record.name, record.levelname) == ("tenon_mcp.call", "ERROR")
            assert record.getMessage() == f"tool '{name}' failed"
            kind, logged, where = record.exc_info
            assert (kind, logged) == (type(error), error)
            frames = traceback.extract_tb(where)
            assert [frame.name for frame in frames] == [{"async": "asynchronous"}.get(name, name)]
            assert all(frame.filename == __file__ for frame in frames)
        assert client.request("ping")["result"] == {}
    assert log.queue.empty()


def test_the_client_is_told_the_last_of_a_chain_and_the_log_all(log):
    app = Server("t")

    @app.tool
    def chained():
        try:
            raise LookupError("secret")
        except LookupError as error:
            raise RuntimeError("told") from error

    with serving(app) as client:
        assert client.error("chained") == "told"
        text = logging.Formatter().format(log.next())
        assert "LookupError: secret" in text and "direct cause" in text and "RuntimeError: told" in text


@pytest.mark.skipif(sys.version_info < (3, 11), reason="groups are newer")
def test_the_client_is_told_the_messages_of_a_group_and_the_log_the_group(log):
    group = ExceptionGroup  # noqa: F821
    nested = group("outer", [ValueError("one"), group("inner", [KeyError("two"), Quiet()])])
    alone = group("outer", [group("inner", [ValueError("alone")])])
    many = group("outer", [ValueError(str(n)) for n in range(100)])
    for error, text in [(nested, "one; 'two'; Quiet"), (alone, "alone"), (many, "0; 1; 2; 3; 4; 5; 6; 7")]:
        with serving(raising(error)) as client:
            for name in ("sync", "async"):
                assert client.error(name) == text
                assert log.next().exc_info[1] is error


def test_a_log_that_raises_costs_nobody_an_answer(log):
    def raises(record):
        raise KeyboardInterrupt

    log.addFilter(raises)
    with serving(raising(RuntimeError("boom"))) as client:
        for name in ("sync", "async", "later") * 3:
            assert client.error(name) == "boom"
        assert client.request("ping")["result"] == {}


def test_results_that_cannot_be_used_are_logged(log):
    app = Server("t")
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}

    @app.tool
    def rubbish():
        return {1}

    @app.tool
    async def no_dict() -> dict:
        return 3

    @app.tool(output_schema=schema)
    def unfit():
        return {"n": "x"}

    @app.tool(output_schema=schema)
    async def unfit_async():
        return {"n": "x"}

    with serving(app) as client:
        for name in ("rubbish", "no_dict", "unfit", "unfit_async"):
            text = client.error(name)
            record = log.next()
            assert (record.name, record.levelname) == ("tenon_mcp.call", "ERROR")
            assert record.getMessage() == text and name in text
    assert log.queue.empty()


def test_records_that_nobody_can_take_are_bounded(log):
    """The loop, which passes them on, is blocked; what fails meanwhile is answered."""
    app = Server("t")
    started, go = threading.Event(), threading.Event()

    @app.tool
    async def block():
        started.set()
        go.wait(SECONDS)

    @app.tool
    def rubbish():
        return {1}

    with serving(app) as client:
        blocker = client.start_call("block")
        assert started.wait(SECONDS)
        for _ in range(30):
            for request in [client.start_call("rubbish") for _ in range(50)]:
                assert client.answer(request)["result"]["isError"] is True
        assert log.queue.empty()
        go.set()
        client.answer(blocker)
        messages = [log.next().getMessage() for _ in range(1025)]
        assert messages[-1] == "476 log records were dropped because too many were waiting"
        assert "set" in messages[0]
    assert log.queue.empty()


def test_what_is_logged_at_the_end_arrives(log):
    app = Server("t")

    @app.tool
    def rubbish():
        app.close()
        return {1}

    with serving(app) as client:
        client.call("rubbish")
    assert "rubbish" in log.next().getMessage()


def test_the_client_s_doings_are_no_errors():
    app = Server("t", drain_timeout=0)
    started = threading.Event()

    @app.tool
    async def wait():
        started.set()
        await asyncio.get_running_loop().create_future()

    @app.tool(timeout=0.01)
    async def slow():
        await asyncio.get_running_loop().create_future()

    @app.tool
    async def ask(ctx: Context):
        await ctx.elicit("?", {"type": "object", "properties": {"a": {"type": "string"}}})

    @app.tool
    def ask_sync(ctx: SyncContext):
        ctx.elicit("?", {"type": "object", "properties": {"a": {"type": "string"}}})

    with listening(logging.INFO) as log:
        with serving(app, capabilities={}) as client:
            request = client.start_call("wait")
            assert started.wait(SECONDS)
            client.cancel(request)
            client.call("slow")
            client.start_call("wait")
            for name in ("ask", "ask_sync"):
                assert "cannot be asked" in client.error(name)
                record = log.next()
                assert (record.levelname, record.exc_info) == ("INFO", None)
                assert f"tool '{name}' ended without an answer" in record.getMessage()
        assert "was cut off" in log.next().getMessage()
        assert log.queue.empty()


def test_a_call_that_the_end_cuts_off_is_named():
    app = Server("t", drain_timeout=0, stdio_drain_timeout=0)
    started = threading.Event()

    @app.tool
    async def stuck():
        started.set()
        await asyncio.get_running_loop().create_future()

    with listening(logging.INFO) as log:
        with serving(app) as client:
            client.start_call("stuck")
            assert started.wait(SECONDS)
            app.close()
        record = log.next()
    assert (record.levelname, record.name) == ("INFO", "tenon_mcp.call")
    message = r"tool \"stuck\" \(request \d+\) was cut off after \d+\.\d s, because the server ended"
    assert re.fullmatch(message, record.getMessage())


def test_what_a_cancelled_call_raises_is_no_error(log):
    app = Server("t", max_workers=1)
    started = threading.Event()

    @app.tool
    async def asynchronous():
        started.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            raise RuntimeError("interrupted")

    @app.tool
    def sync(ctx: SyncContext):
        started.set()
        while not ctx.cancelled:
            time.sleep(0.001)
        raise RuntimeError("interrupted")

    @app.tool
    def after():
        return "after"

    with serving(app) as client:
        for name in ("asynchronous", "sync"):
            started.clear()
            request = client.start_call(name)
            assert started.wait(SECONDS)
            client.cancel(request)
        # On the only worker, so after the other.
        assert client.text("after") == "after"
    assert log.queue.empty()


def test_a_tool_that_cancels_itself_is_logged(log):
    app = Server("t")

    @app.tool
    async def itself():
        raise asyncio.CancelledError("by itself")

    with serving(app) as client:
        assert client.error("itself") == "the tool was cancelled"
        assert "by itself" in logging.Formatter().format(log.next())


def test_without_a_log_of_its_own_a_program_writes_to_stderr():
    source = """
from tenon_mcp import Server

app = Server("t")

@app.tool
def leave():
    raise SystemExit("told")

@app.tool
async def leave_async():
    raise SystemExit("told")

app.run()
"""
    with Program(source) as program:
        for name in ("leave", "leave_async"):
            assert program.client.error(name) == "told"
        program.client.close()
        code, errors = program.wait()
        assert code == 0
        assert errors.count("Traceback (most recent call last):") == 2
        assert errors.count("SystemExit: told") == 2 and errors.count("tool 'leave' failed") == 1


HOLDS = """
import ctypes, logging, os, sys
from tenon_mcp import Server

# Nobody makes it let go between one function of the C library and the next, which keep the interpreter themselves.
sys.setswitchinterval(1000)
libc = ctypes.PyDLL(None)
pipe = os.open(sys.argv[1], os.O_RDWR)
logging.basicConfig(format="%(message)s")
app = Server("t")

@app.tool
def holds() -> str:
    libc.write(2, b"held\\n", 5)
    libc.read(pipe, ctypes.create_string_buffer(1), 1)
    return "released"

@app.notification("acme/told")
def told(n: int) -> None:
    pass

app.run()
"""


def test_what_the_engine_logs_waits_for_no_interpreter(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with Program(HOLDS, str(pipe)) as program:
        client = program.client
        call = client.start_call("holds")
        assert program.said() == "held"
        # Each is refused and logged by the thread that reads; more of them than are kept.
        for _ in range(3000):
            client.send(method="acme/told", params={"n": "x"})
        assert client.request("ping")["result"] == {}
        assert [tool["name"] for tool in client.request("tools/list")["result"]["tools"]] == ["holds"]
        assert program.errors == [b"held\n"]
        with pipe.open("wb") as release:
            release.write(b"x")
        assert client.answer(call)["result"]["content"][0]["text"] == "released"
        # What a program prints while its server ends may come out of order, so all records are awaited before.
        wait_for(lambda: any(b"were dropped" in line for line in program.errors))
        client.close()
        code, errors = program.wait()
        lines = errors.splitlines()
        others = [line for line in lines if "was not called" not in line]
        assert (code, others) == (0, ["held", "1976 log records were dropped because too many were waiting"])
        assert len(lines) == 1026
