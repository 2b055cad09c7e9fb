"""How an exception ends a call."""

from __future__ import annotations

from .._errors import ArgumentError, AskError, McpError, NotFound, ToolError
from .._native import AskFailure
from .._runtime import log as _log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .._native import Call

    ErrorMap = dict[type[BaseException], int | Callable[[BaseException], BaseException]]

_MRO: Any = vars(type)["__mro__"]
_MAX_PARTS = 8
_MAX_DEPTH = 4


def fail(call: Call, error: BaseException, errors: ErrorMap, log: bool = True) -> bool:
    """Completes ``call`` with ``error``, and logs it. Returns whether a flush must be scheduled.

    ``errors`` maps the program's own exceptions.
    """
    try:
        return _fail(call, error, errors, log)
    except BaseException:
        # A class may replace anything that is read of its exceptions, and raise there.
        flush = call.fail_unexpected(_log.class_name(error))
        if log:
            _log.failed(call.noun, call.name, error)
        return flush


def _fail(call: Call, error: BaseException, errors: ErrorMap, log: bool) -> bool:
    if isinstance(error, ArgumentError):
        return call.fail_arguments(str(error))
    cause = error
    for _ in range(_MAX_DEPTH):
        parts = _parts(cause)
        if len(parts) != 1:
            break
        cause = parts[0]
    if errors and not isinstance(cause, (McpError, NotFound, ToolError, AskError)):
        try:
            cause = _mapped(cause, errors)
        except BaseException as raised:
            cause = error = raised
    failure = getattr(cause, "_failure", None) if isinstance(cause, AskError) else None
    if isinstance(failure, AskFailure):
        flush = call.fail_ask(failure)
        if call.logs(20):
            _log.not_asked(call.noun, call.name, cause)
        return flush
    if isinstance(cause, (McpError, NotFound, ToolError)):
        try:
            flush = _meant(call, cause)
        except Exception as wrong:
            # A code that is no number, data that is no JSON.
            error, flush = wrong, call.fail_unexpected(f"{_log.class_name(cause)}: {describe(wrong)}")
        else:
            if call.logs(10):
                _log.ended(call.noun, call.name, cause)
            return flush
    else:
        flush = call.fail_unexpected(describe(cause))
    if log:
        _log.failed(call.noun, call.name, error)
    return flush


def _meant(call: Call, error: McpError | NotFound | ToolError) -> bool:
    if isinstance(error, McpError):
        return call.fail_with(error.code, describe(error), error.data)
    if isinstance(error, NotFound):
        return call.fail_not_found(error.what)
    return call.fail(describe(error))


def _mapped(error: BaseException, errors: ErrorMap) -> BaseException:
    """What an exception of the program's own stands for: the entry of the nearest of its classes."""
    for kind in _MRO.__get__(type(error)):
        if kind in errors:
            stands_for = errors[kind]
            if isinstance(stands_for, int):
                return McpError(stands_for, describe(error))
            made = stands_for(error)
            if not isinstance(made, BaseException):
                raise TypeError(f"map_error of {kind.__name__} gave a {_log.class_name(made)} and no exception")
            return made
    return error


def describe(error: BaseException, depth: int = 0) -> str:
    """The message, or the type's name if there is none; the parts of a group, one after the other."""
    if depth < _MAX_DEPTH and (parts := _parts(error)):
        return "; ".join(describe(part, depth + 1) for part in parts[:_MAX_PARTS])
    try:
        text = str(error)
        # Half a surrogate pair, which no message can hold, does not cost the rest, if there is any.
        text = text.encode("utf-8", "replace").decode() if text.encode("utf-8", "ignore") else ""
    except BaseException:
        text = ""
    return text or _log.class_name(error)


def _parts(error: BaseException) -> tuple[BaseException, ...]:
    """The exceptions of a group; groups are younger than 3.10, which has them from a package."""
    try:
        parts: Any = error.exceptions  # type: ignore[attr-defined] # pyright: ignore
    except BaseException:
        return ()
    if isinstance(parts, tuple) and all(isinstance(part, BaseException) for part in parts):
        return parts
    return ()
