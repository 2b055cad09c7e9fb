"""Children that are forked off while a server runs.

Such a child has a copy of the server without its threads, and shares the server's descriptors. The program's code may
run in the child. The server's own code must not: it would read input that is meant for the parent.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

generation = 0
"""The number of forks between the first process and this one."""


def _count() -> None:
    global generation
    generation += 1


os.register_at_fork(after_in_child=_count)


def exit_child(error: BaseException | None) -> NoReturn:
    """Ends this process like ``sys.exit``, but does not run the functions registered with ``atexit``."""
    code: object = 0 if error is None else 1
    if isinstance(error, SystemExit):
        code = 0 if error.code is None else error.code
    elif error is not None:
        sys.excepthook(type(error), error, error.__traceback__)
    if not isinstance(code, int):
        # If the descriptor was closed, `sys.stderr` is None, and `print` would write to the standard output.
        if sys.stderr is not None:
            print(code, file=sys.stderr)
        code = 1
    exit_now(code & 0xFF)


def exit_now(code: int, end: Callable[[int], NoReturn] = os._exit) -> NoReturn:
    """Ends this process without running more of the program's code. Buffered output is written first."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError, RuntimeError):
            pass  # A signal handler cannot flush a stream in which it has interrupted a write (RuntimeError).
    end(code)
