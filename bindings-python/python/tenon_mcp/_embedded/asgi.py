"""A server as an ASGI 3 application."""

from __future__ import annotations

import asyncio
import contextvars
from contextlib import asynccontextmanager

from .._native import Exchange, ServeOptions, is_metadata_path
from ..errors import RegistrationError
from .embedded import EmbeddedService, check_loop
from .principal import find_principal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
    from typing import Any, TypeAlias

    from .._runtime.bridge import LoopBridge
    from .._serve.server_state import ServerState

    Scope: TypeAlias = MutableMapping[str, Any]
    Message: TypeAlias = MutableMapping[str, Any]
    Receive: TypeAlias = Callable[[], Awaitable[Message]]
    Send: TypeAlias = Callable[[Message], Awaitable[None]]

# Content lengths with at least this many digits are long. A refusal does not wait for a long body.
_LONG_BODY_DIGITS = len(str(64 << 10))

_NOT_FOUND = b'{"detail":"Not Found"}'


class Asgi:
    """A server as an ASGI 3 application, made by ``Server.asgi``.

    The engine starts with the first request, or when an ASGI server starts the application. It starts in the process
    and on the loop where this happens.
    """

    def __init__(
        self,
        server: ServerState,
        path: str | None,
        options: Mapping[str, object],
        principal: Callable[[Scope], Any] | None,
    ) -> None:
        if path is not None and not (isinstance(path, str) and path.startswith("/")):
            raise RegistrationError(f"asgi: path must begin with /, not {path!r}")
        if principal is not None and not callable(principal):
            raise RegistrationError(f"asgi: principal must be a function of the scope, not {type(principal).__name__}")
        # Read once, so that what was checked is what applies at each start.
        served = ServeOptions.embedded(options)
        self._path = None if path is None else path.rstrip("/")
        self._principal = principal
        self._service = EmbeddedService(server, served)
        self._lifespans = 0

    def __del__(self) -> None:
        # Each request holds a reference to this object. So no request is in flight, and no further one can arrive.
        service = getattr(self, "_service", None)
        if service is not None:
            service.abandon()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "http":
            await self._answer(scope, receive, send)
        elif kind == "lifespan":
            await self._run_lifespan(receive, send)
        elif kind == "websocket":
            # Servers answer with 403 if a WebSocket is closed before it is accepted.
            await receive()
            await send({"type": "websocket.close", "code": 1000})
        else:
            raise ValueError(f"ASGI scope type {kind!r} is not supported; it must be 'http', 'lifespan' or 'websocket'")

    @asynccontextmanager
    async def lifespan(self, app: object = None) -> AsyncIterator[None]:
        """Starts the server on entry and ends it on exit. Use it as ``lifespan=`` of FastAPI or Starlette, or within a
        lifespan of the program's own.

        It is not required: without it the server starts with its first request, and ends with the process.
        """
        check_loop()
        await self._service.started()
        self._lifespans += 1
        try:
            yield
        finally:
            self._lifespans -= 1
            if self._lifespans == 0:
                await self._service.close()

    async def _run_lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        lifespan = self.lifespan()
        try:
            await lifespan.__aenter__()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        try:
            await receive()
        finally:
            await lifespan.__aexit__(None, None, None)
        await send({"type": "lifespan.shutdown.complete"})

    def _is_served(self, scope: Scope) -> bool:
        if self._path is None:
            return True
        path, whole = _paths(scope)
        is_endpoint = path.rstrip("/") == self._path and not path.endswith("//")
        return is_endpoint or is_metadata_path(whole, self._path)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._is_served(scope):
            headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_NOT_FOUND))]
            await send({"type": "http.response.start", "status": 404, "headers": headers})
            await send({"type": "http.response.body", "body": _NOT_FOUND})
            return
        check_loop()
        running, bridge = self._service.enter()
        version = int(scope.get("http_version", "1.1").partition(".")[0])
        headers = [(bytes(name), bytes(value)) for name, value in scope["headers"]]
        headers.append((b":path", _paths(scope)[1].encode(errors="replace")))
        client = scope.get("client")
        request = (scope["method"], version, client[0] if client else None)
        context = contextvars.copy_context() if self._principal is None else None
        exchange = Exchange(running, bridge.lane, request, headers, context)
        bridge.waiting[exchange.number] = None
        watcher: asyncio.Task[None] | None = None

        def watch() -> None:
            nonlocal watcher
            if watcher is None:
                watcher = asyncio.ensure_future(_watch_disconnect(exchange, bridge, receive))

        async def next_step() -> Any:
            ready = bridge.ready(exchange.number)
            watch()
            await ready
            return exchange.step()

        try:
            named = dict(headers)
            is_long = len(named.get(b"content-length", b"")) >= _LONG_BODY_DIGITS
            step = None
            if self._principal is not None:
                # A client that has left is noticed only by reading, which must not begin before the body may be read.
                watch_early = watch if _has_no_body(scope["method"], named) else None
                step = await find_principal(self._principal, scope, exchange, bridge, watch_early)
            elif is_long or b"expect" in named or b"transfer-encoding" in named:
                # The head alone may be refused. A client with `Expect` sends the body once the application reads it.
                step = exchange.step()
            if step is None and watcher is not None:
                exchange.end()
                step = exchange.step()
            elif step is None:
                step = await _pass_body(exchange, receive)
            while step is None:
                step = await next_step()
            if step is False:
                return
            await send({"type": "http.response.start", "status": step[0], "headers": step[1]})
            more, first = True, True
            while more:
                step = exchange.step()
                if step is None and first:
                    # Some servers delay the head until a part of the body is sent.
                    await send({"type": "http.response.body", "body": b"", "more_body": True})
                first = False
                while step is None:
                    step = await next_step()
                data, more = step or (b"", False)
                # `send` returns once the client has read most of the output. Meanwhile no further output is produced.
                await send({"type": "http.response.body", "body": data, "more_body": more})
        finally:
            bridge.waiting.pop(exchange.number, None)
            if watcher is not None:
                watcher.cancel()
            exchange.abandon()


def _has_no_body(method: str, headers: dict[bytes, bytes]) -> bool:
    """Whether a request has no body, and its first message from the ASGI server is of no use."""
    return method in ("GET", "DELETE") and b"content-length" not in headers and b"transfer-encoding" not in headers


async def _pass_body(exchange: Exchange, receive: Receive) -> Any:
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


async def _watch_disconnect(exchange: Exchange, bridge: LoopBridge, receive: Receive) -> None:
    """Waits until the client has disconnected, and reports it."""
    try:
        while (await receive())["type"] != "http.disconnect":
            pass
    except asyncio.CancelledError:
        raise
    except Exception:
        # The HTTP server cannot report a disconnection any more, so the client has disconnected.
        pass
    exchange.abandon()
    bridge.wake(exchange.number)


def _paths(scope: Scope) -> tuple[str, str]:
    """The path below the root, and the whole path."""
    path, root = scope["path"], scope.get("root_path", "").rstrip("/")
    # Some servers remove the root from the path, others do not.
    if root and path.startswith(root) and path[len(root) : len(root) + 1] in ("", "/"):
        return path[len(root) :], path
    return path, root + path
