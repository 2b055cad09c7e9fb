"""Node: applications with routes and a key of their own, which have tools at /mcp: Express, Fastify, Hono."""

import asyncio
import http.client as http_client
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from example_servers import MODES, SECONDS, command, http, refused, said
from mcp import Client

APPLICATIONS = ["node/express", "node/fastify", "node/hono"]
STOPPED = [*APPLICATIONS, "node/embedded"]
KEY = {"authorization": "Bearer secret"}
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def ask(url, headers=None, body=None):
    """Status and text of an answer, without following redirects."""
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    accept = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    request = urllib.request.Request(url, data, {**accept, **(headers or {})})
    opener = urllib.request.build_opener(Stay)
    try:
        with opener.open(request, timeout=SECONDS) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.parametrize("application", APPLICATIONS)
@pytest.mark.parametrize("era", MODES)
def test_tools_beside_routes(application, era):
    async def main(url):
        async with Client(url, mode=MODES[era], read_timeout_seconds=SECONDS) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == ["echo", "calculate_sum"]
            assert await said(client, "echo", message="grüße") == "Echo: grüße"
            # More than frameworks take by themselves.
            assert len(await said(client, "echo", message="x" * (3 << 20))) > 3 << 20
            assert json.loads(await said(client, "calculate_sum", a=5, b=3)) == 8
            assert "/a" in await refused(client, "calculate_sum", a="five", b=3)
            if era == "modern":
                async with client.listen(tools_list_changed=True):
                    health = await asyncio.to_thread(ask, url.replace("/mcp", "/health"))
                    assert health == (200, '{"status":"healthy"}')

    with http(application, env={"API_KEY": "secret"}) as url:
        asyncio.run(asyncio.wait_for(main(url), SECONDS))


@pytest.mark.parametrize("application", APPLICATIONS)
def test_the_application_stays_itself(application):
    with http(application, env={"API_KEY": "secret"}) as url:
        root = url.removesuffix("/mcp")
        assert ask(f"{root}/me")[0] == 401
        # The name of a scheme has no case.
        assert ask(f"{root}/me", {"authorization": "bearer secret"})[0] == 200
        for wrong in (
            "Bearer",
            "Bearer ",
            "bearer SECRET",
            "Bearerr secret",
            "Bearer wrong",
            "secret",
            "Basic secret",
            "Bearer secret2",
        ):
            assert ask(f"{root}/me", {"authorization": wrong})[0] == 401, wrong
        assert ask(f"{root}/me", KEY) == (200, '{"user":"owner"}')
        for path in ("/", "/none", "/mcpx", "/mcp/other", "/MCP", "/Mcp/"):
            assert ask(root + path)[0] == 404, path
            status, body = ask(root + path, body=INITIALIZE)
            assert status == 404 and "jsonrpc" not in body, path
        for path in ("/mcp", "/mcp/"):
            status, body = ask(root + path, body=INITIALIZE)
            assert status == 200 and "basic-server" in body
        assert ask(f"{root}/mcp", {"origin": "https://evil.example"}, INITIALIZE)[0] == 403
        # The rules for bodies are the engine's as well.
        status, body = ask(url, body=b'{"jsonrpc":')
        assert status == 400 and json.loads(body)["error"]["code"] == -32700
        status, body = ask(url, {"content-type": "application/xml"}, b"<a/>")
        assert status == 415 and json.loads(body)["jsonrpc"] == "2.0"


@pytest.mark.parametrize("application", APPLICATIONS)
def test_a_port_alone_is_an_address(application):
    with http(application, address="0") as url:
        assert ask(url.replace("/mcp", "/health"))[0] == 200
    for wrong in ("x", "127.0.0.1:", ":8000x", "http"):
        program, *rest = command(application)
        run = subprocess.run([program, *rest, wrong], capture_output=True, text=True, timeout=SECONDS)
        assert run.returncode == 1 and "usage: server.mjs [[host:]port]" in run.stderr, run.stderr


class Stopping:
    """Says how long an example runs on after SIGTERM."""

    def __enter__(self):
        return self

    def begin(self):
        self.began = time.monotonic()

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.began


def listen(url):
    """A client of a session that listens on the stream of it."""
    host = url.split("/")[2]
    session = http_client.HTTPConnection(host, timeout=SECONDS)
    accept = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    session.request("POST", "/mcp", json.dumps(INITIALIZE), accept)
    answer = session.getresponse()
    answer.read()
    assert answer.status == 200
    headers = {**accept, "mcp-session-id": answer.headers["mcp-session-id"], "mcp-protocol-version": "2025-11-25"}
    stream = http_client.HTTPConnection(host, timeout=SECONDS)
    stream.request("GET", "/mcp", headers=headers)
    assert stream.getresponse().status == 200
    return session, stream


@pytest.mark.parametrize("application", STOPPED)
def test_a_session_does_not_keep_the_application(application):
    with Stopping() as stopping, http(application, env={"PORT": "0"}) as url:
        kept = listen(url)
        stopping.begin()
    # Where connections are kept until they have been idle for a while, it is 5 s and more.
    assert kept and stopping.seconds < 2.5


@pytest.mark.parametrize("application", STOPPED)
def test_an_unfinished_request_does_not_keep_the_application(application):
    with Stopping() as stopping, http(application, env={"PORT": "0"}) as url:
        kept = listen(url)
        half = socket.create_connection(url.split("/")[2].split(":"))
        half.sendall(b"GET /health HTTP/1.1\r\nhost: 127")
        # The server has read it before what comes later on a connection of its own.
        assert ask(url.replace("/mcp", "/health"))[0] == 200
        stopping.begin()
    # Node waits 60 s for the rest.
    assert kept and stopping.seconds < 10
    half.close()


@pytest.mark.parametrize("application", APPLICATIONS)
def test_the_key_guards_the_tools(application):
    with http(application, env={"API_KEY": "secret", "PROTECT_MCP": "true"}) as url:
        for path in (url, f"{url}/"):
            assert ask(path, body=INITIALIZE)[0] == 401
            assert ask(path, {"authorization": "Bearer wrong"}, INITIALIZE)[0] == 401
            status, body = ask(path, KEY, INITIALIZE)
            assert status == 200 and "basic-server" in body
    with http(application, env={"API_KEY": "", "PROTECT_MCP": "true"}) as url:
        for nothing in ("Bearer", "Bearer ", "Bearer undefined"):
            assert ask(url, {"authorization": nothing}, INITIALIZE)[0] == 401, nothing
