"""Middleware: the chain of one call. It runs where the call's handler runs."""

from __future__ import annotations

from .._errors import McpError, RegistrationError, ToolError
from .._handlers.results import Passed
from . import log as _log
from .context import Context, Suspended, SyncContext

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from contextvars import Context as Variables
    from typing import Any

    from .._native import Call, Handler
    from .bridge import LoopBridge

NEXT = -1
"""Stands for what follows among the numbers of questions."""

_UNSET = object()

# Kinds of what the engine came to; its `OutcomeKind` has the same numbers.
_BYTES, _CONTENT, _RESULT, _FAILED, _EXCEPTION, _ERROR = 1, 2, 3, 4, 5, 6


class Layer:
    """A middleware function, and whether it is ``async def``."""

    __slots__ = ("function", "on_loop")

    def __init__(self, function: Callable[..., Any], on_loop: bool) -> None:
        self.function = function
        self.on_loop = on_loop

    def __call__(self) -> None:
        raise RegistrationError("middleware is called by its calls")


def outcome(kind: int, value: Any) -> Any:
    """What the engine came to, as what a function might have returned; what it failed with is given as an exception."""
    if kind == _BYTES:
        import base64

        return base64.b64decode(value)
    if kind in (_CONTENT, _RESULT):
        return Passed("content" if kind == _CONTENT else "result", value)
    if kind in (_FAILED, _EXCEPTION):
        return ToolError(value)
    if kind == _ERROR:
        return McpError(value["code"], value["message"], value.get("data"))
    return value


class SyncChain:
    """``def`` middleware around a ``def`` handler, or around what the engine comes to, on the handler's thread."""

    __slots__ = ("_call", "_handler", "_layers")

    def __init__(self, call: Call, layers: list[Layer], handler: Handler | None, lane: str | None) -> None:
        self._call = call
        self._layers = layers
        self._handler = handler

    def __call__(self, context: SyncContext) -> Any:
        return self._step(context, 0, None)

    def _step(self, context: SyncContext, place: int, given: dict[str, Any] | None) -> Any:
        if place < len(self._layers):

            def call_next(arguments: dict[str, Any] | None = None) -> Any:
                return self._step(context, place + 1, given if arguments is None else arguments)

            return self._layers[place].function(_sync(context, given), call_next)
        if self._handler is None:
            return self._call.next_and_wait(given)
        function, arguments, parameter = self._call.arranged(self._handler, given)
        if parameter is not None:
            arguments[parameter] = _sync(context, given)
        return function(**arguments)


class LoopChain:
    """Middleware on the loop. What is ``def`` runs on threads beside it, as with ``asyncio.to_thread``."""

    __slots__ = ("_call", "_handler", "_lane", "_layers")

    def __init__(self, call: Call, layers: list[Layer], handler: Handler | None, lane: str | None) -> None:
        self._call = call
        self._layers = layers
        self._handler = handler
        self._lane = lane

    async def __call__(self, context: Context) -> Any:
        return await self._step(context, 0, None)

    async def _step(self, context: Context, place: int, given: dict[str, Any] | None) -> Any:
        if place < len(self._layers):
            layer = self._layers[place]
            if not layer.on_loop:
                return await self._beside(context, layer.function, place, given)

            async def call_next(arguments: dict[str, Any] | None = None) -> Any:
                return await self._step(context, place + 1, given if arguments is None else arguments)

            return await layer.function(_async(context, given), call_next)
        bridge = context._bridge
        if self._handler is None:
            return await bridge.follow(self._call, given)
        function, arguments, parameter = self._call.arranged(self._handler, given)
        if self._lane == "async":
            if parameter is not None:
                arguments[parameter] = _async(context, given)
            return await function(**arguments)

        def run(sync: SyncContext, call_next: object) -> Any:
            if parameter is not None:
                arguments[parameter] = sync
            return function(**arguments)

        if self._lane in ("loop", "main"):
            sync = _sync(context, given)
            try:
                if self._lane == "loop" or bridge.main is None:
                    return run(sync, None)
                return await _elsewhere(bridge.main, lambda: run(sync, None))
            except Suspended:
                await bridge.suspend(self._call)
        return await self._beside(context, run, place, given)

    async def _beside(
        self, context: Context, function: Callable[..., Any], place: int, given: dict[str, Any] | None
    ) -> Any:
        """Runs a ``def`` function on a thread. What it wants of the loop meanwhile is done in this task, so that the
        call's end reaches it."""
        import asyncio
        import contextvars

        bridge, call = context._bridge, self._call
        loop = asyncio.get_running_loop()
        wishes: asyncio.Queue[Any] = asyncio.Queue()
        desk = _Desk(loop, wishes)

        def call_next(arguments: dict[str, Any] | None = None) -> Any:
            return desk.want(lambda: self._step(context, place + 1, given if arguments is None else arguments))

        sync = _Bridged(call)
        sync._desk, sync._bridge = desk, bridge
        sync._state, sync._given = context.state, given
        variables = contextvars.copy_context()
        work = loop.run_in_executor(bridge.executor(), lambda: variables.run(function, sync, call_next))
        work.add_done_callback(lambda _: wishes.put_nowait(None))
        try:
            while (wish := await wishes.get()) is not None:
                await desk.grant(*wish)
        except asyncio.CancelledError:
            # The thread unwinds first where it can: the next attempt must not meet this one.
            desk.close()
            work.add_done_callback(_retrieve)
            if call.id in bridge._suspended:
                await asyncio.wait([work])
            raise
        try:
            return work.result()
        except Suspended:
            return await bridge.suspend(call)
        finally:
            # What it raises holds the frames that it went through; they are not to hold what holds it.
            del work


async def _elsewhere(main: Callable[[Callable[[], None]], object], function: Callable[[], Any]) -> Any:
    """What a function comes to on the main thread, which ``main`` hands it to; not begun if the call ends before."""
    import asyncio
    import contextvars

    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()
    variables = contextvars.copy_context()

    def settle(error: BaseException | None, result: Any) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        elif issubclass(type(error), (StopIteration, KeyboardInterrupt)):
            # A future cannot hold the first, and the other is the main thread's own.
            future.set_exception(RuntimeError(f"{_log.class_name(error)}: {error}"))
        else:
            future.set_exception(error)

    def tell(error: BaseException | None, result: Any = None) -> None:
        try:
            loop.call_soon_threadsafe(settle, error, result)
        except RuntimeError:
            pass  # the loop has ended, and the call with it

    def errand() -> None:
        if future.done():
            return
        try:
            result = variables.run(function)
        except KeyboardInterrupt as error:
            tell(error)
            raise
        except BaseException as error:
            tell(error)
        else:
            tell(None, result)

    main(errand)
    try:
        return await future
    except asyncio.CancelledError:
        raise
    except BaseException:
        del future  # see _beside()
        raise


def _retrieve(work: asyncio.Future[Any]) -> None:
    if not work.cancelled():
        work.exception()


class _Desk:
    """A thread submits coroutines here that must run on the loop, and waits for them."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wishes: asyncio.Queue[Any]) -> None:
        import threading

        self._loop = loop
        self._wishes = wishes
        self._guard = threading.Lock()
        self._waiting: set[Any] = set()
        self._closed = False

    def want(self, wish: Callable[[], Any]) -> Any:
        """Has a coroutine awaited in the call's task, which sees the context variables of the thread."""
        import contextvars
        from concurrent.futures import CancelledError, Future

        answer: Future[Any] = Future()
        with self._guard:
            if self._closed:
                raise Suspended
            self._waiting.add(answer)
        variables = contextvars.copy_context()
        self._loop.call_soon_threadsafe(self._wishes.put_nowait, (answer, wish, variables))
        try:
            return answer.result()
        except CancelledError:
            raise Suspended from None
        finally:
            with self._guard:
                self._waiting.discard(answer)
            del answer

    async def grant(self, answer: Any, wish: Callable[[], Any], variables: Variables) -> None:
        """Does it; in the call's task."""
        import asyncio

        for variable, value in variables.items():
            if variable.get(_UNSET) is not value:
                variable.set(value)
        try:
            result = await wish()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            answer.set_exception(error)
        else:
            answer.set_result(result)
        finally:
            del answer

    def close(self) -> None:
        """The call has ended: who waits, and who comes, is told."""
        with self._guard:
            self._closed = True
            waiting = list(self._waiting)
        for answer in waiting:
            answer.cancel()


class _Bridged(SyncContext):
    """The context of a ``def`` function around whose call is a task of the loop."""

    __slots__ = ("_bridge", "_desk")
    _bridge: LoopBridge
    _desk: _Desk

    def _ask(self, kind: str, params: dict[str, Any], key: str | None) -> Any:
        from . import answer as _answer

        bridge, call = self._bridge, self._call
        return _answer.read(self._desk.want(lambda: bridge.ask(call, kind, params, key)))


def _sync(context: Any, given: dict[str, Any] | None) -> SyncContext:
    if given is None and type(context) is SyncContext:
        return context
    other = SyncContext(context._call)
    other._state, other._given = context.state, given
    return other


def _async(context: Context, given: dict[str, Any] | None) -> Context:
    if given is None:
        return context
    other = Context(context._call, context._bridge)
    other._state, other._given = context.state, given
    return other
