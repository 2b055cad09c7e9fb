"""Ends a server of each host in every way there is, and checks how it ends: docs/lifecycle.md is what must come out.

    run.py [HOST…]      python, node, c, rust; all without an argument

Each host's server has the tools `block`, which goes on whatever it is told, `quick` and `flood`; with `--long` its
calls may go on for ten minutes after the end was asked for. Closing line: `N passed, N failed`. Standard library only.
"""

import json
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import descriptors
import faults

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON = os.environ.get("TENON_PYTHON", str(ROOT / ".venv/bin/python"))
SERVERS = {
    "python": [PYTHON, "tests/lifecycle/server.py"],
    "node": ["node", "tests/lifecycle/server.mjs"],
    "c": ["build/c/lifecycle"],
    "rust": ["target/ci/tenon-lifecycle"],
}
# Nothing takes longer, unless something hangs.
WAIT_LIMIT = 30
# A drain takes 1 s, and clients kill after 2 s. A busy machine may need more.
SOON = 4
INT, TERM = signal.SIGINT, signal.SIGTERM
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
FLOOD_LINES = 4096


class Failed(Exception):
    pass


def default_signals():
    """What a shell made its background jobs ignore must not reach the servers: a handler of ours is none of theirs."""
    for number in (INT, TERM, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda number, _: sys.exit(128 + number))
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


class Server:
    """A server and its client."""

    def __init__(self, host, *arguments, through=(), read_errors=True):
        self.process = subprocess.Popen(
            [*through, *SERVERS[host], *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        self.answers = b""
        self.errors = ""
        self.heard = threading.Condition()
        self.reader = threading.Thread(target=self._read_errors, daemon=True)
        if read_errors:
            self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.kill()
        self.process.wait()
        if self.reader.is_alive():
            self.reader.join(WAIT_LIMIT)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()

    def _read_errors(self):
        while piece := self.process.stderr.read(65536):
            with self.heard:
                self.errors += piece.decode(errors="replace")
                self.heard.notify_all()

    def wait_for_error(self, pattern, times=1):
        with self.heard:
            if not self.heard.wait_for(lambda: len(re.findall(pattern, self.errors)) >= times, WAIT_LIMIT):
                raise Failed(f"{pattern!r} is not printed")

    def send(self, ident, tool, **arguments):
        params = {"name": tool, "arguments": arguments, "_meta": META}
        line = {"jsonrpc": "2.0", "id": ident, "method": "tools/call", "params": params}
        self.process.stdin.write(json.dumps(line).encode() + b"\n")

    def receive(self):
        until = time.monotonic() + WAIT_LIMIT
        while b"\n" not in self.answers:
            if not select.select([self.process.stdout], [], [], max(until - time.monotonic(), 0))[0]:
                raise Failed("no answer comes")
            piece = self.process.stdout.read(65536)
            if not piece:
                raise Failed("the output ended")
            self.answers += piece
        line, _, self.answers = self.answers.partition(b"\n")
        return json.loads(line)

    def call(self, tool, **arguments):
        self.send(tool, tool, **arguments)
        answer = self.receive()
        if answer.get("id") != tool:
            raise Failed(f"not the answer: {answer}")
        return answer

    def wait_until_closing(self):
        """The server refuses calls, or has stopped reading because its input ended."""
        until = time.monotonic() + WAIT_LIMIT
        while time.monotonic() < until:
            if self.process.stdin.closed:
                if "tenon-stdin" not in self.threads():
                    return
            elif "error" in self.call("quick"):
                return
        raise Failed("the server does not begin to end")

    def threads(self):
        names = set()
        for task in Path(f"/proc/{self.process.pid}/task").glob("*/comm"):
            try:
                names.add(task.read_text().strip())
            except OSError:
                pass  # It has ended meanwhile.
        return names

    def wait_for_handlers(self):
        """A program may serve before it waits for signals."""
        until = time.monotonic() + WAIT_LIMIT
        while time.monotonic() < until:
            caught = re.search(r"^SigCgt:\s*(\w+)", Path(f"/proc/{self.process.pid}/status").read_text(), re.M)
            if all(int(caught[1], 16) >> (number - 1) & 1 for number in (INT, TERM)):
                return
        raise Failed("signals are not handled")

    def event(self, event):
        if event == "end":
            self.process.stdin.close()
        else:
            self.process.send_signal(event)

    def wait(self, code):
        started = time.monotonic()
        try:
            found = self.process.wait(WAIT_LIMIT)
        except subprocess.TimeoutExpired:
            raise Failed(f"the process is there after {WAIT_LIMIT} s") from None
        took = time.monotonic() - started
        if self.reader.is_alive():
            self.reader.join(WAIT_LIMIT)
        if found != code:
            raise Failed(f"exit code {found} instead of {code}; errors: {self.errors[-2000:]}")
        for word in ("Traceback", "KeyboardInterrupt", "panicked"):
            if word in self.errors:
                raise Failed(f"{word} is printed: {self.errors[-2000:]}")
        return took


def ends(host, events, code, tool=None, long=False):
    """Asks for the end once `tool` blocks, step by step."""
    with Server(host, *(["--long"] if long else [])) as server:
        server.call("quick")
        if any(event != "end" for event in events):
            server.wait_for_handlers()
        if tool:
            server.send("blocked", tool)
            server.wait_for_error("blocked")
        for event in events[:-1]:
            server.event(event)
            server.wait_until_closing()
        server.event(events[-1])
        took = server.wait(code)
        if took > SOON:
            raise Failed(f"it took {took:.1f} s")


def over_http(host, number, code):
    with Server(host, "--http", "127.0.0.1:0") as server:
        server.wait_for_error(r"http://\S+")
        server.wait_for_handlers()
        server.event(number)
        server.wait(code)


def ignored(host):
    """What was ignored at the start stays ignored."""
    with Server(host, through=["sh", "-c", "trap '' INT; exec \"$@\"", "sh"]) as server:
        server.call("quick")
        server.event(INT)
        server.call("quick")
        server.event(TERM)
        server.wait(0)


def unread_errors(host):
    """Nobody reads what is printed: calls go on, and the server ends."""
    with Server(host, read_errors=False) as server:
        for _ in range(2):
            if server.call("flood", lines=FLOOD_LINES)["result"].get("isError"):
                raise Failed("the call failed")
        server.call("quick")
        server.event("end")
        took = server.wait(0)
        if took > SOON:
            raise Failed(f"it took {took:.1f} s")


def cases(host):
    yield "end of input", lambda: ends(host, ["end"], 0)
    yield "SIGTERM", lambda: ends(host, [TERM], 0)
    yield "SIGINT", lambda: ends(host, [INT], 130)
    yield "SIGTERM over HTTP", lambda: over_http(host, TERM, 0)
    yield "SIGINT over HTTP", lambda: over_http(host, INT, 130)
    # Node gives every signal its default action before a program runs.
    if host != "node":
        yield "SIGINT is ignored", lambda: ignored(host)
    yield from descriptors.cases(host, partial(Server, host), Failed, WAIT_LIMIT)
    yield from faults.cases(host, partial(Server, host), Failed)
    yield "nobody reads errors", lambda: unread_errors(host)
    for tool in ("block", "block_loop") if host == "python" else ("block",):
        name = tool.replace("_", " ") + ": "
        blocked = {"tool": tool}
        yield name + "end of input", lambda blocked=blocked: ends(host, ["end"], 0, **blocked)
        yield name + "SIGTERM", lambda blocked=blocked: ends(host, [TERM], 0, **blocked)
        yield name + "SIGINT", lambda blocked=blocked: ends(host, [INT], 130, **blocked)
        for events, code in (
            (["end", TERM], 0),
            (["end", INT], 130),
            ([TERM, TERM], 143),
            ([INT, INT], 130),
            ([INT, TERM], 143),
            ([TERM, INT], 130),
        ):
            steps = ", ".join(event if event == "end" else event.name for event in events)
            yield (
                f"{name}long, {steps}",
                lambda blocked=blocked, events=events, code=code: ends(host, events, code, long=True, **blocked),
            )


def run(host):
    passed = failed = 0
    for name, case in cases(host):
        started = time.monotonic()
        problem = None
        try:
            case()
        except (Failed, OSError, ValueError) as error:
            problem = f"{type(error).__name__}: {error}"
        took = time.monotonic() - started
        lines = [f"{'FAILED' if problem else 'ok':6} {host}: {name} ({took:.1f} s)", *([problem] if problem else [])]
        print("\n       ".join(lines) + "\n", end="", flush=True)
        passed += not problem
        failed += bool(problem)
    return passed, failed


def main(hosts):
    default_signals()
    # Mostly they wait.
    with ThreadPoolExecutor(len(SERVERS)) as pool:
        counts = list(pool.map(run, hosts or SERVERS))
    passed, failed = map(sum, zip(*counts, strict=True))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
