"""Runs ``def`` handlers, on whichever thread they belong to."""

from __future__ import annotations

import contextvars

from .. import _fork
from ..context import Suspended, SyncContext
from .failure import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context as Variables
    from typing import Any

    from .._native import Call
    from .failure import ErrorMap


class SyncRunner:
    """Runs ``def`` functions for one thread or for several.

    Each call runs in a copy of the context variables of the place where the runner was made, as with
    ``asyncio.to_thread``. So a call sees what was set before serving, and not what other calls set.

    If the runner is ``interruptible``, Python's own handler of SIGINT may raise ``KeyboardInterrupt`` in a handler.
    That exception is meant for the program.
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
        """Runs one call, in ``variables`` if its request has some. Every exception of the function ends here."""
        if parameter is not None:
            arguments[parameter] = SyncContext(call)
        if variables is None:
            variables = self._context.copy()
        try:
            result = variables.run(function, **arguments)
            if _fork.generation != self._generation:
                _fork.exit_child(None)
            call.finish(result)
        except Suspended:
            call.suspend()
        except BaseException as error:
            if _fork.generation != self._generation:
                _fork.exit_child(error)
            interrupted = self._interruptible and issubclass(type(error), KeyboardInterrupt)
            # Functions of `map_error` and log handlers may read the context variables of the request.
            variables.run(fail, call, error, self._errors, not (call.cancelled or interrupted))
            if interrupted:
                raise
