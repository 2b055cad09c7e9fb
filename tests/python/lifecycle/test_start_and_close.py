"""Start, close and fork of servers."""

import asyncio
import os
import signal
import subprocess
import sys

import pytest
from programs import RUN, TOOLS
from tenon_mcp import ForkedError, RegistrationError, ServeError, Server, StateError, TenonError
from wire import SECONDS, Program, serving


def test_calls_sent_before_the_end_of_the_input_are_answered():
    with Program(RUN) as program:
        requests = [program.client.start_call("add", {"a": n, "b": 1}) for n in range(200)]
        messages = program.client.rest()
        assert sorted(message["id"] for message in messages) == requests
        assert program.wait() == (0, "")


def test_nothing_that_is_printed_reaches_the_client():
    source = TOOLS + "\nprint('before')\nsys.stdout.flush()\napp.run()\nprint('after')\n"
    with Program(source, connect=False) as program:
        lines = [b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18",'
                 b'"capabilities":{},"clientInfo":{"name":"t","version":"1"}}}',
                 b'{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"noisy"}}']
        program.process.stdin.write(b"\n".join(lines) + b"\n")
        program.process.stdin.close()
        before, first, second, after = program.process.stdout.read().splitlines()
        assert (before, after) == (b"before", b"after")
        assert b'"serverInfo"' in first and b'"quiet"' in second
        _, errors = program.wait()
        assert sorted(errors.split("\n")) == ["", "from a child", "from print", "from write"]


@pytest.mark.parametrize("name", ["close", "close_sync"])
def test_close_inside_a_tool(name):
    with Program(RUN) as program:
        arguments = {"times": 3} if name == "close" else {}
        assert program.client.text(name, **arguments) == "closing"
        assert program.wait() == (0, "")


@pytest.mark.parametrize("end", ["", "sys.exit(0)", "app.close(); app.close()"])
def test_exit_with_calls_pending(end):
    source = TOOLS + f"""
pending = threading.Semaphore(0)

@app.tool
async def pend():
    pending.release()
    await asyncio.sleep(60)

@app.tool
def pend_sync():
    pending.release()
    time.sleep(60)

@app.tool
def pend_python():
    pending.release()
    while True:
        pass

threading.Thread(target=app.run, daemon=True).start()
for _ in range(7):
    pending.acquire()
print("exit", file=sys.stderr)
{end}
"""
    with Program(source) as program:
        for name in ["pend"] * 3 + ["pend_sync"] * 3 + ["pend_python"]:
            program.client.start_call(name)
        assert program.wait() == (0, "exit\n")


def test_exit_right_after_the_start():
    source = TOOLS + "\nthreading.Thread(target=app.run, daemon=True).start()\ntime.sleep(float(sys.argv[1]))\n"
    for n in range(10):
        with Program(source, str(n / 300), connect=False) as program:
            assert program.wait() == (0, "")


FORKED = TOOLS + """
def forked(what):
    sys.stderr.flush()
    if pid := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        what()
    except Exception as error:
        os.write(2, f"{type(error).__name__}: {error}\\n".encode())
    sys.exit(7)

@app.tool
def fork(what: str) -> int:
    return forked(getattr(app, what))

@app.tool
async def fork_async(what: str) -> int:
    return forked(getattr(app, what))

@app.tool
def fork_and_return() -> str:
    if pid := os.fork():
        return str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    return "from the child"

@app.tool
async def fork_and_raise() -> str:
    if pid := os.fork():
        return str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    raise LookupError("in the child")

@app.tool
async def fork_and_signal(name: str) -> int:
    import signal
    reader, writer = os.pipe()
    if pid := os.fork():
        if name == "SIGINT":
            os.read(reader, 1)
        os.kill(pid, getattr(signal, name))
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.write(writer, b"x")
    time.sleep(60)

@app.tool
def pool() -> list:
    import multiprocessing
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return pool.map(abs, [-1, -2])
"""


def test_a_child_of_a_started_server_gets_an_error_and_harms_nothing():
    # In a tool, so on a worker thread: Python warns that threads do not survive a fork, which is the point.
    source = "import warnings; warnings.simplefilter('ignore')\n" + FORKED + """
app.run(on_started=lambda app: forked(app.close))
"""
    with Program(source) as program:
        for what in ("close", "run"):
            assert program.client.text("fork", what=what) == "7"
            assert program.client.text("fork_async", what=what) == "7"
        assert program.client.text("fork_and_return") == "0"
        assert program.client.text("fork_and_raise") == "1"
        assert program.client.text("fork_and_signal", name="SIGTERM") == str(-signal.SIGTERM)
        assert program.client.text("fork_and_signal", name="SIGINT") == "1"
        assert program.client.text("pool") == "[1,2]"
        assert program.client.text("add", a=1, b=2) == "3"
        program.client.close()
        code, errors = program.wait()
        assert code == 0
        assert errors.count("ForkedError: the server was started before this process was forked") == 5, errors
        assert errors.count("LookupError: in the child") == 1
        assert errors.count("\nKeyboardInterrupt\n") == 1


def test_a_server_that_is_only_data_survives_a_fork():
    source = FORKED + """
if forked(lambda: app.run()) != 7:
    sys.exit(1)
"""
    with Program(source) as program:
        assert program.client.text("add", a=1, b=2) == "3"
        program.client.close()
        assert program.wait() == (0, "")


def test_a_program_without_standard_error_prints_nowhere():
    source = TOOLS.replace("import asyncio,", "import os; os.close(2)\nimport asyncio,") + """
@app.tool
def errors() -> str:
    print("hello")
    os.write(2, b"hello")
    return os.readlink("/proc/self/fd/2") + " " + subprocess.check_output(["readlink", "/proc/self/fd/2"], text=True)

app.run()
"""
    with Program(source) as program:
        assert program.client.text("errors") == "/dev/null /dev/null\n"
        program.client.close()
        assert program.wait() == (0, "")


def test_without_standard_error_the_address_is_not_printed_to_the_output():
    source = """
import threading
import tenon_mcp
app = tenon_mcp.Server("t", version="1")

@app.on("start")
def end():
    threading.Timer(0, app.close).start()

app.run(http="127.0.0.1:0")
print("ended")
"""
    command = ["bash", "-c", 'exec "$0" -c "$1" 2>&-', sys.executable, source]
    run = subprocess.run(command, stdout=subprocess.PIPE, timeout=60, text=True, check=True)
    assert run.stdout == "ended\n"


def test_import_does_no_work():
    source = """
import sys, threading
before = set(sys.modules)
import tenon_mcp
new = set(sys.modules) - before
heavy = {"asyncio", "inspect", "dataclasses", "socket", "json", "logging"} & new
print(sorted(heavy), threading.active_count(), len(__import__("os").listdir("/proc/self/task")))
"""
    run = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=SECONDS)
    assert run.stdout == "[] 1 1\n", run


def test_signal_handlers_are_put_back():
    source = TOOLS + """
import signal
def mine(*_): os.write(2, b"mine\\n")
signal.signal(signal.SIGINT, mine)
seen = []
app.run(stdio=False, http=0, on_started=lambda app: (seen.append(signal.getsignal(signal.SIGINT) is mine), app.close()))
app.run(stdio=False, http=0, signals=False,
        on_started=lambda app: (seen.append(signal.getsignal(signal.SIGINT) is mine), app.close()))
print(seen, signal.getsignal(signal.SIGINT) is mine, signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
"""
    with Program(source, connect=False) as program:
        assert program.process.stdout.read() == b"[False, True] True True\n"
        assert program.wait() == (0, "")


def test_a_server_is_served_once_at_a_time_but_again_and_again():
    app = Server("t")

    @app.tool
    async def again() -> str:
        try:
            await app.serve(http=0)
        except StateError as error:
            return str(error)

    @app.tool
    async def nested() -> str:
        try:
            app.run()
        except StateError as error:
            return str(error)

    for _ in range(3):
        with serving(app) as client:
            assert "is already being served" in client.text("again")
            assert "use await serve()" in client.text("nested")


def test_serve_on_a_running_loop():
    app = Server("t")

    async def main():
        started = asyncio.Event()
        task = asyncio.create_task(app.serve(http="127.0.0.1:0/here", on_started=lambda _: started.set()))
        await asyncio.wait_for(started.wait(), SECONDS)
        assert app.url.startswith("http://127.0.0.1:") and app.url.endswith("/here")
        app.close()
        app.close()
        await asyncio.wait_for(task, SECONDS)
        assert app.url is None
        # Cancelling ends it too.
        started.clear()
        task = asyncio.create_task(app.serve(http=0, on_started=lambda _: started.set()))
        await asyncio.wait_for(started.wait(), SECONDS)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, SECONDS)
        assert app.url is None

    asyncio.run(main())


def test_a_hook_that_raises_ends_the_server():
    app = Server("t")

    def hook(_):
        raise LookupError("hook")

    for _ in range(2):
        with pytest.raises(LookupError):
            app.run(http=0, on_started=hook)
    assert app.url is None


def test_a_port_in_use():
    app, other = Server("t"), Server("t")

    async def main():
        started = asyncio.Event()
        task = asyncio.create_task(app.serve(http=0, on_started=lambda _: started.set()))
        await asyncio.wait_for(started.wait(), SECONDS)
        for _ in range(2):
            with pytest.raises(ServeError, match="in use") as caught:
                await other.serve(http=app.url.removeprefix("http://"))
            assert isinstance(caught.value, OSError)
        app.close()
        await asyncio.wait_for(task, SECONDS)

    asyncio.run(main())


def test_a_port_in_use_ends_a_program_with_an_error():
    app = Server("t")

    def taken(app):
        address = app.url.removeprefix("http://")
        with Program(f"from tenon_mcp import Server\nServer('t').run(http={address!r})\n", connect=False) as program:
            code, errors = program.wait()
            assert code == 1 and "in use" in errors and address.split("/")[0] in errors
        app.close()

    app.run(http=0, on_started=taken)


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"http": True}, "bool"),
        ({"http": "nowhere"}, "host:port"),
        ({"http": 70000}, "70000"),
        ({"http": {"prot": 1}}, "unknown http option 'prot'"),
        ({"http": {"allowed_hosts": "a"}}, "allowed_hosts"),
        ({"http": {"port": 0, "allowed_hosts": ["a:80"]}}, "allowed hosts"),
        ({"http": {"port": 0, "allowed_origins": ["https://a/"]}}, "allowed origins"),
        ({"http": {"port": 0, "allowed_headers": "x-a"}}, "allowed_headers must be a list"),
        ({"http": {"port": 0, "allowed_headers": ["x a"]}}, 'allowed headers: "x a" is not a header name'),
        ({"http": b"8000"}, "bytes"),
        ({"stdio": 3}, "descriptors"),
        ({"stdio": False}, "transport"),
    ],
    ids=str,
)
def test_options_that_are_wrong(options, part):
    app = Server("t")
    with pytest.raises((RegistrationError, TenonError), match=part):
        app.run(**options)
    with pytest.raises(OSError):
        app.run(stdio=(10**6, 1))


def test_http_options():
    app = Server("t")
    urls = []
    for http in ["0", "127.0.0.1:0", {"port": 0}, {"host": "::1", "port": 0, "path": "/x"}, {"port": 0,
                 "allowed_hosts": ["example.com"], "allowed_origins": ["https://example.com"]}]:
        app.run(http=http, on_started=lambda app: (urls.append(app.url), app.close()))
    assert [url[:16] + url[url.rindex("/") :] for url in urls] == [
        "http://127.0.0.1/mcp",
        "http://127.0.0.1/mcp",
        "http://127.0.0.1/mcp",
        "http://[::1]:" + urls[3][13:16] + "/x",
        "http://127.0.0.1/mcp",
    ]


def test_close_without_a_start():
    app = Server("t")
    app.close()
    assert app.url is None


def test_errors_have_common_bases():
    assert issubclass(ForkedError, StateError) and issubclass(StateError, RuntimeError)
    assert issubclass(RegistrationError, ValueError) and issubclass(ServeError, OSError)
    for error in (ForkedError, StateError, RegistrationError, ServeError):
        assert issubclass(error, TenonError)


def test_the_descriptors_given_stay_the_callers():
    app = Server("t")
    to_server, ours = os.pipe()
    theirs, from_server = os.pipe()
    os.close(ours)
    app.run(stdio=(to_server, from_server))
    for number in (to_server, from_server):
        os.close(number)
    assert os.read(theirs, 1) == b""
    os.close(theirs)


SUBINTERPRETER = """
try:
    import _interpreters as interpreters
    other = interpreters.create("legacy")
except ImportError:
    import _xxsubinterpreters as interpreters
    other = interpreters.create(isolated=False)
import sys

if {first}:
    import tenon_mcp
interpreters.run_string(other, '''
import sys
sys.path[:] = {path}
try:
    import tenon_mcp
except ImportError as error:
    print(error, flush=True)
'''.format(path=sys.path))
import tenon_mcp
print(tenon_mcp.Server("t").name, flush=True)
"""


@pytest.mark.parametrize("first", [True, False])
def test_subinterpreters_are_refused_and_the_main_one_goes_on(first):
    source = SUBINTERPRETER.replace("{first}", str(first))
    run = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=SECONDS)
    refusal = "tenon_mcp does not run in subinterpreters; import it in the main interpreter of a process"
    assert run.stdout.splitlines() == [refusal, "t"], run.stderr
