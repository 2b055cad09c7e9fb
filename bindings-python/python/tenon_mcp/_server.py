"""The server as a program sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from ._errors import RegistrationError, StateError
from ._native import Engine, Handler

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._native import Running
    from ._options import Http, Stdio
    from ._workers import Workers

    F = TypeVar("F", bound=Callable[..., Any])


class Server:
    """An MCP server: its name, its tools, its limits. Starts no thread and opens nothing until it is served.

    ``version`` is that of the server program, ``instructions`` says how a model should use it. ``max_workers`` bounds
    the threads that run ``def`` tools (default: 4 more than there are processors, at most 32). The other keywords are
    the engine's limits: counts, bytes and seconds, such as ``call_timeout=60`` or ``max_message_bytes=1 << 20``.
    """

    def __init__(
        self,
        name: str,
        version: str = "0.1.0",
        *,
        instructions: str | None = None,
        max_workers: int | None = None,
        **limits: float,
    ) -> None:
        if max_workers is not None and max_workers < 1:
            raise RegistrationError(f"max_workers must be above zero, not {max_workers}")
        self._engine = Engine(name, version, instructions, limits)
        self._name = name
        self._version = version
        self._max_workers = max_workers
        self._has_sync_tools = False
        self._running: Running | None = None
        self._workers: Workers | None = None

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

    @overload
    def tool(self, function: F, /) -> F: ...

    @overload
    def tool(
        self,
        name: str | None = None,
        /,
        *,
        description: str | None = None,
        input_schema: dict[str, Any] | None = None,
        output_schema: dict[str, Any] | None = None,
        structured: bool | None = None,
        timeout: float | None = None,
    ) -> Callable[[F], F]: ...

    def tool(
        self,
        name: Any = None,
        /,
        *,
        description: str | None = None,
        input_schema: dict[str, Any] | None = None,
        output_schema: dict[str, Any] | None = None,
        structured: bool | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Registers a function as a tool; with or without parentheses. The function itself stays as it is.

        ``async def`` functions run on the loop that serves, ``def`` functions on worker threads. Unless given, the
        name is the function's, the description its docstring, and ``input_schema`` comes from its signature: JSON
        types, lists and dicts of them, unions, ``Literal``. A parameter annotated ``Context`` receives the call's
        context.

        A result is sent as text: a ``str`` as it is, ``None`` as empty text, anything else as JSON. If the return
        annotation is a dict or a ``TypedDict``, or with ``structured=True`` or an ``output_schema``, it is sent as
        structured content too. ``timeout`` is in seconds. Raises ``RegistrationError``.
        """

        def register(function: F) -> F:
            self._add_tool(
                function, name, description, input_schema, output_schema, structured, timeout
            )
            return function

        if name is None or isinstance(name, str):
            return register
        function, name = name, None
        return register(function)

    def _add_tool(
        self,
        function: Callable[..., Any],
        name: str | None,
        description: str | None,
        input_schema: dict[str, Any] | None,
        output_schema: dict[str, Any] | None,
        structured: bool | None,
        timeout: float | None,
    ) -> None:
        import inspect

        from ._schema import read

        if not callable(function):
            raise RegistrationError(f"a tool must be a function, not {type(function).__name__}")
        if name is None:
            name = getattr(function, "__name__", None)
            if name is None:
                raise RegistrationError(f"a tool made from a {type(function).__name__} needs a name")
        # An object may be called through an async method of its class.
        on_loop = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise RegistrationError(f"tool {name!r} is a generator; a tool returns its result")
        signature = read(name, function, on_loop, derive=input_schema is None)
        if description is None and (text := getattr(function, "__doc__", None)):
            description = inspect.cleandoc(text)
        returns_dict = signature.returns_dict and structured is None
        handler = Handler(function, signature.parameters, signature.context, returns_dict)
        self._engine.add_tool(
            name,
            handler,
            on_loop=on_loop,
            description=description,
            input_schema=signature.schema if input_schema is None else input_schema,
            output_schema=output_schema,
            structured=signature.returns_dict if structured is None else structured,
            timeout=timeout,
        )
        if not on_loop:
            self._has_sync_tools = True
            if self._workers is not None:
                self._workers.start()

    def run(
        self,
        *,
        stdio: Stdio = None,
        http: Http = None,
        signals: bool = True,
        on_started: Callable[[Server], object] | None = None,
    ) -> None:
        """Serves until the transports end, or until SIGINT or SIGTERM; blocks.

        ``stdio`` is served if nothing else is given or if it is ``True``; a pair of descriptors (input, output) is
        served in place of the process's own. ``http`` is a port, ``"host:port"``, ``"host:port/path"`` or
        ``HttpOptions``. Both may be served at once. ``on_started`` is called with the server once it listens, when
        ``url`` is known; without it the URL is written to stderr.

        SIGINT cancels what runs and raises ``KeyboardInterrupt``; SIGTERM lets it finish, within ``drain_timeout``,
        and returns. With ``signals=False``, or outside of the main thread, signals are left alone.
        """
        from ._serving import run

        run(self, stdio, http, signals, on_started)

    async def serve(
        self,
        *,
        stdio: Stdio = None,
        http: Http = None,
        on_started: Callable[[Server], object] | None = None,
    ) -> None:
        """Serves on the running loop until the transports end or ``close`` is called; takes what ``run`` takes.

        Cancelling it ends the server and every call at once.
        """
        from ._serving import serve

        await serve(self, stdio, http, on_started)

    def close(self) -> None:
        """Ends the server: it accepts nothing more, and calls in flight may finish within ``drain_timeout``.

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
