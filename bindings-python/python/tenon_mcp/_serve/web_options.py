"""WebSocket and HTTP+SSE among the options of serving."""

from __future__ import annotations

from ..errors import RegistrationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..types import Sse, Web

_WEBSOCKET = ("host", "port", "path", "allowed_hosts", "allowed_origins")
# A page cannot add headers to a WebSocket.
_OPTIONS = {"websocket": _WEBSOCKET, "sse": (*_WEBSOCKET, "allowed_headers")}


def read_web(what: str, default_path: str, web: Web | Sse) -> dict[str, Any]:
    """The options in the engine's form. ``what`` is the name of the option."""
    if isinstance(web, (int, str)) and not isinstance(web, bool):
        return {"address": str(web)}
    if not isinstance(web, dict):
        raise RegistrationError(
            f"{what} must be a port, 'host:port', 'host:port/path', '/path' or options, not {type(web).__name__}"
        )
    options: dict[str, Any] = dict(web)
    for option in options:
        if option not in _OPTIONS[what]:
            raise RegistrationError(f"unknown {what} option {option!r}; the options are {', '.join(_OPTIONS[what])}")
    path = options.pop("path", default_path)
    if "host" in options and "port" not in options:
        raise RegistrationError(f"{what} option host needs the option port")
    host, port = str(options.pop("host", "127.0.0.1")), options.pop("port", None)
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    for option, names in options.items():
        # A string is a sequence of strings too, but never the intended value.
        if isinstance(names, str):
            raise RegistrationError(f"{what} option {option} must be a list of strings, not a string")
        options[option] = list(names)
    return {**options, "address": path if port is None else f"{host}:{port}{path}"}
