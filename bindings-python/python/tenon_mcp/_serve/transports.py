"""The transports of a server, as keywords of ``run``, and their options; made from the engine's tables."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypedDict

from .descriptors import HasFileno


class HttpOptions(TypedDict, total=False):
    """The options of ``http``."""

    host: str | None
    """The host name or the IP address to bind. Default: ``127.0.0.1``."""
    port: int | None
    """The port; 0 for a free one. Without a port, ``websocket`` and ``sse`` are served on a path of the first
    address of ``http``. In Python, the default of ``http`` is 8000.
    """
    path: str | None
    """The path of the endpoint, percent-encoded as in a request. Default: ``/mcp`` for ``http``, ``/ws`` for
    ``websocket``, and ``/sse`` for ``sse``, whose messages are posted to ``messages`` beside it. It is accepted
    with and without a slash at its end.
    """
    unix: str | os.PathLike[str] | None
    """The path of a Unix socket to listen on, instead of host and port. It has at most 107 bytes."""
    mode: int | None
    """The permissions of the socket's file, independent of the process's umask. Users that may write to the file may
    connect. Default: ``0o600``, only the user that the server runs as. The largest value is ``0o777``. Other
    addresses have no file.
    """
    socket: int | HasFileno | None
    """A listening socket of the program, TCP or Unix, instead of host and port. It is duplicated, and becomes
    non-blocking, even for other processes that share it.
    """
    allowed_hosts: Sequence[str] | None
    """The host names, without port, that requests may name besides loopback hosts. If no name is set, a loopback
    address accepts only loopback hosts. Any other address, and the program's own HTTP server, accepts any host.
    On an address of ``http``, ``websocket`` and ``sse`` have the hosts and origins of ``http``, unless hosts or
    origins are set for them. The start fails if a name is not a valid host.
    """
    allowed_origins: Sequence[str] | None
    """The origins (``scheme://host[:port]``) whose web pages may send requests. ``*`` means every origin, and
    ``null`` means pages that have no origin. Pages of loopback hosts may always send requests to a loopback
    address, and to the program's own HTTP server if the request names a loopback host. Other pages are answered
    with 403. The start fails if a text is not a valid origin.
    """
    allowed_headers: Sequence[str] | None
    """The request headers that pages of allowed origins may send. The headers of the protocol, ``Authorization``,
    ``Content-Type`` and ``Accept`` are always allowed. ``*`` means every header. A browser asks for these headers
    in a CORS preflight, and does not send a header that is not allowed. On an address of ``http``, those of
    ``sse`` are added to those of ``http``, unless hosts or origins are set for ``sse``. The start fails if a text
    is not a valid header name.
    """


class _UnixOptions(TypedDict):
    path: str | os.PathLike[str]
    """The path of the socket, at most 107 bytes."""


class UnixOptions(_UnixOptions, total=False):
    """The options of ``unix``."""

    mode: int | None
    """The permissions of the socket's file, independent of the process's umask. Users that may write to the file may
    connect. Default: ``0o600``, only the user that the server runs as. The largest value is ``0o777``. Other
    addresses have no file.
    """


class WebOptions(TypedDict, total=False):
    """The options of ``websocket``."""

    host: str | None
    """The host name or the IP address to bind. Default: ``127.0.0.1``."""
    port: int | None
    """The port; 0 for a free one. Without a port, ``websocket`` and ``sse`` are served on a path of the first
    address of ``http``. In Python, the default of ``http`` is 8000.
    """
    path: str | None
    """The path of the endpoint, percent-encoded as in a request. Default: ``/mcp`` for ``http``, ``/ws`` for
    ``websocket``, and ``/sse`` for ``sse``, whose messages are posted to ``messages`` beside it. It is accepted
    with and without a slash at its end.
    """
    allowed_hosts: Sequence[str] | None
    """The host names, without port, that requests may name besides loopback hosts. If no name is set, a loopback
    address accepts only loopback hosts. Any other address, and the program's own HTTP server, accepts any host.
    On an address of ``http``, ``websocket`` and ``sse`` have the hosts and origins of ``http``, unless hosts or
    origins are set for them. The start fails if a name is not a valid host.
    """
    allowed_origins: Sequence[str] | None
    """The origins (``scheme://host[:port]``) whose web pages may send requests. ``*`` means every origin, and
    ``null`` means pages that have no origin. Pages of loopback hosts may always send requests to a loopback
    address, and to the program's own HTTP server if the request names a loopback host. Other pages are answered
    with 403. The start fails if a text is not a valid origin.
    """


class SseOptions(TypedDict, total=False):
    """The options of ``sse``."""

    host: str | None
    """The host name or the IP address to bind. Default: ``127.0.0.1``."""
    port: int | None
    """The port; 0 for a free one. Without a port, ``websocket`` and ``sse`` are served on a path of the first
    address of ``http``. In Python, the default of ``http`` is 8000.
    """
    path: str | None
    """The path of the endpoint, percent-encoded as in a request. Default: ``/mcp`` for ``http``, ``/ws`` for
    ``websocket``, and ``/sse`` for ``sse``, whose messages are posted to ``messages`` beside it. It is accepted
    with and without a slash at its end.
    """
    allowed_hosts: Sequence[str] | None
    """The host names, without port, that requests may name besides loopback hosts. If no name is set, a loopback
    address accepts only loopback hosts. Any other address, and the program's own HTTP server, accepts any host.
    On an address of ``http``, ``websocket`` and ``sse`` have the hosts and origins of ``http``, unless hosts or
    origins are set for them. The start fails if a name is not a valid host.
    """
    allowed_origins: Sequence[str] | None
    """The origins (``scheme://host[:port]``) whose web pages may send requests. ``*`` means every origin, and
    ``null`` means pages that have no origin. Pages of loopback hosts may always send requests to a loopback
    address, and to the program's own HTTP server if the request names a loopback host. Other pages are answered
    with 403. The start fails if a text is not a valid origin.
    """
    allowed_headers: Sequence[str] | None
    """The request headers that pages of allowed origins may send. The headers of the protocol, ``Authorization``,
    ``Content-Type`` and ``Accept`` are always allowed. ``*`` means every header. A browser asks for these headers
    in a CORS preflight, and does not send a header that is not allowed. On an address of ``http``, those of
    ``sse`` are added to those of ``http``, unless hosts or origins are set for ``sse``. The start fails if a text
    is not a valid header name.
    """


class EmbedOptions(TypedDict, total=False):
    """The options for the program's own HTTP server."""

    allowed_hosts: Sequence[str] | None
    """The host names, without port, that requests may name besides loopback hosts. If no name is set, a loopback
    address accepts only loopback hosts. Any other address, and the program's own HTTP server, accepts any host.
    On an address of ``http``, ``websocket`` and ``sse`` have the hosts and origins of ``http``, unless hosts or
    origins are set for them. The start fails if a name is not a valid host.
    """
    allowed_origins: Sequence[str] | None
    """The origins (``scheme://host[:port]``) whose web pages may send requests. ``*`` means every origin, and
    ``null`` means pages that have no origin. Pages of loopback hosts may always send requests to a loopback
    address, and to the program's own HTTP server if the request names a loopback host. Other pages are answered
    with 403. The start fails if a text is not a valid origin.
    """
    allowed_headers: Sequence[str] | None
    """The request headers that pages of allowed origins may send. The headers of the protocol, ``Authorization``,
    ``Content-Type`` and ``Accept`` are always allowed. ``*`` means every header. A browser asks for these headers
    in a CORS preflight, and does not send a header that is not allowed. On an address of ``http``, those of
    ``sse`` are added to those of ``http``, unless hosts or origins are set for ``sse``. The start fails if a text
    is not a valid header name.
    """


class Transports(TypedDict, total=False):
    """The transports of a server."""

    stdio: bool | tuple[int | HasFileno, int | HasFileno] | None
    """Standard input and output, for one client. In Python and Node they are also served if no transport is named.
    Meanwhile, what handlers print goes to standard error. A pair of descriptors, input and output, is served
    instead of the standard ones. They are duplicated.
    """
    http: int | str | HttpOptions | None
    """Streamable HTTP, for both eras of the protocol: a port, ``host:port``, ``host:port/path``, ``unix:path`` for
    HTTP on a Unix socket, or options.
    """
    unix: str | os.PathLike[str] | UnixOptions | None
    """Lines, as on ``stdio``, on a Unix socket, for any number of clients: the path of the socket, or options. Only
    this user may access its file, unless ``mode`` is set. The file replaces one that was left behind, and is
    removed at the end of the server.
    """
    socket: int | HasFileno | Sequence[int | HasFileno] | None
    """Lines on a socket of the program, TCP or Unix, or on each of a list of sockets. A listening socket is served
    like ``unix``, and its file is not removed. A connected socket is one more client, and the server ends with
    the last of the connected sockets. Sockets are duplicated, and become non-blocking.
    """
    websocket: int | str | WebOptions | None
    """WebSocket, with one message per text frame: a port, ``host:port``, ``host:port/path``, or options. A path
    alone, such as ``/ws``, is a path of the first address of ``http``.
    """
    sse: int | str | SseOptions | None
    """HTTP+SSE, the transport of revision 2024-11-05, for clients that support no other. It takes the same as
    ``websocket``.
    """
