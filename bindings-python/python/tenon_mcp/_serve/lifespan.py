"""What is entered before the first call of a server and left after its last."""

from __future__ import annotations

from .._errors import RegistrationError, StateError
from .._runtime.context import SyncContext

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from typing import Any

    from .server import Lifespan, Server

_GENERATOR, _ASYNC_GENERATOR = 0x20, 0x200
"""Flags of code."""


def register(server: Server, function: Lifespan) -> None:
    """Has the hooks of a server enter and leave what ``function`` gives."""
    if not callable(function):
        raise RegistrationError(f"lifespan must be a function of the server, not {type(function).__name__}")
    plain: Any = function
    while hasattr(plain, "__wrapped__"):
        plain = plain.__wrapped__
    flags = getattr(getattr(plain, "__code__", None), "co_flags", 0)
    if flags & _GENERATOR or hasattr(plain, "__enter__") and not hasattr(plain, "__aenter__"):
        life: Any = _Entered(server, function)
    else:
        # On the loop both kinds can be entered.
        life = _LifespanState(server, function)
    server._engine.set_lifespan(life)
    server.on("start")(life.start)
    server.on("stop")(life.stop)
    server._lifespan = life


def _manager(server: Server, function: Lifespan) -> Any:
    """The context manager; a generator is made one."""
    made: Any = function(server)
    if hasattr(made, "__aenter__") or hasattr(made, "__enter__"):
        return made
    if hasattr(made, "__anext__") or hasattr(made, "__next__"):
        import contextlib

        wrap: Any = contextlib.asynccontextmanager if hasattr(made, "__anext__") else contextlib.contextmanager
        return wrap(lambda: made)()
    raise TypeError(f"lifespan must give a context manager, not {type(made).__name__}")


def _taken(server: Server) -> StateError:
    return StateError(f"the lifespan of server {server.name!r} runs already: it is served, or mounted in one that is")


class _Entered:
    """A context manager without async."""

    value: Any = None

    def __init__(self, server: Server, function: Lifespan) -> None:
        self._server = server
        self._function = function
        self._within: Any = None

    def start(self, ctx: SyncContext) -> None:
        if self._within is not None:
            raise _taken(self._server)
        manager = _manager(self._server, self._function)
        value = manager.__enter__()
        if ctx.cancelled:
            # It took too long: nobody is told of a stop whose start was given up.
            manager.__exit__(None, None, None)
            return
        self.value, self._within = value, manager

    def stop(self) -> None:
        manager, self._within = self._within, None
        try:
            manager.__exit__(None, None, None)
        finally:
            self.value = None


class _LifespanState:
    """A context manager in a task of its own: what is opened in a task often wants to be closed in that one."""

    value: Any = None

    def __init__(self, server: Server, function: Lifespan) -> None:
        self._server = server
        self._function = function
        self._task: asyncio.Task[None] | None = None
        self._leave: asyncio.Event | None = None

    async def start(self) -> None:
        import asyncio

        if self._task is not None:
            raise _taken(self._server)
        loop = asyncio.get_running_loop()
        entered: asyncio.Future[None] = loop.create_future()
        self._leave = asyncio.Event()
        self._task = task = loop.create_task(self._live(entered, self._leave))
        try:
            await asyncio.shield(entered)
        except BaseException:
            # It took too long, or raised, and then this does nothing.
            self._task = None
            task.cancel()
            await asyncio.wait((task,))
            raise

    async def _live(self, entered: asyncio.Future[None], leave: asyncio.Event) -> None:
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
            raise StateError("the event loop that the lifespan was entered on has ended before the server")
        else:

            async def left() -> None:
                leave.set()
                await task

            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(left(), loop))
