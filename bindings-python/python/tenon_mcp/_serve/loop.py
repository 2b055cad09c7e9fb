"""Serves on an asyncio loop: the program's, or one of this package."""

from __future__ import annotations

import asyncio
import threading

from .._runtime.bridge import LoopBridge
from .._runtime.executor import DaemonExecutor
from .serving import PATIENCE, Service, log_shutdown_failure
from .signals import Signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from .._native import Running
    from .server import Server, Transports

_HASTE = 0.2
"""The same as ``PATIENCE`` where the process ends with the server; once for handlers, once for what they left on the
loop."""


def _bridge(service: Service) -> LoopBridge:
    """The bridge that runs ``async def`` handlers on the running loop."""
    interruptible = not service.signals.owned and threading.current_thread() is threading.main_thread()
    service.signals.interrupt(LoopBridge._work.__code__, asyncio.CancelledError)
    bridge = LoopBridge(asyncio.get_running_loop(), service.lane, service.server._errors, interruptible)
    if service.errands is not None:
        bridge.main = service.errands.put
    return bridge


def _patience(signals: Signals) -> float:
    return _HASTE if signals.owned else PATIENCE


async def serve(
    server: Server,
    transports: Transports,
    on_started: Callable[[Server], object] | None,
    signals: Signals | None = None,
) -> None:
    service = Service(server, transports, signals or Signals(False))
    bridge = _bridge(service)
    try:
        running = service.start()
        try:
            service.open(running, on_started)
            await _served(service, running, bridge)
        finally:
            await _end(service, running, bridge)
    finally:
        await _close(service, bridge)


async def _served(service: Service, running: Running, bridge: LoopBridge) -> None:
    """From the start to the end."""
    if not running.settled:
        await asyncio.wait((bridge.settled(running),))
    service.announce(running)
    await _closed(bridge)


async def _closed(bridge: LoopBridge) -> None:
    # Whoever cancels this must not cancel the future: the end would not be waited for then.
    await asyncio.wait((bridge.closed,))


async def _end(service: Service, running: Running, bridge: LoopBridge) -> None:
    service.check_fork()
    # Cancelled, or the hook raised: nobody waits for what still runs.
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
    await bridge.close(_patience(service.signals))
    log_shutdown_failure(service.lane)


def run(
    server: Server, transports: Transports, signals: Signals, on_started: Callable[[Server], object] | None
) -> None:
    _run(serve(server, transports, on_started, signals), _patience(signals))


def attend(service: Service, running: Running, announced: bool) -> None:
    """Runs what an engine that is started already has for a loop, until its end."""
    _run(_attend(service, running, announced), _patience(service.signals))


async def _attend(service: Service, running: Running, announced: bool) -> None:
    bridge = _bridge(service)
    try:
        try:
            await (_closed(bridge) if announced else _served(service, running, bridge))
        finally:
            await _end(service, running, bridge)
    finally:
        await _close(service, bridge)


def _run(work: Coroutine[Any, Any, None], patience: float) -> None:
    """Runs this on a loop of its own."""
    loop = asyncio.new_event_loop()
    try:
        asyncio.set_event_loop(loop)
        loop.set_default_executor(DaemonExecutor())
        loop.run_until_complete(work)
    finally:
        try:
            _wind_up(loop, patience)
        finally:
            asyncio.set_event_loop(None)
            loop.close()


def _wind_up(loop: asyncio.AbstractEventLoop, patience: float) -> None:
    """Cancels the tasks that handlers left on the loop. Tasks that do not end in time are abandoned."""
    loop.set_task_factory(None)  # a handler's own may be of no use now
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=patience))
    generators = loop.create_task(loop.shutdown_asyncgens())
    loop.run_until_complete(asyncio.wait((generators,), timeout=patience))
