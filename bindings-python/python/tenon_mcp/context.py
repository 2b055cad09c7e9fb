"""The context of a call: what a handler can read about its call, and the messages that it can send while it runs."""

from __future__ import annotations

from ._runtime.context_fields import ContextFields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, Generic, Literal, NoReturn, TypeAlias, overload

    from typing_extensions import TypeVar

    from ._auth.principal import Principal
    from ._native import Call
    from ._runtime.call_port import CallPort
    from ._runtime.questions import Answer, Messages, Root
    from ._runtime.resilience import Breaker, Limiter, SyncBreaker, SyncLimiter, SyncValueCache, ValueCache

    T = TypeVar("T")
    L = TypeVar("L", default=Any)

    Level: TypeAlias = Literal["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]

    class _Typed(Generic[L]): ...
else:
    L = None

    class _Typed:
        """``Context[Pool]`` declares the type of ``lifespan`` to type checkers. It has no effect at runtime."""

        __slots__ = ()

        def __class_getitem__(cls, of):
            return cls


__all__ = ["Answer", "Context", "Root", "Suspended", "SyncContext"]

_LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")


class Suspended(BaseException):
    """Ends this attempt of a ``def`` handler after its question was sent to the client.

    The handler runs again, from its top, once the answer is there. Do not catch this exception. Clean up in
    ``finally``.
    """


class _CallContext(ContextFields, _Typed[L]):
    """The members that both kinds of context share."""

    __slots__ = ("_arguments", "_call", "_state")
    _arguments: dict[str, Any] | None
    _state: dict[str, Any]

    def __init__(self, call: Call) -> None:
        self._call = call

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of the handler, as a copy: changes have no effect."""
        arguments = getattr(self, "_arguments", None)
        if arguments is None:
            arguments = self._arguments = self._call.input()
        return arguments

    @property
    def state(self) -> dict[str, Any]:
        """A dict that the middleware and the handler of this call share. They may store anything in it.

        It is discarded at the end of the call. If a call runs again because a client of 2026-07-28 sent answers, it
        starts with an empty dict.
        """
        try:
            return self._state
        except AttributeError:
            self._state = {}
            return self._state

    @property
    def lifespan(self) -> L:
        """The value that the lifespan of the handler's server has yielded (``Server(lifespan=…)``); ``None`` without a
        lifespan.

        ``Context[Pool]`` declares its type to type checkers.
        """
        value: L = self._call.lifespan
        return value

    def progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        """Reports the progress of the call.

        The report is dropped if the client did not ask for progress, or if ``progress`` has not increased.
        """
        self._call.progress(progress, total, message)

    def log(self, level: Level, data: Any, *, logger: str | None = None) -> None:
        """Sends a message for the client's log: any JSON value. ``logger`` names the part of the program that it comes
        from.

        The levels are ``"debug"``, ``"info"``, ``"notice"``, ``"warning"``, ``"error"``, ``"critical"``, ``"alert"``
        and ``"emergency"``. Any other raises ``ValueError``. The message is dropped if the client asked for higher
        levels only. Do not use it for the program's own log, or for secrets.
        """
        if level not in _LEVELS:
            raise ValueError(f"level must be one of {', '.join(_LEVELS)}, not {level!r}")
        source = {} if logger is None else {"logger": logger}
        self._call.emit("log", {"level": level, **source, "data": data})

    def login(self, principal: str | Principal | dict[str, Any]) -> None:
        """Makes ``principal`` the principal of this client, from its next request on.

        It works where one connection is one client: standard input and output, sockets with lines, WebSocket, and
        clients in the process. A tool that checks a password may call it. Over HTTP it raises ``StateError``: each
        request needs its own credentials there. Raises ``ValueError`` for what is no principal, and if the credential
        has expired.
        """
        self._call.login(principal)

    def close_stream(self) -> bool:
        """Ends the response that the client waits for. The call continues, and its stream stays resumable.

        The client reconnects for the rest after ``stream_retry``, so a long call holds no connection. Messages that are
        sent meanwhile wait for the client. Returns ``True`` if the client will reconnect. Otherwise it returns
        ``False`` and does nothing: outside of HTTP sessions of 2025-11-25, if the client takes no stream, or if the
        response is closed already.
        """
        return self._call.close_stream()

    def notify(self, method: str, params: dict[str, Any] | None = None) -> None:
        """Sends the client a notification of the program's own, on the stream of this call.

        A client of 2026-07-28 gets such notifications only there. The notification is dropped if the client takes no
        stream, or does not read. Raises ``ValueError`` if the protocol defines the name, or if ``params`` cannot be
        expressed in JSON.
        """
        self._call.notify(method, {} if params is None else params)

    def set_status(self, text: str) -> None:
        """Sets the status text of the task that this call is. If the call is no task, it does nothing."""
        self._call.emit("status", {"message": text})

    def start_task(self) -> bool:
        """Turns the call of a tool registered with ``defer_task`` into a task. Returns whether the call is a task now.

        The client gets the task at once. Clients that poll the task get later questions, and the handler waits for the
        answers. If the client does not support tasks, its call is answered as usual. Raises ``AskError`` while a
        question of the call waits for its answer, and if no further task is allowed.
        """
        return self._call.start_task()

    @property
    def cancelled(self) -> bool:
        """Whether no client waits for the result any more: the call was cancelled or timed out, or its client left."""
        return self._call.cancelled

    def extension(self, id: str) -> dict[str, Any] | None:
        """The client's settings for an extension of the protocol; ``None`` if the client does not support the
        extension.
        """
        settings: dict[str, Any] | None = self.client_capabilities.get("extensions", {}).get(id)
        return settings


class Context(_CallContext[L]):
    """The context of an ``async def`` handler. To receive it, annotate a parameter with this class."""

    __slots__ = ("_port",)

    def __init__(self, call: Call, port: CallPort) -> None:
        super().__init__(call)
        self._port = port

    if TYPE_CHECKING:

        @overload
        async def elicit(self, message: str, schema: dict[str, Any], *, key: str | None = None) -> Answer: ...

        @overload
        async def elicit(self, message: str, schema: type[T], *, key: str | None = None) -> Answer[T | None]: ...

    async def elicit(self, message: str, schema: Any, *, key: str | None = None) -> Answer[Any]:
        """Asks the user of the client to fill in a form.

        ``schema`` is an object schema of flat primitive properties. It may also be a dataclass, ``NamedTuple``,
        ``TypedDict`` or pydantic model with such fields. The client is sent the schema of that type, and ``content`` of
        the answer is an instance of it. A field that may be ``None`` needs a default; users who do not fill it in leave
        it out.

        In a session this waits for the answer. With clients of the stateless protocol the call ends here, and the
        handler runs again, from its top, with the answer. Code before the question must therefore be safe to repeat, or
        run in ``once``. Questions that are asked concurrently (``asyncio.gather``) are sent together. Give each a
        ``key`` if their order may vary.

        Raises ``AskError`` if the question fails, if no form can express the type, or if the answer does not fit it.
        """
        from ._runtime import questions

        return questions.typed(schema, await self._ask("elicit", questions.form(message, schema), key))

    async def elicit_url(
        self, message: str, url: str, *, id: str | None = None, key: str | None = None
    ) -> Answer:
        """Asks the user to visit a page, to enter what no form may ask for: passwords, keys, payments.

        If the user accepts, the page is opened. This does not mean that the user did anything there; the program must
        find that out itself. ``id`` names the visit for ``Server.elicitation_complete``. The rest is as for ``elicit``.
        """
        from ._runtime.questions import page

        return await self._ask("elicit_url", page(message, url, id), key)

    async def require_urls(self, *pages: tuple[str, str] | tuple[str, str, str]) -> NoReturn:
        """Ends the call because its user must visit pages first. Each page is a message and a URL, and optionally an
        id.

        A client with a session repeats the call later by itself. A client of the stateless protocol is asked as by
        ``elicit_url``, and the handler runs again, from its top. Raises ``AskError`` if the client supports neither.
        """
        from ._runtime.questions import page

        self._call.require("elicit_url", [page(*each) for each in pages])
        await self._port.suspend(self._call)

    async def sample(
        self,
        messages: Messages,
        *,
        max_tokens: int,
        system_prompt: str | None = None,
        temperature: float | None = None,
        stop_sequences: list[str] | None = None,
        model_preferences: dict[str, Any] | None = None,
        include_context: str | None = None,
        metadata: dict[str, Any] | None = None,
        tools: list[dict[str, Any]] | None = None,
        tool_choice: dict[str, Any] | None = None,
        key: str | None = None,
    ) -> Answer:
        """Asks the client's model. ``messages`` is a text of the user, one message or several. The rest is as for
        ``elicit``.

        The protocol defines ``tools``, ``tool_choice`` and ``model_preferences``.
        """
        params = dict(locals())
        from ._runtime.questions import sampling

        return await self._ask("sample", sampling(params), key)

    async def roots(self, *, key: str | None = None) -> list[Root]:
        """Asks for the directories that the user works in. They are guidance and restrict nothing. The rest is as for
        ``elicit``.
        """
        from ._runtime import questions

        return questions.roots(await self._ask("roots", {}, key))

    @property
    def cache(self) -> ValueCache:
        """The cache of values of the handler's server, for the program."""
        from ._runtime.resilience import ValueCache

        return ValueCache(self._call.cache(), self._call)

    def limiter(self, name: str) -> Limiter:
        """A limit of the program's own (``Server(limiters=…)``). Raises ``RegistrationError`` if there is none of this
        name.
        """
        from ._runtime.resilience import Limiter

        return Limiter(self._call.limiter(name))

    def breaker(self, name: str) -> Breaker:
        """A circuit breaker of the program's own (``Server(breakers=…)``). Raises ``RegistrationError`` if there is
        none of this name.
        """
        from ._runtime.resilience import Breaker

        return Breaker(self._call.breaker(name), self._call)

    if TYPE_CHECKING:

        @overload
        async def once(self, key: str, effect: Callable[[], Awaitable[T]]) -> T: ...

        @overload
        async def once(self, key: str, effect: Callable[[], T]) -> T: ...

    async def once(self, key: str, effect: Callable[[], Any]) -> Any:
        """Calls ``effect``, awaits its result if necessary, and keeps the result, a JSON value, under ``key``.

        When the handler runs again with answers, ``effect`` is not repeated: the handler gets the kept result. Clients
        of the stateless protocol carry the results, sealed, and all results together must fit ``max_state_bytes``.
        Questions that are asked meanwhile wait for the effect. An exception is not kept. Later calls with the same key
        also return the kept result. Raises ``AskError`` if the results do not fit, or if two effects of one key run at
        the same time.
        """
        kept = self._call.once_get(key)
        if kept is None:
            self._port.begin_effect(self._call)
            try:
                made: Any = effect()
                if hasattr(made, "__await__"):
                    made = await made
                self._call.once_put(key, made)
            finally:
                self._port.end_effect(self._call)
            # The same value that later attempts will get.
            kept = self._call.once_get(key) or (made,)
        return kept[0]

    async def _ask(self, kind: str, params: dict[str, Any], key: str | None) -> Answer:
        from ._runtime.questions import read

        return read(await self._port.ask(self._call, kind, params, key))


class SyncContext(_CallContext[L]):
    """The context of a ``def`` handler. To receive it, annotate a parameter with this class.

    It differs from ``Context`` in two ways. Methods that ask the client block until the answer is there. The call of a
    stateless client ends by raising ``Suspended``.
    """

    __slots__ = ()

    if TYPE_CHECKING:

        @overload
        def elicit(self, message: str, schema: dict[str, Any], *, key: str | None = None) -> Answer: ...

        @overload
        def elicit(self, message: str, schema: type[T], *, key: str | None = None) -> Answer[T | None]: ...

    def elicit(self, message: str, schema: Any, *, key: str | None = None) -> Answer[Any]:
        """Asks the user of the client to fill in a form; see ``Context.elicit``."""
        from ._runtime import questions

        return questions.typed(schema, self._ask("elicit", questions.form(message, schema), key))

    def elicit_url(self, message: str, url: str, *, id: str | None = None, key: str | None = None) -> Answer:
        """Asks the user to visit a page; see ``Context.elicit_url``."""
        from ._runtime.questions import page

        return self._ask("elicit_url", page(message, url, id), key)

    def require_urls(self, *pages: tuple[str, str] | tuple[str, str, str]) -> NoReturn:
        """Ends the call because its user must visit pages first; see ``Context.require_urls``."""
        from ._runtime.questions import page

        self._call.require("elicit_url", [page(*each) for each in pages])
        raise Suspended

    def sample(
        self,
        messages: Messages,
        *,
        max_tokens: int,
        system_prompt: str | None = None,
        temperature: float | None = None,
        stop_sequences: list[str] | None = None,
        model_preferences: dict[str, Any] | None = None,
        include_context: str | None = None,
        metadata: dict[str, Any] | None = None,
        tools: list[dict[str, Any]] | None = None,
        tool_choice: dict[str, Any] | None = None,
        key: str | None = None,
    ) -> Answer:
        """Asks the client's model; see ``Context.sample``."""
        params = dict(locals())
        from ._runtime.questions import sampling

        return self._ask("sample", sampling(params), key)

    def roots(self, *, key: str | None = None) -> list[Root]:
        """Asks for the directories the user works in; see ``Context.roots``."""
        from ._runtime import questions

        return questions.roots(self._ask("roots", {}, key))

    @property
    def cache(self) -> SyncValueCache:
        """The cache of values of the handler's server, for the program."""
        from ._runtime.resilience import SyncValueCache

        return SyncValueCache(self._call.cache(), self._call)

    def limiter(self, name: str) -> SyncLimiter:
        """A limit of the program's own; see ``Context.limiter``."""
        from ._runtime.resilience import SyncLimiter

        return SyncLimiter(self._call.limiter(name), self._call)

    def breaker(self, name: str) -> SyncBreaker:
        """A circuit breaker of the program's own; see ``Context.breaker``."""
        from ._runtime.resilience import SyncBreaker

        return SyncBreaker(self._call.breaker(name), self._call)

    def once(self, key: str, effect: Callable[[], T]) -> T:
        """Calls ``effect`` and keeps the result under ``key``; see ``Context.once``."""
        kept = self._call.once_get(key)
        if kept is None:
            result = effect()
            self._call.once_put(key, result)
            kept = self._call.once_get(key) or (result,)
        value: T = kept[0]
        return value

    def _ask(self, kind: str, params: dict[str, Any], key: str | None) -> Answer:
        answer = self._call.ask_and_wait(kind, params, key)
        if answer is None:
            raise Suspended
        from ._runtime.questions import read

        return read(answer)


if not TYPE_CHECKING:
    # ``typing.NamedTuple`` takes long to load, and programs that ask no questions do not need these classes.

    def __getattr__(name):
        if name not in ("Answer", "Root"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from ._runtime import questions

        return getattr(questions, name)
