"""How an exception ends a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._errors import ElicitError

if TYPE_CHECKING:
    from ._native import Call


def fail(call: Call, error: BaseException) -> bool:
    """Completes ``call`` with ``error``; says whether a flush must be scheduled."""
    while (inner := getattr(error, "exceptions", None)) and len(inner) == 1:
        error = inner[0]
    if isinstance(error, ElicitError) and error._failure is not None:
        return call.fail_ask(error._failure)
    return call.fail(describe(error))


def describe(error: BaseException) -> str:
    """The message, or the type's name if there is none; the parts of a group, one after the other."""
    inner = getattr(error, "exceptions", None)
    if isinstance(inner, tuple) and inner:
        return "; ".join(describe(part) for part in inner[:8])
    try:
        text = str(error)
        text.encode()
    except BaseException:
        text = ""
    return text or type(error).__name__
