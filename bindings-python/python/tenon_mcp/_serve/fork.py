"""Children that are forked off while a server runs.

Such a child has a copy of the server without its threads, and shares its descriptors. It may use what it likes, but it
must not go on where the server's own code takes over again: it would read what is meant for its parent.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

generation = 0
"""How many forks lie between the first process and this one."""


def _count() -> None:
    global generation
    generation += 1


os.register_at_fork(after_in_child=_count)


def leave(error: BaseException | None) -> NoReturn:
    """Ends this process as ``sys.exit`` would, except for what is registered with ``atexit``."""
    code: object = 0 if error is None else 1
    if isinstance(error, SystemExit):
        code = 0 if error.code is None else error.code
    elif error is not None:
        sys.excepthook(type(error), error, error.__traceback__)
    if not isinstance(code, int):
        # Python has none if the descriptor was closed, and would print to the output.
        if sys.stderr is not None:
            print(code, file=sys.stderr)
        code = 1
    exit_now(code & 0xFF)


def exit_now(code: int, end: Callable[[int], NoReturn] = os._exit) -> NoReturn:
    """Ends this process without any more of the program's code; what it has printed is not lost."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass
    end(code)
