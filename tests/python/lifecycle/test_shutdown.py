"""Shutdown by signals and by the end of input, with handlers that block."""

import json
import signal
import socket
import subprocess
import time
import urllib.parse

import pytest
from programs import BLOCKED, PATIENT, RUN, TOOLS, WITHIN, ends, start
from wire import END, SECONDS, Program


@pytest.mark.parametrize("name", [None, *BLOCKED, "ask"])
def test_ctrl_c_ends_at_the_first_press(name):
    with Program(RUN) as program:
        program.client.request("ping")
        if name:
            start(program, name)
        program.interrupt()
        assert ends(program, name) == 130


@pytest.mark.parametrize("name", BLOCKED)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_at_once(name, number):
    with Program(PATIENT) as program:
        start(program, name)
        # Two that come at once may count as one.
        for _ in range(100):
            program.process.send_signal(number)
            try:
                program.process.wait(0.05)
                break
            except subprocess.TimeoutExpired:
                pass
        assert ends(program, name) == 128 + number


def test_what_was_printed_is_not_lost_at_the_second_signal():
    source = TOOLS.replace("drain_timeout=0.5", "drain_timeout=60, stdio_drain_timeout=60") + """
@app.tool
def printing(ctx: SyncContext):
    print("printed", flush=True)
    ctx.progress(1)
    time.sleep(60)

app.run()
"""
    with Program(source) as program:
        start(program, "printing")
        for number in (signal.SIGINT, signal.SIGTERM):
            program.process.send_signal(number)
        code, errors = program.wait()
        assert code in (130, 143) and errors == "printed\n"


@pytest.mark.parametrize(("dies", "number"), [("os.abort()", signal.SIGABRT), ("ctypes.string_at(0)", signal.SIGSEGV)])
def test_what_was_printed_before_a_crash_is_not_lost(dies, number):
    source = f"""
import ctypes, os, resource
import tenon_mcp

app = tenon_mcp.Server("crash")

@app.tool
def crash():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print("last words", flush=True)
    {dies}

app.run()
"""
    # Often, since what is on its way when a process dies is mostly lost where nothing waits for it.
    for _ in range(5):
        with Program(source) as program:
            program.client.start_call("crash")
            assert program.wait() == (-number, "last words\n")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
@pytest.mark.parametrize("name", ["wait", "block", "sleep"])
def test_a_signal_ends_a_drain(name, number, code):
    say = "lambda app: print(app.url, file=sys.stderr, flush=True)"
    source = PATIENT.replace("app.run()", f"app.run(stdio=True, http=0, on_started={say})")
    with Program(source) as program:
        request = start(program, name)
        address = urllib.parse.urlsplit(program.said())
        program.client.close()
        # The server is ending when it does not listen any more.
        with pytest.raises((ConnectionRefusedError, ConnectionResetError)):
            while True:
                socket.create_connection((address.hostname, address.port), SECONDS).close()
        program.process.send_signal(number)
        assert "shutting down" in program.client.answer(request)["error"]["message"]
        finished, errors = program.wait(WITHIN)
        assert finished == code and errors.count("\n") == 1


@pytest.mark.parametrize("name", BLOCKED)
def test_the_end_of_the_input_ends_the_process_about_a_second_later(name):
    with Program(RUN.replace("drain_timeout=0.5", "")) as program:
        start(program, name)
        began = time.monotonic()
        program.client.close()
        assert ends(program, name) == 0
        took = time.monotonic() - began
        print(f"{name}: gone after {took:.2f} s")
        assert 0.9 < took


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
@pytest.mark.parametrize("name", ["block", "sleep", "wait"])
def test_a_program_may_go_on_after_a_signal(number, code, name):
    source = TOOLS + """
handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
try:
    app.run()
except SystemExit as error:
    print("exit", error.code)
    raise
finally:
    assert handlers == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    print("cleaned up")
print("went on")
"""
    with Program(source, connect=False) as program:
        # Not read as messages: what the program prints after the end comes the same way.
        output = program.process.stdout
        meta = {"progressToken": 1}
        client = {"name": "t", "version": "1"}
        for message in (
            {"id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {},
                                                         "clientInfo": client}},
            {"method": "notifications/initialized"},
            {"id": 2, "method": "tools/call", "params": {"name": name, "_meta": meta}},
        ):
            program.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        program.process.stdin.flush()
        assert b'"serverInfo"' in output.readline() and b'"progress"' in output.readline()
        program.process.send_signal(number)
        assert b'"error"' in output.readline()
        rest = output.read().decode()
        assert rest == ("exit 130\ncleaned up\n" if code else "cleaned up\nwent on\n")
        assert ends(program) == code


def test_a_signal_that_is_ignored_stays_ignored():
    source = TOOLS + "\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\napp.run()\n"
    with Program(source) as program:
        program.client.request("ping")
        program.interrupt()
        assert program.client.text("add", a=1, b=2) == "3"
        assert program.client.text("soon_sync") == "done"
        program.terminate()
        assert ends(program) == 0


def test_a_handler_that_the_program_installs_meanwhile_is_its_own():
    source = TOOLS + """
def mine(*_): os.write(2, b"mine\\n")
app.run(on_started=lambda app: signal.signal(signal.SIGINT, mine))
assert signal.getsignal(signal.SIGINT) is mine
"""
    with Program(source) as program:
        # The loop runs after the hook.
        assert program.client.text("soon") == "done"
        program.interrupt()
        assert program.said() == "mine"
        assert program.client.text("add", a=1, b=2) == "3"
        program.client.close()
        assert program.wait() == (0, "mine\n")


def test_serve_leaves_signals_alone():
    source = TOOLS + """
def handlers():
    return signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

async def main():
    before = handlers()
    await app.serve(http=0, on_started=lambda app: (print(handlers() == before), app.close()))

asyncio.run(main())
"""
    with Program(source, connect=False) as program:
        assert program.process.stdout.read() == b"True\n"
        assert ends(program) == 0


def test_run_leaves_signals_alone_if_told_to():
    with Program(TOOLS + "\napp.run(signals=False)\n") as program:
        program.client.text("add", a=1, b=2)
        program.interrupt()
        code, errors = program.wait()
        assert code == -signal.SIGINT and errors.endswith("\nKeyboardInterrupt\n")


@pytest.mark.parametrize("name", ["block", "spin", "late"])
@pytest.mark.parametrize("how", ["app.run(signals=False)", "asyncio.run(app.serve(on_started=plain))"])
def test_a_ctrl_c_that_is_pythons_own_is_no_failure_of_the_tool_it_hits(how, name):
    source = TOOLS + f"""
@app.tool
async def late(ctx: Context):
    await asyncio.sleep(0)
    ctx.progress(1)
    sleep_on_the_main_thread()

def plain(app):
    # Newer versions of asyncio.run cancel what it runs at the first Ctrl-C, which a blocked loop does not notice.
    signal.signal(signal.SIGINT, signal.default_int_handler)

try:
    {how}
finally:
    print("cleaned up", file=sys.stderr)
"""
    with Program(source) as program:
        request = start(program, name)
        program.interrupt()
        answer = program.client.answer(request)
        assert answer.get("result", {}).get("isError") is True, answer
        code, errors = program.wait()
        assert code == -signal.SIGINT
        assert errors.startswith("cleaned up\nTraceback") and errors.count("\nKeyboardInterrupt") == 1, errors


def test_a_serve_that_is_cancelled_returns_when_the_server_has_ended():
    source = TOOLS + """
async def main():
    def errors():
        return os.fstat(2).st_ino

    started, before = asyncio.Event(), errors()
    serving = asyncio.create_task(app.serve(on_started=lambda app: started.set()))
    await started.wait()
    assert errors() != before
    serving.cancel()
    try:
        await serving
    except asyncio.CancelledError:
        # A server gives the standard descriptors back at its end.
        print(errors() == before, file=sys.stderr)

asyncio.run(main())
"""
    with Program(source, connect=False) as program:
        assert program.wait() == (0, "True\n")


def test_ctrl_c_ends_an_http_server():
    with Program(TOOLS + "\napp.run(http='127.0.0.1:0')\n", connect=False) as program:
        assert program.said().startswith("t is listening on http://127.0.0.1:")
        program.interrupt()
        code, errors = program.wait()
        assert code == 130 and errors.count("\n") == 1, errors
        assert program.process.stdout.read() == b""


def test_sigterm_ends_cleanly():
    with Program(RUN) as program:
        program.client.request("ping")
        program.terminate()
        assert program.wait() == (0, "")


@pytest.mark.parametrize("name", ["soon", "soon_sync"])
def test_sigterm_lets_a_call_finish(name):
    with Program(RUN) as program:
        request = start(program, name)
        program.terminate()
        assert program.client.answer(request)["result"]["content"][0]["text"] == "done"
        assert program.wait() == (0, "")


@pytest.mark.parametrize("name", [*BLOCKED, "ask"])
def test_sigterm_gives_up_on_a_call_that_does_not_end(name):
    with Program(RUN) as program:
        start(program, name)
        program.terminate()
        assert ends(program, name) == 0


@pytest.mark.parametrize("name", ["soon", "soon_sync"])
def test_the_end_of_the_input_lets_calls_finish(name):
    with Program(RUN) as program:
        request = start(program, name)
        program.client.close()
        assert program.client.answer(request)["result"]["content"][0]["text"] == "done"
        assert program.client.receive() is END
        assert program.wait() == (0, "")


CLOSES = TOOLS + """
import atexit, hashlib

@app.tool
async def hash(ctx: Context):
    # Blocks the loop in C, for longer than the process of an ended server stays otherwise.
    began = time.monotonic()
    hashlib.pbkdf2_hmac("sha256", b"x", b"y", 100_000)
    took = time.monotonic() - began
    ctx.progress(1)
    hashlib.pbkdf2_hmac("sha256", b"x", b"y", int(100_000 * SECONDS / took))

atexit.register(lambda: print("atexit", file=sys.stderr))
app.run()
print("went on", file=sys.stderr)
sys.exit(4)
"""


def test_a_program_that_closes_its_server_goes_on_after_a_tool_that_blocks_in_c():
    with Program(CLOSES.replace("SECONDS", "3")) as program:
        start(program, "hash")
        assert program.client.text("close_sync") == "closing"
        assert program.wait() == (4, "went on\natexit\n")


# The machine is slow after the previous handlers are back, for several intervals of interruptions.
SLOW_RESTORE = """
from tenon_mcp._serve import signals

class Slow:
    def __getattr__(self, name):
        return getattr(original, name)

    def signal(self, number, handler):
        before = original.signal(number, handler)
        if handler is original.default_int_handler:
            time.sleep(0.5)
        return before

original, signals.signal = signals.signal, Slow()
"""


def test_no_interruption_arrives_after_the_previous_handlers_are_back():
    with Program(CLOSES.replace("SECONDS", "1").replace("app.run()", SLOW_RESTORE + "app.run()")) as program:
        start(program, "hash")
        assert program.client.text("close_sync") == "closing"
        assert program.wait() == (4, "went on\natexit\n")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_signal_ends_a_closed_server_whose_tool_blocks_in_c(number, code):
    with Program(CLOSES.replace("SECONDS", "60")) as program:
        request = start(program, "hash")
        assert program.client.text("close_sync") == "closing"
        program.process.send_signal(number)
        program.client.answer(request)
        assert program.wait(WITHIN) == (code, "")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
@pytest.mark.parametrize(
    "module", ["", "asyncio", "asyncio.events", "tenon_mcp._runtime.bridge", "tenon_mcp._serve.serving"]
)
def test_a_signal_while_run_loads_its_modules_ends_the_server(module, number, code):
    source = f"""
import os, sys
from tenon_mcp import Server

class Finder:
    # Asked for every module that is loaded from now on; "" stands for the first.
    sent = []

    def find_spec(self, name, path, target=None):
        if not self.sent and name.startswith({module!r}):
            self.sent.append(name)
            os.kill(os.getpid(), {int(number)})

app = Server("t")
@app.tool
async def x(): return "x"
sys.meta_path.insert(0, Finder())
try:
    app.run()
finally:
    print(len(Finder.sent), file=sys.stderr)
"""
    with Program(source, connect=False) as program:
        assert program.wait(WITHIN) == (code, "1\n")


INTERRUPTED_WRITE = TOOLS + """
class Interrupted:
    \"\"\"Standard error, in which the signal always interrupts a write.\"\"\"
    def write(self, text):
        return original.write(text)

    def flush(self):
        raise RuntimeError("reentrant call inside <_io.BufferedWriter name='<stderr>'>")

original, sys.stderr = sys.stderr, Interrupted()
app.run()
"""


def test_a_second_signal_ends_the_process_in_the_middle_of_a_write_to_standard_error():
    with Program(INTERRUPTED_WRITE) as program:
        start(program, "block")
        program.process.send_signal(signal.SIGINT)
        time.sleep(0.05)  # Two signals at once are one.
        program.process.send_signal(signal.SIGINT)
        assert program.wait(WITHIN)[0] == 128 + signal.SIGINT
