"""Several processes that serve one address: `run(workers=N)`."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time

import pytest
from http_client import Peer
from tenon_mcp import RegistrationError, Server, StateError
from wire import SECONDS, Program

SOURCE = """
import asyncio, os, sys, threading, time
from tenon_mcp import Context, Server, SyncContext

app = Server("t", revisions=["2026-07-28"], drain_timeout=5)

@app.tool
def pid() -> str:
    return str(os.getpid())

@app.tool
async def die(code: int) -> str:
    os._exit(code)

@app.tool
async def close() -> str:
    app.close()
    return "closing"

@app.tool
def slow(ctx: SyncContext) -> str:
    print("slow", file=sys.stderr, flush=True)
    time.sleep(1)
    return "slow"

@app.tool
async def ask(ctx: Context) -> str:
    answer = await ctx.elicit("?", {"type": "object", "properties": {"a": {"type": "string"}}})
    return f"{os.getpid()} {answer.content['a']}"

def started(app):
    print(os.getpid(), app.url, file=sys.stderr, flush=True)
"""
RUN = SOURCE + "\napp.run(http=0, workers=3, on_started=started)\nprint('after', file=sys.stderr)\n"


def text(peer, name, arguments=None, **params):
    answer = json.loads(peer.call(name, arguments, modern=True, **params).read())
    return answer["result"]["content"][0]["text"]


def url(program):
    parent, url = program.said().split()
    assert int(parent) == program.process.pid
    return url


def pids(url, count):
    """Those that answer; each connection stays with one."""
    found = set()
    end = time.monotonic() + SECONDS
    while len(found) < count:
        assert time.monotonic() < end, found
        found.add(int(text(Peer(url), "pid")))
    return found


def gone(pid):
    """Whether a process ends soon."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            with open(f"/proc/{pid}/stat") as stat:
                if stat.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.01)
    return False


def test_workers_serve_one_address_and_seal_with_one_key():
    with Program(RUN, connect=False) as program:
        address = url(program)
        workers = pids(address, 3)
        assert program.process.pid not in workers
        # Asked by one, answered by all of them.
        first = json.loads(Peer(address).call("ask", modern=True).read())["result"]
        answers = {key: {"action": "accept", "content": {"a": "x"}} for key in first["inputRequests"]}
        found = set()
        end = time.monotonic() + SECONDS
        while found != workers:
            assert time.monotonic() < end
            params = {"inputResponses": answers, "requestState": first["requestState"]}
            worker, answer = text(Peer(address), "ask", **params).split()
            assert answer == "x"
            found.add(int(worker))
        program.terminate()
        code, errors = program.wait()
        assert code == 0 and errors.endswith("after\n") and "Traceback" not in errors, errors
        assert all(gone(worker) for worker in workers)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_calls_in_flight_finish(number, code):
    with Program(RUN, connect=False) as program:
        peer = Peer(url(program))
        answers = []
        thread = threading.Thread(target=lambda: answers.append(text(peer, "slow")))
        thread.start()
        end = time.monotonic() + SECONDS
        while b"slow\n" not in program.errors:
            assert time.monotonic() < end
            time.sleep(0.01)
        program.process.send_signal(number)
        thread.join(SECONDS)
        assert answers == ["slow"]
        assert program.wait()[0] == code


def test_a_second_signal_ends_at_once():
    source = RUN.replace("drain_timeout=5", "drain_timeout=60").replace("time.sleep(1)", "time.sleep(60)")
    with Program(source, connect=False) as program:
        peer = Peer(url(program))
        threading.Thread(target=lambda: contextless(peer), daemon=True).start()
        end = time.monotonic() + SECONDS
        while b"slow\n" not in program.errors:
            assert time.monotonic() < end
            time.sleep(0.01)
        program.interrupt()
        time.sleep(0.2)
        # The second one. A third that comes while the process exits would kill it, so it has time for that.
        while program.process.poll() is None:
            assert time.monotonic() < end
            program.interrupt()
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.process.wait(5)
        assert program.wait()[0] == 130


def contextless(peer):
    try:
        text(peer, "slow")
    except (OSError, ValueError, KeyError):
        pass


@pytest.mark.parametrize("how", ["exit", "signal"])
def test_a_worker_that_dies_is_replaced(how):
    with Program(RUN, connect=False) as program:
        address = url(program)
        before = pids(address, 3)
        victim = min(before)
        if how == "signal":
            os.kill(victim, signal.SIGKILL)
        else:
            peer = Peer(address)
            while int(text(peer, "pid")) != victim:
                peer = Peer(address)
            with pytest.raises((ConnectionError, OSError)):
                peer.call("die", {"code": 3}, modern=True).read()
        assert gone(victim)
        end = time.monotonic() + SECONDS
        while True:
            assert time.monotonic() < end
            after = int(text(Peer(address), "pid"))
            if after not in before:
                break
        assert victim not in pids(address, 3)
        program.terminate()
        code, errors = program.wait()
        assert code == 0
        assert f"worker {victim} ended" in errors


def test_workers_that_go_on_dying_end_the_server():
    with Program(RUN, connect=False) as program:
        address = url(program)
        end = time.monotonic() + SECONDS
        while program.process.poll() is None:
            assert time.monotonic() < end
            try:
                Peer(address).call("die", {"code": 3}, modern=True).read()
            except (OSError, ValueError):
                time.sleep(0.01)
        code, errors = program.wait()
        assert code == 1
        assert "ServeError: 6 workers ended within 60 s, the last one with code 3" in errors


def test_a_worker_that_cannot_start_ends_the_server():
    source = SOURCE + """
Server._claim = lambda self, claim=Server._claim: claim(self) if os.getpid() == parent else sys.exit("cannot")
parent = os.getpid()
app.run(http=0, workers=2)
"""
    with Program(source, connect=False) as program:
        code, errors = program.wait()
        assert code == 1 and "a worker could not start: it ended with code 1" in errors


@pytest.mark.parametrize(
    ("raised", "told"),
    [("ValueError('no database\\nat all')", "no database at all"), ("KeyError()", "KeyError")],
)
def test_a_worker_whose_start_fails_says_why(raised, told):
    source = SOURCE + f"""
@app.on("start")
def opens() -> None:
    raise {raised}

app.run(http=0, workers=2)
"""
    with Program(source, connect=False) as program:
        code, errors = program.wait()
        (line,) = [line for line in errors.splitlines() if "ServeError: a worker could not start" in line]
        assert code == 1 and 'hook "start" failed: ' in line and told in line


def test_close_in_any_process_ends_all():
    with Program(RUN, connect=False) as program:
        assert text(Peer(url(program)), "close") == "closing"
        code, errors = program.wait()
        assert code == 0 and errors.endswith("after\n")
    source = SOURCE + "\napp.run(http=0, workers=2, on_started=lambda app: (started(app), app.close()))\n"
    with Program(source, connect=False) as program:
        assert program.wait()[0] == 0


def test_workers_end_with_their_parent():
    source = RUN + "\n"
    with Program(source, connect=False) as program:
        address = url(program)
        workers = pids(address, 3)
        threading.Thread(target=lambda: contextless(Peer(address)), daemon=True).start()
        program.process.kill()
        assert all(gone(worker) for worker in workers)
    host, port = address.removeprefix("http://").split("/")[0].split(":")
    # The last thread of a process that is gone may still hold the listener.
    end = time.monotonic() + SECONDS
    # A listener that is closed during the attempt resets the connection.
    with pytest.raises(ConnectionRefusedError):
        while time.monotonic() < end:
            with contextlib.suppress(ConnectionResetError):
                socket.create_connection((host, int(port)), SECONDS).close()


def test_a_listener_of_the_program():
    source = SOURCE + """
import socket
listener = socket.create_server(("127.0.0.1", 0))
app.run(http={"socket": listener, "path": "/here"}, websocket="/ws", workers=2, on_started=lambda app: (
    started(app), print(app.websocket_url, file=sys.stderr, flush=True)))
"""
    with Program(source, connect=False) as program:
        address = url(program)
        assert address.endswith("/here")
        assert len(pids(address, 2)) == 2
        program.interrupt()
        code, errors = program.wait()
        assert code == 130 and "/ws\n" in errors


def test_each_worker_has_a_start_and_a_stop_of_its_own():
    source = SOURCE + """
app.on("start")(lambda: os.write(2, f"start {os.getpid()}\\n".encode()))
app.on("stop")(lambda: os.write(2, f"stop {os.getpid()}\\n".encode()))
app.run(http=0, workers=2, on_started=lambda app: print("up", app.url, file=sys.stderr, flush=True))
"""
    with Program(source, connect=False) as program:
        end = time.monotonic() + SECONDS
        while not (said := [line.decode().split()[1] for line in program.errors if line.startswith(b"up ")]):
            assert time.monotonic() < end, program.errors
            time.sleep(0.01)
        workers = pids(said[0], 2)
        program.interrupt()
        _, errors = program.wait()
    told = {word: [int(line.split()[1]) for line in errors.splitlines() if line.startswith(f"{word} ")]
            for word in ("start", "stop")}
    assert sorted(told["start"]) == sorted(told["stop"]) == sorted(workers)


def test_what_workers_cannot_serve():
    def modern(**options):
        return Server("t", revisions=["2026-07-28"], **options)

    for legacy in (Server("t"), Server("t", revisions=["2025-11-25", "2026-07-28"])):
        with pytest.raises(RegistrationError, match="sessions of 2025-11-25 live in one process|sessions of 20"):
            legacy.run(http=0, workers=2)
    for keeps, options in [("tasks", {"task_support": "optional"}), ("once_only", {"once_only": True})]:
        app = modern()
        app.tool("keeps", **options)(lambda: None)
        with pytest.raises(RegistrationError, match=f"tool 'keeps': {keeps} needs a store"):
            app.run(http=0, workers=2)
    for options in ({}, {"stdio": True, "http": 0}, {"http": 0, "sse": "/sse"}, {"http": 0, "websocket": 0},
                    {"http": "unix:/tmp/x"}, {"http": {"unix": "/tmp/x"}}, {"http": "nowhere"}):
        with pytest.raises(RegistrationError):
            modern().run(workers=2, **options)
    for workers in (0, -1, True, "2"):
        with pytest.raises(RegistrationError, match="workers"):
            modern().run(http=0, workers=workers)
    stop = threading.Event()
    other = threading.Thread(target=stop.wait)
    other.start()
    with pytest.raises(StateError, match="other threads"):
        modern().run(http=0, workers=2)
    stop.set()
    other.join()
