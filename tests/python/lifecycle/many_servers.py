"""Many servers in one process: what they share, and that unused ones are freed.

test_many_servers.py runs this in a process of its own: threads are counted, and other tests leave servers behind.
"""

import asyncio
import gc
import json
import os
import subprocess
import sys
import textwrap
import time

import pytest
from tenon_mcp import Server
from wire import SECONDS

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
HEADERS = {
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/call",
    "mcp-name": "yes",
}


def threads():
    names = []
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/comm") as comm:
                names.append(comm.read().strip())
        except OSError:
            pass
    return sorted(name for name in names if name.startswith("tenon-"))


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def until(done):
    end = time.monotonic() + SECONDS
    while not done():
        assert time.monotonic() < end, f"it did not happen: {threads()}"
        time.sleep(0.005)


def server(handler=lambda: "yes"):
    app = Server("many")
    app.tool("yes")(handler)
    return app


async def ask(asgi):
    """The answer of an application to one call."""
    params = {"name": "yes", "arguments": {}, "_meta": META}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
    scope = {"type": "http", "http_version": "1.1", "method": "POST", "path": "/mcp", "headers": headers}
    messages = [{"type": "http.request", "body": body}]
    said = []

    async def receive():
        if messages:
            return messages.pop()
        await asyncio.Event().wait()

    async def send(message):
        said.append(message.get("body", b""))

    await asgi(scope, receive, send)
    assert b'"yes"' in b"".join(said)


def test_servers_share_their_threads():
    servers = [server() for _ in range(20)]
    for app in servers:
        app.start(http=0)
    names = threads()
    assert names.count("tenon-timer") == 1
    # Four threads for sockets at most, each with one in reserve.
    assert 2 <= names.count("tenon-io") <= 8
    for app in servers:
        app.close()
        while app.poll(timeout=None):
            pass
    until(lambda: not {"tenon-timer", "tenon-io"} & set(threads()))


async def yes():
    return "yes"


@pytest.mark.parametrize("handler", [lambda: "yes", yes], ids=["def", "async"])
def test_applications_that_nobody_has_end(handler):
    async def use(count):
        for _ in range(count):
            await ask(server(handler).asgi())

    async def settle(most):
        end = time.monotonic() + SECONDS
        while True:
            gc.collect()
            if not threads() and descriptors() <= most:
                return
            assert time.monotonic() < end, (threads(), descriptors())
            await asyncio.sleep(0.01)

    async def main():
        await use(20)
        await settle(1000)
        before = descriptors()
        await use(200)
        await settle(before + 5)

    asyncio.run(main())


def test_applications_end_whose_loop_has_ended():
    def use(count):
        for _ in range(count):
            asyncio.run(ask(server().asgi()))

    def settled():
        gc.collect()
        return not threads()

    use(5)
    until(settled)
    before = descriptors()
    use(50)
    until(lambda: settled() and descriptors() <= before + 5)


def test_an_application_that_somebody_has_stays():
    async def main():
        asgi = server().asgi()
        await ask(asgi)
        gc.collect()
        assert "tenon-timer" in threads()
        await ask(asgi)
        del asgi
        end = time.monotonic() + SECONDS
        # What the last request held is released in later turns of the loop.
        while threads():
            assert time.monotonic() < end, threads()
            gc.collect()
            await asyncio.sleep(0.01)

    asyncio.run(main())


def test_a_forked_child_keeps_no_port():
    source = """
        import os, socket
        from tenon_mcp import Server
        app = Server("parent")
        app.start(http=0)
        port = int(app.url.split(":")[2].split("/")[0])
        wait, hold = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(hold)
            os._exit(len(os.read(wait, 1)))
        app.close()
        while app.poll(timeout=None):
            pass
        # Without the option that ports may be used again.
        with socket.socket() as other:
            other.bind(("127.0.0.1", port))
        os.close(hold)
        assert os.waitpid(child, 0)[1] == 0
        """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(source)], timeout=SECONDS, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
