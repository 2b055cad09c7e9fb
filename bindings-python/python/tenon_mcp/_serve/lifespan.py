"""The lifespan of a server: a context manager that is entered before the first call and left after the last one."""

from __future__ import annotations

from ..context import SyncContext
from ..errors import RegistrationError, StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from typing import Any

    from .server_state import Lifespan, ServerState

# Flags of code objects. `inspect` has their names, but takes long to load.
_GENERATOR = 0x20


def lifespan_state(server: ServerState, function: Lifespan) -> Any:
    """The object whose ``start`` and ``stop`` enter and leave the context manager that ``function`` returns."""
    if not callable(function):
        raise RegistrationError(f"lifespan must be a function that takes the server, not {type(function).__name__}")
    inner: Any = function
    while hasattr(inner, "__wrapped__"):
        inner = inner.__wrapped__
    flags = getattr(getattr(inner, "__code__", None), "co_flags", 0)
    if flags & _GENERATOR or hasattr(inner, "__enter__") and not hasattr(inner, "__aenter__"):
        return _SyncLifespan(server, function)
    # A loop can enter both kinds of context managers.
    return _AsyncLifespan(server, function)


def _manager(server: ServerState, function: Lifespan) -> Any:
    """The context manager that ``function`` returns. A generator is wrapped in one."""
    made: Any = function(server)
    if hasattr(made, "__aenter__") or hasattr(made, "__enter__"):
        return made
    if hasattr(made, "__anext__") or hasattr(made, "__next__"):
        import contextlib

        wrap: Any = contextlib.asynccontextmanager if hasattr(made, "__anext__") else contextlib.contextmanager
        return wrap(lambda: made)()
    raise TypeError(f"lifespan must return a context manager, not {type(made).__name__}")


def _already_running(server: ServerState) -> StateError:
    return StateError(
        f"the lifespan of server {server.name!r} is already running, because the server is served, or is mounted in a "
        "server that is served"
    )


class _SyncLifespan:
    """A context manager without async, on worker threads."""

    value: Any = None

    def __init__(self, server: ServerState, function: Lifespan) -> None:
        self._server = server
        self._function = function
        self._manager: Any = None

    def start(self, ctx: SyncContext) -> None:
        if self._manager is not None:
            raise _already_running(self._server)
        manager = _manager(self._server, self._function)
        value = manager.__enter__()
        if ctx.cancelled:
            # The start has timed out. The hook `stop` does not run after a failed start.
            manager.__exit__(None, None, None)
            return
        self.value, self._manager = value, manager

    def stop(self) -> None:
        manager, self._manager = self._manager, None
        try:
            manager.__exit__(None, None, None)
        finally:
            self.value = None


class _AsyncLifespan:
    """A context manager in a task of its own. Some libraries require that one task both enters and leaves it."""

    value: Any = None

    def __init__(self, server: ServerState, function: Lifespan) -> None:
        self._server = server
        self._function = function
        self._task: asyncio.Task[None] | None = None
        self._leave: asyncio.Event | None = None

    async def start(self) -> None:
        import asyncio

        if self._task is not None:
            raise _already_running(self._server)
        loop = asyncio.get_running_loop()
        entered: asyncio.Future[None] = loop.create_future()
        self._leave = asyncio.Event()
        self._task = task = loop.create_task(self._run(entered, self._leave))
        try:
            await asyncio.shield(entered)
        except BaseException:
            # The start has timed out. If the context manager raised, the task has ended already.
            self._task = None
            task.cancel()
            await asyncio.wait((task,))
            raise

    async def _run(self, entered: asyncio.Future[None], leave: asyncio.Event) -> None:
        import asyncio

        try:
            manager = _manager(self._server, self._function)
            if hasattr(manager, "__aenter__"):
                async with manager as self.value:
                    entered.set_result(None)
                    await leave.wait()
            else:
                with manager as self.value:
                    entered.set_result(None)
                    await leave.wait()
        except BaseException as error:
            if entered.done():
                raise
            if isinstance(error, asyncio.CancelledError):
                entered.cancel()
                raise
            entered.set_exception(error)
        finally:
            self.value = None

    async def stop(self) -> None:
        import asyncio

        task, leave = self._task, self._leave
        self._task = self._leave = None
        assert task is not None and leave is not None
        loop = task.get_loop()
        if loop is asyncio.get_running_loop():
            leave.set()
            await task
        elif loop.is_closed():
            raise StateError("the event loop that entered the lifespan was closed before the server ended")
        else:

            async def left() -> None:
                leave.set()
                await task

            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(left(), loop))
