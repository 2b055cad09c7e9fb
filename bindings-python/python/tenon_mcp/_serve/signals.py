"""SIGINT and SIGTERM while ``run()`` blocks.

Nothing here needs asyncio before there is a server: loading it takes long enough for a signal to come meanwhile.
"""

from __future__ import annotations

import os
import threading

from .._native import SignalGuard
from . import fork as _fork

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from types import CodeType, FrameType
    from typing import Any

    from .._native import Running
else:
    # The module behind `signal`, which spends its time on making enumerations.
    import _signal as signal


class Signals:
    """Handlers of our own, from now until ``restore``, if ``wanted``; on another thread than the main one nothing.

    What a signal means is decided in the native half, which does not depend on the main thread's being free. The
    handlers do what only that thread can.
    """

    def __init__(self, wanted: bool) -> None:
        global _active
        self._before: list[tuple[int, Any]] = []
        self._guard: SignalGuard | None = None
        self._interruptions: dict[CodeType, type[BaseException]] = {}
        if not wanted or threading.current_thread() is not threading.main_thread():
            return
        _watch_forks()
        # One that comes between Python's handler and the guard would be lost; it waits.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                # Whoever ignored it before the start wants the process to go on.
                if signal.getsignal(number) != signal.SIG_IGN:
                    self._before.append((number, signal.signal(number, self._handle)))
            self._guard = SignalGuard([number for number, _ in self._before])
            _active = self
        except BaseException:
            self.restore()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    @property
    def owned(self) -> bool:
        """Whether the process is the server's."""
        return self._guard is not None

    def interrupt(self, work: CodeType, interruption: type[BaseException]) -> None:
        """Handlers run on this thread, in ``work``, and can be interrupted by that exception."""
        self._interruptions[work] = interruption

    def watch(self, running: Running) -> None:
        """Signals are for this server."""
        if self._guard is not None:
            self._guard.watch(running)

    def arm(self) -> None:
        """From now on what runs on this thread does not keep the process when the server has ended."""
        if self._guard is not None:
            self._guard.arm()

    def noticed(self) -> None:
        """The loop has heard of the server's end."""
        if self._guard is not None:
            self._guard.noticed()

    def restore(self) -> int:
        """Puts back what was there before; gives the code to leave with."""
        global _active
        if _active is self:
            _active = None
        before, self._before = self._before, []
        for number, handler in before:
            # What the program has installed meanwhile stays.
            if signal.getsignal(number) == self._handle:
                # None stands for a handler that was not set from Python and cannot be put back.
                signal.signal(number, signal.SIG_DFL if handler is None else handler)
        guard, self._guard = self._guard, None
        if guard is None:
            return 0
        guard.close()
        return guard.exit_code

    def _handle(self, number: int, frame: FrameType | None) -> None:
        guard = self._guard
        if guard is None:
            return
        code = guard.forced
        if code is not None:
            _fork.exit_now(code, guard.exit)
        if guard.overdue:
            interruption = self._interruption_in(frame)
            if interruption is not None:
                # The server has ended, and this call with it; the loop has not heard of it: the handler blocks it.
                raise interruption

    def _interruption_in(self, frame: FrameType | None) -> type[BaseException] | None:
        """What interrupts the handler in the middle of whose own code the signal came; below that all is caught."""
        frame = frame and frame.f_back
        while frame is not None:
            if frame.f_code in self._interruptions:
                return self._interruptions[frame.f_code]
            frame = frame.f_back
        return None


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
