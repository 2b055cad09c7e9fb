"""The server inside of real ASGI servers and frameworks."""

import asyncio
import contextlib
import http.client
import json
import runpy
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from asgi_client import INITIALIZE, SESSION, Request, call, demo, ended, post, value
from tenon_mcp import Server
from wire import ENVELOPE, SECONDS


def test_inside_of_fastapi():
    fastapi = pytest.importorskip("fastapi")
    mcp = demo()
    app = fastapi.FastAPI()
    asgi = mcp.asgi(path="/mcp")
    app.add_route("/mcp{slash:path}", asgi)

    @app.get("/hello")
    def hello() -> str:
        return "hello"

    other = demo()
    app.mount("/tools", other.asgi())

    async def main():
        assert (await Request(app, "GET", "/hello", {}, [b""], {"query_string": b""}).whole())[0] == 200
        for path in ("/mcp", "/mcp/", "/tools/"):
            assert (await post(app, INITIALIZE, path=path, query_string=b"").whole())[0] == 200, path
        assert (await post(app, INITIALIZE, path="/mcpx", query_string=b"").whole())[0] == 404

    asyncio.run(main())
    ended(mcp)
    ended(other)


PROGRAM = """
import asyncio, sys
from tenon_mcp import Context, Server

app = Server("demo")

@app.tool
def add(a: int, b: int) -> int:
    return a + b

@app.tool
async def count(ctx: Context) -> str:
    for number in range(1, 4):
        ctx.progress(number)
        await asyncio.sleep(0)
    return "done"

asgi = app.asgi()
"""


@contextlib.contextmanager
def served(tmp_path, *command):
    """An ASGI server on a socket of ours, in a process of its own; its end is a SIGTERM."""
    (tmp_path / "program.py").write_text(textwrap.dedent(PROGRAM))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        words = [word.format(fd=listener.fileno()) for word in command]
        process = subprocess.Popen(
            [sys.executable, "-m", *words], cwd=tmp_path, pass_fds=[listener.fileno()], stderr=subprocess.PIPE
        )
        try:
            yield listener.getsockname()[1]
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=SECONDS)
            assert process.returncode in (0, -signal.SIGTERM), log
            assert b"Traceback" not in log, log
        finally:
            process.kill()
            process.communicate()


def ask(port, method, message=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    all = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    connection.request(method, "/", None if message is None else json.dumps(message), {**all, **headers})
    return connection.getresponse()


UVICORN = ("uvicorn", "--fd", "{fd}", "--log-level", "warning", "program:asgi")


SERVERS = {
    "uvicorn": UVICORN,
    "uvicorn without lifespan": (*UVICORN, "--lifespan", "off"),
    "hypercorn": ("hypercorn", "--bind", "fd://{fd}", "program:asgi"),
}


@pytest.mark.parametrize("server", SERVERS)
def test_under_servers(server, tmp_path):
    pytest.importorskip(SERVERS[server][0])
    with served(tmp_path, *SERVERS[server]) as port:
        session = ask(port, "POST", INITIALIZE).headers[SESSION]
        named = {SESSION: session, "mcp-protocol-version": "2025-11-25"}
        assert ask(port, "POST", {"jsonrpc": "2.0", "method": "notifications/initialized"}, **named).status == 202
        params = {"name": "count", "_meta": {"progressToken": 1}}
        answer = ask(port, "POST", {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}, **named)
        assert answer.headers["content-type"] == "text/event-stream"
        events = [line for line in answer.read().decode().splitlines() if line.startswith("data: {")]
        assert len(events) == 4 and '"done"' in events[-1]
        assert ask(port, "DELETE", **{**named}).status == 204
        listening = ask(port, "GET", **named)
        assert listening.status == 404, "the session has ended"
        # A stream that stays open keeps uvicorn from ending no more than others do; hypercorn waits for its client.
        session = ask(port, "POST", INITIALIZE).headers[SESSION]
        listening = ask(port, "GET", **{**named, SESSION: session, "accept": "text/event-stream"})
        assert listening.status == 200
        if server == "hypercorn":
            listening.close()
    # It ended with the server, if not before its last chunk.
    with contextlib.suppress(http.client.HTTPException, OSError):
        listening.read()


def test_the_example():
    pytest.importorskip("fastapi")
    path = Path(__file__).resolve().parents[3] / "examples/python/fastapi/server.py"
    program = runpy.run_path(str(path))

    async def main():
        app = program["app"]
        assert (await Request(app, "GET", "/", {}, [b""], {"query_string": b""}).whole())[0] == 200
        for path in ("/mcp", "/mcp/"):
            assert await value(call(app, "price", {"product": "tea"}, path=path, query_string=b"")) == 4.5

    asyncio.run(main())
    ended(program["mcp"])


MASKS = [({}, True), ({"mask_errors": True}, True), ({"mask_errors": False}, False)]


@pytest.mark.parametrize(("options", "masks"), MASKS)
def test_exceptions_are_masked_unless_the_program_says_otherwise(options, masks, caplog):
    app = Server("demo", **options)

    @app.tool
    def fails() -> str:
        raise ValueError("password is 1234")

    async def main():
        status, _, body = await call(app.asgi(), "fails").whole()
        assert status == 200
        text = json.loads(body)["result"]["content"][0]["text"]
        assert ("1234" not in text) if masks else (text == "password is 1234")
        app.close()

    asyncio.run(main())
    # Python shows warnings by default.
    places = [record.getMessage() for record in caplog.records if record.name == "tenon_mcp.server"]
    assert {record.levelname for record in caplog.records if record.name == "tenon_mcp.server"} <= {"WARNING"}
    assert len(places) == (0 if options.get("mask_errors") else 1), places
    assert all("which other machines may reach" in place for place in places)


def test_exceptions_are_not_masked_on_a_loopback_address():
    source = """
        import logging
        from tenon_mcp import Server
        logging.basicConfig(level="INFO", format="%(name)s|%(message)s")
        app = Server("t")

        @app.tool
        def fails() -> str:
            raise ValueError("password is 1234")

        app.run(http="127.0.0.1:0")
    """
    command = [sys.executable, "-c", textwrap.dedent(source)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            line = process.stderr.readline()
            port = int(line.rsplit(":", 1)[1].split("/")[0])
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
            params = {"name": "fails", "arguments": {}, "_meta": ENVELOPE}
            headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
            headers |= {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "fails"}
            message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
            client.request("POST", "/mcp", json.dumps(message), headers)
            answer = json.loads(client.getresponse().read())
            assert answer["result"]["content"][0]["text"] == "password is 1234"
            client.close()
        finally:
            process.terminate()
        # Nothing was said before.
        assert "is listening on" in line
