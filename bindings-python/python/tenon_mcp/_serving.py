"""From start to end of a server, on a loop."""

from __future__ import annotations

import asyncio
import atexit
import os
import sys
from typing import TYPE_CHECKING

from . import _fork
from ._bridge import LoopBridge
from ._errors import StateError
from ._native import LoopLane, PoolLane
from ._options import read_http, read_stdio
from ._signals import Signals
from ._workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._native import Running
    from ._options import Http, Stdio
    from ._server import Server

_PATIENCE = 1.0
"""Seconds that cancelled handlers get to end."""
HASTE = 0.05
"""Seconds between cancellations while the server ends in a hurry: calls may still come in."""


async def serve(server: Server, stdio: Stdio, http: Http, on_started: Callable[[Server], object] | None) -> None:
    server._claim()
    address = read_http(http)
    loop = asyncio.get_running_loop()
    generation = _fork.generation
    engine = server._engine
    lane = LoopLane(engine)
    bridge = LoopBridge(loop, lane)
    cap = server._max_workers or min(32, (os.cpu_count() or 1) + 4)
    workers = Workers(PoolLane(engine, cap))
    try:
        running = engine.start(read_stdio(stdio, http), address, lane)
        server._running = running
        server._workers = workers
        end = _at_exit(running)
        try:
            if server._has_sync_tools:
                workers.start()
            if on_started is not None:
                on_started(server)
            await bridge.closed
        finally:
            if _fork.generation != generation:
                _fork.leave(sys.exc_info()[1])
            # Cancelled, or the hook raised: nobody waits for what still runs.
            while not running.closed:
                hasten(running)
                try:
                    await asyncio.wait((bridge.closed,), timeout=HASTE)
                except asyncio.CancelledError:
                    continue
            atexit.unregister(end)
    finally:
        server._running = server._workers = None
        workers.close()
        await bridge.close(_PATIENCE)


def hasten(running: Running) -> None:
    """Ends the server without letting its calls finish."""
    running.close()
    running.cancel()


def run(
    server: Server, stdio: Stdio, http: Http, signals: bool, on_started: Callable[[Server], object] | None
) -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        raise StateError("run() blocks, and an event loop runs here already; use await serve()")
    loop = asyncio.new_event_loop()
    guard = Signals(loop, server) if signals else None
    try:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(serve(server, stdio, http, on_started or _say))
    finally:
        try:
            _wind_up(loop)
        finally:
            asyncio.set_event_loop(None)
            loop.close()
            if guard is not None:
                guard.restore()
    if guard is not None and guard.interrupted:
        raise KeyboardInterrupt


def _wind_up(loop: asyncio.AbstractEventLoop) -> None:
    """Ends what handlers left on the loop; what does not end in time is left behind."""
    loop.set_task_factory(None)  # a handler's own may be of no use now
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=_PATIENCE))
    loop.run_until_complete(loop.shutdown_asyncgens())


def _say(server: Server) -> None:
    if server.url is not None:
        print(f"{server.name} is listening on {server.url}", file=sys.stderr, flush=True)


def _at_exit(running: Running) -> Callable[[], None]:
    """A server that is left running must not outlive the interpreter."""

    def end() -> None:
        try:
            running.check_fork()
        except StateError:
            return
        hasten(running)
        running.wait(_PATIENCE)

    return atexit.register(end)
