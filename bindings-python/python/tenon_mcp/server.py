"""The server as a program sees it."""

from __future__ import annotations

import sys

from ._native import Engine, ServeOptions, open_standard
from ._registry.decorators import Registrations
from ._serve.signals import Signals
from ._serve.state_keys import read_state_keys
from .errors import RegistrationError, StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping
    from os import PathLike
    from typing import Any, TypeAlias

    from typing_extensions import Unpack

    from ._auth.principal import Principal
    from ._embedded.asgi import Asgi
    from ._native import Running
    from ._native import Settings as _Settings
    from ._runtime.failure import ErrorMap
    from ._runtime.workers import Workers
    from ._serve.host_loop import MainThreadPoller
    from ._serve.server_state import Lifespan, OnStarted
    from ._serve.settings import ServerOptions
    from ._serve.transports import EmbedOptions, Transports
    from ._testing.client_results import CallResult
    from .settings import Settings

    _Found: TypeAlias = str | Principal | dict[str, Any] | None

__all__ = ["Server"]

DEFAULT_VERSION = "0.1.0"
"""The version of a server if neither the program nor its settings have one."""

_OMITTED: Any = ...
"""The default of an argument that must not be ``None`` without settings."""


class Server(Registrations):
    """An MCP server: its name, its registered entries, and its limits.

    A server starts no thread and opens nothing until it is served.

    ``version`` is the version of the server program (default: ``0.1.0``). ``max_workers`` limits the threads that run
    ``def`` handlers (default: number of processors + 4, at most 32). The other keywords are the settings and the limits
    (``ServerOptions``): counts, bytes and seconds, such as ``instructions="…"``, ``log_level="info"``,
    ``call_timeout=60`` or ``max_message_bytes=1 << 20``.

    ``settings`` are ``Settings``, or the path of their file. They may have the name, the version, settings, limits and
    transports. Arguments of the program replace them. If ``run``, ``serve`` or ``start`` name no transport, those of
    the settings are served. Without settings, ``name`` is needed.

    ``lifespan`` is a function that is called with the server. It returns a context manager, async or not
    (``@asynccontextmanager``, ``@contextmanager``). It may also be a generator function, async or not, that yields
    once. The server enters the context manager before the first call runs, and leaves it after the last call has ended.
    This happens once each time the server is served, and in each of ``workers`` processes. The value that it yields is
    ``lifespan`` of every context. An async context manager runs in its own task on the loop that serves. Any other runs
    on worker threads. If it raises before it yields, serving fails with ``StartError``. It replaces the hooks ``start``
    and ``stop``, and has their timeouts.

    ``state_keys`` are bytes, such as ``[secrets.token_bytes(32)]``.
    """

    def __init__(
        self,
        name: str | None = _OMITTED,
        version: str | None = _OMITTED,
        *,
        settings: str | PathLike[str] | Settings | None = None,
        max_workers: int | None = None,
        lifespan: Lifespan | None = None,
        **options: Unpack[ServerOptions],
    ) -> None:
        if settings is None:
            if name is _OMITTED:
                raise TypeError("Server.__init__() missing 1 required positional argument: 'name'")
            version = DEFAULT_VERSION if version is _OMITTED else version
        else:
            name, version = (None if text is _OMITTED else text for text in (name, version))
        for what, text in (("name", name), ("version", version)):
            if not isinstance(text, str) and (text is not None or settings is None):
                raise RegistrationError(f"{what} must be a str, not {type(text).__name__}")
        if max_workers is not None and (not isinstance(max_workers, int) or max_workers < 1):
            raise RegistrationError(f"max_workers must be an integer above zero, not {max_workers!r}")
        stack = options.get("thread_stack_bytes")
        self._settings: Settings | None = None
        if settings is not None:
            from .settings import Settings

            self._settings = own = settings if isinstance(settings, Settings) else Settings(settings)
            name = own.get("server.name") if name is None else name
            version = own.get("server.version") if version is None else version
            # Without a value of the program, workers have the stack size of the interpreter.
            if stack is None and own.source("limits.thread_stack_bytes") is not None:
                stack = own.get("limits.thread_stack_bytes")
        version = DEFAULT_VERSION if version is None else version
        store, own_store = options.get("store"), None
        if store is not None and not isinstance(store, str):
            from ._store.adapter import store_handler

            own_store = store_handler(store)
            options["store"] = None
        keys = options.get("state_keys")
        given: dict[str, Any] = {**options} if keys is None else {**options, "state_keys": read_state_keys(keys)}
        self._engine = Engine(name, version, given, own_store, self._native_settings())
        # The engine has refused to make a server without a name.
        self._name = name or ""
        self._version = version
        self._max_workers = max_workers
        self._worker_stack = None if stack is None else max(stack, 512 << 10)
        self._errors: ErrorMap = {}
        self.dependency_overrides = {}
        self._has_sync_handlers = False
        self._has_async_handlers = own_store is not None and own_store[1] == "async"
        self._has_sync_store = own_store is not None and own_store[1] == "store"
        self._mounted_in = []
        self._running: Running | None = None
        self._main: MainThreadPoller | None = None
        self._announce: OnStarted | None = None
        self._workers: Workers | None = None
        self._lifespan: object = None
        if lifespan is not None:
            from ._serve.lifespan import lifespan_state

            state = lifespan_state(self, lifespan)
            self._engine.set_lifespan(state)
            self.on("start")(state.start)
            self.on("stop")(state.stop)
            self._lifespan = state

    @property
    def name(self) -> str:
        """The name that clients see."""
        return self._name

    @property
    def version(self) -> str:
        """The version that clients see."""
        return self._version

    @property
    def settings(self) -> Settings | None:
        """The settings that the server was made with; ``None`` without settings."""
        return self._settings

    @property
    def url(self) -> str | None:
        """The URL of HTTP while the server listens, else ``None``."""
        return None if self._running is None else self._running.url

    @property
    def websocket_url(self) -> str | None:
        """The URL of WebSocket while the server listens, else ``None``."""
        return None if self._running is None else self._running.websocket_url

    @property
    def sse_url(self) -> str | None:
        """The URL of the event stream of HTTP+SSE while the server listens, else ``None``."""
        return None if self._running is None else self._running.sse_url

    def map_error(self, kind: type[Exception], error: int | Callable[[Any], BaseException]) -> None:
        """Maps an exception type of the program to the error that the client receives when a handler raises it.

        ``error`` is a code of the protocol, which is sent with the exception's message. Or it is a function that
        returns the exception to use instead (``McpError``, ``NotFound``, ``ToolError``). The mapping also applies to
        subclasses that have no mapping of their own. The errors of this package are never mapped. A mapping of
        ``Exception`` therefore covers all unforeseen exceptions.
        """
        if not (isinstance(kind, type) and issubclass(kind, Exception)):
            raise RegistrationError(f"map_error: kind must be a subclass of Exception, not {kind!r}")
        if isinstance(error, bool) or not (isinstance(error, int) or callable(error)):
            raise RegistrationError(f"map_error: {kind.__name__} must map to a code or a function, not {error!r}")
        self._errors[kind] = error

    async def call_tool(
        self, name: str, arguments: dict[str, Any] | None = None, *, raise_on_error: bool = True
    ) -> CallResult:
        """Calls a tool through the whole engine, as a client of this process.

        If the server is not being served, it is served for this call on the running loop. If the tool fails, this
        raises ``ToolError``; with ``raise_on_error=False`` it returns a result that says so. An error of the protocol
        raises ``McpError``. ``tenon_mcp.testing.Client`` can do more, and also works in programs without a loop.
        """
        from ._testing.async_client import AsyncClient

        client = await AsyncClient.open(self, {"questions": []}, {}, None, None)
        try:
            return await client.call_tool(name, arguments, raise_on_error=raise_on_error)
        finally:
            await client.close()

    def elicitation_complete(self, id: str) -> bool:
        """Tells a client with a session that the user has finished the visit that ``elicit_url`` requested with this
        ``id``.

        Returns ``False`` if no client of this process waits for it. The program need not do anything then.
        """
        return self._engine.elicitation_complete(id)

    def resource_updated(self, uri: str) -> None:
        """Reports that the resource at exactly this address has changed. Any thread may call it, even outside of
        handlers.

        Subscribed clients are notified within a few milliseconds. These are listen streams of 2026-07-28 that named the
        resource, and sessions that sent ``resources/subscribe``. Several updates in quick succession cause one
        notification. Before the start this does nothing.
        """
        self._engine.resource_updated(uri)

    def list_changed(self, kind: str) -> None:
        """Reports that the list of a kind has changed: ``"tool"``, ``"resource"`` (also templates and providers) or
        ``"prompt"``.

        Any thread may call it. Use it for changes that the engine cannot see, such as in what a provider lists. If
        entries are added, removed, enabled or disabled, the engine notifies clients by itself. Raises
        ``RegistrationError`` if clients have no list of the kind.
        """
        self._engine.list_changed(kind)

    def notify(self, method: str, params: dict[str, Any] | None = None) -> int:
        """Sends a notification of the program's own to every reachable legacy session, and returns their number.

        Any thread may call it. Clients of 2026-07-28 get such notifications only on the stream of their own request:
        ``Context.notify``. Raises ``ValueError`` if the protocol defines the name, or if ``params`` cannot be expressed
        in JSON.
        """
        return self._engine.notify(method, {} if params is None else params)

    def run(
        self,
        *,
        workers: int | None = None,
        signals: bool = True,
        on_started: Callable[[Server], object] | None = None,
        **transports: Unpack[Transports],
    ) -> None:
        """Serves until the transports end, ``close`` is called, or SIGINT or SIGTERM arrives. Blocks.

        The keywords ``transports`` (``Transports``) are the transports to serve, any number at once: ``stdio``,
        ``http=8000``, ``http={"port": 0, "allowed_hosts": […]}``, ``unix="/run/mcp.sock"``, ``socket``,
        ``websocket="/ws"`` and ``sse``. Descriptors and sockets are duplicated. If none is named, the transports of the
        ``settings`` are served; without these, ``stdio``.

        ``on_started`` is called with the server once it has started. ``url``, ``websocket_url`` and ``sse_url`` are
        known then. Without ``on_started`` the server writes them to stderr.

        At the end, calls in flight may finish within ``drain_timeout``, or within ``stdio_drain_timeout`` if stdio is
        served. The remaining calls are cancelled. Then ``run`` restores the signal handlers and returns. After SIGINT
        it raises ``SystemExit(130)`` instead. If a signal arrives while the server shuts down, the server ends at once.
        A second signal ends the process with 128 + the signal's number. Ignored signals stay ignored.

        On the main thread, ``run`` controls the process. If a handler still blocks the loop when the server has ended,
        ``asyncio.CancelledError`` is raised in it. In a ``def`` handler of this thread it is ``KeyboardInterrupt``. If
        the handler blocks in C, the process ends. After ``close``, ``run`` waits for the handler until a signal
        arrives. With ``signals=False``, or on another thread, ``run`` leaves signals and the process alone, and waits
        for the handler.

        ``workers`` is the number of processes that serve ``http``, and ``websocket`` as a path of its address. The
        processes are forked, inherit one listener, and seal with one key. They share nothing else. So the server must
        speak only revisions without sessions (``revisions=["2026-07-28"]``), and must have neither tasks nor
        ``once_only``. If a program changes or publishes something in a worker (``remove``, ``resource_updated`` …),
        this affects only the clients of that worker. Each worker has its own limits.

        The parent process serves nothing and must have no other threads. ``on_started`` is called in it once all
        workers listen. A worker that ends by itself is replaced. If more than 5 end within a minute, or if one cannot
        start, all end with ``ServeError``, which states the cause. ``close`` in any of the processes ends all of them,
        and so does any end of the parent process.
        """
        # Looked up and not imported: nothing may take long before the signal handlers are installed.
        running_loop = getattr(sys.modules.get("asyncio.events"), "_get_running_loop", None)
        if running_loop is not None and running_loop() is not None:
            raise StateError("run() blocks, but an event loop is running in this thread; use await serve()")
        open_standard()
        options = ServeOptions(transports, ("workers", "signals", "on_started"), self._native_settings())
        if workers is not None:
            from ._serve import processes

            processes.run(self, workers, options, signals, on_started)
        else:
            self._run(options, signals, on_started)

    def _run(self, options: ServeOptions, signals: bool, on_started: OnStarted | None) -> None:
        """Serves until the server ends. Raises ``SystemExit`` if a signal ended it."""
        guard = Signals(signals)
        try:
            from ._serve.serving import run

            run(self, options, guard, on_started)
        finally:
            code = guard.restore()
        if code:
            raise SystemExit(code)

    async def serve(
        self,
        *,
        on_started: Callable[[Server], object] | None = None,
        **transports: Unpack[Transports],
    ) -> None:
        """Serves on the running loop until the transports end or ``close`` is called. Takes the options of ``run``.

        If the awaiting task is cancelled, the server and every call end at once.
        """
        from ._serve.loop import serve

        options = ServeOptions(transports, ("on_started",), self._native_settings())
        await serve(self, options, on_started)

    def start(self, **transports: Unpack[Transports]) -> None:
        """Serves on threads of its own, and returns once the server has started. Takes the options of ``run``.

        If a handler of ``start`` is for the main thread, this returns before that handler has run, and ``poll`` runs
        it.

        Use it in programs whose main thread runs another event loop, such as Qt, Blender or Maya. Handlers with
        ``thread="main"`` run on that thread, in ``poll``. All other handlers run without it; those on a loop use a loop
        of the server. Signals are left alone. The server ends with its transports, after ``close``, or with the
        interpreter.
        """
        from ._serve.host_loop import start

        self._main = start(self, ServeOptions(transports, (), self._native_settings()))

    def poll(self, budget: float | None = None, timeout: float | None = 0.0) -> bool:
        """Runs calls that wait for the main thread on the calling thread. Returns ``False`` once the server has ended.

        After ``budget`` seconds (default: the limit ``poll_budget``) it starts no further call; a running call
        continues to its end. It starts at least one call that waits. If no call waits, it waits for one at most
        ``timeout`` seconds, or without limit if that is ``None``.

        Only one thread may call it, whenever its loop is idle or ``wake_fd`` is readable. A handler may call it too,
        for example from a modal dialog. A ``KeyboardInterrupt`` in a handler propagates through it. Raises
        ``StartError`` once the server has ended because its start failed. Raises ``StateError`` before ``start``.
        """
        return self._poller().poll(budget, timeout)

    @property
    def wake_fd(self) -> int:
        """The descriptor that is readable when ``poll`` has work to do, for the program's own loop.

        It is also readable when the server has ended. Watch it, but do not close it: it belongs to the server. Raises
        ``StateError`` before ``start``.
        """
        return self._poller().descriptor

    def _poller(self) -> MainThreadPoller:
        if self._main is None:
            raise StateError("the server was not started with start(); call start() before poll() or wake_fd")
        return self._main

    def asgi(
        self,
        *,
        path: str | None = None,
        principal: Callable[[MutableMapping[str, Any]], _Found | Awaitable[_Found]] | None = None,
        **options: Unpack[EmbedOptions],
    ) -> Asgi:
        """The server as an ASGI 3 application. FastAPI or Starlette can mount it, and uvicorn or hypercorn can run it.

        It needs no lifespan: the first request starts it, on the asyncio loop of that request. ``close`` or the end of
        the process ends it. If an ASGI server delivers a lifespan, the lifespan starts and ends it. ``lifespan`` of the
        returned object does the same explicitly. ``async def`` handlers run on the loop of their request, and ``def``
        handlers run on worker threads. Both see the context variables that middleware has set for their request. Call
        this once. The returned object may be mounted at several paths.

        The application answers every path that is routed to it. With ``path`` it answers only that path, with and
        without a slash at its end, below the scope's ``root_path``; other paths get 404.

        The other keywords are ``EmbedOptions``: which hosts requests may name, and which pages in browsers may call.

        ``principal`` is a function of the scope that returns the principal of a request, or an awaitable of it. This
        may be the user that a middleware has stored there: a ``str``, or a ``Principal`` or a dict with scopes and
        roles. ``None`` means that the sender is anonymous. Sessions belong to the principal that opened them, and
        handlers read it as ``ctx.principal``. If the setting ``auth`` is set too, it verifies the credentials of
        requests for which the function returns ``None``.

        The function is called after the checks of method, host and origin, and before the body is read. If it raises,
        the request gets status 500. The same applies to an empty string and to values of other types. The log has the
        reason, and the client has it only if errors are not masked. If the function takes longer than
        ``store_timeout``, it is cancelled and the request gets 503. It is also cancelled if the ASGI server cancels
        the request. ASGI reports that a client has left only to a reader of the body. So for a request with a body, a
        client that leaves cancels nothing.

        The calls, streams and bytes of a client count towards the share of its address (``max_address_calls`` and the
        others). The address is that of the scope's ``client``.

        WebSockets are refused. While ``run`` or ``serve`` serve the same server, requests fail with ``StateError``.
        """
        from ._embedded.asgi import Asgi

        return Asgi(self, path, options, principal)

    def close(self) -> None:
        """Ends the server: it accepts no further requests, and calls in flight may finish within ``drain_timeout``.

        If stdio is served, they may finish within ``stdio_drain_timeout`` if that is less. Returns at once. Any thread
        may call it, even the thread of a handler. If the server has not started or is closed already, it does nothing.
        """
        running = self._running
        if running is not None:
            running.check_fork()
            running.close()

    def _native_settings(self) -> _Settings | None:
        return None if self._settings is None else self._settings._native

    def _claim(self) -> None:
        """Raises ``StateError`` if the server is being served already."""
        if self._running is not None:
            self._running.check_fork()
            raise StateError(f"server {self._name!r} is already being served; close it first, or make another server")
