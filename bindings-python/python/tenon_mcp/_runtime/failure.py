"""How an exception ends a call."""

from __future__ import annotations

from .._native import AskFailure
from ..errors import ArgumentError, AskError, McpError, NotFound, ToolError
from . import log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .._native import Call

    ErrorMap = dict[type[BaseException], int | Callable[[BaseException], BaseException]]

_MRO: Any = vars(type)["__mro__"]
_MAX_PARTS = 8
_MAX_DEPTH = 4


def fail(call: Call, error: BaseException, errors: ErrorMap, is_logged: bool = True) -> bool:
    """Completes ``call`` with ``error``, and logs it. Returns whether the lane must be flushed.

    ``errors`` maps the program's own exceptions.
    """
    try:
        return _fail(call, error, errors, is_logged)
    except BaseException:
        # The class of the exception may replace any attribute that is read here, and raise.
        flush = call.fail_unexpected(log.class_name(error))
        if is_logged:
            log.failed(call.noun, call.name, error)
        return flush


def _fail(call: Call, error: BaseException, errors: ErrorMap, is_logged: bool) -> bool:
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
            log.question_failed(call.noun, call.name, cause)
        return flush
    if isinstance(cause, (McpError, NotFound, ToolError)):
        try:
            flush = _send(call, cause)
        except Exception as invalid:
            # The code is not a number, or the data cannot be expressed in JSON.
            error, flush = invalid, call.fail_unexpected(f"{log.class_name(cause)}: {describe(invalid)}")
        else:
            if call.logs(10):
                log.ended(call.noun, call.name, cause)
            return flush
    else:
        flush = call.fail_unexpected(describe(cause))
    if is_logged:
        log.failed(call.noun, call.name, error)
    return flush


def _send(call: Call, error: McpError | NotFound | ToolError) -> bool:
    if isinstance(error, McpError):
        return call.fail_with(error.code, describe(error), error.data)
    if isinstance(error, NotFound):
        return call.fail_not_found(error.what)
    return call.fail(describe(error))


def _mapped(error: BaseException, errors: ErrorMap) -> BaseException:
    """The exception to use instead, by the mapping of the nearest class of ``error``."""
    for kind in _MRO.__get__(type(error)):
        if kind in errors:
            target = errors[kind]
            if isinstance(target, int):
                return McpError(target, describe(error))
            made = target(error)
            if not isinstance(made, BaseException):
                raise TypeError(
                    f"map_error: the function for {kind.__name__} must return an exception, not {log.class_name(made)}"
                )
            return made
    return error


def describe(error: BaseException, depth: int = 0) -> str:
    """The message of an exception, or its class if there is none. The exceptions of a group are joined."""
    if depth < _MAX_DEPTH and (parts := _parts(error)):
        return "; ".join(describe(part, depth + 1) for part in parts[:_MAX_PARTS])
    try:
        text = str(error)
        # No message can hold half of a surrogate pair. The rest of the text is kept.
        text = text.encode("utf-8", "replace").decode() if text.encode("utf-8", "ignore") else ""
    except BaseException:
        text = ""
    return text or log.class_name(error)


def _parts(error: BaseException) -> tuple[BaseException, ...]:
    """The exceptions of a group. Python 3.10 has no groups of its own, so this looks for the attribute."""
    try:
        parts: Any = error.exceptions  # type: ignore[attr-defined] # pyright: ignore
    except BaseException:
        return ()
    if isinstance(parts, tuple) and all(isinstance(part, BaseException) for part in parts):
        return parts
    return ()
