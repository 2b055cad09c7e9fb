"""Logs the records that clients do not see to ``logging``, under ``tenon_mcp``.

``logging`` takes long to load, and most servers log nothing. So it is loaded with the first record.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

_WARNING = 30
"""The level of ``logging`` if the program has not configured it."""


def level() -> int:
    """The lowest level whose records are used."""
    if "logging" not in sys.modules:
        return _WARNING
    import logging

    return min(max(logging.getLogger("tenon_mcp").getEffectiveLevel(), 0), 255)


def record(level: int, logger: str, text: str) -> None:
    """Logs a record of the engine."""
    try:
        import logging

        logging.getLogger(logger).log(level, "%s", text)
    except Exception:
        pass  # see failed()


_NAME: Any = vars(type)["__name__"]
_TRACEBACK: Any = vars(BaseException)["__traceback__"]


def class_name(value: object) -> str:
    """The name of an object's class. A metaclass cannot change it."""
    return str.__str__(_NAME.__get__(type(value)))


def failed(noun: str, name: str, error: BaseException) -> None:
    """Logs an exception of a handler with its traceback, which clients never see."""
    try:
        import logging

        trace: TracebackType | None = _TRACEBACK.__get__(error)
        # The first frame is the caller in this package.
        trace = trace.tb_next or trace if trace is not None else None
        calls = logging.getLogger("tenon_mcp.call")
        if _is_printable(error):
            calls.error("%s %r failed", noun, name, exc_info=(type(error), error, trace))
        else:
            # With `exc_info`, `logging` would fail and print its own traceback instead of the record.
            import traceback

            where = "".join(traceback.format_tb(trace)).rstrip()
            text = "%s %r failed with an exception that cannot be printed\n%s\n%s"
            calls.error(text, noun, name, where, class_name(error))
    except BaseException:
        # A log handler of the program may raise, or the exception cannot be printed. The call is answered already, and
        # the thread or loop must continue.
        pass


def _is_printable(error: BaseException) -> bool:
    """Whether ``traceback`` can print the exception and its causes. A class may raise when its name is read."""
    import traceback

    try:
        # Frames are left out: they cost most and cannot fail.
        for _ in traceback.TracebackException(type(error), error, None, limit=0).format():
            pass
    except BaseException:
        return False
    return True


def question_failed(noun: str, name: str, error: BaseException) -> None:
    """Logs that a handler ended because its question was not answered. This is the client's decision."""
    _log_if_loaded(20, "%s %r ended without an answer to its question: %s", noun, name, error)


def ended(noun: str, name: str, error: BaseException) -> None:
    """Logs that a handler raised an exception that is meant for the client."""
    _log_if_loaded(10, "%s %r ended with %s: %s", noun, name, class_name(error), error)


def _log_if_loaded(level: int, text: str, *arguments: object) -> None:
    """Logs a record that ``logging`` drops unless the program has configured it."""
    if "logging" not in sys.modules:
        return
    try:
        import logging

        logging.getLogger("tenon_mcp.call").log(level, text, *arguments)
    except BaseException:
        pass  # see failed()
