"""Functions without ``async`` that return awaitables."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def awaited(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that awaits what another one returns, if that is to be awaited."""

    async def call(*positional: Any, **named: Any) -> Any:
        found = function(*positional, **named)
        return await found if is_awaitable(found) else found

    return call


def is_awaitable(value: Any) -> bool:
    return hasattr(type(value), "__await__")


def forgotten(value: Any) -> str | None:
    """What to say of a result that nobody awaits, or takes the items of."""
    kind = type(value)
    if is_awaitable(value):
        if hasattr(value, "close"):
            value.close()  # or Python warns that it was never awaited, which is said here
        return f"{kind.__name__}, which nobody awaits: make the function async def, or its wrapper with functools.wraps"
    if kind.__name__ in ("generator", "async_generator"):
        return f"{kind.__name__}, whose items nobody takes: yield in the function itself, or return a list"
    return None
