"""The worker threads that run ``def`` handlers."""

from __future__ import annotations

import contextvars
import threading

from . import _fork
from ._context import Suspended, SyncContext
from ._failure import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._failure import ErrorMap
    from ._native import PoolLane


class Workers:
    """Starts workers as the pool asks for them. They are daemons: a stuck function must not keep the process."""

    def __init__(self, pool: PoolLane, errors: ErrorMap) -> None:
        self._pool = pool
        self._errors = errors
        # What was set where the server is served, every call sees.
        self._context = contextvars.copy_context()

    def start(self) -> None:
        """Sees to a first worker; later ones follow from need."""
        if self._pool.first_worker():
            self._spawn()

    def close(self) -> None:
        self._pool.close()

    def _spawn(self) -> None:
        try:
            threading.Thread(target=self._work, name="tenon-worker", daemon=True).start()
        except RuntimeError:  # no more threads: those there are go on
            self._pool.lost_worker()

    def _work(self) -> None:
        # No native frame lies below a function that runs: at interpreter exit CPython ends such a thread where it is.
        pool, context, generation = self._pool, self._context, _fork.generation
        item = pool.next(False)
        while item is not None:
            (call, function, arguments, parameter), grow = item
            if grow:
                self._spawn()
            if parameter is not None:
                arguments[parameter] = SyncContext(call)
            try:
                result = context.copy().run(function, **arguments)
                if _fork.generation != generation:
                    _fork.leave(None)
                call.finish(result)
            except Suspended:
                call.suspend()
            except BaseException as error:
                if _fork.generation != generation:
                    _fork.leave(error)
                fail(call, error, self._errors, log=not call.cancelled)
            # Nothing of a call stays alive while this thread waits for the next.
            result = None
            del item, call, function, arguments
            item = pool.next(True)
