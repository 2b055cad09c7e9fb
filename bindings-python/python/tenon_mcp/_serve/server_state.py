"""The type of a server as the modules that serve it see it. Only type checkers load this module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager, AbstractContextManager
    from typing import TypeAlias

    from .._native import Engine, Running, ServeOptions, Settings
    from .._runtime.failure import ErrorMap
    from .._runtime.workers import Workers

    OnStarted: TypeAlias = Callable[[Any], object]
    """A function that is called with the server once it has started."""
    Manager: TypeAlias = (
        AbstractAsyncContextManager[Any] | AbstractContextManager[Any] | AsyncIterator[Any] | Iterator[Any]
    )
    Lifespan: TypeAlias = Callable[[Any], Manager]


class ServerState(Protocol):
    """The members of ``Server`` that the modules of this folder use. They do not import ``Server``."""

    _engine: Engine
    _errors: ErrorMap
    _max_workers: int | None
    _worker_stack: int | None
    _has_sync_handlers: bool
    _has_async_handlers: bool
    _has_sync_store: bool
    _has_sync_access: bool
    _running: Running | None
    _workers: Workers | None
    _announce: OnStarted | None

    @property
    def name(self) -> str: ...

    @property
    def url(self) -> str | None: ...

    @property
    def websocket_url(self) -> str | None: ...

    @property
    def sse_url(self) -> str | None: ...

    def _run(self, options: ServeOptions, signals: bool, on_started: OnStarted | None) -> None: ...

    def _native_settings(self) -> Settings | None: ...

    def _claim(self) -> None: ...
