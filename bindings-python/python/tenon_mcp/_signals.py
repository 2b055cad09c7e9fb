"""SIGINT and SIGTERM while ``run()`` blocks."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any

from ._bridge import LoopBridge

if TYPE_CHECKING:
    import asyncio
    from types import FrameType

    from ._server import Server

_WORK = LoopBridge._work.__code__


class Signals:
    """Handlers of our own, from now until ``restore``."""

    def __init__(self, loop: asyncio.AbstractEventLoop, server: Server) -> None:
        self.interrupted = False
        self._loop = loop
        self._server = server
        self._terminated = False
        self._before: list[tuple[int, Any]] = []
        if threading.current_thread() is threading.main_thread():
            for number, handler in ((signal.SIGINT, self._interrupt), (signal.SIGTERM, self._terminate)):
                self._before.append((number, signal.signal(number, handler)))

    def restore(self) -> None:
        for number, handler in self._before:
            # None stands for a handler that was not set from Python and cannot be put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        again, self.interrupted = self.interrupted, True
        self._loop.call_soon_threadsafe(self._hurry)
        # A function that blocks the loop would keep us from ending; its call is cancelled anyway.
        if again or _runs_a_tool(frame):
            raise KeyboardInterrupt

    def _terminate(self, number: int, frame: FrameType | None) -> None:
        again, self._terminated = self._terminated, True
        self._loop.call_soon_threadsafe(self._hurry if again else self._server.close)

    def _hurry(self) -> None:
        from ._serving import _HASTE, hasten

        running = self._server._running
        if running is not None and not running.closed:
            hasten(running)
            self._loop.call_later(_HASTE, self._hurry)


def _runs_a_tool(frame: FrameType | None) -> bool:
    """Whether the signal came in the middle of a tool's own code, below which everything is caught."""
    frame = frame and frame.f_back
    while frame is not None:
        if frame.f_code is _WORK:
            return True
        frame = frame.f_back
    return False
