"""Registering functions around calls."""

from __future__ import annotations

from .._errors import RegistrationError
from .._native import Handler
from .._schema.signature import check_places, is_async, is_generator, wraps_async
from .registry import Registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeVar, overload

    F = TypeVar("F", bound=Callable[..., Any])


class Arounds(Registry):
    """The part of a server that takes middleware."""

    if TYPE_CHECKING:

        @overload
        def middleware(self, function: F, /) -> F: ...

        @overload
        def middleware(
            self, function: None = None, /, *, ops: str | Sequence[str] | None = None
        ) -> Callable[[F], F]: ...

    def middleware(self, function: Any = None, /, *, ops: str | Sequence[str] | None = None) -> Any:
        """Registers a function around calls, ``def`` or ``async def``; with or without parentheses.

        It is called with the context of the call and ``call_next``. ``call_next()`` runs what is further inside, at
        last the handler, and gives what that returned, or raises what it raised; in ``async def`` middleware it is
        awaited. ``call_next(arguments)`` hands on other arguments than ``context.arguments``, which are checked as a
        client's are. It may be left out, or called again. What the function returns or raises is judged as a handler's
        is.

        ``ops`` names the operations that it is around. The default is ``"tool"``, ``"resource"``, ``"prompt"`` and
        ``"completion"``. Lists are ``"tool_list"``, ``"resource_list"``, ``"resource_template_list"`` and
        ``"prompt_list"``. The protocol's names, and those of registered methods, are accepted too. The middleware that
        was added first is the outermost. It cannot be removed.

        Only what is in order comes to it: calls of what is registered, with arguments that fit; also views and skills,
        which the engine answers. A list with middleware around it is no longer answered while Python is busy; there
        ``call_next()`` gives its result, a dict. A call that is run again because a client of 2026-07-28 brought
        answers runs through it again.

        ``def`` middleware runs on the thread of a ``def`` handler, and on one of its own beside an ``async def`` one.
        ``async def`` middleware runs on the loop, and a ``def`` handler then on a thread beside it, or on the one that
        ``thread`` names.
        """

        def register(function: F) -> F:
            if not callable(function):
                raise RegistrationError(f"middleware must be a function, not {type(function).__name__}")
            if is_generator(function):
                raise RegistrationError("middleware must return a result, and not yield")
            check_places("middleware", function, ("the context", "call_next"))
            from .._runtime.middleware import Layer

            called: Callable[..., Any] = function
            on_loop = is_async(function)
            if wraps_async(function):
                from .._handlers.awaitable_check import awaited

                on_loop, called = True, awaited(function)
            if on_loop:
                # First, because a call may come as soon as it is there.
                self._needs_loop(True)
            handler = Handler(Layer(called, on_loop), [], None, True, False)
            words = [ops] if isinstance(ops, str) else None if ops is None else list(ops)
            self._engine.add_middleware(words, handler, on_loop)
            self._needs_workers(not on_loop)
            return function

        return register if function is None else register(function)
