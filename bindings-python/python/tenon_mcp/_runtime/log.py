"""Logs what clients do not see to ``logging``, under ``tenon_mcp``.

If the program has not loaded ``logging``, it is loaded with the first record. Loading takes long, and most servers log
nothing.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

_WARNING = 30
"""The level of a ``logging`` that nobody has set up."""


def level() -> int:
    """The least level that is of use."""
    if "logging" not in sys.modules:
        return _WARNING
    import logging

    return min(max(logging.getLogger("tenon_mcp").getEffectiveLevel(), 0), 255)


def record(level: int, logger: str, text: str) -> None:
    """Passes on a record of the engine."""
    try:
        import logging

        logging.getLogger(logger).log(level, "%s", text)
    except Exception:
        pass  # see failed()


_NAME: Any = vars(type)["__name__"]
_TRACEBACK: Any = vars(BaseException)["__traceback__"]


def class_name(value: object) -> str:
    """The name of an object's class, whatever the metaclass says."""
    return str.__str__(_NAME.__get__(type(value)))


def failed(noun: str, name: str, error: BaseException) -> None:
    """A handler raised something: its traceback is for the program's eyes only."""
    try:
        import logging

        trace: TracebackType | None = _TRACEBACK.__get__(error)
        # The first frame is that of the caller in this package.
        trace = trace.tb_next or trace if trace is not None else None
        calls = logging.getLogger("tenon_mcp.call")
        if _is_printable(error):
            calls.error("%s %r failed", noun, name, exc_info=(type(error), error, trace))
        else:
            # With `exc_info`, `logging` would print a traceback of its own in place of the record.
            import traceback

            where = "".join(traceback.format_tb(trace)).rstrip()
            text = "%s %r failed with an exception that cannot be printed\n%s\n%s"
            calls.error(text, noun, name, where, class_name(error))
    except BaseException:
        # A filter or a handler of the program's own that raises, or an exception that cannot be shown: the call has its
        # answer, and whoever runs calls must go on.
        pass


def _is_printable(error: BaseException) -> bool:
    """Whether ``traceback`` can name the exception and its causes; a class may raise where its name is read."""
    import traceback

    try:
        # Without the frames, which cost the most and cannot fail.
        for _ in traceback.TracebackException(type(error), error, None, limit=0).format():
            pass
    except BaseException:
        return False
    return True


def not_asked(noun: str, name: str, error: BaseException) -> None:
    """A handler let go by that a question was not answered, which is the client's doing."""
    _quietly(20, "%s %r ended without an answer to its question: %s", noun, name, error)


def ended(noun: str, name: str, error: BaseException) -> None:
    """A handler raised an exception that is meant for the client."""
    _quietly(10, "%s %r ended with %s: %s", noun, name, class_name(error), error)


def _quietly(level: int, text: str, *arguments: object) -> None:
    """Says what a ``logging`` that nobody has set up drops."""
    if "logging" not in sys.modules:
        return
    try:
        import logging

        logging.getLogger("tenon_mcp.call").log(level, text, *arguments)
    except BaseException:
        pass  # see failed()
