"""Servers of the tests as processes: where their interpreters are, how they start over HTTP, how they end.

A fixture server started with `--http ADDRESS` prints one line `listening http://127.0.0.1:PORT/mcp` on stdout and ends
on SIGTERM. Standard library only.
"""

import os
import selectors
import signal
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# What runs the Python fixtures and the Python client.
PYTHON = os.environ.get("TENON_PYTHON", str(ROOT / ".venv" / "bin" / "python"))
NODE = os.environ.get("TENON_NODE", "node")

HTTP_ARGUMENTS = ["--http", "127.0.0.1:0"]
START_SECONDS = 20
STOP_SECONDS = 5


class Failure(Exception):
    """A server that did not start, speak or end as it should."""


def from_root(command):
    """The command with paths made absolute: those in the tables are relative to the repository."""
    return [str(ROOT / part) if "/" in part else part for part in command]


class HttpServer:
    """A fixture server on a free port, alive between `with` and its end."""

    def __init__(self, command, arguments=HTTP_ARGUMENTS):
        self.command = from_root(command) + arguments

    def __enter__(self):
        # The server's own messages go to our stderr; its stdout holds the one line we wait for.
        try:
            self.process = subprocess.Popen(self.command, cwd=ROOT, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, start_new_session=True)
        except OSError as error:
            raise Failure(f"cannot start {self.command}: {error}") from error
        try:
            self.url = self._announced_url()
        except BaseException:
            end_group(self.process, signal.SIGKILL)
            raise
        return self

    def _announced_url(self):
        line = read_line(self.process.stdout, START_SECONDS)
        words = line.split()
        if len(words) != 2 or words[0] != "listening" or not words[1].startswith(("http://127.0.0.1:", "ws://127.0.0.1:")):
            raise Failure(f"{self.command} should print `listening URL` within {START_SECONDS} s, printed {line!r}")
        return words[1]

    def __exit__(self, kind, error, trace):
        self.process.terminate()
        try:
            extra, _ = self.process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            end_group(self.process, signal.SIGKILL)
            raise Failure(f"{self.command} did not end within {STOP_SECONDS} s of SIGTERM") from error
        if extra:
            raise Failure(f"{self.command} printed more than one line on stdout: {extra[:300]!r}") from error
        # A clean exit or death by the SIGTERM we sent; anything else is a crash.
        if self.process.returncode not in (0, -signal.SIGTERM, 128 + signal.SIGTERM):
            raise Failure(f"{self.command} ended with code {self.process.returncode}") from error


def read_line(pipe, seconds):
    """The first line of a pipe, or what came of it before the time or the pipe ended."""
    deadline = time.monotonic() + seconds
    got = b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while not got.endswith(b"\n"):
            if not selector.select(max(0, deadline - time.monotonic())):
                break
            byte = os.read(pipe.fileno(), 1)
            if not byte:
                break
            got += byte
    return got.decode("utf-8", "replace").strip()


def end_group(process, number):
    """Ends a process we started together with its children: each was started as the leader of its own group.

    Returns what it still printed: to standard output, and to standard error if that is a pipe.
    """
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass
    return process.communicate()


def run_to_end(command, seconds, **options):
    """Runs a command to its end. Returns (exit code, output); the code is None when it was killed for its time.

    What it and its children print to standard error comes first, apart: it may not break a line of the rest.
    """
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, start_new_session=True, **options)
    killed = False
    try:
        output, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        (output, errors), killed = end_group(process, signal.SIGKILL), True
    except BaseException:
        end_group(process, signal.SIGKILL)
        raise
    if errors and not errors.endswith(b"\n"):
        errors += b"\n"
    return None if killed else process.returncode, (errors + output).decode("utf-8", "replace")
