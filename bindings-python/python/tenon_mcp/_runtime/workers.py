"""The worker threads that run ``def`` handlers."""

from __future__ import annotations

import threading

from .sync_handler import SyncRunner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .._native import PoolLane
    from .failure import ErrorMap


_STACK_SIZE_LOCK = threading.Lock()
"""The stack size is a setting of the process, so only one thread may change it at a time."""


class Workers:
    """Starts workers when the pool needs them. They are daemons, so a stuck function does not keep the process."""

    def __init__(self, pool: PoolLane, errors: ErrorMap, stack: int | None, name: str = "tenon-worker") -> None:
        self._pool = pool
        self._name = name
        self._stack = stack
        self._runner = SyncRunner(errors)

    def start(self) -> None:
        """Starts the first worker if there is none. The pool requests further ones."""
        if self._pool.first_worker():
            self._spawn()

    def close(self) -> None:
        self._pool.close()

    def _spawn(self) -> None:
        thread = threading.Thread(target=self._work, name=self._name, daemon=True)
        try:
            if self._stack is None:
                thread.start()
            else:
                with _STACK_SIZE_LOCK:
                    before = threading.stack_size(self._stack)
                    try:
                        thread.start()
                    finally:
                        threading.stack_size(before)
        except RuntimeError:  # The system has no more threads. The existing workers continue.
            self._pool.lost_worker()

    def _work(self) -> None:
        # At interpreter exit CPython ends daemon threads where they are. So no native frame may be on the stack.
        pool, run = self._pool, self._runner.run
        item = pool.next(False)
        while item is not None:
            work, grow = item
            if grow:
                self._spawn()
            run(*work)
            # A call must not stay alive while this thread waits for the next one.
            del item, work
            item = pool.next(True)
