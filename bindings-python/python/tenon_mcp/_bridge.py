"""The engine on an asyncio loop: calls become tasks, answers resolve what waits for them."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from . import _fork
from ._context import Context
from ._failure import fail

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._native import Call, LoopLane

_EAGER = sys.version_info >= (3, 12)


class LoopBridge:
    """Runs the ``async def`` tools of one server on one loop; every method belongs to the loop's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, lane: LoopLane) -> None:
        self.closed: asyncio.Future[None] = loop.create_future()
        self._loop = loop
        self._lane = lane
        self._generation = _fork.generation
        self._detached = False
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._asked: dict[int, dict[int, asyncio.Future[Any]]] = {}
        self._suspending: list[Call] = []
        self._suspended: set[int] = set()
        loop.add_reader(lane.fileno(), self._turn)

    def _turn(self) -> None:
        """Does what the engine has queued, up to a bound."""
        lane = self._lane
        ended = lane.begin()
        try:
            for call, what, detail, extra in lane:
                if call is not None:
                    self._start(call, what, detail, extra)
                elif detail is None:
                    self._cancel(what)
                else:
                    self._answer(what, detail, extra)
        finally:
            lane.flush()
        if ended and not self.closed.done():
            self.closed.set_result(None)

    def _start(self, call: Call, function: Callable[..., Any], arguments: dict[str, Any], context: str | None) -> None:
        if context is not None:
            arguments[context] = Context(call, self)
        work = self._work(call, function, arguments)
        loop = self._loop
        try:
            if _EAGER and loop.get_task_factory() is None:
                # Most tools end without waiting; theirs never need a turn of the loop.
                task = asyncio.Task(work, loop=loop, eager_start=True)
            else:
                task = loop.create_task(work)
        except Exception as error:  # a task factory may raise anything
            work.close()
            fail(call, error)
            return
        if not task.done():
            self._tasks[call.id] = task

    async def _work(self, call: Call, function: Callable[..., Any], arguments: dict[str, Any]) -> None:
        """One call. Whatever the function raises ends here: SystemExit must not end the loop."""
        try:
            result = await function(**arguments)
            if _fork.generation != self._generation:
                _fork.leave(None)
            flush = call.finish(result)
        except asyncio.CancelledError:
            if call.id in self._suspended:
                call.suspend()
                flush = False
            else:
                flush = call.fail("the tool was cancelled")
        except BaseException as error:
            if _fork.generation != self._generation:
                _fork.leave(error)
            flush = fail(call, error)
        if self._detached:
            self._lane.flush()
        elif flush:
            self._loop.call_soon(self._lane.flush)
        if self._tasks:
            self._tasks.pop(call.id, None)
        if self._asked:
            self._asked.pop(call.id, None)
        if self._suspended:
            self._suspended.discard(call.id)

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

    async def ask(self, call: Call, message: str, schema: dict[str, Any], key: str | None) -> Any:
        """Puts a question; gives ``(action, content)``."""
        asked = call.ask(message, schema, key)
        if asked is None:
            await self._suspend(call)
        if not isinstance(asked, int):
            return asked
        future = self._loop.create_future()
        self._asked.setdefault(call.id, {})[asked] = future
        return await future

    async def _suspend(self, call: Call) -> NoReturn:
        """Ends the attempt at the next turn, with all it has asked by then."""
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
            if task is not None and call.id not in self._suspended:
                self._suspended.add(call.id)
                task.cancel()

    async def close(self, patience: float) -> None:
        """Cancels what still runs, waits for it a little, and lets go of the loop."""
        tasks = [task for task in self._tasks.values() if not task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=patience)
        self._loop.remove_reader(self._lane.fileno())
        self._detached = True
        self._lane.flush()
