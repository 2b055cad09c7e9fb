"""The fields of a call, as properties of its context; made from the engine's table."""

from __future__ import annotations

from .._auth import principal_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .._auth.principal import Principal
    from .._native import Call


class ContextFields:
    """What a handler can read of its call."""

    __slots__ = ()
    _call: Call

    @property
    def request_id(self) -> str | int | None:
        """The id of the client's request. Notifications and hooks have none."""
        value: str | int | None = self._call.get("request_id")
        return value

    @property
    def kind(self) -> str:
        """The kind of the handler's entry: ``tool``, …"""
        value: str = self._call.get("kind")
        return value

    @property
    def name(self) -> str:
        """The name of the entry: the name of a tool or a prompt, the URI or template of a resource."""
        return self._call.name

    @property
    def uri(self) -> str | None:
        """The address of the resource that is being read."""
        value: str | None = self._call.get("uri")
        return value

    @property
    def protocol_version(self) -> str:
        """The protocol revision in force for the call."""
        value: str = self._call.get("protocol_version")
        return value

    @property
    def client_info(self) -> dict[str, Any] | None:
        """The client's name and version, if it sends them."""
        value: dict[str, Any] | None = self._call.get("client_info")
        return value

    @property
    def client_capabilities(self) -> dict[str, Any]:
        """The client's capabilities."""
        value: dict[str, Any] = self._call.get("client_capabilities")
        return value

    @property
    def meta(self) -> dict[str, Any]:
        """The request's metadata, as sent."""
        return self._call.get("meta") or {}

    @property
    def trace(self) -> dict[str, str] | None:
        """The trace context of the request: ``traceparent``, ``tracestate``, ``baggage``."""
        value: dict[str, str] | None = self._call.get("trace")
        return value

    @property
    def log_level(self) -> str | None:
        """The minimum level of log messages that a request of 2026-07-28 wants."""
        value: str | None = self._call.get("log_level")
        return value

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the HTTP request, with names in lower case."""
        return self._call.get("headers") or {}

    @property
    def principal(self) -> Principal | None:
        """The principal that sent the request, if known: an object with ``issuer``, ``subject``, ``scopes`` and
        ``roles``, and with ``client_id``, ``claims`` and ``expires_at`` if they are known.
        """
        return principal_of(self._call.get("principal"))

    @property
    def session_id(self) -> str | None:
        """The id of the session, if the transport has sessions."""
        value: str | None = self._call.get("session_id")
        return value

    @property
    def task_id(self) -> str | None:
        """The task's id, from the time when the call becomes a task."""
        value: str | None = self._call.get("task_id")
        return value
