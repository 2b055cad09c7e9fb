"""Connects the engine with an asyncio loop: calls become tasks, and answers resolve the futures that wait for them."""

from __future__ import annotations

import asyncio
import sys
from contextvars import ContextVar

from .. import _fork
from ..context import Context
from ..errors import AskError
from . import log
from .failure import fail
from .sync_handler import SyncRunner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextvars import Context as Variables
    from typing import Any, NoReturn

    from .._native import Call, LoopLane, Running
    from .executor import DaemonExecutor
    from .failure import ErrorMap

NEXT = -1
"""The number of ``call_next`` among the numbers of questions."""

_effect: ContextVar[int | None] = ContextVar("_effect", default=None)
"""The id of the call whose effect runs in this context."""
_EAGER = sys.version_info >= (3, 12)


class LoopBridge:
    """Runs the ``async def`` handlers of one server on one loop. Every method must be called on the loop's thread.

    If the bridge is ``interruptible``, Python's own handler of SIGINT may raise ``KeyboardInterrupt`` in a handler.
    That exception is meant for the program.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, lane: LoopLane, errors: ErrorMap, interruptible: bool
    ) -> None:
        self.closed: asyncio.Future[None] = loop.create_future()
        self.lane = lane
        self.waiting: dict[int, asyncio.Future[None] | None] = {}
        """Unfinished exchanges of an ASGI server, by number, with the future of the task that waits."""
        self.main: Callable[[Callable[[], None]], object] | None = None
        """Passes a function to the main thread; ``None`` if the loop runs on the main thread."""
        self._loop = loop
        self._errors = errors
        self._interruptible = interruptible
        self._runner = SyncRunner(errors, interruptible)
        self._generation = _fork.generation
        self._detached = False
        self._starting: list[tuple[Running, asyncio.Future[None]]] = []
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._questions: dict[int, dict[int, asyncio.Future[Any]]] = {}
        self._suspending: list[Call] = []
        self._suspended: set[int] = set()
        self._effects: dict[int, int] = {}
        self._suspend_after_effect: dict[int, Call] = {}
        self._threads: DaemonExecutor | None = None
        loop.add_reader(lane.fileno(), self._process_queue)
        # A loop that watched the descriptor before may have read its wake-up.
        loop.call_soon(self._process_queue)

    def _process_queue(self) -> None:
        """Processes the engine's queue, up to the budget of one turn."""
        lane, loop, tasks = self.lane, self._loop, self._tasks
        task_factory = loop.get_task_factory
        lane.begin()
        try:
            for call, what, detail, extra in lane:
                if call is None:
                    self._handle_event(what, detail, extra)
                    continue
                if extra is not None:
                    detail[extra] = Context(call, self)
                work = self._work(call, what, detail)
                try:
                    # The same as `_task`, without one more function call for each call.
                    if _EAGER and task_factory() is None:
                        # Most handlers end without waiting, so their task never needs a turn of the loop.
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
                # A call must not stay alive while the next one runs.
                del call, what, detail, work, task
        finally:
            lane.flush()
        if self._starting:
            self._check_starting()
        if lane.closed and not self.closed.done():
            self.closed.set_result(None)

    def settled(self, running: Running) -> asyncio.Future[None]:
        """A future that is done once the server has started, or its start has failed."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._starting.append((running, future))
        self._check_starting()
        return future

    def _check_starting(self) -> None:
        waiting, self._starting = self._starting, []
        for running, future in waiting:
            if not running.settled:
                self._starting.append((running, future))
            elif not future.done():
                future.set_result(None)

    def _handle_event(self, what: Any, detail: Any, extra: Any) -> None:
        """Handles an item of the queue that is not the call of an ``async def`` function."""
        if what is None and extra is None:
            self.wake(detail)
        elif what is None:
            log.record(detail, *extra)
        elif detail is None:
            self._cancel(what)
        elif type(detail) is tuple:
            if len(detail) == 2:
                function, arguments = detail
                self._runner.run(what, function, arguments, extra)
            else:
                function, arguments, variables, is_async = detail
                if is_async:
                    self._start_in(variables, what, function, arguments, extra)
                else:
                    self._runner.run(what, function, arguments, extra, variables)
        else:
            self._resolve(what, detail, extra)

    def _start_in(
        self,
        variables: Variables,
        call: Call,
        function: Callable[..., Any],
        arguments: dict[str, Any],
        parameter: str | None,
    ) -> None:
        """Starts a call in the context variables of its request."""
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
                _fork.exit_child(None)
            flush = call.finish(result)
        except asyncio.CancelledError as error:
            if call.id in self._suspended:
                call.suspend()
                flush = False
            else:
                if not call.cancelled:
                    log.failed(call.noun, call.name, error)
                flush = call.fail(f"the {call.noun} was cancelled")
        except BaseException as error:
            if _fork.generation != self._generation:
                _fork.exit_child(error)
            interrupted = self._interruptible and issubclass(type(error), KeyboardInterrupt)
            interrupted = interrupted and not self._loop.is_closed()
            # This method is also called for calls that have ended, and for calls on a loop that closes. That is no
            # failure of the handler.
            is_logged = not (self._detached or interrupted or call.cancelled)
            flush = fail(call, error, self._errors, is_logged)
            if interrupted:
                # Raised in a callback of the loop. A task would keep the exception, and no code would retrieve it.
                self.lane.flush()
                self._loop.call_soon(_raise, error)
        if flush:
            self._flush_soon()
        # A call that ended without waiting has no entries, unless it has asked a question.
        if self._tasks or self._questions:
            self._forget(call.id)

    def _flush_soon(self) -> None:
        if self._detached:
            self.lane.flush()
        else:
            self._loop.call_soon(self.lane.flush)

    def _forget(self, call: int) -> None:
        self._tasks.pop(call, None)
        self._questions.pop(call, None)
        self._suspended.discard(call)
        self._suspend_after_effect.pop(call, None)

    def _cancel(self, call: int) -> None:
        task = self._tasks.get(call)
        if task is not None:
            task.cancel()

    def _resolve(self, call: int, question: int, answer: Any) -> None:
        future = self._questions.get(call, {}).pop(question, None)
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
        self._questions.setdefault(call.id, {})[asked] = future
        return await future

    async def run_next(self, call: Call, arguments: dict[str, Any] | None) -> Any:
        """Runs the rest of the call in the engine, for ``call_next`` of the last middleware. Returns the outcome."""
        future = self._loop.create_future()
        questions = self._questions.setdefault(call.id, {})
        # The entry also exists if the engine has the outcome already and the loop has not received it yet.
        if NEXT in questions:
            raise RuntimeError("call_next() is already running; await it before calling it again")
        call.next(arguments)
        questions[NEXT] = future
        return await future

    def executor(self) -> DaemonExecutor:
        """The threads for ``def`` functions in the middleware chains of the loop."""
        if self._threads is None:
            from .executor import DaemonExecutor

            self._threads = DaemonExecutor()
        return self._threads

    def is_suspended(self, call: Call) -> bool:
        """Whether this attempt of the call ends because its question waits for an answer."""
        return call.id in self._suspended

    async def suspend(self, call: Call) -> NoReturn:
        """Ends the attempt at the next iteration of the loop, with all questions asked by then."""
        if _effect.get() == call.id:
            # The attempt would wait for the end of the effect, and the effect for the next attempt.
            raise AskError("once: an effect cannot ask a question; ask before it, and pass the answer to it")
        if not self._suspending:
            self._loop.call_soon(self._suspend_all)
        self._suspending.append(call)
        await self._loop.create_future()
        raise AssertionError("this future is never resolved")

    def _suspend_all(self) -> None:
        calls, self._suspending = self._suspending, []
        for call in calls:
            # The client is asked once the task has ended, so that two attempts of a call never run at the same time.
            task = self._tasks.get(call.id)
            if task is None or call.id in self._suspended:
                continue
            if call.id in self._effects:
                self._suspend_after_effect.setdefault(call.id, call)
                continue
            self._suspended.add(call.id)
            task.cancel()

    def ready(self, exchange: int) -> asyncio.Future[None]:
        """A future that is done when an exchange can make progress. Call it right after a step of the exchange."""
        future = self.waiting[exchange] = self._loop.create_future()
        return future

    def wake(self, exchange: int) -> None:
        """Wakes the task that waits for an exchange."""
        future = self.waiting.get(exchange)
        if future is not None and not future.done():
            future.set_result(None)

    def abandon(self) -> None:
        """Releases the lane after the loop was closed: no handler runs any more."""
        self._detached = True
        self.lane.retire()

    def begin_effect(self, call: Call) -> None:
        """Notes an effect that must not be repeated. The attempt is not suspended before the effect ends."""
        _effect.set(call.id)
        self._effects[call.id] = self._effects.get(call.id, 0) + 1

    def end_effect(self, call: Call) -> None:
        """Notes that the effect has ended and its result is kept."""
        _effect.set(None)
        self._effects[call.id] -= 1
        if self._effects[call.id] == 0:
            del self._effects[call.id]
            delayed = self._suspend_after_effect.pop(call.id, None)
            if delayed is not None:
                if not self._suspending:
                    self._loop.call_soon(self._suspend_all)
                self._suspending.append(delayed)

    async def close(self, timeout: float) -> None:
        """Cancels the running tasks, waits for them until the timeout, and releases the loop."""
        tasks = [task for task in self._tasks.values() if not task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=timeout)
        if self._threads is not None:
            self._threads.shutdown(wait=False)
        self._loop.remove_reader(self.lane.fileno())
        self._detached = True
        self.lane.flush()


def _raise(error: BaseException) -> NoReturn:
    raise error
