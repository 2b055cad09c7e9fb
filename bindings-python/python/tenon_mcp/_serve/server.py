"""The server as a program sees it."""

from __future__ import annotations

import sys

from .._errors import RegistrationError, StateError
from .._native import Engine, open_standard
from .._registry.decorators import Registrations
from .options import read_state_keys, read_words
from .signals import Signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, MutableMapping, Sequence
    from contextlib import AbstractAsyncContextManager, AbstractContextManager
    from typing import Any, Literal, TypeAlias

    from typing_extensions import Unpack

    from .._handlers.failure import ErrorMap
    from .._native import Running
    from .._runtime.workers import Workers
    from .._testing.client_results import CallResult
    from .asgi import Asgi
    from .host_loop import Main
    from .limits import Limits
    from .option_types import Cache, Http, Sockets, Sse, Stdio, Unix, Web

    Transports: TypeAlias = dict[str, Any]
    Manager: TypeAlias = (
        AbstractAsyncContextManager[Any] | AbstractContextManager[Any] | AsyncIterator[Any] | Iterator[Any]
    )
    Lifespan: TypeAlias = Callable[[Any], Manager]


class Server(Registrations):
    """An MCP server: its name, what is registered, its limits. Starts no thread and opens nothing until it is served.

    ``version`` is that of the server program, ``instructions`` says how a model should use it. ``title``,
    ``description``, ``icons`` and ``website_url`` tell people who it is, as the protocol has them. ``max_workers``
    bounds the threads that run ``def`` handlers (default: 4 more than there are processors, at most 32).

    ``revisions`` restricts the revisions of the protocol. ``capabilities`` are declared even if nothing is registered
    for them: ``"tools"``, ``"resources"``, ``"prompts"``, ``"completions"``, ``"logging"``. ``extensions`` are declared
    with their settings, by id.

    If ``mask_errors`` is on, a client receives a reference in place of an unexpected exception's text. The log has the
    text under that reference. By default it is on if other machines may reach the server. That is so if the server
    listens on an address that is not a loopback address, allows a host that is not this machine, or serves HTTP on a
    Unix socket. It is also so with ``asgi()``. The log says at the start which holds, with the level ``WARNING``, also
    if this is ``False``.
    ``cache`` says how long answers may be kept and by whom (2026-07-28): seconds, or ``CacheOptions``; ``cache_of`` the
    same by method. ``coerce_arguments`` (default: yes) reads numbers, booleans, arrays and objects from texts where
    arguments do not conform otherwise; ``assert_formats`` (default: yes) asserts ``format`` in schemas.

    ``log_level`` is the lowest level of records that reach ``logging``: ``"debug"`` (the default: ``logging`` alone
    decides), ``"info"``, ``"warn"`` or ``"error"``. ``end_with_stdin`` (default: yes) says whether the end of standard
    input ends a server that has other transports; if it is ``False``, that client leaves and the others stay.

    ``lifespan`` is a function that is called with the server and gives a context manager, async or not
    (``@asynccontextmanager``, ``@contextmanager``), or an (async) generator function that yields once. It is entered
    before the first call runs and left after the last has ended, once each time the server is served, and in each of
    ``workers`` processes; what it yields is ``lifespan`` of every context. An async one runs in a task of its own on
    the loop that serves, another one on worker threads. If it raises before it yields, serving fails with
    ``StartError``. It takes the place of the hooks ``start`` and ``stop``, and has their time-outs.

    ``state_keys`` are keys of 32 bytes that seal what clients of the stateless protocol carry between the rounds of a
    question: the first seals, all open, so that a key can be replaced. Replicas behind one address must share them;
    without any, a random key of this process serves. Keep them secret, and draw them at random
    (``secrets.token_bytes(32)``).

    The other keywords are the engine's limits (``Limits``): counts, bytes and seconds, such as ``call_timeout=60`` or
    ``max_message_bytes=1 << 20``.
    """

    def __init__(
        self,
        name: str,
        version: str = "0.1.0",
        *,
        title: str | None = None,
        description: str | None = None,
        icons: Sequence[dict[str, Any]] | None = None,
        website_url: str | None = None,
        instructions: str | None = None,
        revisions: Sequence[str] | None = None,
        capabilities: Sequence[str] | None = None,
        extensions: dict[str, dict[str, Any]] | None = None,
        mask_errors: bool | None = None,
        cache: Cache | None = None,
        cache_of: dict[str, Cache] | None = None,
        coerce_arguments: bool | None = None,
        assert_formats: bool | None = None,
        log_level: Literal["debug", "info", "warn", "error"] | None = None,
        end_with_stdin: bool | None = None,
        max_workers: int | None = None,
        state_keys: Iterable[bytes] = (),
        lifespan: Lifespan | None = None,
        **limits: Unpack[Limits],
    ) -> None:
        for what, text in (("name", name), ("version", version), ("instructions", instructions)):
            if not isinstance(text, str) and (what != "instructions" or text is not None):
                raise RegistrationError(f"{what} must be a str, not {type(text).__name__}")
        for what, table in (("extensions", extensions), ("cache_of", cache_of)):
            if table is not None and not isinstance(table, dict):
                raise RegistrationError(f"{what} must be a dict, not {type(table).__name__}")
        if max_workers is not None and (not isinstance(max_workers, int) or max_workers < 1):
            raise RegistrationError(f"max_workers must be an integer above zero, not {max_workers!r}")
        settings = {
            "title": title,
            "description": description,
            "icons": icons,
            "website_url": website_url,
            "instructions": instructions,
            "revisions": read_words("revisions", revisions),
            "capabilities": read_words("capabilities", capabilities),
            "extensions": extensions,
            "mask_errors": mask_errors,
            "cache": cache,
            "cache_of": cache_of,
            "coerce_arguments": coerce_arguments,
            "assert_formats": assert_formats,
            "log_level": log_level,
            "end_with_stdin": end_with_stdin,
        }
        settings = {key: value for key, value in settings.items() if value is not None}
        self._engine = Engine(name, version, settings, limits, read_state_keys(state_keys))
        self._name = name
        self._version = version
        self._max_workers = max_workers
        stack = limits.get("thread_stack_bytes")
        self._worker_stack = None if stack is None else max(stack, 512 << 10)
        self._errors: ErrorMap = {}
        self.dependency_overrides = {}
        self._has_sync_handlers = self._has_async_handlers = False
        self._mounted_in = []
        self._running: Running | None = None
        self._main: Main | None = None
        self._announce: Callable[[Server], object] | None = None
        self._workers: Workers | None = None
        self._lifespan: object = None
        if lifespan is not None:
            from .lifespan import register

            register(self, lifespan)

    @property
    def name(self) -> str:
        """The name clients see."""
        return self._name

    @property
    def version(self) -> str:
        """The version clients see."""
        return self._version

    @property
    def url(self) -> str | None:
        """Where the server listens for HTTP, while it does."""
        return None if self._running is None else self._running.url

    @property
    def websocket_url(self) -> str | None:
        """Where the server listens for WebSocket, while it does."""
        return None if self._running is None else self._running.websocket_url

    @property
    def sse_url(self) -> str | None:
        """Where the server listens for clients of HTTP+SSE, while it does: the address of the event stream."""
        return None if self._running is None else self._running.sse_url

    def map_error(self, kind: type[Exception], error: int | Callable[[Any], BaseException]) -> None:
        """Says what an exception of the program's own stands for when a handler raises it: a code of the protocol, with
        the exception's message, or a function that gives the exception to take its place (``McpError``, ``NotFound``,
        ``ToolError``). Subclasses go with it, unless they are mapped themselves. The errors of this package are meant
        as they are, and not mapped, so that ``Exception`` stands for whatever is unforeseen.
        """
        if not (isinstance(kind, type) and issubclass(kind, Exception)):
            raise RegistrationError(f"map_error: {kind!r} is no class of exceptions")
        if isinstance(error, bool) or not (isinstance(error, int) or callable(error)):
            raise RegistrationError(f"map_error: {kind.__name__} stands for a code or a function, not {error!r}")
        self._errors[kind] = error

    async def call_tool(
        self, name: str, arguments: dict[str, Any] | None = None, *, raise_on_error: bool = True
    ) -> CallResult:
        """Calls a tool through the whole engine, as a client of this process.

        A server that is not being served is for that, on the running loop. A tool that fails raises ``ToolError``, or
        with ``raise_on_error=False`` is a result that says so; an error of the protocol raises ``McpError``.
        ``tenon_mcp.testing.Client`` does more, and does so in programs without a loop.
        """
        from ..testing import Client

        async with Client(self) as client:
            return await client.call_tool(name, arguments, raise_on_error=raise_on_error)

    def elicitation_complete(self, id: str) -> bool:
        """Tells a client with a session that the visit ``elicit_url`` asked for with this ``id`` has come to its end.

        ``False`` if no client of this process waits for it; there is nothing to be done about it then.
        """
        return self._engine.elicitation_complete(id)

    def resource_updated(self, uri: str) -> None:
        """Says that the resource at exactly this address has changed; from any thread, also outside of handlers.

        Clients that are subscribed to it are told within a few milliseconds: listen streams of 2026-07-28 that named
        it, and sessions that sent ``resources/subscribe``. Several updates of one moment are told once. Before the
        start nobody is, and nothing happens.
        """
        self._engine.resource_updated(uri)

    def list_changed(self, kind: str) -> None:
        """Says that the list of a kind has changed: ``"tool"``, ``"resource"`` (also templates and providers) or
        ``"prompt"``; from any thread.

        For what the engine cannot see, such as what a provider lists: entries that are added, removed, enabled or
        disabled are told of without it. Raises a ``RegistrationError`` for kinds that clients have no list of.
        """
        self._engine.list_changed(kind)

    def notify(self, method: str, params: dict[str, Any] | None = None) -> int:
        """Sends a notification of the program's own to every legacy session that can be reached; returns how many those
        are. From any thread.

        Clients of 2026-07-28 get such notifications only on the stream of their own request: ``Context.notify``.
        ``ValueError`` for a name that the protocol has, and for what is not JSON.
        """
        return self._engine.notify(method, {} if params is None else params)

    def run(
        self,
        *,
        stdio: Stdio = None,
        http: Http = None,
        unix: Unix = None,
        socket: Sockets = None,
        websocket: Web = None,
        sse: Sse = None,
        workers: int | None = None,
        signals: bool = True,
        on_started: Callable[[Server], object] | None = None,
    ) -> None:
        """Serves until the transports end or ``close`` is called, or until SIGINT or SIGTERM; blocks.

        ``stdio`` is served if nothing else is given or if it is ``True``; a pair of descriptors (input, output) is
        served in place of the process's own. ``http`` is a port, ``"host:port"``, ``"host:port/path"``,
        ``"unix:path"`` for HTTP on a Unix socket, or ``HttpOptions``. ``unix`` is the path of a Unix socket, or
        ``UnixOptions``, where any number of clients speak lines as on stdio; its file is this user's alone, replaces
        one that was left behind, and goes with the server. ``socket`` is a socket of the program's, TCP or Unix, or a
        list of them: one that listens is served like ``unix``, one that is connected as one client more, and the server
        ends with the last of those. Sockets are duplicated, and no longer block. ``websocket`` is a port,
        ``"host:port/path"`` or ``WebOptions``, for clients that speak over WebSocket; ``"/ws"``, a path alone, is one
        of the HTTP address. ``sse`` is the same for HTTP+SSE, the transport of revision 2024-11-05, for clients that
        have no other. All may be served at once. ``on_started`` is called with the server once it has started, when
        ``url``, ``websocket_url`` and ``sse_url`` are known; without it they are written to stderr.

        However the end begins, calls in flight may finish within ``drain_timeout``, where stdio is served within
        ``stdio_drain_timeout``; what is left is cancelled. Then ``run`` returns, or after SIGINT raises
        ``SystemExit(130)``, with signals as they were before. A signal that comes while the server ends ends it at
        once, and a second signal ends the process, with 128 + its number. Signals that are ignored stay ignored.

        On the main thread, ``run`` has the process to itself. If a handler still blocks the loop when the server has
        ended, ``asyncio.CancelledError`` is raised in it. In a ``def`` handler of this thread it is
        ``KeyboardInterrupt``. If the handler blocks in C, the process ends. After ``close``, ``run`` waits for the
        handler until a signal comes. With ``signals=False``, or on another thread, ``run`` leaves signals and the
        process alone, and waits for the handler.

        ``workers`` is how many processes serve ``http``, and ``websocket`` as a path of its address: they are forked
        off, inherit one listener, and seal with one key. They share nothing else, so the server must speak revisions
        without sessions only (``revisions=["2026-07-28"]``) and have neither tasks nor ``once_only``; what a program
        changes or publishes in a worker (``add``, ``resource_updated`` …) concerns that one's clients; limits count for
        each. This process serves nothing and must have no other threads. ``on_started`` is called in it once all of
        them listen. A worker that ends by itself is replaced; after 5 within a minute, or when one cannot start, all
        end with ``ServeError``, which says why. ``close`` in any of them ends all, and so does the end of this
        process, however it comes about.
        """
        # Looked up, not imported: before the signals have their handlers nothing may take long.
        running_loop = getattr(sys.modules.get("asyncio.events"), "_get_running_loop", None)
        if running_loop is not None and running_loop() is not None:
            raise StateError("run() blocks, and an event loop runs here already; use await serve()")
        open_standard()
        transports = _transports(stdio, http, unix, socket, websocket, sse)
        if workers is not None:
            from . import processes as _processes

            _processes.run(self, workers, transports, signals, on_started)
            return
        guard = Signals(signals)
        try:
            from .serving import run

            run(self, transports, guard, on_started)
        finally:
            code = guard.restore()
        if code:
            raise SystemExit(code)

    async def serve(
        self,
        *,
        stdio: Stdio = None,
        http: Http = None,
        unix: Unix = None,
        socket: Sockets = None,
        websocket: Web = None,
        sse: Sse = None,
        on_started: Callable[[Server], object] | None = None,
    ) -> None:
        """Serves on the running loop until the transports end or ``close`` is called; takes what ``run`` takes.

        Cancelling it ends the server and every call at once.
        """
        from .loop import serve

        await serve(self, _transports(stdio, http, unix, socket, websocket, sse), on_started)

    def start(
        self,
        *,
        stdio: Stdio = None,
        http: Http = None,
        unix: Unix = None,
        socket: Sockets = None,
        websocket: Web = None,
        sse: Sse = None,
    ) -> None:
        """Serves on threads of its own and returns once it has started; takes what ``run`` takes. Where a handler of
        ``start`` is for the main thread it returns before, and ``poll`` runs that.

        For programs whose main thread belongs to somebody else's loop, such as Qt, Blender or Maya: handlers with
        ``thread="main"`` run there, in ``poll``. All others run without it, those on a loop on one of the server's.
        Signals are left alone. The server ends with its transports, after ``close``, or with the interpreter.
        """
        from .host_loop import start

        self._main = start(self, _transports(stdio, http, unix, socket, websocket, sse))

    def poll(self, budget: float | None = None, timeout: float | None = 0.0) -> bool:
        """Runs calls that wait for the main thread on the calling one; ``False`` once the server has ended.

        Begins no further call when ``budget`` seconds are over (default: the limit ``poll_budget``); the one at work
        goes to its end. If none waits, it
        waits for one at most ``timeout`` seconds, without end for ``None``. To be called by one thread, whenever its
        loop has a moment or ``wake_fd`` is readable; a handler may call it too, as from a modal dialog. Raises
        ``StartError`` once the server has ended because its start failed. A
        ``KeyboardInterrupt`` in a handler goes on through it. Raises ``StateError`` before ``start``.
        """
        return self._started().poll(budget, timeout)

    @property
    def wake_fd(self) -> int:
        """The descriptor that is readable when ``poll`` has something to do, for the program's own loop; also when the
        server has ended. Watch it and leave it open: it is the server's. Raises ``StateError`` before ``start``.
        """
        return self._started().descriptor

    def _started(self) -> Main:
        if self._main is None:
            raise StateError("poll() is for a server that was started with start()")
        return self._main
    def asgi(
        self,
        *,
        path: str | None = None,
        allowed_hosts: Sequence[str] | None = None,
        allowed_origins: Sequence[str] | None = None,
        allowed_headers: Sequence[str] | None = None,
        principal: Callable[[MutableMapping[str, Any]], str | None] | None = None,
    ) -> Asgi:
        """The server as an ASGI 3 application, to be mounted in FastAPI or Starlette or run by uvicorn or hypercorn.

        It needs no lifespan: the first request starts it, on whatever asyncio loop that came in on, and ``close`` or
        the end of the process ends it; where an ASGI server delivers a lifespan, that starts and ends it, and
        ``lifespan`` of what this returns does so by hand. ``async def`` handlers run on the loop of their request,
        ``def`` handlers on worker threads, both in the context variables that middleware has set around their request.
        Call this once; what it returns may be mounted at several places.

        Every path that is routed here is answered, or with ``path`` that one alone, with and without a slash at its
        end, below the scope's ``root_path``; others get 404. Any ``Host`` is answered unless there are
        ``allowed_hosts`` (names without port, besides the loopback ones). Pages in browsers may call only if their
        origin is among ``allowed_origins`` (``scheme://host[:port]``, ``*``, ``null``), or if both the page and the
        host that it names are of this machine. Besides the headers of the protocol they may send those of
        ``allowed_headers`` (``*`` for all). ``principal`` says who sent a request, from its scope: such as the user
        that a middleware has put there, or ``None`` for nobody in particular. Sessions belong to whoever opened them,
        and handlers read it as ``ctx.principal``. What a client has counts to the share of its address
        (``max_address_calls`` and the others), which is that of the scope's ``client``.

        WebSockets are refused. While ``run`` or ``serve`` serve the same server, requests fail with ``StateError``.
        """
        from .asgi import Asgi

        return Asgi(self, path, allowed_hosts, allowed_origins, allowed_headers, principal)

    def close(self) -> None:
        """Ends the server: it accepts nothing more, and calls in flight may finish within ``drain_timeout``,
        where stdio is served within ``stdio_drain_timeout`` if that is less.

        Returns at once; from any thread, also from a handler; again or before the start it does nothing.
        """
        running = self._running
        if running is not None:
            running.check_fork()
            running.close()

    def _claim(self) -> None:
        """Refuses what cannot be served."""
        if self._running is not None:
            self._running.check_fork()
            raise StateError(f"server {self._name!r} is being served already")


def _transports(stdio: Stdio, http: Http, unix: Unix, socket: Sockets, websocket: Web, sse: Sse) -> Transports:
    lines = {"stdio": stdio, "unix": unix, "socket": socket}
    return {**lines, "http": http, "websocket": websocket, "sse": sse}
