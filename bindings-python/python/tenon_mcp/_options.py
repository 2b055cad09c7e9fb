"""Options of serving, as people write them and as the engine takes them."""

from __future__ import annotations

import os

from ._errors import RegistrationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from ._option_types import Http, HttpAddress, Stdio


def read_words(option: str, words: Sequence[str] | None) -> list[str] | None:
    """A list of words, which a string is not."""
    if words is not None and (isinstance(words, str) or not all(isinstance(word, str) for word in words)):
        raise RegistrationError(f"{option} must be a list of strings")
    return None if words is None else list(words)


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
        from ._option_types import HttpOptions

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


def read_state_keys(keys: Iterable[bytes]) -> list[bytes]:
    """The keys; none of them shows in a message."""
    # Bytes are iterable too, and one key alone is what was meant.
    if isinstance(keys, (bytes, bytearray, str)):
        raise RegistrationError("state_keys must be a list of keys, not one key")
    read = list(keys)
    for place, key in enumerate(read):
        if not isinstance(key, bytes):
            raise RegistrationError(f"state_keys[{place}] must be bytes, not {type(key).__name__}")
        if len(key) != 32:
            raise RegistrationError(f"state_keys[{place}] must have 32 bytes, not {len(key)}")
    return read
