"""Clients in the process of their server, for tests.

    from tenon_mcp.testing import Client

    def test_add():
        with Client(app) as client:
            assert client.call_tool("add", {"a": 3, "b": 5}).data == 8

    async def test_add_on_a_loop():
        async with Client(app) as client:
            result = await client.call_tool("add", {"a": 3, "b": 5})
            assert result.data == 8

Messages go through the whole engine, without sockets. If the server is not being served, the first client starts it,
for clients in the process only, and the last client ends it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._registry.definition import Definition
from ._registry.registry import Registry
from ._testing.async_client import AsyncClient
from ._testing.client_results import CallResult, CompletionResult, PromptResult, ReadResult, Result
from ._testing.sync_client import SyncClient
from .errors import McpError, RegistrationError, ToolError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from ._auth.principal import Principal
    from ._store.operations import StoreOp, StoreReply
    from .context import Level
    from .server import Server

__all__ = [
    "AsyncClient",
    "CallResult",
    "Client",
    "CompletionResult",
    "Definition",
    "McpError",
    "PromptResult",
    "ReadResult",
    "Result",
    "SyncClient",
    "ToolError",
    "store_operation",
]


def store_operation(server: Server, op: StoreOp) -> StoreReply:
    """Runs an operation on the store of a server that is served, as the engine does, and waits for the reply.

    It is for tests of a program's own store. A store that fails gives the reply ``unavailable``. Call it on a thread on
    which the store does not run: the loop of an ``async def submit`` must not be blocked.
    """
    from ._native import from_json, to_json
    from ._store.adapter import decode_all, encode

    reply: StoreReply = decode_all(from_json(server._engine.store_operation(to_json(encode(op)).decode()).encode()))
    return reply


class Client:
    """A client of a server in the same process. ``with`` gives a client whose methods block, ``async with`` one to
    await.

    ``revision`` is the client's revision. Default: the newest that the server supports. ``name`` and ``version`` are
    the client's name and version. ``principal`` is its principal, as a transport would have found it: a ``str``, a
    ``Principal`` or a dict. ``capabilities`` are declared besides those that follow from the other options.

    ``elicit`` answers questions to the user, and ``sample`` answers questions to the model. ``roots`` are the
    directories that the user works in. Each is a value, or a function of the question's parameters. With ``async with``
    it may also be an ``async def`` function. For an elicitation, a dict is the form's content, ``True`` accepts,
    ``False`` and ``None`` decline, and ``"cancel"`` cancels. A model's answer is its text or the whole result. Roots
    are a list of addresses. Without these options the client cannot be asked. If a function raises, the question fails,
    and in 2026-07-28 the request fails.

    ``on_log`` is called with the log messages of the server from ``log_level`` on (default: all). They are dicts with
    ``level``, ``data`` and optionally ``logger``. ``on_notification`` is called with the method and the parameters of
    other notifications.
    """

    def __init__(
        self,
        app: Server,
        *,
        revision: str | None = None,
        name: str | None = None,
        version: str = "1.0.0",
        principal: str | Principal | dict[str, Any] | None = None,
        capabilities: dict[str, Any] | None = None,
        elicit: Any = ...,
        sample: Any = ...,
        roots: Any = ...,
        log_level: Level | None = None,
        on_log: Callable[[dict[str, Any]], object] | None = None,
        on_notification: Callable[[str, dict[str, Any]], object] | None = None,
    ) -> None:
        if not isinstance(app, Registry):
            raise RegistrationError(f"Client: app must be a Server of this process, not {type(app).__name__}")
        self._app = app
        answers = {"elicit": elicit, "elicit_url": elicit, "sample": sample, "roots": roots}
        self._answers = {kind: answer for kind, answer in answers.items() if answer is not ...}
        if log_level is None and on_log is not None:
            log_level = "debug"
        options = {
            "revision": revision,
            "questions": list(self._answers),
            "info": None if name is None else {"name": name, "version": version},
            "principal": principal,
            "capabilities": capabilities,
            "log_level": log_level,
        }
        self._options = {option: value for option, value in options.items() if value is not None}
        self._callbacks = (on_log, on_notification)
        self._open: list[SyncClient | AsyncClient] = []

    if not TYPE_CHECKING:  # A type checker that sees `__getattr__` accepts any name.

        def __getattr__(self, name):
            text = f"{type(self).__name__!r} object has no attribute {name!r}"
            if hasattr(SyncClient, name):
                text += "; use the client that `with Client(app) as client` or `async with` returns"
            raise AttributeError(text)

    def __enter__(self) -> SyncClient:
        client = SyncClient(self._app, self._options, self._answers, *self._callbacks)
        self._open.append(client)
        return client

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        client = self._open.pop()
        assert isinstance(client, SyncClient)
        client.close()

    async def __aenter__(self) -> AsyncClient:
        client = await AsyncClient.open(self._app, self._options, self._answers, *self._callbacks)
        self._open.append(client)
        return client

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        client = self._open.pop()
        assert isinstance(client, AsyncClient)
        await client.close()
