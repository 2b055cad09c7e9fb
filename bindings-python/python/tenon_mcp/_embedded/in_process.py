"""Serves clients in the same process. The first client starts the server, and the last one ends it."""

from __future__ import annotations

import contextvars
import sys
import threading

from .. import _fork
from .._native import ServeOptions
from .._serve.service import Service
from .._serve.serving import serve_without_loop
from .._serve.signals import Signals
from ..errors import ForkedError, StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio

    from .._serve.server_state import ServerState

_lock = threading.Lock()
_servers: dict[int, SharedServer] = {}
"""By the id of the server. The entry keeps the server, so the id stays valid."""
_CHECK_INTERVAL = 0.1
"""Seconds between two checks whether a loop is closed."""


class SharedServer:
    """A server that clients have started. It ends when the last client closes."""

    def __init__(self, server: ServerState, before: SharedServer | None) -> None:
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
        self._ended = threading.Event()

    def settle(self, failure: BaseException | None = None) -> None:
        """Records that the server has started, or that the start failed."""
        with _lock:
            self.failure = self.failure or failure
            self.settled.set()
            waiting, self.waiting = self.waiting, []
        for loop, future in waiting:
            loop.call_soon_threadsafe(_resolve, future)

    def remove_client(self) -> bool:
        """Removes a client. Returns whether it was the last one, which ends the server."""
        with _lock:
            self.clients -= 1
            if self.clients > 0:
                return False
            self._left = True
            # After its own end, the server may be served again for others.
            running = self.server._running if _servers.get(id(self.server)) is self else None
        if running is not None:
            running.end()
        return True

    def started(self, server: ServerState) -> None:
        """Records that the server has started. Ends it if the last client has closed meanwhile."""
        self.settle()
        if self._left and server._running is not None:
            server._running.end()

    def ended(self) -> None:
        """Records that the server has ended."""
        with _lock:
            if _servers.get(id(self.server)) is self:
                del _servers[id(self.server)]
        self.settle()
        self._ended.set()

    @property
    def is_ending(self) -> bool:
        """Whether the next client must start the server again."""
        running = self.server._running
        return self._left or self.settled.is_set() and running is not None and running.closed

    @property
    def is_on_closed_loop(self) -> bool:
        """Whether the server's loop was closed before the server has ended, so that nothing runs its calls."""
        return self.task is not None and self.task.get_loop().is_closed()

    @property
    def has_predecessor(self) -> bool:
        return self._before is not None

    def wait_for_predecessor(self) -> None:
        """Waits until the server that was served before has ended, or its loop was closed."""
        before, self._before = self._before, None
        if before is not None:
            while not before._ended.wait(_CHECK_INTERVAL) and not before.is_on_closed_loop:
                pass


def check_fork(generation: int) -> None:
    """Raises ``ForkedError`` if the client was opened before this process was forked: the server runs in the parent
    only.
    """
    if generation != _fork.generation:
        raise ForkedError("the server was started before this process was forked; start it in this process")


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _find_or_add(
    server: ServerState, loop: asyncio.AbstractEventLoop | None = None
) -> tuple[SharedServer | None, bool]:
    """Returns the shared server, and whether it is new. Returns ``None`` if the program itself serves the server.

    ``loop`` is the loop of the calling thread, which is blocked until the server has started.
    """
    with _lock:
        shared = _servers.get(id(server))
        if shared is not None:
            check_fork(shared.generation)
            if shared.is_on_closed_loop:
                raise StateError(
                    "the event loop of this server was closed while a client was open; close clients before their loop"
                )
            if not shared.is_ending:
                shared.clients += 1
                return shared, False
            if loop is not None and shared.task is not None and shared.task.get_loop() is loop:
                raise StateError(
                    "the server is still ending on this event loop, which `with` blocks; use `async with Client(app)`"
                )
        elif server._running is not None:
            server._running.check_fork()
            return None, False
        shared = _servers[id(server)] = SharedServer(server, shared)
        return shared, True


def acquire(server: ServerState) -> SharedServer | None:
    """Adds a client. If the server is not being served, it is served on a thread of its own."""
    running_loop = getattr(sys.modules.get("asyncio.events"), "_get_running_loop", None)
    shared, is_new = _find_or_add(server, None if running_loop is None else running_loop())
    if shared is None:
        return None
    if is_new:
        target = contextvars.copy_context().run
        shared.thread = threading.Thread(target=target, args=(_serve, shared), name="tenon-in-process", daemon=True)
        shared.thread.start()
    shared.settled.wait()
    return _checked(shared)


async def acquire_on_loop(server: ServerState) -> SharedServer | None:
    """Adds a client. If the server is not being served, it is served on the running loop."""
    import asyncio

    shared, is_new = _find_or_add(server)
    if shared is None:
        return None
    loop = asyncio.get_running_loop()
    if is_new:
        shared.task = loop.create_task(_serve_on_loop(shared))
    with _lock:
        if not shared.settled.is_set():
            settled: asyncio.Future[None] | None = loop.create_future()
            shared.waiting.append((loop, settled))  # type: ignore[arg-type]
        else:
            settled = None
    try:
        if settled is not None:
            await settled
    except BaseException:
        release(shared)
        raise
    return _checked(shared)


def _checked(shared: SharedServer) -> SharedServer:
    failure = shared.failure
    if failure is not None:
        shared.remove_client()
        raise failure
    return shared


def release(shared: SharedServer | None) -> None:
    """Removes a client. If it was the last one and the server has a thread, waits for the end of the server."""
    if shared is not None and shared.remove_client() and shared.thread is not None:
        shared.thread.join()


async def release_on_loop(shared: SharedServer | None) -> None:
    """Removes a client. If it was the last client, waits for the end of the server, unless another loop serves it."""
    import asyncio

    if shared is None or not shared.remove_client():
        return
    task = shared.task
    if task is not None and task.get_loop() is asyncio.get_running_loop():
        await asyncio.wait((task,))
    elif shared.thread is not None:
        await asyncio.to_thread(shared.thread.join)


def _serve(shared: SharedServer) -> None:
    try:
        shared.wait_for_predecessor()
        serve_without_loop(Service(shared.server, ServeOptions.in_process(), Signals(False)), shared.started)
    except BaseException as error:
        shared.settle(error)
    finally:
        shared.ended()


async def _serve_on_loop(shared: SharedServer) -> None:
    import asyncio

    from .._serve.loop import serve

    try:
        if shared.has_predecessor:
            await asyncio.to_thread(shared.wait_for_predecessor)
        await serve(shared.server, ServeOptions.in_process(), shared.started)
    except BaseException as error:
        was_settled = shared.settled.is_set()
        shared.settle(error)
        # Before the start, the client that waits raises the exception.
        if was_settled or not isinstance(error, Exception):
            raise
    finally:
        shared.ended()
