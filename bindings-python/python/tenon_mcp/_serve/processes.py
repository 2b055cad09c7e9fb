"""``run(workers=N)``: processes that serve together at one listener.

The parent binds, forks and supervises. It serves nothing, so it has neither threads nor descriptors of an engine that a
fork would copy. Each worker detects the end of the parent, intended or not, by a pipe whose other end the parent holds.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time

from .. import _fork
from .._native import Parent
from .._runtime import log
from ..errors import RegistrationError, ServeError, StateError, TenonError
from .service import print_addresses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any, NoReturn

    from .._native import ServeOptions
    from .server_state import OnStarted, ServerState

_MAX_RESTARTS = 5
_RESTART_PERIOD = 60.0
"""If more workers end within this period, in seconds, the server ends: others would end for the same reason."""
_MAX_REPORT = 1000
"""The maximum length of a worker's report of its end. A pipe passes a report of this length in one piece."""
_CHECK_INTERVAL = 0.5
"""Seconds between two checks of the workers if no descriptor reports their end."""


def run(
    server: ServerState,
    workers: int,
    options: ServeOptions,
    wants_signals: bool,
    on_started: OnStarted | None,
) -> None:
    _check(server, workers)
    server._engine.prepare_fork()
    options.bind_shared()
    try:
        # The last check, because errors in the program's options are more useful to its author.
        if threading.active_count() > 1:
            raise StateError(
                f"workers are forked, and a fork does not copy the {threading.active_count() - 1} other threads of "
                "this process; start them in the workers"
            )
        code = Supervisor(server, options).run(workers, wants_signals, on_started or print_addresses)
    finally:
        options.close()
    if code:
        raise SystemExit(code)


def _check(server: ServerState, workers: int) -> None:
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise RegistrationError(f"workers must be an integer above zero, not {workers!r}")
    if not hasattr(os, "fork"):
        raise StateError("workers need fork, which this system does not have; start several programs instead")
    server._claim()


class _Worker:
    """The parent's record of a worker."""

    def __init__(self, pid: int, stop_pipe: int, status_pipe: int) -> None:
        self.pid = pid
        self.stop_pipe = stop_pipe
        """The worker shuts down when the parent closes this descriptor."""
        self.status_pipe = status_pipe
        """The worker reports its start and its end here, in lines."""
        self.ready = self.closed = False
        self.outdated = False
        """The settings were reloaded before the worker was ready. It must reload them then."""
        self.cause: str | None = None
        """The reason that the worker has reported if it could not start."""
        # Reports the end at once, even while a grandchild keeps the pipe open.
        self.handle: int | None = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None

    def descriptors(self) -> list[int]:
        return [self.status_pipe] if self.handle is None else [self.status_pipe, self.handle]

    def reload(self) -> None:
        """Makes the worker reload its settings. Before it is ready, SIGHUP would end it."""
        self.outdated = not self.ready
        if self.ready:
            os.kill(self.pid, signal.SIGHUP)

    def request_shutdown(self) -> None:
        """Asks the worker to shut down, if it has not ended."""
        if self.stop_pipe >= 0:
            os.close(self.stop_pipe)
            self.stop_pipe = -1

    def release(self) -> None:
        """Closes the descriptors. This also asks the worker to shut down."""
        self.request_shutdown()
        os.close(self.status_pipe)
        if self.handle is not None:
            os.close(self.handle)


class Supervisor:
    """The parent of the workers. In the parent, the server has this object instead of a running engine."""

    url: str | None = None
    websocket_url: str | None = None
    sse_url: str | None = None

    def __init__(self, server: ServerState, options: ServeOptions) -> None:
        self._server = server
        self._options = options
        self._workers: dict[int, _Worker] = {}
        self._before: dict[int, Any] = {}
        self._wake_pipe = os.pipe()
        os.set_blocking(self._wake_pipe[1], False)
        self._restarts: list[float] = []
        self._process = os.getpid()
        self._stopping = False
        self._code = 0
        self._failure: str | None = None

    # The members of a running engine that `Server` uses.

    def check_fork(self) -> None:
        if os.getpid() != self._process:
            raise StateError("the workers were started before this process was forked; call this in the parent")

    def close(self) -> None:
        self._stop()

    # This runs in the parent.

    def run(self, workers: int, wants_signals: bool, on_started: OnStarted) -> int:
        """Runs the workers until all have ended. Returns the exit code."""
        started = False
        running: Any = self
        self._server._running = running
        try:
            if wants_signals:
                for number in (signal.SIGINT, signal.SIGTERM):
                    if signal.getsignal(number) != signal.SIG_IGN:
                        self._before[number] = signal.signal(number, self._handle)
                settings = self._server._native_settings()
                if settings is not None and settings.has_file and signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
                    self._before[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._reload)
            for _ in range(workers):
                self._fork()
            while self._workers:
                self._wait()
                if not started and not self._stopping and all(one.ready for one in self._workers.values()):
                    started = True
                    on_started(self._server)
                if self._stopping:
                    self._request_shutdown()
        finally:
            self._server._running = None
            self._end()
        if self._failure is not None:
            raise ServeError(self._failure)
        return self._code

    def _wait(self) -> None:
        """Waits until a worker reports something or has ended, or the parent is woken."""
        descriptors = [self._wake_pipe[0]]
        for worker in self._workers.values():
            descriptors += worker.descriptors()
        can_tell = all(worker.handle is not None for worker in self._workers.values())
        readable = select.select(descriptors, [], [], None if can_tell else _CHECK_INTERVAL)[0]
        if self._wake_pipe[0] in readable:
            os.read(self._wake_pipe[0], 4096)
        for worker in list(self._workers.values()):
            if worker.status_pipe in readable:
                self._read_status(worker)
        for pid in list(self._workers):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                self._ended(self._workers.pop(pid), os.waitstatus_to_exitcode(status))

    def _read_status(self, worker: _Worker) -> None:
        for line in os.read(worker.status_pipe, 4096).decode().splitlines():
            what, _, detail = line.partition(" ")
            if what == "closed":
                worker.closed = True
            elif what == "failed":
                worker.cause = detail
            else:
                worker.ready = True
                if worker.outdated:
                    worker.reload()
                self.url, _, websocket_url = detail.partition(" ")
                self.websocket_url = websocket_url or None

    def _ended(self, worker: _Worker, code: int) -> None:
        # Its last report.
        os.set_blocking(worker.status_pipe, False)
        try:
            self._read_status(worker)
        except BlockingIOError:
            pass
        worker.release()
        if self._stopping:
            return
        if worker.closed:
            # The program has called `close` in the worker, which ends all workers.
            self._stop()
            return
        how = f"by signal {-code}" if code < 0 else f"with code {code}"
        now = time.monotonic()
        self._restarts = [*(then for then in self._restarts if now - then < _RESTART_PERIOD), now]
        if not worker.ready:
            self._failure = f"a worker could not start: {worker.cause or f'it ended {how}'}"
        elif len(self._restarts) > _MAX_RESTARTS:
            self._failure = f"{len(self._restarts)} workers ended within {_RESTART_PERIOD:.0f} s, the last one {how}"
        if self._failure is not None:
            self._stop()
            return
        log.record(30, "tenon_mcp.workers", f"worker {worker.pid} ended {how}; starting another one")
        self._fork()

    def _stop(self) -> None:
        self._stopping = True
        self._wake()

    def _wake(self) -> None:
        try:
            os.write(self._wake_pipe[1], b"x")
        except BlockingIOError:
            pass

    def _request_shutdown(self) -> None:
        for worker in self._workers.values():
            worker.request_shutdown()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._stopping:
            # A second signal ends all workers at once.
            for pid in self._workers:
                os.kill(pid, number)
            self._code = 128 + number
        elif number == signal.SIGINT:
            self._code = 130
        self._stop()

    def _reload(self, number: int, frame: FrameType | None) -> None:
        """Reloads the settings, for workers that start later, and in all workers."""
        settings = self._server._native_settings()
        if self._stopping or settings is None:
            return
        try:
            settings.reload()
        except TenonError as error:
            text = f"SIGHUP: the settings were not reloaded, and nothing has changed: {error}"
            log.record(40, "tenon_mcp.server", text)
            return
        for worker in self._workers.values():
            worker.reload()

    def _end(self) -> None:
        """Waits for the workers, and releases everything."""
        self._stopping = True
        self._request_shutdown()
        for pid, worker in self._workers.items():
            os.waitpid(pid, 0)
            worker.release()
        self._workers.clear()
        self._restore()
        for descriptor in self._wake_pipe:
            os.close(descriptor)

    def _restore(self) -> None:
        for number, handler in self._before.items():
            if signal.getsignal(number) in (self._handle, self._reload):
                signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._before.clear()

    # This runs in a worker.

    def _fork(self) -> None:
        stop_pipe = os.pipe()
        status_pipe = os.pipe()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()  # otherwise each worker would also write the buffered output
        # The child must not handle a signal for this process.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
        try:
            pid = os.fork()
            if pid == 0:
                self._restore()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if pid == 0:
            self._work(stop_pipe, status_pipe)
        os.close(stop_pipe[0])
        os.close(status_pipe[1])
        self._workers[pid] = _Worker(pid, stop_pipe[1], status_pipe[0])

    def _work(self, stop_pipe: tuple[int, int], status_pipe: tuple[int, int]) -> NoReturn:
        """Serves in this child process, and ends it. The code that called `run` continues only in the parent."""
        error: BaseException | None = None
        running: Any = None
        try:
            for worker in self._workers.values():
                worker.release()
            for descriptor in (*self._wake_pipe, stop_pipe[1], status_pipe[0]):
                os.close(descriptor)
            parent = Parent(stop_pipe[0])
            server = self._server
            server._running = None

            def announce(server: ServerState) -> None:
                nonlocal running
                running = server._running
                parent.watch(running)
                os.write(status_pipe[1], f"ready {server.url} {server.websocket_url or ''}\n".encode())

            server._announce = announce
            server._run(self._options, True, None)
            if running is not None and running.closed_by_program:
                os.write(status_pipe[1], b"closed\n")
        except BaseException as raised:
            error = raised
            if isinstance(raised, Exception) and running is None:
                os.write(status_pipe[1], f"failed {_one_line(raised)}\n".encode(errors="replace"))
        _fork.exit_child(error)


def _one_line(error: Exception) -> str:
    """An error in one line: its text, with the name of its class unless it is an error of this package."""
    message = " ".join(str(error).split())
    name = type(error).__name__
    text = message if isinstance(error, TenonError) and message else f"{name}: {message}" if message else name
    return text[:_MAX_REPORT]
