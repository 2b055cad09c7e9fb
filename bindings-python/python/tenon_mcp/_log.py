"""What no client is told goes to ``logging``, under ``tenon_mcp``.

That is loaded when there is something to say, if the program has not done so: it takes long, and most servers are
silent.
"""

from __future__ import annotations

import sys

_WARNING = 30
"""The level of a ``logging`` that nobody has set up."""


def level() -> int:
    """The least level that is of use."""
    if "logging" not in sys.modules:
        return _WARNING
    import logging

    return min(max(logging.getLogger("tenon_mcp").getEffectiveLevel(), 0), 255)


def record(level: int, logger: str, text: str) -> None:
    """Passes on what the engine says."""
    try:
        import logging

        logging.getLogger(logger).log(level, "%s", text)
    except Exception:
        pass  # see failed()


def failed(noun: str, name: str, error: BaseException) -> None:
    """A handler raised something: its traceback is for the program's eyes only."""
    try:
        import logging

        traceback = error.__traceback__
        # The first frame is that of the caller in this package.
        traceback = traceback.tb_next or traceback if traceback is not None else None
        calls = logging.getLogger("tenon_mcp.call")
        calls.error("%s %r failed", noun, name, exc_info=(type(error), error, traceback))
    except BaseException:
        # A filter or a handler of the program's own that raises, or an exception that cannot be shown: the call has its
        # answer, and whoever runs calls must go on.
        pass


def not_asked(noun: str, name: str, error: BaseException) -> None:
    """A handler let go by that a question was not answered, which is the client's doing."""
    _quietly(20, "%s %r ended without an answer to its question: %s", noun, name, error)


def ended(noun: str, name: str, error: BaseException) -> None:
    """A handler raised what is meant for the client."""
    _quietly(10, "%s %r ended with %s: %s", noun, name, type(error).__name__, error)


def _quietly(level: int, text: str, *arguments: object) -> None:
    """Says what a ``logging`` that nobody has set up drops."""
    if "logging" not in sys.modules:
        return
    try:
        import logging

        logging.getLogger("tenon_mcp.call").log(level, text, *arguments)
    except BaseException:
        pass  # see failed()
