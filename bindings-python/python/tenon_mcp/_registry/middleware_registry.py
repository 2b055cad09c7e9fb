"""Registration of middleware."""

from __future__ import annotations

from .._native import Handler
from .._schema.inspection import check_positional, is_async, is_generator, wraps_async
from ..errors import RegistrationError
from .registry import Registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeVar, overload

    F = TypeVar("F", bound=Callable[..., Any])


class MiddlewareRegistry(Registry):
    """The part of a server that registers middleware."""

    if TYPE_CHECKING:

        @overload
        def middleware(self, function: F, /) -> F: ...

        @overload
        def middleware(
            self, function: None = None, /, *, ops: str | Sequence[str] | None = None
        ) -> Callable[[F], F]: ...

    def middleware(self, function: Any = None, /, *, ops: str | Sequence[str] | None = None) -> Any:
        """Registers middleware, a function around calls, ``def`` or ``async def``; with or without parentheses.

        It is called with the context of the call and ``call_next``. ``call_next()`` runs the next middleware, or at
        last the handler. It returns the same value, or raises the same exception. In ``async def`` middleware
        ``call_next`` is awaited. ``call_next(arguments)`` passes other arguments than ``context.arguments``. They are
        checked in the same way as a client's arguments. The middleware need not call ``call_next``, and may call it
        several times. Its return value or exception is treated like a handler's.

        ``ops`` names the operations that the middleware runs around. The default is ``"tool"``, ``"resource"``,
        ``"prompt"`` and ``"completion"``. Lists are ``"tool_list"``, ``"resource_list"``, ``"resource_template_list"``
        and ``"prompt_list"``. The protocol's names, and those of registered methods, are accepted too. The middleware
        that was added first is the outermost. Middleware cannot be removed.

        Middleware sees only valid calls: the entry is registered, and the arguments fit. It also sees views and skills,
        which the engine answers. If a list has middleware, it is no longer answered while Python is busy.
        ``call_next()`` returns the result of a list as a dict. If a call runs again because a client of 2026-07-28 sent
        answers, the middleware runs again too.

        ``def`` middleware runs on the thread of a ``def`` handler. With an ``async def`` handler it runs on a thread of
        its own. ``async def`` middleware runs on the loop. A ``def`` handler then runs on another thread, or on the one
        that ``thread`` names.
        """

        def register(function: F) -> F:
            if not callable(function):
                raise RegistrationError(f"middleware must be a function, not {type(function).__name__}")
            if is_generator(function):
                raise RegistrationError("middleware must return its result, but this function is a generator")
            check_positional("middleware", function, ("the context", "call_next"))
            from .._runtime.middleware import Layer

            called: Callable[..., Any] = function
            on_loop = is_async(function)
            if wraps_async(function):
                from .._handlers.awaitable_check import awaiting

                on_loop, called = True, awaiting(function)
            if on_loop:
                # First, because a call may arrive as soon as it is registered.
                self._needs_loop(True)
            handler = Handler(Layer(called, on_loop), [], None, True, False)
            operations = [ops] if isinstance(ops, str) else None if ops is None else list(ops)
            self._engine.add_middleware(operations, handler, on_loop)
            self._needs_workers(not on_loop)
            return function

        return register if function is None else register(function)
