"""SIGINT and SIGTERM while ``run()`` blocks."""

from __future__ import annotations

import os
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
        global _active
        self.interrupted = False
        self._loop = loop
        self._server = server
        self._terminated = False
        self._before: list[tuple[int, Any]] = []
        if threading.current_thread() is threading.main_thread():
            _watch_forks()
            for number, handler in ((signal.SIGINT, self._interrupt), (signal.SIGTERM, self._terminate)):
                self._before.append((number, signal.signal(number, handler)))
            _active = self

    def restore(self) -> None:
        global _active
        for number, handler in self._before:
            # None stands for a handler that was not set from Python and cannot be put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        if _active is self:
            _active = None

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
        from ._serving import HASTE, hasten

        running = self._server._running
        if running is not None and not running.closed:
            hasten(running)
            self._loop.call_later(HASTE, self._hurry)


def _runs_a_tool(frame: FrameType | None) -> bool:
    """Whether the signal came in the middle of a tool's own code, below which everything is caught."""
    frame = frame and frame.f_back
    while frame is not None:
        if frame.f_code is _WORK:
            return True
        frame = frame.f_back
    return False


# A forked child must not inherit the handlers: they would tell a loop that is not its own. And while it is being made,
# Python forgets the signals that it has seen; SIGTERM, which pools of processes send, is held back until the child has
# its own handler.

_active: Signals | None = None
_watching = False
_masks = threading.local()


def _watch_forks() -> None:
    global _watching
    if not _watching:
        _watching = True
        os.register_at_fork(before=_hold, after_in_parent=_release, after_in_child=_hand_back)


def _hold() -> None:
    if _active is not None:
        _masks.old = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _release() -> None:
    old = _masks.__dict__.pop("old", None)
    if old is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)


def _hand_back() -> None:
    if _active is not None:
        _active.restore()
    _release()
