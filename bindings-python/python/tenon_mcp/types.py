"""The types of options and entries, for annotations."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypedDict

from ._handlers.depends import Depends
from ._registry.policies import (
    CompletionPolicies,
    HookPolicies,
    MethodPolicies,
    NotificationPolicies,
    PromptPolicies,
    ResourcePolicies,
    ResourceProviderPolicies,
    ResourceTemplatePolicies,
    ToolPolicies,
)
from ._serve.cache import CacheOptions
from ._serve.limits import Limits
from ._serve.settings import ServerOptions
from ._store.operations import StoreEntry, StoreOp, StoreRecord, StoreReply
from ._store.store import Store

if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    Stdio: TypeAlias = "bool | tuple[int, int] | None"
    Http: TypeAlias = "int | str | HttpOptions | None"
    Unix: TypeAlias = "str | os.PathLike[str] | UnixOptions | None"
    Web: TypeAlias = "int | str | WebOptions | None"
    Sse: TypeAlias = "int | str | SseOptions | None"
    Sockets: TypeAlias = "int | HasFileno | Sequence[int | HasFileno] | None"
    Thread: TypeAlias = Literal["pool", "loop", "main"] | None

__all__ = [
    "CacheOptions",
    "CompletionPolicies",
    "Depends",
    "Entry",
    "HasFileno",
    "HookPolicies",
    "HttpOptions",
    "Limits",
    "MethodPolicies",
    "NotificationPolicies",
    "PromptPolicies",
    "ResourcePolicies",
    "ResourceProviderPolicies",
    "ResourceTemplatePolicies",
    "ServerOptions",
    "SseOptions",
    "Store",
    "StoreEntry",
    "StoreOp",
    "StoreRecord",
    "StoreReply",
    "ToolPolicies",
    "UnixOptions",
    "WebOptions",
]


class Entry(NamedTuple):
    """A registered entry."""

    definition: dict[str, Any]
    """The members of the definition, by the specification's names."""
    enabled: bool
    """Whether clients see the entry."""


class HasFileno(Protocol):
    """A ``socket.socket``, or any other object with a descriptor."""

    def fileno(self) -> int: ...


class _UnixPath(TypedDict):
    path: str | os.PathLike[str]


class UnixOptions(_UnixPath, total=False):
    """A Unix socket to listen on."""

    mode: int
    """The permissions of the socket's file. Users who may write to it may connect. Default ``0o600``."""


class HttpOptions(TypedDict, total=False):
    """How Streamable HTTP is served."""

    host: str
    """The address to bind; default 127.0.0.1."""
    port: int
    """The port; default 8000; 0 for a free one."""
    path: str
    """The path; default /mcp."""
    unix: str | os.PathLike[str]
    """The path of a Unix socket to listen on, instead of host and port."""
    mode: int
    """The permissions of that socket's file; default ``0o600``."""
    socket: int | HasFileno
    """A listening socket, TCP or Unix, instead of host and port. It is duplicated, and becomes non-blocking."""
    allowed_hosts: Sequence[str]
    """Host names, without port, that requests may use besides the loopback ones."""
    allowed_origins: Sequence[str]
    """Origins (``scheme://host[:port]``) whose pages may call the server besides those of loopback hosts.

    ``*`` for all, ``null`` for pages without one."""
    allowed_headers: Sequence[str]
    """Request headers that these pages may send besides those of the protocol, ``Authorization``, ``Content-Type`` and
    ``Accept``; ``*`` for all.
    """


class WebOptions(TypedDict, total=False):
    """How WebSocket is served."""

    host: str
    """The address to bind; default 127.0.0.1."""
    port: int
    """The port; 0 for a free one. If there is no port, the path is a path of the HTTP address."""
    path: str
    """The path. The default is /ws for WebSocket and /sse for HTTP+SSE, whose messages are posted to ``messages``
    beside it.
    """
    allowed_hosts: Sequence[str]
    """Host names, without port, that requests may use besides the loopback ones. On the HTTP address, the settings of
    HTTP apply unless ``allowed_hosts`` or ``allowed_origins`` is given here.
    """
    allowed_origins: Sequence[str]
    """Origins (``scheme://host[:port]``) whose pages may call the server besides those of loopback hosts."""


class SseOptions(WebOptions, total=False):
    """How HTTP+SSE of 2024-11-05 is served."""

    allowed_headers: Sequence[str]
    """Request headers that pages may send, in the same form as for HTTP. On the HTTP address they are allowed in
    addition to those of HTTP, unless hosts or origins are given here.
    """
