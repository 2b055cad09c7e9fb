"""Serves in a program that has its own main loop, such as Blender, Maya, Qt or a game."""

from __future__ import annotations

import atexit
import contextvars
import threading
import time

from .._runtime.sync_handler import SyncRunner
from ..errors import StartError
from .service import SHUTDOWN_TIMEOUT, Service, log_shutdown_failure
from .serving import run_until_closed
from .signals import Signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .._native import LoopLane, Running, ServeOptions
    from .server_state import ServerState
    from .service import MainThreadQueue


class MainThreadPoller:
    """Runs the calls and functions that wait for the thread that polls."""

    def __init__(self, lane: LoopLane, queue: MainThreadQueue, running: Running, runner: SyncRunner) -> None:
        self._lane = lane
        self._queue = queue
        self._running = running
        self._runner = runner

    @property
    def descriptor(self) -> int:
        return self._lane.fileno()

    def poll(self, budget: float | None, timeout: float | None) -> bool:
        """See ``Server.poll``."""
        self._running.check_fork()
        lane = self._lane
        if lane.closed:
            return self._ended()
        if timeout != 0:
            lane.wait(timeout)
        lane.begin(budget)
        until = time.monotonic() + (lane.budget if budget is None else budget)
        try:
            for _, call, detail, parameter in lane:
                if type(detail) is tuple:
                    self._runner.run(call, detail[0], detail[1], parameter)
                # Any other item is a cancellation. A `def` function reads it from its context.
                del call, detail
        finally:
            lane.flush()
        self._queue.run(until)
        return self._ended() if lane.closed else True

    def _ended(self) -> bool:
        self._running.check_start()
        return False


def start(server: ServerState, options: ServeOptions) -> MainThreadPoller:
    """Starts the engine, and a thread that runs the ``async def`` handlers, as ``run`` does on its own thread."""
    if server._has_async_handlers:
        # Here, because the thread cannot import it if the interpreter begins to exit at once.
        from . import loop  # noqa: F401
    service = Service(server, options, Signals(False), polled=True)
    threads: list[threading.Thread] = []

    def join() -> None:
        for thread in threads:
            thread.join(SHUTDOWN_TIMEOUT)

    # Functions that are registered first run last: after the server has ended. The thread must end before the
    # interpreter removes its modules.
    atexit.register(join)
    try:
        running = service.start()
        try:
            assert service.main is not None and service.main_queue is not None
            runner = SyncRunner(server._errors, interruptible=True)
            poller = MainThreadPoller(service.main, service.main_queue, running, runner)
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
    return poller


def _serve(service: Service, running: Running, join: Callable[[], None]) -> None:
    try:
        try:
            run_until_closed(service, running)
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
        running.wait(SHUTDOWN_TIMEOUT)
    service.stop()
