"""The types of options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from typing import TypeAlias

    Stdio: TypeAlias = "bool | tuple[int, int] | None"
    Http: TypeAlias = "int | str | HttpOptions | None"
    HttpAddress: TypeAlias = "tuple[str, Sequence[str], Sequence[str]]"
    Cache: TypeAlias = "float | CacheOptions"


class HttpOptions(TypedDict, total=False):
    """How Streamable HTTP is served."""

    host: str
    """What to bind; default 127.0.0.1."""
    port: int
    """Default 8000; 0 for a free one."""
    path: str
    """Default /mcp."""
    allowed_hosts: Sequence[str]
    """Host names, without port, that requests may name besides the loopback ones."""
    allowed_origins: Sequence[str]
    """Origins (``scheme://host[:port]``) whose pages may call the server besides those of loopback hosts.

    ``*`` for all, ``null`` for pages without one."""


class CacheOptions(TypedDict, total=False):
    """How long a client may keep an answer, and for whom; a hint, and no access control."""

    ttl: float
    """Seconds; default 0."""
    scope: str
    """``"public"`` (default) if everybody may be given it, ``"private"`` if only who asked."""
