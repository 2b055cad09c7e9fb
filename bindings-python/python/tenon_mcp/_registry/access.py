"""Registration of the functions that decide about requests: the verifier, the authorizer and ``visible``."""

from __future__ import annotations

from .._auth import principal_of
from .._native import Handler
from .._schema.inspection import check_positional, described, is_async, is_generator, wraps_async
from ..errors import RegistrationError, StateError
from .registry import Registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeVar, overload

    F = TypeVar("F", bound=Callable[..., Any])


def _checked(kind: str, function: Any, arguments: tuple[str, ...]) -> tuple[Callable[..., Any], bool]:
    """The function to call, and whether it runs on the loop."""
    if not callable(function) or isinstance(function, type):
        what = f"the class {function.__name__}" if isinstance(function, type) else described(function)
        raise RegistrationError(f"{kind} must be a function, not {what}")
    label = f"{kind} {getattr(function, '__name__', type(function).__name__)!r}"
    if is_generator(function):
        raise RegistrationError(f"{label} must return its answer, but it is a generator")
    check_positional(label, function, arguments)
    if wraps_async(function):
        from .._handlers.awaitable_check import awaiting

        return awaiting(function), True
    return function, is_async(function)


def _names(headers: Any) -> list[str]:
    """The names of headers. The engine checks each of them."""
    names: list[Any] = [None] if isinstance(headers, str) or not hasattr(headers, "__iter__") else list(headers)
    if not all(isinstance(name, str) for name in names):
        raise RegistrationError(f'verifier: headers must be names, as in headers=["x-team"], not {headers!r}')
    return names


def _answer(found: Any) -> Any:
    """A principal as its members. Other values stay as they are; the engine checks them."""
    from .._auth.principal import Principal

    if isinstance(found, Principal):
        return found._members()
    to_dict = getattr(found, "to_dict", None)
    return to_dict() if callable(to_dict) and not isinstance(found, type) else found


def _asks(function: Callable[..., Any], on_loop: bool) -> Callable[..., Any]:
    """Calls a verifier with the credentials that the engine passes."""
    from .._auth.credentials import Credentials

    if on_loop:

        async def ask(token: str | None, headers: dict[str, str]) -> Any:
            return _answer(await function(Credentials(token, headers)))

        return ask

    return lambda token, headers: _answer(function(Credentials(token, headers)))


def _decides(function: Callable[..., Any], names: tuple[str, ...], on_loop: bool) -> Callable[..., Any]:
    """Calls an authorizer or ``visible`` with what the engine passes, in the order of these names."""

    def ordered(arguments: dict[str, Any]) -> list[Any]:
        return [principal_of(arguments[name]) if name == "principal" else arguments[name] for name in names]

    if on_loop:

        async def ask(**arguments: Any) -> Any:
            return await function(*ordered(arguments))

        return ask

    return lambda **arguments: function(*ordered(arguments))


class AccessRegistry(Registry):
    """The part of a server that registers the functions that decide about requests."""

    _running: Any
    _has_sync_access = False
    """Whether one of these functions is a ``def`` function, which needs threads."""

    if TYPE_CHECKING:

        @overload
        def verifier(self, function: F, /) -> F: ...

        @overload
        def verifier(self, function: None = None, /, *, headers: Iterable[str] = ()) -> Callable[[F], F]: ...

    def verifier(self, function: Any = None, /, *, headers: Iterable[str] = ()) -> Any:
        """Registers the function that finds the principal of credentials, ``def`` or ``async def``; with or without
        parentheses. From then on, callers without a principal are refused, unless the setting ``anonymous`` allows
        them.

        It gets ``Credentials``: the bearer token, and those of ``headers`` that the request has. It is called if the
        request has a bearer token or one of these headers, and no verifier of the setting ``auth`` accepts it. It
        returns the principal, or ``None`` or ``False`` if it does not accept the credentials; the request is then
        refused with 401. A principal is a ``Principal``, a ``str``, its subject, or a dict with the members of a
        principal, or an object whose method ``to_dict`` returns such a dict.

        The answer is kept for the limit ``token_cache_time``, by the token and the headers. If the function raises,
        returns something else, or takes longer than ``store_timeout``, the request is refused with 503, and only the
        log says why. The task of an ``async def`` function is cancelled then.

        An ``async def`` function runs on the loop that serves. A ``def`` function runs on threads of its own, several
        at once. The verifier of a mounted server is not used. Raises ``StateError`` if the server has a verifier, or
        is served already.
        """
        names = _names(headers)

        def register(function: F) -> F:
            called, on_loop = self._before_start("verifier", function, ("the credentials",))
            handler = Handler(_asks(called, on_loop), [("token", ""), ("headers", "")], None, False, False)
            self._engine.set_verifier(handler, self._access_lane(on_loop), names)
            self._has_sync_access |= not on_loop
            return function

        return register if function is None else register(function)

    def authorizer(self, function: F, /) -> F:
        """Registers the function that decides whether a call is permitted, after scopes and roles; a decorator.

        It gets the principal (``None`` if the caller is anonymous), the kind of the entry (``"tool"``, …), its name or
        the address of the resource, and the arguments, which fit the schema. It returns ``True``, ``False``, or the
        reason of a refusal as a ``str``, which the client gets. It is also called for subscriptions to resources, with
        the kind and the address as for a read. Its answers are kept for the limit ``authorizer_cache_time``, 0 by
        default.

        If the function raises, returns something else, or takes longer than ``store_timeout``, the call is refused,
        and only the log says why. ``def`` and ``async def`` functions run as those of ``verifier`` do. A server
        with an authorizer cannot be mounted. Raises ``StateError`` if the server has an authorizer, is mounted, or is
        served already.
        """
        self._decider("authorizer", function, ("principal", "kind", "name", "arguments"), self._engine.set_authorizer)
        return function

    def visible(self, function: F, /) -> F:
        """Registers the function that decides which entries exist for a caller, after scopes and roles; a decorator.

        It gets the principal (``None`` if the caller is anonymous), the kind of the entry (``"tool"``, ``"resource"``,
        ``"resource_template"`` or ``"prompt"``), and its name: of a resource its URI, of a template its text. It
        returns ``True`` or ``False``. An entry that does not exist for a caller is in no list, and calls, completions
        and subscriptions fail as if it were not registered.

        The answers are kept for the limit ``visible_cache_time``, by principal and entry. If the function raises,
        returns something else, or takes longer than ``store_timeout``, the request is refused, and only the log says
        why. ``def`` and ``async def`` functions run as those of ``verifier`` do. A server with such a function cannot
        be mounted. Raises ``StateError`` if the server has such a function, is mounted, or is served already.
        """
        self._decider("visible", function, ("principal", "kind", "name"), self._engine.set_visible)
        return function

    def _decider(self, kind: str, function: Any, names: tuple[str, ...], set_in: Callable[..., None]) -> None:
        """Sets a function that gets these arguments in their order."""
        called, on_loop = self._before_start(kind, function, tuple(f"the {name}" for name in names))
        handler = Handler(_decides(called, names, on_loop), [(name, "") for name in names], None, False, False)
        set_in(handler, self._access_lane(on_loop))
        self._has_sync_access |= not on_loop

    def _before_start(
        self, kind: str, function: Any, arguments: tuple[str, ...]
    ) -> tuple[Callable[..., Any], bool]:
        """The function to call, and whether it runs on the loop. Fails once the server is served."""
        checked = _checked(kind, function, arguments)
        if self._running is not None:
            raise StateError(f"{kind}: the server is being served already; register it before")
        return checked

    def _access_lane(self, on_loop: bool) -> str:
        self._needs_loop(on_loop)
        return "async" if on_loop else "access"
