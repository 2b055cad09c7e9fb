"""Calling a ``def`` handler, on whichever thread it belongs to."""

from __future__ import annotations

import contextvars

from .._runtime.context import Suspended, SyncContext
from .._serve import fork as _fork
from .failure import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context as Variables
    from typing import Any

    from .._native import Call
    from .failure import ErrorMap


class Direct:
    """Calls ``def`` functions for one thread or for several, each in a copy of the context this was made in: as with
    ``asyncio.to_thread``, what was set where the server is served every call sees, and what a call sets no other does.

    If it is ``interruptible``, Python's own handler of SIGINT may hit a handler: that Ctrl-C is meant for the program.
    """

    def __init__(self, errors: ErrorMap, interruptible: bool = False) -> None:
        self._errors = errors
        self._interruptible = interruptible
        self._context = contextvars.copy_context()
        self._generation = _fork.generation

    def run(
        self,
        call: Call,
        function: Callable[..., Any],
        arguments: dict[str, Any],
        parameter: str | None,
        variables: Variables | None = None,
    ) -> None:
        """One call, in ``variables`` if its request has some. Whatever the function raises ends here."""
        if parameter is not None:
            arguments[parameter] = SyncContext(call)
        if variables is None:
            variables = self._context.copy()
        try:
            result = variables.run(function, **arguments)
            if _fork.generation != self._generation:
                _fork.leave(None)
            call.finish(result)
        except Suspended:
            call.suspend()
        except BaseException as error:
            if _fork.generation != self._generation:
                _fork.leave(error)
            interrupted = self._interruptible and issubclass(type(error), KeyboardInterrupt)
            # What an exception stands for, and who writes a log, may look at who is asking.
            variables.run(fail, call, error, self._errors, not (call.cancelled or interrupted))
            if interrupted:
                raise
