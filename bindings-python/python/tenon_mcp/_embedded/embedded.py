"""A server inside of the program's own HTTP server. The first request starts it. Calls run on the event loop of their
request.
"""

from __future__ import annotations

import asyncio
import contextvars
import signal
import threading

from .. import _fork
from .._native import LoopLane
from .._runtime.bridge import LoopBridge
from .._serve.service import SHUTDOWN_TIMEOUT, Service, log_shutdown_failure
from .._serve.signals import Signals
from ..errors import StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .._native import Running, ServeOptions
    from .._serve.server_state import ServerState

_CHECK_INTERVAL = 0.25
"""Seconds between two checks whether the program's HTTP server is about to end."""


class EmbeddedService:
    """Serves a server on every loop that brings requests. It starts once for all of them."""

    def __init__(self, server: ServerState, options: ServeOptions) -> None:
        self._server = server
        self._options = options
        self._lock = threading.Lock()
        self._generation = _fork.generation
        self._service: Service | None = None
        self._running: Running | None = None
        self._bridges: dict[asyncio.AbstractEventLoop, LoopBridge] = {}
        self._numbers: dict[asyncio.AbstractEventLoop, int | None] = {}
        """The numbers of the loops. The first loop has ``None``."""
        self._closing: set[asyncio.Task[None]] = set()
        self._checked_loops: set[asyncio.AbstractEventLoop] = set()

    def enter(self) -> tuple[Running, LoopBridge]:
        """Returns the engine and the bridge of the running loop. Starts the engine if necessary."""
        loop = asyncio.get_running_loop()
        running, bridge = self._running, self._bridges.get(loop)
        if running is None or bridge is None or running.closed:
            # This runs with empty context variables. Otherwise work that belongs to no request would see the variables
            # of this request.
            running, bridge = contextvars.Context().run(self._ensure_bridge, loop)
        self._schedule_check(loop)
        return running, bridge

    def _ensure_bridge(self, loop: asyncio.AbstractEventLoop) -> tuple[Running, LoopBridge]:
        with self._lock:
            running, service = self._running, self._service
            if running is not None:
                running.check_fork()
            if running is None or service is None or running.closed:
                self._release_service()
                service = Service(self._server, self._options, Signals(False))
                try:
                    running = service.start()
                    service.open(running, None)
                except BaseException:
                    service.close()
                    raise
                self._service, self._running, self._generation = service, running, _fork.generation
                return running, self._add_bridge(loop, service.lane, service, None)
            for other in [other for other in self._bridges if other.is_closed()]:
                # Loops close without notice. Their lanes are free for other loops.
                self._bridges.pop(other).abandon()
                del self._numbers[other]
            bridge = self._bridges.get(loop)
            if bridge is None:
                bridge = self._add_loop(loop, service)
                running.tell(bridge.lane)
            return running, bridge

    def _add_loop(self, loop: asyncio.AbstractEventLoop, service: Service) -> LoopBridge:
        """Adds a loop. If there is no first loop any more, this becomes the first one. It runs work of no request."""
        engine = self._server._engine
        if None not in self._numbers.values():
            service.lane = LoopLane(engine, ["main", "loop", "async"], service.log_level)
            return self._add_bridge(loop, service.lane, service, None)
        number = next(n for n in range(len(self._numbers)) if n not in self._numbers.values())
        bridge = self._add_bridge(loop, LoopLane(engine, ["loop", "async"], None, number), service, number)
        bridge.main = self._run_on_first_loop
        return bridge

    def _run_on_first_loop(self, function: Callable[[], None]) -> None:
        """Runs a function for the main thread on the thread of the first loop."""
        with self._lock:
            first = next((loop for loop, number in self._numbers.items() if number is None), None)
        if first is None:
            raise StateError("functions with thread='main' cannot run, because the first event loop is closed")
        first.call_soon_threadsafe(function)

    def _add_bridge(
        self, loop: asyncio.AbstractEventLoop, lane: LoopLane, service: Service, number: int | None
    ) -> LoopBridge:
        interruptible = threading.current_thread() is threading.main_thread()
        bridge = LoopBridge(loop, lane, self._server._errors, interruptible)
        bridge.closed.add_done_callback(lambda _: self._ended(loop, service, bridge))
        self._bridges[loop], self._numbers[loop] = bridge, number
        return bridge

    def _ended(self, loop: asyncio.AbstractEventLoop, service: Service, bridge: LoopBridge) -> None:
        """Called on each loop after the engine has ended."""
        with self._lock:
            if self._service is service:
                self._release_service()
            if self._bridges.get(loop) is bridge:
                del self._bridges[loop], self._numbers[loop]
        task = loop.create_task(bridge.close(SHUTDOWN_TIMEOUT))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _release_service(self) -> None:
        service, self._service, self._running = self._service, None, None
        if service is not None:
            service.stop()
            service.close()
            log_shutdown_failure(service.lane)

    async def started(self) -> None:
        """Starts the server, and waits until calls run. Raises ``StartError``."""
        loop = asyncio.get_running_loop()
        running, bridge = self._ensure_bridge(loop)
        self._schedule_check(loop)
        if not running.settled:
            await asyncio.wait((bridge.settled(running),))
        running.check_start()

    async def close(self) -> None:
        """Ends the server, as ``Server.close`` does, and waits for it."""
        running, bridge = self._running, self._bridges.get(asyncio.get_running_loop())
        if running is None or bridge is None:
            return
        running.close()
        await asyncio.wait((bridge.closed,))
        if self._closing:
            await asyncio.wait(tuple(self._closing))

    def __del__(self) -> None:
        # The service is still there if the loops were closed before the engine has ended.
        service = getattr(self, "_service", None)
        if service is not None and self._generation == _fork.generation:
            if self._running is not None:
                self._running.close()
            service.stop()
            service.close()

    def abandon(self) -> None:
        """Ends the server, because no further request can arrive. Never blocks: a garbage collector may call it."""
        running = self._running
        if running is None or self._generation != _fork.generation:
            return
        running.close()

    def _schedule_check(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop not in self._checked_loops:
            self._checked_loops.add(loop)
            # With empty context variables. Otherwise those of one request would be kept while there are others.
            loop.call_later(_CHECK_INTERVAL, self._check_server, loop, context=contextvars.Context())

    def _check_server(self, loop: asyncio.AbstractEventLoop) -> None:
        """Ends the server if uvicorn is about to end.

        uvicorn waits for open streams before it ends the lifespan. So its flag is checked while there are requests.
        """
        self._checked_loops.discard(loop)
        running, bridge = self._running, self._bridges.get(loop)
        if running is None or bridge is None or not bridge.waiting:
            return
        server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
        if getattr(server, "should_exit", False) is True:
            running.close()
        else:
            self._schedule_check(loop)


def check_loop() -> None:
    """Raises ``StateError`` if no asyncio loop is running."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise StateError(
            "asgi() needs an ASGI server that runs on asyncio; start hypercorn with --worker-class asyncio"
        ) from None
