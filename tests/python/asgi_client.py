"""Requests to an ASGI application without a server, as an ASGI server makes them."""

import asyncio
import json
import threading

from tenon_mcp import Context, Server
from wire import ENVELOPE, SECONDS

SESSION = "mcp-session-id"


INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}


class Request:
    """One request to an application, as an ASGI server would make it."""

    def __init__(self, app, method, path, headers, pieces, scope):
        self.said = asyncio.Queue()
        self.taken = asyncio.Event()
        self.taken.set()
        self._pieces = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
        if self._pieces:
            self._pieces[-1]["more_body"] = False
        self._gone = asyncio.Event()
        named = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "http_version": "1.1", "method": method, "path": path, "headers": named, **scope}
        self.task = asyncio.ensure_future(app(scope, self._receive, self._send))

    async def _receive(self):
        if self._pieces:
            return self._pieces.pop(0)
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message):
        await self.taken.wait()
        await self.said.put(message)

    def leave(self):
        self._gone.set()

    async def next(self):
        said = asyncio.ensure_future(self.said.get())
        await asyncio.wait((said, self.task), timeout=SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not said.done():
            assert self.task.done(), "nothing comes"
            self.task.result()
            assert not self.said.empty(), "the application says nothing"
        return await said

    async def head(self):
        start = await self.next()
        assert start["type"] == "http.response.start"
        return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}

    async def whole(self):
        status, headers = await self.head()
        body, more = b"", True
        while more:
            piece = await self.next()
            body += piece["body"]
            more = piece.get("more_body", False)
        await asyncio.wait_for(self.task, SECONDS)
        return status, headers, body


def post(app, message, headers=None, path="/mcp", pieces=None, **scope):
    text = json.dumps(message).encode()
    pieces = [text[:9], text[9:]] if pieces is None else pieces
    all = {"host": "localhost", "content-type": "application/json", "accept": "application/json, text/event-stream"}
    return Request(app, "POST", path, {**all, **(headers or {})}, pieces, scope)


def call(app, name, arguments=None, **more):
    params = {"name": name, "arguments": arguments or {}, "_meta": {**ENVELOPE, "progressToken": 1}}
    headers = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": name}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    return post(app, message, {**headers, **more.pop("headers", {})}, **more)


async def value(request):
    status, _, body = await request.whole()
    assert status == 200, body
    return json.loads(json.loads(body)["result"]["content"][0]["text"])


def ended(app):
    app.close()
    running = app._running
    assert running is None or running.wait(SECONDS)


def demo():
    app = Server("demo")

    @app.tool
    def add(a: int, b: int) -> int:
        return a + b

    @app.tool
    async def where() -> list[int]:
        await asyncio.sleep(0)
        return [id(asyncio.get_running_loop()), threading.get_ident()]

    @app.tool
    def thread() -> int:
        return threading.get_ident()

    @app.tool
    async def who(ctx: Context) -> str:
        return json.dumps(None if ctx.principal is None else str(ctx.principal))

    return app
