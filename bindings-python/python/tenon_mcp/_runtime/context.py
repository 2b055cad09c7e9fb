"""What a handler may know about its call, and say while it runs."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, Generic, Literal, NoReturn, TypeAlias, overload

    from typing_extensions import TypeVar

    from .._native import Call
    from .answer import Answer, Messages, Root
    from .bridge import LoopBridge

    T = TypeVar("T")
    L = TypeVar("L", default=Any)

    Level: TypeAlias = Literal["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]

    class _Typed(Generic[L]): ...
else:
    L = None

    class _Typed:
        """``Context[Pool]`` says what ``lifespan`` is, to type checkers alone."""

        __slots__ = ()

        def __class_getitem__(cls, of):
            return cls


_LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")


class Suspended(BaseException):
    """Ends this attempt of a ``def`` handler whose question is on its way to the client.

    The handler is run again, from its top, once the answer is there. Let it pass; do clean up in ``finally``.
    """


class _CallContext(_Typed[L]):
    """What both kinds of context have in common."""

    __slots__ = ("_call", "_given", "_state")
    _given: dict[str, Any] | None
    _state: dict[str, Any]

    def __init__(self, call: Call) -> None:
        self._call = call

    @property
    def arguments(self) -> dict[str, Any]:
        """What the handler is handed, to look at: changing it changes nothing."""
        given = getattr(self, "_given", None)
        if given is None:
            given = self._given = self._call.input()
        return given

    @property
    def state(self) -> dict[str, Any]:
        """What the middleware and the handler of this call share: theirs to fill.

        It is gone with the call, and a call that is run again because a client of 2026-07-28 brought answers begins
        with an empty one.
        """
        try:
            return self._state
        except AttributeError:
            self._state = {}
            return self._state

    @property
    def lifespan(self) -> L:
        """What the lifespan of the handler's server has yielded (``Server(lifespan=…)``); ``None`` without one.

        ``Context[Pool]`` tells type checkers what it is.
        """
        value: L = self._call.lifespan
        return value

    def progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        """Reports how far the call has come.

        Dropped if the client did not ask for progress or if ``progress`` has not increased.
        """
        self._call.progress(progress, total, message)

    def log(self, level: Level, data: Any, *, logger: str | None = None) -> None:
        """Says something for the client's log: any JSON value, perhaps from a part of the program.

        The levels are ``"debug"``, ``"info"``, ``"notice"``, ``"warning"``, ``"error"``, ``"critical"``, ``"alert"``
        and ``"emergency"``; any other raises ``ValueError``. Dropped where the client wants less. Not for the program's
        own log, nor for secrets.
        """
        if level not in _LEVELS:
            raise ValueError(f"level must be one of {', '.join(_LEVELS)}, not {level!r}")
        source = {} if logger is None else {"logger": logger}
        self._call.emit("log", {"level": level, **source, "data": data})

    def close_stream(self) -> bool:
        """Ends the response that the client waits on, and neither the call nor its stream.

        The client comes back for what follows, after ``stream_retry``, so a call that takes long holds no connection;
        what is said meanwhile waits for it. Returns whether it will: ``False``, and nothing happens, outside of HTTP
        sessions of 2025-11-25, where the client takes no stream, or where it is closed already.
        """
        return self._call.close_stream()

    def notify(self, method: str, params: dict[str, Any] | None = None) -> None:
        """Sends the client a notification of the program's own, on the stream of this call.

        A client of 2026-07-28 gets such notifications nowhere else. Dropped where the client takes no stream, or does
        not read. ``ValueError`` for a name that the protocol has, and for what is not JSON.
        """
        self._call.notify(method, {} if params is None else params)

    def set_status(self, text: str) -> None:
        """Says in words what the task that this call is does at present; a call that is no task says nothing."""
        self._call.emit("status", {"message": text})

    def start_task(self) -> bool:
        """Has the call of a tool registered with ``defer_task`` become a task, and says whether it is one now.

        Its client is told of the task at once, and what is asked from now on is asked of whoever looks at the task,
        while this waits. The call of a client that can have no tasks is answered as always. Raises ``AskError`` while a
        question of the call waits for its answer, and where there is no room for another task.
        """
        return self._call.start_task()

    @property
    def task_id(self) -> str | None:
        """The id of the task that the call is, from when it is one."""
        return self._call.get("task_id")

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for the result any more: the call was cancelled, timed out, or its client left."""
        return self._call.cancelled

    @property
    def request_id(self) -> str | int | None:
        """The id of the client's request; what is no request has none."""
        return self._call.get("request_id")

    @property
    def kind(self) -> str:
        """What the handler is registered as: ``"tool"``, ``"resource_template"`` …"""
        return self._call.get("kind")

    @property
    def name(self) -> str:
        """What it is registered under: of a tool or a prompt its name, of a resource its URI or template."""
        return self._call.name

    @property
    def uri(self) -> str | None:
        """The address of the resource that is read."""
        return self._call.get("uri")

    @property
    def client_info(self) -> dict[str, Any] | None:
        """What the client calls itself, if it says."""
        return self._call.get("client_info")

    @property
    def client_capabilities(self) -> dict[str, Any]:
        """What the client can do."""
        return self._call.get("client_capabilities")

    def extension(self, id: str) -> dict[str, Any] | None:
        """The client's settings of an extension of the protocol, if it has the extension."""
        settings: dict[str, Any] | None = self.client_capabilities.get("extensions", {}).get(id)
        return settings

    @property
    def protocol_version(self) -> str:
        """The protocol revision in force for this call."""
        return self._call.get("protocol_version")

    @property
    def meta(self) -> dict[str, Any]:
        """The request's metadata, as sent."""
        return self._call.get("meta") or {}

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the HTTP request, names in lower case; empty where the transport has none."""
        return self._call.get("headers") or {}

    @property
    def principal(self) -> str | None:
        """Who sent the request, if that is known."""
        return self._call.get("principal")

    @property
    def trace(self) -> dict[str, str] | None:
        """The trace context of the request: ``traceparent``, ``tracestate``, ``baggage``."""
        return self._call.get("trace")

    @property
    def log_level(self) -> str | None:
        """The level from which on a request of 2026-07-28 wants log messages."""
        return self._call.get("log_level")

    @property
    def session_id(self) -> str | None:
        """The session, where the transport has sessions."""
        return self._call.get("session_id")


class Context(_CallContext[L]):
    """The context of an ``async def`` handler: annotate a parameter with it."""

    __slots__ = ("_bridge",)

    def __init__(self, call: Call, bridge: LoopBridge) -> None:
        super().__init__(call)
        self._bridge = bridge

    if TYPE_CHECKING:

        @overload
        async def elicit(self, message: str, schema: dict[str, Any], *, key: str | None = None) -> Answer: ...

        @overload
        async def elicit(self, message: str, schema: type[T], *, key: str | None = None) -> Answer[T | None]: ...

    async def elicit(self, message: str, schema: Any, *, key: str | None = None) -> Answer[Any]:
        """Asks the user behind the client to fill in a form.

        ``schema`` is an object schema of flat primitive properties; or a dataclass, ``NamedTuple``, ``TypedDict`` or
        model of pydantic's that has such fields, whose schema is sent and of which ``content`` is then an instance.
        What may be ``None`` needs a default, and is left out by who does not fill it in.

        In a session this waits for the answer. With clients of the stateless protocol the call ends here and the
        handler runs again, from its top, with the answer: what it does before asking must be harmless to repeat, or
        stand in ``once``. Questions asked at once (``asyncio.gather``) go out together; give each a ``key`` if their
        order may vary. Raises ``AskError``, also for a type that no form can say and an answer that is none of it.
        """
        return _typed(schema, await self._ask("elicit", _form(message, schema), key))

    async def elicit_url(
        self, message: str, url: str, *, id: str | None = None, key: str | None = None
    ) -> Answer:
        """Asks the user to visit a page, for what no form may ask for: passwords, keys, payments.

        That the user accepts means that the page is opened, not that anything was done there; the program learns of
        that by itself. ``id`` names the visit for ``Server.elicitation_complete``. Otherwise as ``elicit``.
        """
        return await self._ask("elicit_url", _page(message, url, id), key)

    async def require_urls(self, *pages: tuple[str, str] | tuple[str, str, str]) -> NoReturn:
        """Ends the call because its user must visit pages first: each a message and a URL, perhaps with an id.

        A client with a session calls again in its own time. One of the stateless protocol is asked like by
        ``elicit_url``, and the handler runs again, from its top. Raises ``AskError`` where neither can be.
        """
        self._call.require("elicit_url", [_page(*page) for page in pages])
        await self._bridge.suspend(self._call)

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
        """Asks the client's model: a text of the user's, a message or several. As ``elicit`` otherwise.

        ``tools``, ``tool_choice`` and ``model_preferences`` are as the protocol has them.
        """
        params = dict(locals())
        return await self._ask("sample", _sample(params), key)

    async def roots(self, *, key: str | None = None) -> list[Root]:
        """Asks for the directories the user works in; they are guidance, not a fence. As ``elicit`` otherwise."""
        return _roots(await self._ask("roots", {}, key))

    if TYPE_CHECKING:

        @overload
        async def once(self, key: str, effect: Callable[[], Awaitable[T]]) -> T: ...

        @overload
        async def once(self, key: str, effect: Callable[[], T]) -> T: ...

    async def once(self, key: str, effect: Callable[[], Any]) -> Any:
        """Calls ``effect``, awaits what it gives, and keeps the result, a JSON value, under ``key``.

        When the handler runs again with answers, it gets the result and the effect is not repeated. With clients of
        the stateless protocol the client carries it, sealed; all results together must fit ``max_state_bytes``.
        Questions asked meanwhile wait for it. An exception is not kept. What comes later with the same key gets what is
        kept, too. Raises ``AskError`` if there is no room, or if two effects of one key are at work at the same time.
        """
        kept = self._call.once_get(key)
        if kept is None:
            self._bridge.begin(self._call)
            try:
                made: Any = effect()
                if hasattr(made, "__await__"):
                    made = await made
                self._call.once_put(key, made)
            finally:
                self._bridge.end(self._call)
            # As later attempts will get it.
            kept = self._call.once_get(key) or (made,)
        return kept[0]

    async def _ask(self, kind: str, params: dict[str, Any], key: str | None) -> Answer:
        return _read(await self._bridge.ask(self._call, kind, params, key))


class SyncContext(_CallContext[L]):
    """The context of a ``def`` handler: annotate a parameter with it.

    As ``Context``, except that what asks blocks until the answer is there, and that the call of a stateless client ends
    by raising ``Suspended``.
    """

    __slots__ = ()

    if TYPE_CHECKING:

        @overload
        def elicit(self, message: str, schema: dict[str, Any], *, key: str | None = None) -> Answer: ...

        @overload
        def elicit(self, message: str, schema: type[T], *, key: str | None = None) -> Answer[T | None]: ...

    def elicit(self, message: str, schema: Any, *, key: str | None = None) -> Answer[Any]:
        """Asks the user behind the client to fill in a form; see ``Context.elicit``."""
        return _typed(schema, self._ask("elicit", _form(message, schema), key))

    def elicit_url(self, message: str, url: str, *, id: str | None = None, key: str | None = None) -> Answer:
        """Asks the user to visit a page; see ``Context.elicit_url``."""
        return self._ask("elicit_url", _page(message, url, id), key)

    def require_urls(self, *pages: tuple[str, str] | tuple[str, str, str]) -> NoReturn:
        """Ends the call because its user must visit pages first; see ``Context.require_urls``."""
        self._call.require("elicit_url", [_page(*page) for page in pages])
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
        return self._ask("sample", _sample(params), key)

    def roots(self, *, key: str | None = None) -> list[Root]:
        """Asks for the directories the user works in; see ``Context.roots``."""
        return _roots(self._ask("roots", {}, key))

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
        return _read(answer)


# What questions need is loaded with the first: programs that ask nothing do without.


def _read(answer: tuple[str, dict[str, Any], str]) -> Answer:
    from .answer import read

    return read(answer)


def _roots(answer: Answer) -> list[Root]:
    from .answer import roots

    return roots(answer)


def _form(message: str, schema: Any) -> dict[str, Any]:
    from .answer import members

    if not isinstance(schema, dict):
        from .._schema import elicitation_schema as _forms

        if _forms.is_type(schema):
            schema = _forms.schema_of(schema)
    return members({"message": message, "requested_schema": schema})


def _typed(schema: Any, answer: Answer[Any]) -> Answer[Any]:
    if isinstance(schema, dict):
        return answer
    from .._schema import elicitation_schema as _forms

    return _forms.typed(schema, answer) if _forms.is_type(schema) else answer


def _page(message: str, url: str, id: str | None = None) -> dict[str, Any]:
    from .answer import members

    return members({"message": message, "url": url, "elicitation_id": id})


def _sample(params: dict[str, Any]) -> dict[str, Any]:
    from .answer import members, messages

    del params["self"], params["key"]
    return members({**params, "messages": messages(params["messages"])})
