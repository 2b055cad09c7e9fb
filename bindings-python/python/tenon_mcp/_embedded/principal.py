"""Calls the program's function that finds the principal of a request, when the engine asks for it."""

from __future__ import annotations

import asyncio
import contextvars

from .._handlers.awaitable_check import is_awaitable
from .._runtime import log
from .._runtime.failure import describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping
    from contextvars import Context as Variables
    from typing import Any

    from .._native import Exchange
    from .._runtime.bridge import LoopBridge


class _ResponseBegun(Exception):
    """The response begins before the function has ended. ``step`` is its first step."""

    def __init__(self, step: Any) -> None:
        self.step = step


async def find_principal(
    function: Callable[[MutableMapping[str, Any]], Any],
    scope: MutableMapping[str, Any],
    exchange: Exchange,
    bridge: LoopBridge,
    watch: Callable[[], None] | None,
) -> Any:
    """Finds the principal, and returns the first step of the response if there is one already.

    The engine does not ask for the principal if it refuses the request first. ``watch`` begins to notice that the
    client has left.
    """
    step = exchange.step()
    if step is not True:
        return step
    try:
        found = function(scope)
        context = contextvars.copy_context()
        if is_awaitable(found):
            found, context = await _awaited(found, exchange, bridge, watch)
    except _ResponseBegun as begun:
        return begun.step
    except Exception as error:
        log.failed("function", "principal", error)
        exchange.fail_principal(f"{log.class_name(error)}: {describe(error)}")
    else:
        exchange.set_principal(found, context)
    return exchange.step()


async def _awaited(
    awaitable: Awaitable[Any], exchange: Exchange, bridge: LoopBridge, watch: Callable[[], None] | None
) -> tuple[Any, Variables]:
    """The result of ``awaitable``, and the context variables as it has left them.

    If the engine gives up waiting, or the client leaves, the awaitable is cancelled.
    """

    async def run() -> tuple[Any, Variables]:
        return await awaitable, contextvars.copy_context()

    task = asyncio.ensure_future(run())
    try:
        # Most functions find the principal in a cache, and need only one turn of the loop.
        await asyncio.sleep(0)
        while not task.done():
            ready = bridge.ready(exchange.number)
            if watch is not None:
                watch()
            step = exchange.step()
            if step is not True:
                raise _ResponseBegun(step)
            await asyncio.wait((task, ready), return_when=asyncio.FIRST_COMPLETED)
        if task.cancelled():
            raise RuntimeError("it was cancelled")
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            # An exception of a cancelled function is of no interest.
            task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
