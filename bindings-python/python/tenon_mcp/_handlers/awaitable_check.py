"""Functions without ``async`` that return awaitables."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def awaiting(function: Callable[..., Any]) -> Callable[..., Any]:
    """A coroutine function that calls ``function``, and awaits the result if it is awaitable."""

    async def call(*positional: Any, **named: Any) -> Any:
        found = function(*positional, **named)
        return await found if is_awaitable(found) else found

    return call


def is_awaitable(value: Any) -> bool:
    return hasattr(type(value), "__await__")


def describe_unused(value: Any) -> str | None:
    """The error text for a result that should have been awaited or iterated over; ``None`` for other values."""
    kind = type(value)
    if is_awaitable(value):
        if hasattr(value, "close"):
            value.close()  # otherwise Python also warns that it was never awaited
        return f"{kind.__name__}, which was not awaited; make the function async def, or wrap it with functools.wraps"
    if kind.__name__ in ("generator", "async_generator"):
        return f"{kind.__name__}, whose items were not read; yield in the function itself, or return a list"
    return None
