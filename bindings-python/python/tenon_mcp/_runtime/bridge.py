"""Connects the engine with an asyncio loop: calls become tasks, and answers resolve the futures that wait for them."""

from __future__ import annotations

import asyncio
import sys
from contextvars import ContextVar

from .._errors import AskError
from .._handlers.failure import fail
from .._handlers.sync_handler import Direct
from .._serve import fork as _fork
from . import log as _log
from .context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextvars import Context as Variables
    from typing import Any, NoReturn

    from .._handlers.failure import ErrorMap
    from .._native import Call, LoopLane, Running
    from .executor import DaemonExecutor

_effect: ContextVar[int | None] = ContextVar("_effect", default=None)
"""The call whose effect runs here."""
_EAGER = sys.version_info >= (3, 12)


class LoopBridge:
    """Runs the ``async def`` handlers of one server on one loop; every method belongs to the loop's thread.

    If it is ``interruptible``, Python's own handler of SIGINT may hit a handler: that Ctrl-C is meant for the program.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, lane: LoopLane, errors: ErrorMap, interruptible: bool
    ) -> None:
        self.closed: asyncio.Future[None] = loop.create_future()
        self._starting: list[tuple[Running, asyncio.Future[None]]] = []
        self._loop = loop
        self._lane = lane
        self._errors = errors
        self._interruptible = interruptible
        self._direct = Direct(errors, interruptible)
        self._generation = _fork.generation
        self._detached = False
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._asked: dict[int, dict[int, asyncio.Future[Any]]] = {}
        self._suspending: list[Call] = []
        self._suspended: set[int] = set()
        self._working: dict[int, int] = {}
        self._held: dict[int, Call] = {}
        self.lane = lane
        self.waiting: dict[int, asyncio.Future[None] | None] = {}
        """Requests of an ASGI server that are not answered to their end, by number."""
        self._threads: DaemonExecutor | None = None
        self.main: Callable[[Callable[[], None]], object] | None = None
        """Hands a function to the main thread, where that is not the one of this loop."""
        loop.add_reader(lane.fileno(), self._turn)
        # Who watched the descriptor before may have read it.
        loop.call_soon(self._turn)

    def _turn(self) -> None:
        """Processes the engine's queue, up to a bound."""
        lane, loop, tasks = self._lane, self._loop, self._tasks
        task_factory = loop.get_task_factory
        lane.begin()
        try:
            for call, what, detail, extra in lane:
                if call is None:
                    self._hear(what, detail, extra)
                    continue
                if extra is not None:
                    detail[extra] = Context(call, self)
                work = self._work(call, what, detail)
                try:
                    # As in `_task`, which a call for each would make slower.
                    if _EAGER and task_factory() is None:
                        # Most handlers end without waiting; theirs never need a turn of the loop.
                        task = asyncio.Task(
                            work,
                            loop=loop,
                            eager_start=True,  # type: ignore[call-arg, unused-ignore] # pyright: ignore
                        )
                    else:
                        task = loop.create_task(work)
                except Exception as error:  # a task factory may raise anything
                    work.close()
                    fail(call, error, self._errors)
                    continue
                if not task.done():
                    tasks[call.id] = task
                # Nothing of a call stays alive while the next one runs.
                del call, what, detail, work, task
        finally:
            lane.flush()
        if self._starting:
            self._look_at_start()
        if lane.closed and not self.closed.done():
            self.closed.set_result(None)

    def settled(self, running: Running) -> asyncio.Future[None]:
        """Done once it is known what became of the start."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._starting.append((running, future))
        self._look_at_start()
        return future

    def _look_at_start(self) -> None:
        waiting, self._starting = self._starting, []
        for running, future in waiting:
            if not running.settled:
                self._starting.append((running, future))
            elif not future.done():
                future.set_result(None)

    def _hear(self, what: Any, detail: Any, extra: Any) -> None:
        """What is no call to start."""
        if what is None and extra is None:
            self.wake(detail)
        elif what is None:
            _log.record(detail, *extra)
        elif detail is None:
            self._cancel(what)
        elif type(detail) is tuple:
            if len(detail) == 2:
                function, arguments = detail
                self._direct.run(what, function, arguments, extra)
            else:
                function, arguments, variables, is_async = detail
                if is_async:
                    self._start_in(variables, what, function, arguments, extra)
                else:
                    self._direct.run(what, function, arguments, extra, variables)
        else:
            self._answer(what, detail, extra)

    def _start_in(
        self,
        variables: Variables,
        call: Call,
        function: Callable[..., Any],
        arguments: dict[str, Any],
        parameter: str | None,
    ) -> None:
        """Starts a call in the context of its request."""
        if parameter is not None:
            arguments[parameter] = Context(call, self)
        work = self._work(call, function, arguments)
        try:
            task = variables.run(self._task, work)
        except Exception as error:  # a task factory may raise anything
            work.close()
            fail(call, error, self._errors)
            return
        if not task.done():
            self._tasks[call.id] = task

    def _task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        if _EAGER and self._loop.get_task_factory() is None:
            return asyncio.Task(
                work,
                loop=self._loop,
                eager_start=True,  # type: ignore[call-arg, unused-ignore] # pyright: ignore
            )
        return self._loop.create_task(work)

    async def _work(self, call: Call, function: Callable[..., Any], arguments: dict[str, Any]) -> None:
        """Runs one call. Every exception of the function ends here: ``SystemExit`` must not end the loop."""
        try:
            result = await function(**arguments)
            if _fork.generation != self._generation:
                _fork.leave(None)
            flush = call.finish(result)
        except asyncio.CancelledError as error:
            if call.id in self._suspended:
                call.suspend()
                flush = False
            else:
                if not call.cancelled:
                    _log.failed(call.noun, call.name, error)
                flush = call.fail(f"the {call.noun} was cancelled")
        except BaseException as error:
            if _fork.generation != self._generation:
                _fork.leave(error)
            interrupted = self._interruptible and issubclass(type(error), KeyboardInterrupt)
            interrupted = interrupted and not self._loop.is_closed()
            # Calls that are over, and what a closing loop leaves behind, end here too: nobody did anything wrong.
            log = not (self._detached or interrupted or call.cancelled)
            flush = fail(call, error, self._errors, log)
            if interrupted:
                # From the loop, or a task would hold an exception that nobody asks for.
                self._lane.flush()
                self._loop.call_soon(_interrupt, error)
        if flush:
            self._flush_soon()
        # Whoever ends at once has left nothing, unless it was asking already.
        if self._tasks or self._asked:
            self._forget(call.id)

    def _flush_soon(self) -> None:
        if self._detached:
            self._lane.flush()
        else:
            self._loop.call_soon(self._lane.flush)

    def _forget(self, call: int) -> None:
        self._tasks.pop(call, None)
        self._asked.pop(call, None)
        self._suspended.discard(call)
        self._held.pop(call, None)

    def _cancel(self, call: int) -> None:
        task = self._tasks.get(call)
        if task is not None:
            task.cancel()

    def _answer(self, call: int, ask: int, answer: Any) -> None:
        future = self._asked.get(call, {}).pop(ask, None)
        if future is None or future.done():
            return
        if isinstance(answer, BaseException):
            future.set_exception(answer)
        else:
            future.set_result(answer)

    async def ask(self, call: Call, kind: str, params: dict[str, Any], key: str | None) -> Any:
        """Asks the client a question. Returns ``(action, value, text)``."""
        asked = call.ask(kind, params, key)
        if asked is None:
            await self.suspend(call)
        if not isinstance(asked, int):
            return asked
        future = self._loop.create_future()
        self._asked.setdefault(call.id, {})[asked] = future
        return await future

    async def follow(self, call: Call, given: dict[str, Any] | None) -> Any:
        """The outcome of the engine, for the middleware around it."""
        future = self._loop.create_future()
        asked = self._asked.setdefault(call.id, {})
        # Also while what the engine has come to already is on its way.
        if -1 in asked:
            raise RuntimeError("call_next: what follows is under way already")
        call.next(given)
        asked[-1] = future
        return await future

    def executor(self) -> DaemonExecutor:
        """The threads for ``def`` functions in the chains of the loop."""
        if self._threads is None:
            from .executor import DaemonExecutor

            self._threads = DaemonExecutor()
        return self._threads

    async def suspend(self, call: Call) -> NoReturn:
        """Ends the attempt at the next iteration of the loop, with all questions asked by then."""
        if _effect.get() == call.id:
            # The attempt would wait for the effect's end, and the effect for the next attempt.
            raise AskError("once: an effect cannot ask; ask before, and hand it the answer")
        if not self._suspending:
            self._loop.call_soon(self._suspend_all)
        self._suspending.append(call)
        await self._loop.create_future()
        raise AssertionError("nobody resolves this future")

    def _suspend_all(self) -> None:
        calls, self._suspending = self._suspending, []
        for call in calls:
            # The client learns of it when the task has unwound: the next attempt must not meet this one.
            task = self._tasks.get(call.id)
            if task is None or call.id in self._suspended:
                continue
            if call.id in self._working:
                self._held.setdefault(call.id, call)
                continue
            self._suspended.add(call.id)
            task.cancel()

    def ready(self, exchange: int) -> asyncio.Future[None]:
        """What is done when an exchange is worth a look; to be asked for right after the look before."""
        future = self.waiting[exchange] = self._loop.create_future()
        return future

    def wake(self, exchange: int) -> None:
        """An exchange is worth a look."""
        future = self.waiting.get(exchange)
        if future is not None and not future.done():
            future.set_result(None)

    def abandon(self) -> None:
        """Called when the loop is closed: no handler runs any more."""
        self._detached = True
        self._lane.retire()

    def begin(self, call: Call) -> None:
        """An effect begins that must not be repeated: the attempt is not suspended before its end."""
        _effect.set(call.id)
        self._working[call.id] = self._working.get(call.id, 0) + 1

    def end(self, call: Call) -> None:
        """The effect is over, and what it came to is kept."""
        _effect.set(None)
        self._working[call.id] -= 1
        if self._working[call.id] == 0:
            del self._working[call.id]
            held = self._held.pop(call.id, None)
            if held is not None:
                if not self._suspending:
                    self._loop.call_soon(self._suspend_all)
                self._suspending.append(held)

    async def close(self, patience: float) -> None:
        """Cancels the running tasks, waits briefly for them, and releases the loop."""
        tasks = [task for task in self._tasks.values() if not task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=patience)
        if self._threads is not None:
            self._threads.shutdown(wait=False)
        self._loop.remove_reader(self._lane.fileno())
        self._detached = True
        self._lane.flush()


def _interrupt(error: BaseException) -> NoReturn:
    raise error
