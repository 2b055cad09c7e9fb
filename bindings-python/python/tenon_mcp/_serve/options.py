"""Converts the options of serving from the users' form to the engine's form."""

from __future__ import annotations

import os

from ..errors import RegistrationError, ServeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from ..types import HasFileno, Http, Sockets, Sse, Stdio, Unix, Web


_HTTP = ("host", "port", "path", "unix", "mode", "socket", "allowed_hosts", "allowed_origins", "allowed_headers")


def read_transports(
    stdio: Stdio, http: Http, unix: Unix, socket: Sockets, websocket: Web, sse: Sse, in_process: bool = False
) -> dict[str, Any]:
    """The transports in the engine's form. Descriptors are duplicated, and the engine owns the duplicates."""
    transports: dict[str, Any] = _web_transports(websocket, sse)
    if in_process:
        transports["in_process"] = True
    if http is not None:
        transports["http"] = read_http(http)
    if unix is not None:
        transports["unix"] = _unix(unix)
    duplicates: list[int] = []
    try:
        if "socket" in transports.get("http", ()):
            transports["http"]["socket"] = _duplicate("http option socket", transports["http"]["socket"], duplicates)
        if socket is not None:
            sockets: Any = socket if isinstance(socket, (list, tuple)) else [socket]
            transports["socket"] = [_duplicate("socket", one, duplicates) for one in sockets]
        if stdio is None:
            stdio = not transports
        if not isinstance(stdio, bool):
            try:
                reader, writer = stdio
            except (TypeError, ValueError):
                raise RegistrationError(f"stdio must be a bool or a pair of descriptors, not {stdio!r}") from None
            stdio = (_duplicate("stdio", reader, duplicates), _duplicate("stdio", writer, duplicates))
    except BaseException:
        for descriptor in duplicates:
            os.close(descriptor)
        raise
    transports["stdio"] = stdio
    return transports


def check_transports(http: Http, unix: Unix, websocket: Web, sse: Sse) -> None:
    """Checks transports without opening anything, and raises the first error."""
    _web_transports(websocket, sse)
    if http is not None:
        read_http(http)
    if unix is not None:
        _unix(unix)


def _web_transports(websocket: Web, sse: Sse) -> dict[str, Any]:
    transports: dict[str, Any] = {}
    if websocket is not None or sse is not None:
        from .web_options import read_web

        if websocket is not None:
            transports["websocket"] = read_web("websocket", "/ws", websocket)
        if sse is not None:
            transports["sse"] = read_web("sse", "/sse", sse)
    return transports


def _duplicate(option: str, source: int | HasFileno, duplicates: list[int]) -> int:
    descriptor = source if isinstance(source, int) else getattr(source, "fileno", lambda: None)()
    if not isinstance(descriptor, int) or isinstance(descriptor, bool):
        raise RegistrationError(f"{option} must be a socket or a descriptor, not {type(source).__name__}")
    try:
        duplicates.append(os.dup(descriptor))
    except (OSError, OverflowError) as error:
        raise ServeError(f"{option}: descriptor {descriptor}: {error}") from None
    return duplicates[-1]


def _unix(unix: Unix) -> dict[str, Any]:
    if isinstance(unix, (str, os.PathLike)):
        return {"path": unix}
    if not isinstance(unix, dict) or "path" not in unix or unix.keys() - {"path", "mode"}:
        raise RegistrationError(f"unix must be a path, or options path and mode, not {unix!r}")
    options: dict[str, Any] = dict(unix)
    if not isinstance(options["path"], (str, os.PathLike)):
        raise RegistrationError(f"unix option path must be a path, not {type(options['path']).__name__}")
    _mode("unix", options)
    return options


def _mode(what: str, options: dict[str, Any]) -> None:
    mode = options.get("mode", 0)
    if isinstance(mode, bool) or not isinstance(mode, int) or not 0 <= mode <= 0o777:
        raise RegistrationError(f"{what} option mode must be a number from 0 to 0o777, not {mode!r}")


def read_http(http: Http) -> dict[str, Any]:
    """The address and the names in the engine's form."""
    if isinstance(http, bool):
        raise RegistrationError("http must be a port, 'host:port', 'host:port/path' or options, not a bool")
    if isinstance(http, (int, str)):
        return {"address": str(http)}
    if not isinstance(http, dict):
        raise RegistrationError(
            f"http must be a port, 'host:port', 'host:port/path' or options, not {type(http).__name__}"
        )
    options: dict[str, Any] = dict(http)
    for option in options:
        if option not in _HTTP:
            raise RegistrationError(f"unknown http option {option!r}; the options are {', '.join(_HTTP)}")
    for option in ("allowed_hosts", "allowed_origins", "allowed_headers"):
        if option in options:
            options[option] = _list_of_strings(option, options[option])
    places = [option for option in ("unix", "socket") if option in options]
    wrong = {"host", "port"} & options.keys() if places else {"mode"} & options.keys()
    if len(places) > 1 or wrong or ("mode" in options and "unix" not in options):
        found = ", ".join(option for option in ("host", "port", "unix", "mode", "socket") if option in options)
        raise RegistrationError(
            f"http options must name one place: host and port, or unix and mode, or socket; they have {found}"
        )
    if places:
        _mode("http", options)
        return options
    host, port = options.pop("host", "127.0.0.1"), options.pop("port", 8000)
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    address = f"{host}:{port}{options.pop('path', '')}"
    return {**options, "address": address}


def _list_of_strings(option: str, names: Sequence[str]) -> Sequence[str]:
    # A string is a sequence of strings too, but never the intended value.
    if isinstance(names, str):
        raise RegistrationError(f"http option {option} must be a list of strings, not a string")
    return list(names)


def read_state_keys(keys: Iterable[bytes]) -> list[bytes]:
    """The keys. No message contains a key."""
    # Bytes are iterable too, but then a single key was intended.
    if isinstance(keys, (bytes, bytearray, str)) or not hasattr(keys, "__iter__"):
        raise RegistrationError("state_keys must be a list of keys; put a single key into a list")
    read = list(keys)
    for index, key in enumerate(read):
        if not isinstance(key, bytes):
            raise RegistrationError(f"state_keys[{index}] must be bytes, not {type(key).__name__}")
        if len(key) != 32:
            raise RegistrationError(f"state_keys[{index}] must have 32 bytes, not {len(key)}")
    return read
