"""Inspects functions, without ``inspect`` if possible, because the import of ``inspect`` is slow."""

from __future__ import annotations

from ..errors import RegistrationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

FUNCTION = type(lambda: None)
# Flags of code objects. `inspect` has their names.
VARARGS, VARKEYWORDS = 0x04, 0x08
_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200
_MAX_WRAPPERS = 64
"""The search for a wrapped function ends here, because a function may wrap itself."""


def is_plain(function: Callable[..., Any]) -> bool:
    """Whether this is a Python function without attributes, so that its code object says everything about it."""
    return type(function) is FUNCTION and not function.__dict__


def is_async(function: Callable[..., Any]) -> bool:
    """Whether a call returns a coroutine. The function may be an object whose class has an async ``__call__``."""
    if is_plain(function):
        return bool(function.__code__.co_flags & _COROUTINE)
    import inspect

    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def wraps_async(function: Callable[..., Any]) -> bool:
    """Whether this is a ``def`` function around an ``async def`` function, by ``functools.wraps`` or ``partial``.

    Its result may have to be awaited.
    """
    if is_plain(function) or is_async(function):
        return False
    import inspect

    outer: Any = function
    for _ in range(_MAX_WRAPPERS):
        inner = getattr(outer, "__wrapped__", None) or getattr(outer, "func", None)
        if inner is None:
            return False
        if inspect.iscoroutinefunction(inner):
            return True
        outer = inner
    return False


def is_generator(function: Callable[..., Any]) -> bool:
    """Whether a call returns a generator, async or not."""
    if is_plain(function):
        return bool(function.__code__.co_flags & (_GENERATOR | _ASYNC_GENERATOR))
    import inspect

    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


def is_async_generator(function: Callable[..., Any]) -> bool:
    if is_plain(function):
        return bool(function.__code__.co_flags & _ASYNC_GENERATOR)
    import inspect

    return inspect.isasyncgenfunction(function)


def check_positional(label: str, function: Callable[..., Any], arguments: tuple[str, ...]) -> None:
    """Refuses a function that cannot be called with these positional arguments."""
    if is_plain(function):
        code = function.__code__
        if code.co_argcount == len(arguments) and not code.co_kwonlyargcount:
            return
    import inspect

    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # functions written in C may have no signature
    try:
        signature.bind(*arguments)
    except TypeError as error:
        raise RegistrationError(f"{label} must take {' and '.join(arguments)}: {error}") from None


def doc(function: Callable[..., Any]) -> str | None:
    """The docstring of a function or class, without indentation."""
    # A `functools.partial` has the docstring of its class, so the docstring of its function is used.
    while getattr(function, "__doc__", None) == type(function).__doc__ and callable(
        inner := getattr(function, "func", None)
    ):
        function = inner
    text = getattr(function, "__doc__", None)
    if not text:
        return None
    if isinstance(text, str) and text.replace("\n", "").replace("\t", "").isprintable():
        return clean_doc(text)
    import inspect

    return inspect.cleandoc(text)


def clean_doc(text: str) -> str:
    """The same as ``inspect.cleandoc``, for texts whose only white space is spaces, tabs and line breaks."""
    first, *lines = text.expandtabs().split("\n")
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    lines = [first.lstrip(), *(line[margin:] for line in lines)]
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    return "\n".join(lines)


def described(thing: Any) -> str:
    """The type and the text of an object, for messages."""
    try:
        text = repr(thing)
    except Exception:
        text = ""
    kind = type(thing).__qualname__
    if len(text) > 80:
        text = text[:80] + "…"
    return text if text.startswith(kind) else f"{kind} {text}".rstrip()
