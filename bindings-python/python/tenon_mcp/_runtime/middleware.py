"""Middleware: the chain of one call. It runs where the call's handler runs. The native half loads this module."""

from __future__ import annotations

from .._handlers.results import EngineResult
from ..context import Context, Suspended, SyncContext
from ..errors import McpError, RegistrationError, ToolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from typing import Any

    from .._native import Call, Handler

# The kinds of outcomes. `OutcomeKind` of the engine has the same numbers.
_BYTES, _CONTENT, _RESULT, _FAILED, _EXCEPTION, _ERROR = 1, 2, 3, 4, 5, 6


class Layer:
    """A middleware function, and whether it is ``async def``."""

    __slots__ = ("function", "on_loop")

    def __init__(self, function: Callable[..., Any], on_loop: bool) -> None:
        self.function = function
        self.on_loop = on_loop

    def __call__(self) -> None:
        raise RegistrationError("middleware cannot be called directly; it runs around the calls of the server")


def outcome(kind: int, value: Any) -> Any:
    """Converts an outcome of the engine to the value that a function returns. A failure becomes an exception."""
    if kind == _BYTES:
        import base64

        return base64.b64decode(value)
    if kind in (_CONTENT, _RESULT):
        return EngineResult("content" if kind == _CONTENT else "result", value)
    if kind in (_FAILED, _EXCEPTION):
        return ToolError(value)
    if kind == _ERROR:
        return McpError(value["code"], value["message"], value.get("data"))
    return value


class SyncChain:
    """``def`` middleware around a ``def`` handler, or around work of the engine. It runs on the handler's thread."""

    __slots__ = ("_call", "_handler", "_layers")

    def __init__(self, call: Call, layers: list[Layer], handler: Handler | None, lane: str | None) -> None:
        self._call = call
        self._layers = layers
        self._handler = handler

    def __call__(self, context: SyncContext) -> Any:
        return self._step(context, 0, None)

    def _step(self, context: SyncContext, index: int, changed: dict[str, Any] | None) -> Any:
        """Runs the layer at ``index``, or the handler. ``changed`` are arguments that a middleware has passed on."""
        if index < len(self._layers):

            def call_next(arguments: dict[str, Any] | None = None) -> Any:
                return self._step(context, index + 1, changed if arguments is None else arguments)

            return self._layers[index].function(_sync_context(context, changed), call_next)
        if self._handler is None:
            return self._call.next_and_wait(changed)
        function, arguments, parameter = self._call.arranged(self._handler, changed)
        if parameter is not None:
            arguments[parameter] = _sync_context(context, changed)
        return function(**arguments)


class LoopChain:
    """Middleware on the loop. ``def`` functions run on other threads, as with ``asyncio.to_thread``."""

    __slots__ = ("_call", "_handler", "_lane", "_layers")

    def __init__(self, call: Call, layers: list[Layer], handler: Handler | None, lane: str | None) -> None:
        self._call = call
        self._layers = layers
        self._handler = handler
        self._lane = lane

    async def __call__(self, context: Context) -> Any:
        return await self._step(context, 0, None)

    async def _step(self, context: Context, index: int, changed: dict[str, Any] | None) -> Any:
        """Runs the layer at ``index``, or the handler. ``changed`` are arguments that a middleware has passed on."""
        if index < len(self._layers):
            layer = self._layers[index]
            if not layer.on_loop:
                return await self._run_on_thread(context, layer.function, index, changed)

            async def call_next(arguments: dict[str, Any] | None = None) -> Any:
                return await self._step(context, index + 1, changed if arguments is None else arguments)

            return await layer.function(_loop_context(context, changed), call_next)
        port = context._port
        if self._handler is None:
            return await port.run_next(self._call, changed)
        function, arguments, parameter = self._call.arranged(self._handler, changed)
        if self._lane == "async":
            if parameter is not None:
                arguments[parameter] = _loop_context(context, changed)
            return await function(**arguments)

        def run(sync: SyncContext, call_next: object) -> Any:
            if parameter is not None:
                arguments[parameter] = sync
            return function(**arguments)

        if self._lane in ("loop", "main"):
            sync = _sync_context(context, changed)
            try:
                if self._lane == "loop" or port.main is None:
                    return run(sync, None)
                from .thread_requests import run_on_main

                return await run_on_main(port.main, lambda: run(sync, None))
            except Suspended:
                await port.suspend(self._call)
        return await self._run_on_thread(context, run, index, changed)

    async def _run_on_thread(
        self, context: Context, function: Callable[..., Any], index: int, changed: dict[str, Any] | None
    ) -> Any:
        """Runs a ``def`` function on a thread.

        Coroutines that the function needs run in this task, so that the end of the call also ends them.
        """
        import asyncio
        import contextvars

        from .thread_requests import ThreadContext, ThreadRequests

        port, call = context._port, self._call
        loop = asyncio.get_running_loop()
        requests = ThreadRequests(loop)

        def call_next(arguments: dict[str, Any] | None = None) -> Any:
            return requests.run(lambda: self._step(context, index + 1, changed if arguments is None else arguments))

        sync = ThreadContext(call)
        sync._requests, sync._port = requests, port
        sync._state, sync._arguments = context.state, changed
        variables = contextvars.copy_context()
        work = loop.run_in_executor(port.executor(), lambda: variables.run(function, sync, call_next))
        work.add_done_callback(lambda _: requests.finish())
        try:
            await requests.serve()
        except asyncio.CancelledError:
            # The thread ends first if it can. Two attempts of a call must not run at the same time.
            requests.close()
            work.add_done_callback(_retrieve)
            if port.is_suspended(call):
                await asyncio.wait([work])
            raise
        try:
            return work.result()
        except Suspended:
            return await port.suspend(call)
        finally:
            # An exception refers to the frames that it went through. They must not refer to the exception.
            del work


def _retrieve(work: asyncio.Future[Any]) -> None:
    """Retrieves the exception, so that asyncio does not log it."""
    if not work.cancelled():
        work.exception()


def _sync_context(context: Any, changed: dict[str, Any] | None) -> SyncContext:
    if changed is None and type(context) is SyncContext:
        return context
    other = SyncContext(context._call)
    other._state, other._arguments = context.state, changed
    return other


def _loop_context(context: Context, changed: dict[str, Any] | None) -> Context:
    if changed is None:
        return context
    other = Context(context._call, context._port)
    other._state, other._arguments = context.state, changed
    return other
