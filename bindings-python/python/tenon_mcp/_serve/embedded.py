"""A server inside of the program's own HTTP server. The first request starts it. Calls run on the event loop of their
request.
"""

from __future__ import annotations

import asyncio
import contextvars
import signal
import threading

from .._errors import StateError
from .._native import LoopLane
from .._runtime.bridge import LoopBridge
from . import fork as _fork
from .serving import PATIENCE, Service, log_shutdown_failure
from .signals import Signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .._native import Running
    from .server import Server

_LOOK = 0.25
"""Seconds between two checks whether the program's server is about to end."""


class Home:
    """What serves a server on whatever loops bring requests; started once for all of them."""

    def __init__(self, server: Server, options: dict[str, Any]) -> None:
        self._server = server
        self._options = options
        self._lock = threading.Lock()
        self._generation = _fork.generation
        self._service: Service | None = None
        self._running: Running | None = None
        self._bridges: dict[asyncio.AbstractEventLoop, LoopBridge] = {}
        self._numbers: dict[asyncio.AbstractEventLoop, int | None] = {}
        """Of the loops besides the first, which has none."""
        self._endings: set[asyncio.Task[None]] = set()
        self._looking: set[asyncio.AbstractEventLoop] = set()

    def enter(self) -> tuple[Running, LoopBridge]:
        """The engine, which is started if it is not, and what runs calls on the running loop."""
        loop = asyncio.get_running_loop()
        running, bridge = self._running, self._bridges.get(loop)
        if running is None or bridge is None or running.closed:
            # Not in the context of this request: what belongs to no request would run in it.
            running, bridge = contextvars.Context().run(self._settle, loop)
        self._look(loop)
        return running, bridge

    def _settle(self, loop: asyncio.AbstractEventLoop) -> tuple[Running, LoopBridge]:
        with self._lock:
            running, service = self._running, self._service
            if running is not None:
                running.check_fork()
            if running is None or service is None or running.closed:
                self._let_go()
                service = Service(self._server, _NOTHING, Signals(False), embedded=self._options)
                try:
                    running = service.start()
                    service.open(running, None)
                except BaseException:
                    service.close()
                    raise
                self._service, self._running, self._generation = service, running, _fork.generation
                return running, self._bridge(loop, service.lane, service, None)
            for other in [other for other in self._bridges if other.is_closed()]:
                # It ended without a word, as loops do; what it had is nobody's.
                self._bridges.pop(other).abandon()
                del self._numbers[other]
            bridge = self._bridges.get(loop)
            if bridge is None:
                bridge = self._join(loop, service)
                running.tell(bridge.lane)
            return running, bridge

    def _join(self, loop: asyncio.AbstractEventLoop, service: Service) -> LoopBridge:
        """One more loop, which gets what belongs to no request if there is no other."""
        engine = self._server._engine
        if None not in self._numbers.values():
            service.lane = LoopLane(engine, ["main", "loop", "async"], service.log_level)
            return self._bridge(loop, service.lane, service, None)
        number = next(n for n in range(len(self._numbers)) if n not in self._numbers.values())
        bridge = self._bridge(loop, LoopLane(engine, ["loop", "async"], None, number), service, number)
        bridge.main = self._on_first
        return bridge

    def _on_first(self, function: Callable[[], None]) -> None:
        """Runs a function that is for the main thread, which is that of the first loop."""
        with self._lock:
            first = next((loop for loop, number in self._numbers.items() if number is None), None)
        if first is None:
            raise StateError("the event loop that functions for the main thread run on has ended")
        first.call_soon_threadsafe(function)

    def _bridge(
        self, loop: asyncio.AbstractEventLoop, lane: LoopLane, service: Service, number: int | None
    ) -> LoopBridge:
        interruptible = threading.current_thread() is threading.main_thread()
        bridge = LoopBridge(loop, lane, self._server._errors, interruptible)
        bridge.closed.add_done_callback(lambda _: self._over(loop, service, bridge))
        self._bridges[loop], self._numbers[loop] = bridge, number
        return bridge

    def _over(self, loop: asyncio.AbstractEventLoop, service: Service, bridge: LoopBridge) -> None:
        """The engine has ended, and this loop has heard of it."""
        with self._lock:
            if self._service is service:
                self._let_go()
            if self._bridges.get(loop) is bridge:
                del self._bridges[loop], self._numbers[loop]
        task = loop.create_task(bridge.close(PATIENCE))
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)

    def _let_go(self) -> None:
        service, self._service, self._running = self._service, None, None
        if service is not None:
            service.stop()
            service.close()
            log_shutdown_failure(service.lane)

    async def started(self) -> None:
        """Starts the server, and waits until calls run. Raises ``StartError``."""
        loop = asyncio.get_running_loop()
        running, bridge = self._settle(loop)
        self._look(loop)
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
        if self._endings:
            await asyncio.wait(tuple(self._endings))

    def __del__(self) -> None:
        # Its loops ended before they heard of the end.
        service = getattr(self, "_service", None)
        if service is not None and self._generation == _fork.generation:
            if self._running is not None:
                self._running.close()
            service.stop()
            service.close()

    def abandon(self) -> None:
        """Ends the server, since nobody can bring a request any more; its loops hear of it. Never waits: a garbage
        collector may call this."""
        running = self._running
        if running is None or self._generation != _fork.generation:
            return
        running.close()

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop not in self._looking:
            self._looking.add(loop)
            # Not in the context of a request, which would be kept for as long as there are others.
            loop.call_later(_LOOK, self._look_again, loop, context=contextvars.Context())

    def _look_again(self, loop: asyncio.AbstractEventLoop) -> None:
        """uvicorn waits for open streams before it says that it ends, so its own intention is looked at, for as long as
        there is any request."""
        self._looking.discard(loop)
        running, bridge = self._running, self._bridges.get(loop)
        if running is None or bridge is None or not bridge.waiting:
            return
        server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
        if getattr(server, "should_exit", False) is True:
            running.close()
        else:
            self._look(loop)


_NOTHING: dict[str, Any] = {
    "stdio": False,
    "http": None,
    "unix": None,
    "socket": None,
    "websocket": None,
    "sse": None,
}


def claim_loop() -> None:
    """Raises an error if no asyncio loop runs."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise StateError("asgi() needs a server on asyncio; with hypercorn that is --worker-class asyncio") from None
