"""The worker threads that run ``def`` handlers."""

from __future__ import annotations

import threading

from .._handlers.sync_handler import Direct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .._handlers.failure import ErrorMap
    from .._native import PoolLane


_STACK = threading.Lock()
"""The size of stacks is the process's: one thread changes it at a time."""


class Workers:
    """Starts workers as the pool asks for them. They are daemons: a stuck function must not keep the process."""

    def __init__(self, pool: PoolLane, errors: ErrorMap, stack: int | None) -> None:
        self._pool = pool
        self._stack = stack
        self._direct = Direct(errors)

    def start(self) -> None:
        """Sees to a first worker; later ones follow from need."""
        if self._pool.first_worker():
            self._spawn()

    def close(self) -> None:
        self._pool.close()

    def _spawn(self) -> None:
        thread = threading.Thread(target=self._work, name="tenon-worker", daemon=True)
        try:
            if self._stack is None:
                thread.start()
            else:
                with _STACK:
                    before = threading.stack_size(self._stack)
                    try:
                        thread.start()
                    finally:
                        threading.stack_size(before)
        except RuntimeError:  # no more threads: those there are go on
            self._pool.lost_worker()

    def _work(self) -> None:
        # No native frame lies below a function that runs: at interpreter exit CPython ends such a thread where it is.
        pool, run = self._pool, self._direct.run
        item = pool.next(False)
        while item is not None:
            work, grow = item
            if grow:
                self._spawn()
            run(*work)
            # Nothing of a call stays alive while this thread waits for the next.
            del item, work
            item = pool.next(True)
