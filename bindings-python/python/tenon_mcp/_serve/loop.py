"""Serves on an asyncio loop: the program's, or one of this package."""

from __future__ import annotations

import asyncio
import threading

from .._runtime.bridge import LoopBridge
from .._runtime.executor import DaemonExecutor
from .service import SHUTDOWN_TIMEOUT, Service, log_shutdown_failure
from .signals import Signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from .._native import Running, ServeOptions
    from .server_state import OnStarted, ServerState

_EXIT_TIMEOUT = 0.2
"""``SHUTDOWN_TIMEOUT`` if the process ends with the server. It applies once to handlers, and once to the tasks that
they left on the loop.
"""


def _bridge(service: Service) -> LoopBridge:
    """The bridge that runs ``async def`` handlers on the running loop."""
    interruptible = not service.signals.owned and threading.current_thread() is threading.main_thread()
    service.signals.interrupt(LoopBridge._work.__code__, asyncio.CancelledError)
    bridge = LoopBridge(asyncio.get_running_loop(), service.lane, service.server._errors, interruptible)
    if service.main_queue is not None:
        bridge.main = service.main_queue.put
    return bridge


def _shutdown_timeout(signals: Signals) -> float:
    return _EXIT_TIMEOUT if signals.owned else SHUTDOWN_TIMEOUT


async def serve(
    server: ServerState, options: ServeOptions, on_started: OnStarted | None, signals: Signals | None = None
) -> None:
    """Serves on the running loop."""
    service = Service(server, options, signals or Signals(False))
    bridge = _bridge(service)
    try:
        running = service.start()
        try:
            service.open(running, on_started)
            await _started_and_closed(service, running, bridge)
        finally:
            await _end(service, running, bridge)
    finally:
        await _close(service, bridge)


async def _started_and_closed(service: Service, running: Running, bridge: LoopBridge) -> None:
    """Announces the start, and waits for the end of the server."""
    if not running.settled:
        await asyncio.wait((bridge.settled(running),))
    service.announce(running)
    await _closed(bridge)


async def _closed(bridge: LoopBridge) -> None:
    # `wait` does not cancel the future if this is cancelled. The end of the server can still be awaited then.
    await asyncio.wait((bridge.closed,))


async def _end(service: Service, running: Running, bridge: LoopBridge) -> None:
    service.check_fork()
    # If this was cancelled, or `on_started` raised, no code waits for the calls that still run.
    if not running.closed:
        running.end()
    while not bridge.closed.done():
        try:
            await _closed(bridge)
        except asyncio.CancelledError:
            continue
    service.stop()


async def _close(service: Service, bridge: LoopBridge) -> None:
    service.close()
    await bridge.close(_shutdown_timeout(service.signals))
    log_shutdown_failure(service.lane)


def run(server: ServerState, options: ServeOptions, signals: Signals, on_started: OnStarted) -> None:
    """Serves on a loop of its own."""
    _run(serve(server, options, on_started, signals), _shutdown_timeout(signals))


def run_until_closed(service: Service, running: Running, announced: bool) -> None:
    """Makes a loop for a server that is running already, and runs its calls until the server has ended."""
    _run(_run_calls(service, running, announced), _shutdown_timeout(service.signals))


async def _run_calls(service: Service, running: Running, announced: bool) -> None:
    bridge = _bridge(service)
    try:
        try:
            await (_closed(bridge) if announced else _started_and_closed(service, running, bridge))
        finally:
            await _end(service, running, bridge)
    finally:
        await _close(service, bridge)


def _run(work: Coroutine[Any, Any, None], timeout: float) -> None:
    """Runs a coroutine on a new loop."""
    loop = asyncio.new_event_loop()
    try:
        asyncio.set_event_loop(loop)
        loop.set_default_executor(DaemonExecutor())
        loop.run_until_complete(work)
    finally:
        try:
            _cancel_remaining_tasks(loop, timeout)
        finally:
            asyncio.set_event_loop(None)
            loop.close()


def _cancel_remaining_tasks(loop: asyncio.AbstractEventLoop, timeout: float) -> None:
    """Cancels the tasks that handlers left on the loop. Tasks that do not end in time are abandoned."""
    loop.set_task_factory(None)  # a task factory of a handler may fail now
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=timeout))
    generators = loop.create_task(loop.shutdown_asyncgens())
    loop.run_until_complete(asyncio.wait((generators,), timeout=timeout))
