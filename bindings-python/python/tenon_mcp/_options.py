"""Options of serving, as people write them and as the engine takes them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypedDict

from ._errors import RegistrationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    Stdio: TypeAlias = "bool | tuple[int, int] | None"
    Http: TypeAlias = "int | str | HttpOptions | None"
    HttpAddress: TypeAlias = "tuple[str, Sequence[str], Sequence[str]]"


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
    """Origins (``scheme://host[:port]``) whose pages may call the server besides those of loopback hosts."""


def read_http(http: Http) -> HttpAddress | None:
    """The address, hosts and origins the engine wants."""
    if http is None:
        return None
    if isinstance(http, bool):
        raise RegistrationError("http must be a port, 'host:port', 'host:port/path' or options, not a bool")
    if isinstance(http, (int, str)):
        return str(http), (), ()
    if not isinstance(http, dict):
        raise RegistrationError(
            f"http must be a port, 'host:port', 'host:port/path' or options, not {type(http).__name__}"
        )
    options: dict[str, Any] = dict(http)
    host, port = options.pop("host", "127.0.0.1"), options.pop("port", 8000)
    path = options.pop("path", "/mcp")
    hosts, origins = options.pop("allowed_hosts", ()), options.pop("allowed_origins", ())
    if options:
        known = ", ".join(HttpOptions.__annotations__)
        raise RegistrationError(f"unknown http option {next(iter(options))!r}; the options are {known}")
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return f"{host}:{port}{path}", _names("allowed_hosts", hosts), _names("allowed_origins", origins)


def _names(option: str, names: Sequence[str]) -> Sequence[str]:
    # A string is a sequence of strings too, and never what was meant.
    if isinstance(names, str):
        raise RegistrationError(f"http option {option} must be a list of strings, not a string")
    return list(names)


def read_stdio(stdio: Stdio, http: Http) -> bool | tuple[int, int]:
    """Whether to serve stdio, or the descriptors in its place; those given are duplicated."""
    if stdio is None:
        return http is None
    if isinstance(stdio, bool):
        return stdio
    try:
        reader, writer = stdio
    except (TypeError, ValueError):
        raise RegistrationError("stdio must be a bool or a pair of descriptors") from None
    reader = os.dup(reader)
    try:
        return reader, os.dup(writer)
    except BaseException:
        os.close(reader)
        raise
