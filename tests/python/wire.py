"""A client that speaks JSON-RPC lines with servers in this process and in others. Every wait has a timeout."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import textwrap
import threading
import time

SECONDS = 20
VERSION = "2025-11-25"
ASKS = {"elicitation": {}}
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": ASKS,
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
}
END = object()


class Client:
    """The peer of a server. `modern` sends the envelope of 2026-07-28 with every request."""

    def __init__(self, reader, writer, modern=False, capabilities=ASKS, version=VERSION):
        self._writer = writer
        self._next = 0
        self.modern = modern
        self.capabilities = capabilities
        self._messages = queue.Queue()
        self._kept = []
        threading.Thread(target=self._read, args=(reader,), daemon=True).start()
        if not modern:
            self.server = self.request(
                "initialize",
                protocolVersion=version,
                capabilities=capabilities,
                clientInfo={"name": "test", "version": "1"},
            )["result"]
            self.send(method="notifications/initialized")

    def _read(self, reader):
        with reader:
            for line in reader:
                self._messages.put(json.loads(line))
        self._messages.put(END)

    def write(self, data):
        self._writer.write(data)
        self._writer.flush()

    def send(self, **message):
        self.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def start(self, method, /, **params):
        """Sends a request and returns its id."""
        self._next += 1
        if self.modern:
            meta = {**ENVELOPE, "io.modelcontextprotocol/clientCapabilities": self.capabilities}
            params["_meta"] = {**meta, **params.get("_meta", {})}
        self.send(id=self._next, method=method, params=params)
        return self._next

    def start_call(self, name, /, arguments=None, **params):
        return self.start("tools/call", name=name, arguments=arguments or {}, **params)

    def receive(self, seconds=SECONDS):
        """The next message, or END."""
        return self._kept.pop(0) if self._kept else self._messages.get(timeout=seconds)

    def answer(self, request, seconds=SECONDS):
        """The response to a request; what comes before it is kept for `receive`."""
        passed = []
        while True:
            message = self.receive(seconds)
            assert message is not END, f"no answer to {request}; before the end came {passed}"
            if message.get("id") == request and "method" not in message:
                self._kept = passed + self._kept
                return message
            passed.append(message)

    def question(self, seconds=SECONDS):
        """The next request of the server; what comes before it is kept for `receive`."""
        passed = []
        while "method" not in (message := self.receive(seconds)) or "id" not in message:
            passed.append(message)
        self._kept = passed + self._kept
        return message

    def request(self, method, /, **params):
        return self.answer(self.start(method, **params))

    def call(self, name, /, **arguments):
        """The result of a tool."""
        return self.answer(self.start_call(name, arguments))["result"]

    def text(self, name, /, **arguments):
        """The text of a tool's good result."""
        result = self.call(name, **arguments)
        assert not result.get("isError"), result
        (block,) = result["content"]
        return block["text"]

    def error(self, name, /, **arguments):
        """The text of a tool's failed result."""
        result = self.call(name, **arguments)
        assert result["isError"] is True, result
        return result["content"][0]["text"]

    def cancel(self, request):
        self.send(method="notifications/cancelled", params={"requestId": request})

    def close(self):
        with contextlib.suppress(OSError):
            self._writer.close()

    def rest(self):
        """Ends the input and returns all that still comes."""
        self.close()
        messages = self._kept
        while (message := self._messages.get(timeout=SECONDS)) is not END:
            messages.append(message)
        return messages


def wait_for(found):
    """Waits until `found` returns a true value."""
    end = time.monotonic() + SECONDS
    while not found():
        assert time.monotonic() < end, "what is waited for does not come"
        time.sleep(0.01)


@contextlib.contextmanager
def serving(app, **options):
    """Serves `app` in this process, on a thread with a loop of its own."""
    to_server, from_client = os.pipe()
    to_client, from_server = os.pipe()
    thread = threading.Thread(target=app.run, kwargs={"stdio": (to_server, from_server)}, daemon=True)
    started = threading.Event()
    thread._kwargs["on_started"] = lambda _: started.set()
    thread.start()
    assert started.wait(SECONDS)
    # The server has duplicates.
    os.close(to_server)
    os.close(from_server)
    client = Client(os.fdopen(to_client, "rb"), os.fdopen(from_client, "wb"), **options)
    try:
        yield client
    finally:
        client.close()
        app.close()
        thread.join(SECONDS)
        assert not thread.is_alive(), "the server did not end"


# A shell makes the jobs in its background ignore Ctrl-C, and the programs they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Program:
    """A Python program that serves stdio, given as source text or as a file."""

    def __init__(self, source, *arguments, connect=True, stdin=subprocess.PIPE, **options):
        command = [sys.executable, "-c", textwrap.dedent(source)] if "\n" in str(source) else [sys.executable, source]
        self.process = subprocess.Popen(
            [*command, *arguments],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A Ctrl-C of the tests is not one of the terminal.
            start_new_session=True,
        )
        self.errors = []
        self._drain = threading.Thread(target=lambda: self.errors.extend(self.process.stderr), daemon=True)
        self._drain.start()
        self.client = Client(self.process.stdout, self.process.stdin, **options) if connect else None

    def said(self):
        """The first line on stderr."""
        wait_for(lambda: self.errors)
        return self.errors[0].decode().strip()

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def wait(self, seconds=SECONDS):
        """The exit code and what went to stderr."""
        code = self.process.wait(seconds)
        self._drain.join(seconds)
        return code, b"".join(self.errors).decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdin and self.client is not None and self.client.close()


@contextlib.contextmanager
def beside(app, **options):
    """A client of a server that is started; the body of the `with` is the main loop."""
    to_server, from_client = os.pipe()
    to_client, from_server = os.pipe()
    app.start(stdio=(to_server, from_server), **options)
    os.close(to_server)
    os.close(from_server)
    client = Client(os.fdopen(to_client, "rb"), os.fdopen(from_client, "wb"))
    try:
        yield client
    finally:
        client.close()
        app.close()
        end = time.monotonic() + SECONDS
        while app.poll(timeout=1):
            assert time.monotonic() < end, "the server did not end"
