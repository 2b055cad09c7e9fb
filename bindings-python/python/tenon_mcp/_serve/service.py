"""The parts that serve a server besides its event loop."""

from __future__ import annotations

import atexit
import os
import sys

from .. import _fork
from .._native import LoopLane, PoolLane
from .._runtime import log
from .._runtime.sync_handler import SyncRunner
from .._runtime.workers import Workers
from ..errors import StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .._native import Running, ServeOptions
    from .server_state import OnStarted, ServerState
    from .signals import Signals

SHUTDOWN_TIMEOUT = 1.0
"""Seconds within which cancelled work must end, if the process continues after the server."""

STORE_WORKERS = 8
"""The most threads that run a store's ``def submit``."""

ACCESS_WORKERS = 8
"""The most threads that run a ``def`` verifier and a ``def`` authorizer."""


class MainThreadQueue:
    """Queues functions of other threads for the thread that polls."""

    __slots__ = ("_lane", "_waiting")

    def __init__(self, lane: LoopLane) -> None:
        from collections import deque

        self._lane = lane
        self._waiting: deque[Callable[[], None]] = deque()

    def put(self, function: Callable[[], None]) -> None:
        self._waiting.append(function)
        self._lane.ring()

    def run(self, until: float) -> None:
        """Runs at least one function, and others until this time of ``time.monotonic``. Wakes the thread for the rest.
        """
        import time

        while self._waiting:
            function = self._waiting.popleft()
            if self._waiting:
                # First, because the function may raise, or call `poll` itself.
                self._lane.ring()
            function()
            if time.monotonic() >= until:
                return


class Service:
    """The parts that serve a server besides its loop: its lanes, its workers, and the engine once it is started."""

    _on_started: OnStarted | None = None
    main: LoopLane | None = None
    """The lane that ``poll`` serves; ``None`` if the thread that serves is the main thread."""
    main_queue: MainThreadQueue | None = None
    """The functions that the loop has for the thread that polls."""

    def __init__(
        self,
        server: ServerState,
        options: ServeOptions,
        signals: Signals,
        polled: bool = False,
    ) -> None:
        server._claim()
        self.server = server
        self.signals = signals
        self.generation = _fork.generation
        self._options = options
        engine = server._engine
        self.log_level = log.level()
        lanes = ["loop", "async"] if polled else ["main", "loop", "async"]
        self.lane = LoopLane(engine, lanes, self.log_level)
        if polled:
            self.main = LoopLane(engine, ["main"], None)
            self.main_queue = MainThreadQueue(self.main)
        self.signals.interrupt(SyncRunner.run.__code__, KeyboardInterrupt)
        max_workers = server._max_workers or min(32, (os.cpu_count() or 1) + 4)
        self.workers = Workers(PoolLane(engine, max_workers), server._errors, server._worker_stack)
        # Workers for functions that the engine asks for itself.
        self._other_workers: list[Workers] = []
        for needed, most, lane in (
            (server._has_sync_store, STORE_WORKERS, "store"),
            (server._has_sync_access, ACCESS_WORKERS, "access"),
        ):
            if needed:
                pool = PoolLane(engine, most, lane)
                self._other_workers.append(Workers(pool, {}, server._worker_stack, f"tenon-{lane}"))

    def start(self) -> Running:
        """Starts the engine. ``stop`` must follow."""
        server = self.server
        running = server._engine.start(self._options, self.lane)
        server._running = running
        server._workers = self.workers
        self._end_at_exit = _end_at_exit(running)
        return running

    def open(self, running: Running, on_started: OnStarted | None) -> None:
        """Lets calls run. ``announce`` must follow."""
        self._on_started = on_started
        self.signals.watch(running)
        if on_started in (None, print_addresses):
            # Before the first call, because a call may block the interpreter.
            self.signals.arm()
        if self.server._has_sync_handlers:
            self.workers.start()
        for workers in self._other_workers:
            workers.start()

    def announce(self, running: Running) -> None:
        """Reports that the server has started. Raises ``StartError`` if the start failed."""
        running.check_start()
        on_started, self._on_started = self._on_started, None
        if on_started is not None and running.started:
            on_started(self.server)
        self.signals.arm()

    def check_fork(self) -> None:
        """Ends the process if it was forked off while the server was running."""
        if _fork.generation != self.generation:
            _fork.exit_child(sys.exc_info()[1])

    def stop(self) -> None:
        """Cleans up after the engine has ended. Further calls do nothing."""
        self.signals.noticed()
        atexit.unregister(self._end_at_exit)

    def close(self) -> None:
        """Ends all parts besides the loop, whether or not the engine was started. Further calls do nothing."""
        self.server._running = self.server._workers = None
        self.workers.close()
        for workers in self._other_workers:
            workers.close()


def log_shutdown_failure(lane: LoopLane) -> None:
    """Logs the records that the engine has left in the lane."""
    while (record := lane.record()) is not None:
        log.record(*record)


def print_addresses(server: ServerState) -> None:
    """Writes the addresses of the server to standard error. In a worker process, reports them to the parent."""
    if server._announce is not None:
        server._announce(server)
        return
    # If the descriptor was closed, `sys.stderr` is None, and `print` would write to the standard output.
    if sys.stderr is None:
        return
    for url in (server.url, server.websocket_url, server.sse_url):
        if url is not None:
            print(f"{server.name} is listening on {url}", file=sys.stderr, flush=True)


def _end_at_exit(running: Running) -> Callable[[], Any]:
    """Ends a server that still runs when the interpreter exits."""

    def end() -> None:
        try:
            running.check_fork()
        except StateError:
            return
        running.end()
        running.wait(SHUTDOWN_TIMEOUT)

    return atexit.register(end)
