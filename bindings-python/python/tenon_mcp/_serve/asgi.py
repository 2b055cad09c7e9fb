"""A server as an ASGI 3 application."""

from __future__ import annotations

import asyncio
import contextvars
from contextlib import asynccontextmanager

from .._errors import RegistrationError
from .._native import Exchange
from .embedded import Home, claim_loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
    from typing import Any, TypeAlias

    from .._runtime.bridge import LoopBridge
    from .server import Server

    Scope: TypeAlias = MutableMapping[str, Any]
    Message: TypeAlias = MutableMapping[str, Any]
    Receive: TypeAlias = Callable[[], Awaitable[Message]]
    Send: TypeAlias = Callable[[Message], Awaitable[None]]

# The number of digits of the smallest body length that a refusal does not wait for. An unnecessary check costs little.
_LONG = len(str(64 << 10))

_NOT_FOUND = b'{"detail":"Not Found"}'


class Asgi:
    """A server as an ASGI 3 application, made by ``Server.asgi``.

    The engine starts with the first request, or when an ASGI server starts the application. It starts in the process
    and on the loop where this happens.
    """

    def __init__(
        self,
        server: Server,
        path: str | None,
        allowed_hosts: Sequence[str] | None,
        allowed_origins: Sequence[str] | None,
        allowed_headers: Sequence[str] | None,
        principal: Callable[[Scope], str | None] | None,
    ) -> None:
        if path is not None and not (isinstance(path, str) and path.startswith("/")):
            raise RegistrationError(f"asgi: path must begin with /, not {path!r}")
        if principal is not None and not callable(principal):
            raise RegistrationError("asgi: principal must be a function of the scope")
        options: dict[str, Any] = {}
        allowed = {
            "allowed_hosts": allowed_hosts,
            "allowed_origins": allowed_origins,
            "allowed_headers": allowed_headers,
        }
        for name, names in allowed.items():
            # A string is a sequence of strings too, but never the intended value.
            if isinstance(names, str):
                raise RegistrationError(f"asgi: {name} must be a list of strings, not a string")
            options[name] = list(names or ())
        self._path = None if path is None else path.rstrip("/")
        self._principal = principal
        self._home = Home(server, options)
        self._lives = 0

    def __del__(self) -> None:
        # Requests hold this object, so there are none now. Nobody else can pass one.
        home = getattr(self, "_home", None)
        if home is not None:
            home.abandon()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "http":
            await self._answer(scope, receive, send)
        elif kind == "lifespan":
            await self._live(receive, send)
        elif kind == "websocket":
            # This comes before it is accepted, and servers then answer with 403.
            await receive()
            await send({"type": "websocket.close", "code": 1000})
        else:
            raise ValueError(f"tenon_mcp does not speak ASGI's {kind!r}")

    @asynccontextmanager
    async def lifespan(self, app: object = None) -> AsyncIterator[None]:
        """Starts the server on entry and ends it on exit. Use it as ``lifespan=`` of FastAPI or Starlette, or within a
        lifespan of the program's own.

        It is not required: without it the server starts with its first request, and ends with the process.
        """
        claim_loop()
        await self._home.started()
        self._lives += 1
        try:
            yield
        finally:
            self._lives -= 1
            if self._lives == 0:
                await self._home.close()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        life = self.lifespan()
        try:
            await life.__aenter__()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        try:
            await receive()
        finally:
            await life.__aexit__(None, None, None)
        await send({"type": "lifespan.shutdown.complete"})

    def _is_ours(self, scope: Scope) -> bool:
        if self._path is None:
            return True
        path, root = scope["path"], scope.get("root_path", "").rstrip("/")
        # Some servers remove the root from the path, others do not.
        if root and path.startswith(root) and path[len(root) : len(root) + 1] in ("", "/"):
            path = path[len(root) :]
        return bool(path.rstrip("/") == self._path and not path.endswith("//"))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._is_ours(scope):
            headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_NOT_FOUND))]
            await send({"type": "http.response.start", "status": 404, "headers": headers})
            await send({"type": "http.response.body", "body": _NOT_FOUND})
            return
        claim_loop()
        principal = None if self._principal is None else self._principal(scope)
        running, bridge = self._home.enter()
        version = int(scope.get("http_version", "1.1").partition(".")[0])
        headers = [(bytes(name), bytes(value)) for name, value in scope["headers"]]
        context = contextvars.copy_context()
        client = scope.get("client")
        request = (scope["method"], version, client[0] if client else None)
        exchange = Exchange(running, bridge.lane, request, headers, principal, context)
        bridge.waiting[exchange.number] = None
        gone: asyncio.Task[None] | None = None

        async def waited() -> Any:
            nonlocal gone
            ready = bridge.ready(exchange.number)
            if gone is None:
                gone = asyncio.ensure_future(_leave(exchange, bridge, receive))
            await ready
            return exchange.step()

        try:
            # The head alone may cause a response. If a client asks before it sends the body, the server tells it to
            # continue once the body is read.
            named = dict(headers)
            long = len(named.get(b"content-length", b"")) >= _LONG
            step = exchange.step() if long or b"expect" in named or b"transfer-encoding" in named else None
            if step is None:
                step = await _take_in(exchange, receive)
            while step is None:
                step = await waited()
            if step is False:
                return
            await send({"type": "http.response.start", "status": step[0], "headers": step[1]})
            more, first = True, True
            while more:
                step = exchange.step()
                if step is None and first:
                    # Some servers delay the head until there is a part of the body.
                    await send({"type": "http.response.body", "body": b"", "more_body": True})
                first = False
                while step is None:
                    step = await waited()
                data, more = step or (b"", False)
                # Returns when the client has read about all that was sent before. Nothing is produced meanwhile.
                await send({"type": "http.response.body", "body": data, "more_body": more})
        finally:
            bridge.waiting.pop(exchange.number, None)
            if gone is not None:
                gone.cancel()
            exchange.abandon()


async def _take_in(exchange: Exchange, receive: Receive) -> Any:
    """Passes the body to the engine, and returns the first step of the response. A refusal may come before the end of
    the body.
    """
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return False
        more = message.get("more_body", False)
        exchange.feed(message.get("body", b""))
        if not more:
            exchange.end()
        step = exchange.step()
        if step is not None:
            return step
    return None


async def _leave(exchange: Exchange, bridge: LoopBridge, receive: Receive) -> None:
    """Waits until the client has disconnected, and reports it."""
    try:
        while (await receive())["type"] != "http.disconnect":
            pass
    except asyncio.CancelledError:
        raise
    except Exception:
        # The server cannot report it any more, so the client is gone.
        pass
    exchange.abandon()
    bridge.wake(exchange.number)
