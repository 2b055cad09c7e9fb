"""The threads of ``asyncio.to_thread`` while ``run()`` controls the process."""

from __future__ import annotations

import os
import queue
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


class DaemonExecutor(ThreadPoolExecutor):
    """A ``ThreadPoolExecutor`` with daemon threads. The process does not wait at its end for a thread that blocks."""

    def __init__(self) -> None:
        super().__init__(min(32, (os.cpu_count() or 1) + 4), "tenon-executor")
        self._jobs: queue.SimpleQueue[tuple[Future[Any], Any, Any, Any] | None] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._guard = threading.Lock()
        self._daemons: list[threading.Thread] = []
        self._is_shut_down = False

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        with self._guard:
            if self._is_shut_down:
                raise RuntimeError("cannot schedule new futures after shutdown")
            future: Future[Any] = Future()
            self._jobs.put((future, fn, args, kwargs))
            if not self._idle.acquire(blocking=False) and len(self._daemons) < self._max_workers:
                name = f"{self._thread_name_prefix}_{len(self._daemons)}"
                thread = threading.Thread(target=self._serve, name=name, daemon=True)
                thread.start()
                self._daemons.append(thread)
            return future

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            future, fn, args, kwargs = job
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(fn(*args, **kwargs))
                except BaseException as error:
                    future.set_exception(error)
            # A job must not stay alive while this thread waits for the next one.
            del job, future, fn, args, kwargs
            self._idle.release()
        self._jobs.put(None)  # ends the next thread

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        with self._guard:
            self._is_shut_down = True
            while cancel_futures:
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if job is not None:
                    job[0].cancel()
            self._jobs.put(None)
        if wait:
            for thread in self._daemons:
                thread.join()
