"""Serves a server from start to end. It uses no loop until one is needed, because asyncio takes longer to load than the
rest.
"""

from __future__ import annotations

import atexit
import os
import sys

from .._errors import StateError
from .._handlers.sync_handler import Direct
from .._native import LoopLane, PoolLane
from .._runtime import log as _log
from .._runtime.workers import Workers
from . import fork as _fork
from .options import check_transports, read_transports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .._native import Running
    from .server import Server, Transports
    from .signals import Signals

PATIENCE = 1.0
"""Seconds that what was cancelled gets to end where the process is somebody else's."""


class MainThreadQueue:
    """Queues functions of other threads for the thread that polls."""

    __slots__ = ("_lane", "_waiting")

    def __init__(self, lane: LoopLane) -> None:
        from collections import deque

        self._lane = lane
        self._waiting: deque[Callable[[], None]] = deque()

    def put(self, errand: Callable[[], None]) -> None:
        self._waiting.append(errand)
        self._lane.ring()

    def run(self, until: float) -> None:
        """Runs one at least, and others until this moment of ``time.monotonic``; the thread is called for the rest."""
        import time

        while self._waiting:
            errand = self._waiting.popleft()
            if self._waiting:
                # The errand may go on polling, or raise.
                self._lane.ring()
            errand()
            if time.monotonic() >= until:
                return


class Service:
    """The parts that serve a server besides its loop: its lanes, its workers, and the engine once it is started."""

    _on_started: Callable[[Server], object] | None = None
    main: LoopLane | None = None
    """What a main loop polls; without one it belongs to the thread that serves."""
    errands: MainThreadQueue | None = None
    """What the loop has for the thread that polls."""

    def __init__(
        self,
        server: Server,
        transports: Transports,
        signals: Signals,
        polled: bool = False,
        embedded: dict[str, Any] | None = None,
    ) -> None:
        server._claim()
        self.server = server
        self.signals = signals
        self.generation = _fork.generation
        self._transports = transports
        checked = ("http", "unix", "websocket", "sse")
        check_transports(**{name: transports[name] for name in checked})
        engine = server._engine
        self._embedded = {} if embedded is None else {"embedded": embedded}
        self.log_level = _log.level()
        lanes = ["loop", "async"] if polled else ["main", "loop", "async"]
        self.lane = LoopLane(engine, lanes, self.log_level)
        if polled:
            self.main = LoopLane(engine, ["main"], None)
            self.errands = MainThreadQueue(self.main)
        self.signals.interrupt(Direct.run.__code__, KeyboardInterrupt)
        cap = server._max_workers or min(32, (os.cpu_count() or 1) + 4)
        self.workers = Workers(PoolLane(engine, cap), server._errors, server._worker_stack)

    def start(self) -> Running:
        """Starts the engine. ``stop`` must follow."""
        server = self.server
        running = server._engine.start({**read_transports(**self._transports), **self._embedded}, self.lane)
        server._running = running
        server._workers = self.workers
        self._end = _at_exit(running)
        return running

    def open(self, running: Running, on_started: Callable[[Server], object] | None) -> None:
        """Lets calls run. ``announce`` must follow."""
        self._on_started = on_started
        self.signals.watch(running)
        if on_started in (None, say):
            # Before the first call, which might keep the interpreter.
            self.signals.arm()
        if self.server._has_sync_handlers:
            self.workers.start()

    def announce(self, running: Running) -> None:
        """Reports that the server has started, once that is so. Raises ``StartError`` if the start failed."""
        running.check_start()
        on_started, self._on_started = self._on_started, None
        if on_started is not None and running.started:
            on_started(self.server)
        self.signals.arm()

    def check_fork(self) -> None:
        """Ends a process that was forked off meanwhile."""
        if _fork.generation != self.generation:
            _fork.leave(sys.exc_info()[1])

    def stop(self) -> None:
        """Cleans up after the engine has ended. Further calls do nothing."""
        self.signals.noticed()
        atexit.unregister(self._end)

    def close(self) -> None:
        """Ends all parts besides the loop, whether or not the engine was started. Further calls do nothing."""
        self.server._running = self.server._workers = None
        self.workers.close()


def run(
    server: Server, transports: Transports, signals: Signals, on_started: Callable[[Server], object] | None
) -> None:
    if on_started is not None or server._has_async_handlers:
        from . import loop as _loop

        _loop.run(server, transports, signals, on_started or say)
        return
    serve_here(Service(server, transports, signals), say)


def serve_here(service: Service, on_started: Callable[[Server], object]) -> None:
    """Serves on this thread. It uses no loop until one is needed."""
    try:
        running = service.start()
        try:
            service.open(running, on_started)
            attend(service, running)
        finally:
            service.check_fork()
            # Interrupted: nobody waits for what still runs.
            if not running.closed:
                running.end()
                running.wait(PATIENCE)
            service.stop()
    finally:
        service.close()
        log_shutdown_failure(service.lane)


def attend(service: Service, running: Running) -> None:
    """Until the server has ended does what is for its thread: it logs, and sees to a loop once something needs it."""
    lane = service.lane
    direct = Direct(service.server._errors)
    announced = False
    while not lane.closed:
        if not announced and running.settled:
            announced = True
            service.announce(running)
        if service.server._has_async_handlers:
            from . import loop as _loop

            _loop.attend(service, running, announced)
            return
        lane.wait()
        # Calls of async functions stay for the loop: one may come just now.
        lane.begin(with_async=False)
        try:
            for _, what, detail, extra in lane:
                if what is None:
                    _log.record(detail, *extra)
                elif type(detail) is tuple:
                    direct.run(what, detail[0], detail[1], extra)
                del what, detail
        finally:
            lane.flush()
    running.check_start()


def log_shutdown_failure(lane: LoopLane) -> None:
    """Logs what is left."""
    while (record := lane.record()) is not None:
        _log.record(*record)


def say(server: Server) -> None:
    if server._announce is not None:
        server._announce(server)
        return
    # Python has none if the descriptor was closed, and would print to the output.
    if sys.stderr is None:
        return
    for url in (server.url, server.websocket_url, server.sse_url):
        if url is not None:
            print(f"{server.name} is listening on {url}", file=sys.stderr, flush=True)


def _at_exit(running: Running) -> Callable[[], Any]:
    """A server that is left running must not outlive the interpreter."""

    def end() -> None:
        try:
            running.check_fork()
        except StateError:
            return
        running.end()
        running.wait(PATIENCE)

    return atexit.register(end)
