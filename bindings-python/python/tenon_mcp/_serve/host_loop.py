"""Serves beside a main loop of the program's host: Blender's, Maya's, Qt's, a game's."""

from __future__ import annotations

import atexit
import contextvars
import threading
import time

from .._errors import StartError
from .._handlers.sync_handler import Direct
from .serving import PATIENCE, Service, attend, log_shutdown_failure
from .signals import Signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .._native import LoopLane, Running
    from .server import Server, Transports
    from .serving import MainThreadQueue


class Main:
    """What waits for the thread that polls. ``ended`` once nothing of the server is left."""

    def __init__(self, lane: LoopLane, errands: MainThreadQueue, running: Running, direct: Direct) -> None:
        self._lane = lane
        self._errands = errands
        self._running = running
        self._direct = direct

    @property
    def descriptor(self) -> int:
        return self._lane.fileno()

    def poll(self, budget: float | None, timeout: float | None) -> bool:
        self._running.check_fork()
        lane = self._lane
        if lane.closed:
            return self._over()
        if timeout != 0:
            lane.wait(timeout)
        lane.begin(budget)
        until = time.monotonic() + (lane.budget if budget is None else budget)
        try:
            for _, call, detail, parameter in lane:
                if type(detail) is tuple:
                    self._direct.run(call, detail[0], detail[1], parameter)
                # Otherwise a call is cancelled, which its function sees for itself.
                del call, detail
        finally:
            lane.flush()
        self._errands.run(until)
        return self._over() if lane.closed else True

    def _over(self) -> bool:
        self._running.check_start()
        return False


def start(server: Server, transports: Transports) -> Main:
    """Starts the engine, and the thread that does for ``async def`` handlers what ``run`` does on its caller's."""
    if server._has_async_handlers:
        # Here, not on the thread: a program that ends at once lets no thread import it any more.
        from . import loop  # noqa: F401
    service = Service(server, transports, Signals(False), polled=True)
    threads: list[threading.Thread] = []

    def join() -> None:
        for thread in threads:
            thread.join(PATIENCE)

    # Registered first, so done last, after the server has ended: the thread must not see the interpreter fall apart.
    atexit.register(join)
    try:
        running = service.start()
        try:
            assert service.main is not None and service.errands is not None
            main = Main(service.main, service.errands, running, Direct(server._errors, interruptible=True))
            thread = threading.Thread(
                target=contextvars.copy_context().run,
                args=(_serve, service, running, join),
                name="tenon-loop",
                daemon=True,
            )
            service.open(running, None)
            thread.start()
            threads.append(thread)
            if not server._engine.starts_on("main"):
                running.wait_started()
                running.check_start()
        except BaseException:
            _end(service, running)
            raise
    except BaseException:
        service.close()
        join()
        atexit.unregister(join)
        raise
    return main


def _serve(service: Service, running: Running, join: Callable[[], None]) -> None:
    try:
        try:
            attend(service, running)
        finally:
            _end(service, running)
    except StartError:
        pass  # `start` or `poll` raises it
    finally:
        service.close()
        log_shutdown_failure(service.lane)
        assert service.main is not None
        service.main.end()
        atexit.unregister(join)


def _end(service: Service, running: Running) -> None:
    service.check_fork()
    if not running.closed:
        running.end()
        running.wait(PATIENCE)
    service.stop()
