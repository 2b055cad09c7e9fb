"""``def`` functions of a call whose task runs on a loop: on threads beside the loop, and on the main thread."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import CancelledError, Future

from ..context import Suspended, SyncContext
from . import log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .call_port import CallPort

_UNSET = object()


class ThreadRequests:
    """Coroutines that a thread needs from the loop. They run in the task of the call."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._queue: asyncio.Queue[Any] = asyncio.Queue()
        self._lock = threading.Lock()
        self._waiting: set[Future[Any]] = set()
        self._closed = False

    def run(self, make: Callable[[], Any]) -> Any:
        """Awaits the coroutine that ``make`` returns, with the context variables of this thread. Blocks."""
        answer: Future[Any] = Future()
        with self._lock:
            if self._closed:
                raise Suspended
            self._waiting.add(answer)
        variables = contextvars.copy_context()
        self._loop.call_soon_threadsafe(self._queue.put_nowait, (answer, make, variables))
        try:
            return answer.result()
        except CancelledError:
            raise Suspended from None
        finally:
            with self._lock:
                self._waiting.discard(answer)
            # See `LoopChain._run_on_thread`.
            del answer

    async def serve(self) -> None:
        """Runs the coroutines in this task until the thread has finished."""
        while (request := await self._queue.get()) is not None:
            await self._serve_one(*request)
            del request

    async def _serve_one(self, answer: Future[Any], make: Callable[[], Any], variables: contextvars.Context) -> None:
        for variable, value in variables.items():
            if variable.get(_UNSET) is not value:
                variable.set(value)
        try:
            result = await make()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            answer.set_exception(error)
        else:
            answer.set_result(result)
        finally:
            del answer

    def finish(self) -> None:
        """Ends ``serve``, because the function on the thread has ended."""
        self._queue.put_nowait(None)

    def close(self) -> None:
        """Ends the waiting of the thread with ``Suspended``, because the call has ended."""
        with self._lock:
            self._closed = True
            waiting = list(self._waiting)
        for answer in waiting:
            answer.cancel()


class ThreadContext(SyncContext):
    """The context of a ``def`` function whose call has a task on a loop."""

    __slots__ = ("_port", "_requests")
    _port: CallPort
    _requests: ThreadRequests

    def _ask(self, kind: str, params: dict[str, Any], key: str | None) -> Any:
        from .questions import read

        port, call = self._port, self._call
        return read(self._requests.run(lambda: port.ask(call, kind, params, key)))


async def run_on_main(main: Callable[[Callable[[], None]], object], function: Callable[[], Any]) -> Any:
    """Runs a function on the main thread, which ``main`` passes it to. It does not begin after the end of the call."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()
    variables = contextvars.copy_context()

    def settle(error: BaseException | None, result: Any) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        elif issubclass(type(error), (StopIteration, KeyboardInterrupt)):
            # A future cannot hold StopIteration, and a KeyboardInterrupt belongs to the main thread.
            future.set_exception(RuntimeError(f"{log.class_name(error)}: {error}"))
        else:
            future.set_exception(error)

    def report(error: BaseException | None, result: Any = None) -> None:
        try:
            loop.call_soon_threadsafe(settle, error, result)
        except RuntimeError:
            pass  # the loop has ended, and the call with it

    def run() -> None:
        if future.done():
            return
        try:
            result = variables.run(function)
        except KeyboardInterrupt as error:
            report(error)
            raise
        except BaseException as error:
            report(error)
        else:
            report(None, result)

    main(run)
    try:
        return await future
    except asyncio.CancelledError:
        raise
    except BaseException:
        del future  # see `LoopChain._run_on_thread`
        raise
