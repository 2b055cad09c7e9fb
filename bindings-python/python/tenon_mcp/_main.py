"""Serving beside a main loop that is not ours: Blender's, Maya's, Qt's, a game's."""

from __future__ import annotations

import contextvars
import threading

from ._direct import Direct
from ._serving import PATIENCE, Service, attend, last_words
from ._signals import Signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._native import LoopLane, Running
    from ._server import Server, Transports


class Main:
    """What waits for the thread that polls. ``ended`` once nothing of the server is left."""

    def __init__(self, lane: LoopLane, running: Running, direct: Direct) -> None:
        self._lane = lane
        self._running = running
        self._direct = direct

    @property
    def descriptor(self) -> int:
        return self._lane.fileno()

    def poll(self, budget: float, timeout: float | None) -> bool:
        self._running.check_fork()
        lane = self._lane
        if lane.closed:
            return False
        if timeout != 0:
            lane.wait(timeout)
        lane.begin(budget)
        try:
            for _, call, detail, parameter in lane:
                if type(detail) is tuple:
                    self._direct.run(call, detail[0], detail[1], parameter)
                # Otherwise a call is cancelled, which its function sees for itself.
                del call, detail
        finally:
            lane.flush()
        return not lane.closed


def start(server: Server, transports: Transports) -> Main:
    """Starts the engine, and the thread that does for ``async def`` handlers what ``run`` does on its caller's."""
    service = Service(server, transports, Signals(False), polled=True)
    try:
        running = service.start()
        try:
            assert service.main is not None
            main = Main(service.main, running, Direct(server._errors, interruptible=True))
            thread = threading.Thread(
                target=contextvars.copy_context().run, args=(_serve, service, running), name="tenon-loop", daemon=True
            )
            service.open(running, None)
            thread.start()
        except BaseException:
            _end(service, running)
            raise
    except BaseException:
        service.close()
        raise
    return main


def _serve(service: Service, running: Running) -> None:
    try:
        try:
            attend(service, running)
        finally:
            _end(service, running)
    finally:
        service.close()
        last_words(service.lane)
        assert service.main is not None
        service.main.end()


def _end(service: Service, running: Running) -> None:
    service.check_fork()
    if not running.closed:
        running.end()
        running.wait(PATIENCE)
    service.stop()
