"""Serves clients in the same process. The first client starts the server, and the last one ends it."""

from __future__ import annotations

import contextvars
import sys
import threading

from .._errors import ForkedError, StateError
from . import fork as _fork
from .serving import Service, serve_here
from .signals import Signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from typing import Any

    from .server import Server

TRANSPORTS: dict[str, Any] = {
    **dict.fromkeys(("stdio", "http", "unix", "socket", "websocket", "sse")),
    "in_process": True,
}

_guard = threading.Lock()
_holds: dict[int, Hold] = {}
"""By the server that is held, which its hold keeps."""
_LOOK = 0.1
"""Seconds between two checks whether a loop is closed."""


class Hold:
    """A server that clients have started. It ends when the last client closes."""

    def __init__(self, server: Server, before: Hold | None) -> None:
        self.server = server
        self.clients = 1
        self.generation = _fork.generation
        self.failure: BaseException | None = None
        self.settled = threading.Event()
        self.waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self.thread: threading.Thread | None = None
        self.task: asyncio.Task[None] | None = None
        self._before = before
        self._left = False
        self._over = threading.Event()

    def settle(self, failure: BaseException | None = None) -> None:
        """Records that the server has started, or that the start failed."""
        with _guard:
            self.failure = self.failure or failure
            self.settled.set()
            waiting, self.waiting = self.waiting, []
        for loop, future in waiting:
            loop.call_soon_threadsafe(_done, future)

    def leave(self) -> bool:
        """Removes a client. Returns whether it was the last, which ends the server."""
        with _guard:
            self.clients -= 1
            if self.clients > 0:
                return False
            self._left = True
            # What is served after its own end is another's.
            running = self.server._running if _holds.get(id(self.server)) is self else None
        if running is not None:
            running.end()
        return True

    def started(self, server: Server) -> None:
        """It has started; perhaps nobody has waited for that."""
        self.settle()
        if self._left and server._running is not None:
            server._running.end()

    def over(self) -> None:
        """The server has ended."""
        with _guard:
            if _holds.get(id(self.server)) is self:
                del _holds[id(self.server)]
        self.settle()
        self._over.set()

    @property
    def ends(self) -> bool:
        """Whether the next client has to start the server again."""
        running = self.server._running
        return self._left or self.settled.is_set() and running is not None and running.closed

    @property
    def is_stranded(self) -> bool:
        """Whether the server's loop was closed before the server has ended, so that nothing runs its calls."""
        return self.task is not None and self.task.get_loop().is_closed()

    def wait_for_turn(self) -> None:
        """Waits for the end of whatever was served before, unless that does not come."""
        before, self._before = self._before, None
        if before is not None:
            while not before._over.wait(_LOOK) and not before.is_stranded:
                pass


def check_fork(generation: int) -> None:
    """Raises ``ForkedError`` if the client was opened before this process was forked: the server runs in the parent
    only.
    """
    if generation != _fork.generation:
        raise ForkedError("the server was started before this process was forked")


def _done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _take(server: Server, loop: asyncio.AbstractEventLoop | None = None) -> tuple[Hold | None, bool]:
    """The hold of a server, and whether it is new; none where the program serves it.

    ``loop`` is what stands still until the server has started.
    """
    with _guard:
        held = _holds.get(id(server))
        if held is not None:
            check_fork(held.generation)
            if held.is_stranded:
                raise StateError("a client was left open on an event loop that has ended, and the server with it")
            if not held.ends:
                held.clients += 1
                return held, False
            if loop is not None and held.task is not None and held.task.get_loop() is loop:
                raise StateError("the server is about to end on this event loop; a client to await can wait for that")
        elif server._running is not None:
            server._running.check_fork()
            return None, False
        held = _holds[id(server)] = Hold(server, held)
        return held, True


def hold(server: Server) -> Hold | None:
    """Ensures that the server is served. If it is not, it is served on a thread of its own."""
    running_loop = getattr(sys.modules.get("asyncio.events"), "_get_running_loop", None)
    held, new = _take(server, None if running_loop is None else running_loop())
    if held is None:
        return None
    if new:
        target = contextvars.copy_context().run
        held.thread = threading.Thread(target=target, args=(_serve, held), name="tenon-in-process", daemon=True)
        held.thread.start()
    held.settled.wait()
    return _checked(held)


async def hold_here(server: Server) -> Hold | None:
    """Ensures that the server is served. If it is not, it is served on the running loop."""
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
    """Releases the hold, and waits for the end of a server that has a thread."""
    if held is not None and held.leave() and held.thread is not None:
        held.thread.join()


async def release_here(held: Hold | None) -> None:
    """Releases the hold, and waits for the end of a server that is served on this loop."""
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
        held.wait_for_turn()
        serve_here(Service(server, TRANSPORTS, Signals(False)), held.started)
    except BaseException as error:
        held.settle(error)
    finally:
        held.over()


async def _serve_here(held: Hold) -> None:
    import asyncio

    from .loop import serve

    try:
        if held._before is not None:
            await asyncio.to_thread(held.wait_for_turn)
        await serve(held.server, TRANSPORTS, held.started)
    except BaseException as error:
        heard = held.settled.is_set()
        held.settle(error)
        # Who waits for the start raises it.
        if heard or not isinstance(error, Exception):
            raise
    finally:
        held.over()
