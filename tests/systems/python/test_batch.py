"""Many items at a time, with progress, cancellation and tasks; pages of the public internet, and of it alone."""

import asyncio
import json
import os
import subprocess
import threading
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from example_servers import SECONDS, command, converse, http, load, refused, said
from tenon_mcp.testing import Client as InProcess

EXAMPLE = "python/batch"


def test_items_keep_their_order(way):
    async def use(client):
        told = []

        async def on_progress(progress, total, _message):
            told.append((progress, total))

        items = [*range(250), "text", None, {"a": [1]}]
        result = await client.call_tool("batch_process", {"items": items}, progress_callback=on_progress)
        assert json.loads(result.content[0].text) == [f"processed: {item}" for item in items]
        assert told and told == sorted(told) and {total for _, total in told} == {len(items)}
        assert await said(client, "batch_process", items=[]) == "[]"
        assert "/items" in await refused(client, "batch_process", items=list(range(10_001)))
        assert "/items" in await refused(client, "batch_process", items="text")

    converse(EXAMPLE, way, use)


def test_cancelled_in_the_middle():
    """What runs is cancelled, and what waits never begins."""
    module = load(EXAMPLE)
    begun, cancelled = [], []

    async def process(item):
        begun.append(item)
        if item == 0:
            return "processed: 0"
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(item)
            raise

    module.process = process

    async def main():
        first = asyncio.Event()

        async with InProcess(module.app) as client:
            arguments = {"items": list(range(1000))}
            call = asyncio.ensure_future(
                client.call_tool("batch_process", arguments, on_progress=lambda *_: first.set())
            )
            await first.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            while len(cancelled) < len(begun) - 1:
                await asyncio.sleep(0.01)
            # 100 at a time, and one more for the place that the first one left.
            assert len(begun) == module.AT_ONCE + 1

    asyncio.run(asyncio.wait_for(main(), SECONDS))


def post(url, method, params):
    """One request over a connection of its own, in the modern era, from a client that can have tasks."""
    able = {"extensions": {"io.modelcontextprotocol/tasks": {}}}
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": able,
    }
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}
    headers = {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": method,
        "mcp-name": params.get("name") or params.get("taskId"),
        "connection": "close",
    }
    request = urllib.request.Request(url, json.dumps(message).encode(), headers)
    with urllib.request.urlopen(request, timeout=SECONDS) as response:
        body = response.read().decode()
    return json.loads(body.removeprefix("data: "))["result"]


def test_a_task_outlives_its_connection():
    with http(EXAMPLE) as url:
        task = post(url, "tools/call", {"name": "batch_process", "arguments": {"items": list(range(500))}})
        assert task["status"] == "working"
        states = []
        while (state := post(url, "tasks/get", {"taskId": task["taskId"]}))["status"] == "working":
            states.append(state)
            threading.Event().wait(0.05)
        assert state["status"] == "completed"
        assert state["result"]["structuredContent"][499] == "processed: 499"
        endless = post(url, "tools/call", {"name": "batch_process", "arguments": {"items": list(range(10_000))}})
        post(url, "tasks/cancel", {"taskId": endless["taskId"]})
        assert post(url, "tasks/get", {"taskId": endless["taskId"]})["status"] == "cancelled"


class Pages(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.path == "/away":
            self.send_response(302)
            self.send_header("location", self.server.elsewhere)
            self.send_header("content-length", "0")
            self.end_headers()
            return
        body = {"/page": "tée".encode("latin-1"), "/large": b"x" * (1024 * 1024 + 1)}.get(self.path)
        kind = "text/plain; charset=iso-8859-1"
        if self.path.startswith("/as/"):
            body, kind = "tée".encode(), self.path.removeprefix("/as/").replace("=", "; charset=") or None
        if self.path == "/cookie":
            body = str(self.headers.get("cookie")).encode()
        self.send_response(200 if body else 404)
        self.send_header("set-cookie", "who=first")
        if kind:
            self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body or b"")))
        self.end_headers()
        try:
            self.wfile.write(body or b"")
        except OSError:
            pass

    def log_message(self, *_):
        pass


@contextmanager
def pages(elsewhere=None):
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        server.daemon_threads = True
        server.asked, server.elsewhere = [], elsewhere
        server.address = f"127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def test_addresses_that_are_fetched():
    is_internal = load(EXAMPLE).guarded.__globals__["is_internal"]
    for reached in ("8.8.8.8", "2606:4700:4700::1111", "2001:4860:4860::8888"):
        assert not is_internal(reached), reached
    for inside in (
        "192.88.99.1",
        "::ffff:8.8.8.8",
        "2001:0:7f00:1::",
        "2002:808:808::",
        "fec0::1",
        "ff02::1",
        "240.0.0.1",
    ):
        assert is_internal(inside), inside


@pytest.mark.parametrize("wrong", ["example.com", "127.0.0.1:http:", "[::1", "127.0.0.1:80,:x"])
def test_exemptions_that_are_none_are_said(wrong):
    run = subprocess.run(
        command(EXAMPLE), env={**os.environ, "FETCH_ALLOW": wrong}, capture_output=True, text=True, timeout=SECONDS
    )
    assert run.returncode == 1 and run.stderr.startswith("FETCH_ALLOW: ") and "Traceback" not in run.stderr


def test_fetch_data(way):
    with pages() as secret, pages(f"http://{secret.address}/page") as site:
        port = secret.address.rpartition(":")[2]

        async def use(client):
            assert await said(client, "fetch_data", url=f"http://{site.address}/page") == "tée"
            # Most pages leave it to their text what it is encoded in; some name what there is not.
            for kind in (
                "",
                "text/html",
                "text/html=utf-8",
                "text/html=nothing",
                "text/html=hex",
                "text/html=punycode",
            ):
                assert await said(client, "fetch_data", url=f"http://{site.address}/as/{kind}") == "tée", kind
            # The pool is everybody's; what a page tells one of them to keep is not.
            for _ in range(2):
                named = f"http://localhost:{site.address.rpartition(':')[2]}/cookie"
                assert await said(client, "fetch_data", url=named) == "None"
            assert "404" in await refused(client, "fetch_data", url=f"http://{site.address}/none")
            assert "longer than" in await refused(client, "fetch_data", url=f"http://{site.address}/large")
            assert "internal address" in await refused(client, "fetch_data", url=f"http://{site.address}/away")
            assert "/away" in site.asked
            asked = len(site.asked)
            for inside in (
                f"http://{secret.address}/page",
                f"http://localhost:{port}/page",
                f"http://[::1]:{port}/page",
                f"http://[::ffff:127.0.0.1]:{port}/page",
                f"http://user:password@127.0.0.1:{port}/page",
                f"http://127.1:{port}/page",
                f"http://2130706433:{port}/page",
                f"http://0x7f000001:{port}/page",
                f"http://0.0.0.0:{port}/page",
                "http://10.0.0.1/",
                "http://172.16.0.1/",
                "http://192.168.0.1/",
                "http://169.254.169.254/latest/meta-data/",
                "http://100.64.0.1/",
                "http://[fe80::1]/",
                "http://[fd00::1]/",
                "http://224.0.0.1/",
                "http://192.88.99.1/",
                "http://[fec0::1]/",
                f"http://[64:ff9b::7f00:1]:{port}/page",
                f"http://[::127.0.0.1]:{port}/page",
                f"http://[::ffff:0:7f00:1]:{port}/page",
                "http://[2002:7f00:1::1]/",
                "http://[5f00::1]/",
                f"ws://{site.address}/page",
                "file:///etc/passwd",
                "ftp://example.com/",
                "gopher://127.0.0.1/",
                "javascript:1",
                "",
                "/page",
                "http://",
                "http://[",
            ):
                told = await refused(client, "fetch_data", url=inside)
                assert told.startswith("Request failed: "), inside
                assert "[" not in inside[:-1] or "internal address" in told, told
            assert "/url" in await refused(client, "fetch_data", url="http://example.com/" + "x" * 5000)

            assert len(site.asked) == asked

        converse(EXAMPLE, way, use, env={"FETCH_ALLOW": f" [::1]:1, {site.address}"})
        assert secret.asked == []
