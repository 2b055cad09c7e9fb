"""SIGINT and SIGTERM while ``run()`` blocks.

This module does not load asyncio. Loading it takes so long that a signal may arrive meanwhile.
"""

from __future__ import annotations

import os
import threading

from .. import _fork
from .._native import SignalGuard

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from types import CodeType, FrameType
    from typing import Any

    from .._native import Running
else:
    # The module behind `signal`. `signal` itself takes long to load, because it makes enumerations.
    import _signal as signal


class Signals:
    """Installs signal handlers until ``restore``, if ``wanted`` and if this is the main thread.

    The native half, ``src/serve/signals.rs``, decides what a signal means, because the main thread may be busy. The
    handlers here do what only the main thread can do.
    """

    def __init__(self, wanted: bool) -> None:
        global _active
        self._before: list[tuple[int, Any]] = []
        self._guard: SignalGuard | None = None
        self._interruptions: dict[CodeType, type[BaseException]] = {}
        if not wanted or threading.current_thread() is not threading.main_thread():
            return
        _watch_forks()
        # A signal between the installation of the handler and of the guard would be lost. So signals are blocked.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                # A signal that was ignored before the start stays ignored.
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
        """Whether ``run()`` controls the process."""
        return self._guard is not None

    def interrupt(self, work: CodeType, interruption: type[BaseException]) -> None:
        """Declares that handlers run on this thread in the function ``work``. ``interruption`` ends them."""
        self._interruptions[work] = interruption

    def watch(self, running: Running) -> None:
        """Passes signals to this server."""
        if self._guard is not None:
            self._guard.watch(running)

    def arm(self) -> None:
        """From now on, a handler that blocks this thread does not keep the process after the server has ended."""
        if self._guard is not None:
            self._guard.arm()

    def noticed(self) -> None:
        """Reports that this thread has noticed the end of the server."""
        if self._guard is not None:
            self._guard.noticed()

    def restore(self) -> int:
        """Restores the previous handlers. Returns the exit code of the process."""
        global _active
        if _active is self:
            _active = None
        if self._guard is not None:
            self._guard.stop_interrupting()
        before, self._before = self._before, []
        for number, handler in before:
            # A handler that the program has installed meanwhile stays.
            if signal.getsignal(number) == self._handle:
                # None stands for a handler that was not installed from Python. It cannot be restored.
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
                # The server and this call have ended, but the handler still blocks the thread.
                raise interruption

    def _interruption_in(self, frame: FrameType | None) -> type[BaseException] | None:
        """The exception that interrupts the handler that was running when the signal arrived, if there is one.

        ``frame`` itself is left out: the code of this package catches every exception there.
        """
        frame = frame and frame.f_back
        while frame is not None:
            if frame.f_code in self._interruptions:
                return self._interruptions[frame.f_code]
            frame = frame.f_back
        return None


# A forked child must not inherit the handlers, because they would wake a loop of the parent. During a fork Python drops
# pending signals. So SIGTERM, which process pools send, is blocked until the child has its own handler.

_active: Signals | None = None
_watching = False
_masks = threading.local()


def _watch_forks() -> None:
    global _watching
    if not _watching:
        _watching = True
        os.register_at_fork(before=_block_sigterm, after_in_parent=_unblock_sigterm, after_in_child=_restore_in_child)


def _block_sigterm() -> None:
    if _active is not None:
        _masks.old = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _unblock_sigterm() -> None:
    old = _masks.__dict__.pop("old", None)
    if old is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)


def _restore_in_child() -> None:
    if _active is not None:
        _active.restore()
    _unblock_sigterm()
