"""Serving clients in the process alone: started by the first of them, ended with the last."""

from __future__ import annotations

import contextvars
import threading

from . import _fork
from ._errors import ForkedError
from ._serving import Service, serve_here
from ._signals import Signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from typing import Any

    from ._server import Server

TRANSPORTS: dict[str, Any] = {
    **dict.fromkeys(("stdio", "http", "unix", "socket", "websocket", "sse")),
    "in_process": True,
}

_guard = threading.Lock()
_holds: dict[int, Hold] = {}
"""By the server that is held, which its hold keeps."""


class Hold:
    """A server that clients have started, until the last of them lets go."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.clients = 1
        self.generation = _fork.generation
        self.failure: BaseException | None = None
        self.settled = threading.Event()
        self.waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self.thread: threading.Thread | None = None
        self.task: asyncio.Task[None] | None = None

    def settle(self, failure: BaseException | None = None) -> None:
        """It has started, or failed to."""
        with _guard:
            self.failure = self.failure or failure
            self.settled.set()
            waiting, self.waiting = self.waiting, []
        for loop, future in waiting:
            loop.call_soon_threadsafe(_done, future)

    def leave(self) -> bool:
        """A client has gone; whether it was the last, which ends the server."""
        with _guard:
            self.clients -= 1
            if self.clients > 0:
                return False
            if not self._let_go():
                return True  # it has ended by itself, and what is served now is another's
        running = self.server._running
        if running is not None:
            running.end()
        return True

    def over(self) -> None:
        """The server has ended, perhaps before its clients: the next one starts it again."""
        with _guard:
            self._let_go()
        self.settle()

    def _let_go(self) -> bool:
        if _holds.get(id(self.server)) is not self:
            return False
        del _holds[id(self.server)]
        return True


def check_fork(generation: int) -> None:
    """Refuses what was begun before this process was forked: who would answer runs in the parent alone."""
    if generation != _fork.generation:
        raise ForkedError("the server was started before this process was forked")


def _done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _take(server: Server) -> tuple[Hold | None, bool]:
    """The hold of a server, and whether it is new; none where the program serves it."""
    with _guard:
        hold = _holds.get(id(server))
        if hold is not None:
            check_fork(hold.generation)
            hold.clients += 1
            return hold, False
        if server._running is not None:
            server._running.check_fork()
            return None, False
        hold = _holds[id(server)] = Hold(server)
        return hold, True


def hold(server: Server) -> Hold | None:
    """Has the server served, on a thread of its own unless it is."""
    held, new = _take(server)
    if held is None:
        return None
    if new:
        target = contextvars.copy_context().run
        held.thread = threading.Thread(target=target, args=(_serve, held), name="tenon-in-process", daemon=True)
        held.thread.start()
    held.settled.wait()
    return _checked(held)


async def hold_here(server: Server) -> Hold | None:
    """Has the server served, on the running loop unless it is."""
    import asyncio

    held, new = _take(server)
    if held is None:
        return None
    loop = asyncio.get_running_loop()
    if new:
        held.task = loop.create_task(_serve_here(held))
    with _guard:
        if not held.settled.is_set():
            settled: asyncio.Future[None] | None = loop.create_future()
            held.waiting.append((loop, settled))  # type: ignore[arg-type]
        else:
            settled = None
    try:
        if settled is not None:
            await settled
    except BaseException:
        release(held)
        raise
    return _checked(held)


def _checked(held: Hold) -> Hold:
    failure = held.failure
    if failure is not None:
        held.leave()
        raise failure
    return held


def release(held: Hold | None) -> None:
    """Lets go; waits for the end of a server that has a thread."""
    if held is not None and held.leave() and held.thread is not None:
        held.thread.join()


async def release_here(held: Hold | None) -> None:
    """Lets go; waits for the end of a server that is served on this loop."""
    import asyncio

    if held is None or not held.leave():
        return
    task = held.task
    if task is not None and task.get_loop() is asyncio.get_running_loop():
        await asyncio.wait((task,))
    elif held.thread is not None:
        await asyncio.to_thread(held.thread.join)


def _serve(held: Hold) -> None:
    server = held.server
    try:
        serve_here(Service(server, TRANSPORTS, Signals(False)), lambda _: held.settle())
    except BaseException as error:
        held.settle(error)
    finally:
        held.over()


async def _serve_here(held: Hold) -> None:
    from ._loop import serve

    try:
        await serve(held.server, TRANSPORTS, lambda _: held.settle())
    except BaseException as error:
        heard = held.settled.is_set()
        held.settle(error)
        # Who waits for the start raises it.
        if heard or not isinstance(error, Exception):
            raise
    finally:
        held.over()
