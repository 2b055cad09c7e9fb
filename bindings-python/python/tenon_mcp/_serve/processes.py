"""``run(workers=N)``: processes that serve together at one listener.

The parent binds, forks and supervises. It serves nothing, so it has neither threads nor descriptors of an engine that a
fork would copy. Each worker detects the end of the parent, intended or not, by a pipe whose other end the parent holds.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import threading
import time

from .._errors import RegistrationError, ServeError, StateError, TenonError
from .._native import Parent
from .._runtime import log as _log
from . import fork as _fork
from .options import read_http
from .serving import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any, NoReturn

    from .server import Server, Transports

_MOST_RESTARTS = 5
_WITHIN = 60.0
"""More workers than that are not replaced within so many seconds: what ends them will end the next ones, too."""
_MOST_TOLD = 1000
"""Characters of what a worker says of its end: so much fits into its pipe in one piece."""
_LOOK = 0.5
"""Seconds between two checks of the workers if no descriptor reports their end."""


def run(
    server: Server,
    workers: int,
    transports: Transports,
    wants_signals: bool,
    on_started: Callable[[Server], object] | None,
) -> None:
    _check(server, workers, transports)
    server._engine.prepare_fork()
    listener, options = _listen(transports["http"])
    try:
        # Last: where the program is wrong as well, that is what it should hear of.
        if threading.active_count() > 1:
            raise StateError("workers are forked off, and this process has other threads, which would not be in them")
        supervisor = Supervisor(server, listener, options, transports["websocket"])
        code = supervisor.run(workers, wants_signals, on_started or say)
    finally:
        listener.close()
    if code:
        raise SystemExit(code)


def _check(server: Server, workers: int, transports: Transports) -> None:
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise RegistrationError(f"workers must be a number above zero, not {workers!r}")
    if not hasattr(os, "fork"):
        raise StateError("workers are forked off, which this system does not do; start several programs instead")
    others = [name for name in ("stdio", "unix", "socket", "sse") if transports[name]]
    websocket = transports["websocket"]
    if transports["http"] is None or others:
        wrong = f"and cannot serve {others[0]}" if others else "which is not given"
        raise RegistrationError(f"workers share the listener of http, {wrong}")
    if websocket is not None and not (isinstance(websocket, str) and websocket.startswith("/")):
        raise RegistrationError("workers share one listener: websocket must be a path of http's address")
    server._claim()


def _listen(http: Any) -> tuple[socket.socket, dict[str, Any]]:
    """The listener, and what else is said of HTTP."""
    options = read_http(http)
    if "unix" in options:
        raise RegistrationError("workers need a listener to inherit: for a Unix socket give one as http option socket")
    given = options.pop("socket", None)
    if given is not None:
        descriptor = given if isinstance(given, int) else given.fileno()
        return socket.socket(fileno=os.dup(descriptor)), options
    text = options.pop("address")
    address, slash, path = text.partition("/")
    if slash:
        options["path"] = "/" + path
    host, _, port = address.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, int(port)), family=family, backlog=1024)
    except ValueError:
        raise RegistrationError(f"http address {text!r}: must be host:port, host:port/path or a port") from None
    except OSError as error:
        raise ServeError(f"cannot listen on {address}: {error}") from None
    return listener, options


class _Worker:
    """The parent's record of a worker."""

    def __init__(self, pid: int, lifeline: int, words: int) -> None:
        self.pid = pid
        self.lifeline = lifeline
        self.words = words
        self.ready = self.closed = False
        self.cause: str | None = None
        """Why it could not start, in its own words."""
        # Tells of the end at once, also while a grandchild keeps the pipe open.
        self.handle: int | None = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None

    def descriptors(self) -> list[int]:
        return [self.words] if self.handle is None else [self.words, self.handle]

    def let_go(self) -> None:
        """Asks the worker to shut down, if it has not ended."""
        if self.lifeline >= 0:
            os.close(self.lifeline)
            self.lifeline = -1

    def forget(self) -> None:
        self.let_go()
        os.close(self.words)
        if self.handle is not None:
            os.close(self.handle)


class Supervisor:
    """The parent of the workers; in their processes, what is left of it. Stands for the running engine meanwhile."""

    url: str | None = None
    websocket_url: str | None = None
    sse_url: str | None = None

    def __init__(self, server: Server, listener: socket.socket, options: dict[str, Any], websocket: str | None) -> None:
        self._server = server
        self._listener = listener
        self._http = {**options, "socket": listener}
        self._websocket = websocket
        self._workers: dict[int, _Worker] = {}
        self._before: dict[int, Any] = {}
        self._bell = os.pipe()
        os.set_blocking(self._bell[1], False)
        self._restarts: list[float] = []
        self._process = os.getpid()
        self._stopping = False
        self._code = 0
        self._failure: str | None = None

    # What a program may ask of a server that runs.

    def check_fork(self) -> None:
        if os.getpid() != self._process:
            raise StateError("the workers were started before this process was forked")

    def close(self) -> None:
        self._stop()

    # The parent.

    def run(self, workers: int, wants_signals: bool, on_started: Callable[[Server], object]) -> int:
        """Serves until the end; gives the code to leave with."""
        started = False
        running: Any = self
        self._server._running = running
        try:
            if wants_signals:
                for number in (signal.SIGINT, signal.SIGTERM):
                    if signal.getsignal(number) != signal.SIG_IGN:
                        self._before[number] = signal.signal(number, self._handle)
            for _ in range(workers):
                self._fork()
            while self._workers:
                self._wait()
                if not started and not self._stopping and all(one.ready for one in self._workers.values()):
                    started = True
                    on_started(self._server)
                if self._stopping:
                    self._let_go()
        finally:
            self._server._running = None
            self._end()
        if self._failure is not None:
            raise ServeError(self._failure)
        return self._code

    def _wait(self) -> None:
        """Waits until something has happened."""
        descriptors = [self._bell[0]]
        for worker in self._workers.values():
            descriptors += worker.descriptors()
        can_tell = all(worker.handle is not None for worker in self._workers.values())
        readable = select.select(descriptors, [], [], None if can_tell else _LOOK)[0]
        if self._bell[0] in readable:
            os.read(self._bell[0], 4096)
        for worker in list(self._workers.values()):
            if worker.words in readable:
                self._hear(worker)
        for pid in list(self._workers):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                self._ended(self._workers.pop(pid), os.waitstatus_to_exitcode(status))

    def _hear(self, worker: _Worker) -> None:
        for word in os.read(worker.words, 4096).decode().splitlines():
            what, _, detail = word.partition(" ")
            if what == "closed":
                worker.closed = True
            elif what == "failed":
                worker.cause = detail
            else:
                worker.ready = True
                self.url, _, websocket_url = detail.partition(" ")
                self.websocket_url = websocket_url or None

    def _ended(self, worker: _Worker, code: int) -> None:
        # What it said last.
        os.set_blocking(worker.words, False)
        try:
            self._hear(worker)
        except BlockingIOError:
            pass
        worker.forget()
        if self._stopping:
            return
        if worker.closed:
            # Its program closed the server, which is all of it.
            self._stop()
            return
        how = f"by signal {-code}" if code < 0 else f"with code {code}"
        now = time.monotonic()
        self._restarts = [*(then for then in self._restarts if now - then < _WITHIN), now]
        if not worker.ready:
            self._failure = f"a worker could not start: {worker.cause or f'it ended {how}'}"
        elif len(self._restarts) > _MOST_RESTARTS:
            self._failure = f"{len(self._restarts)} workers ended within {_WITHIN:.0f} s, the last one {how}"
        if self._failure is not None:
            self._stop()
            return
        _log.record(30, "tenon_mcp.workers", f"worker {worker.pid} ended {how}; another one takes its place")
        self._fork()

    def _stop(self) -> None:
        self._stopping = True
        self._ring()

    def _ring(self) -> None:
        try:
            os.write(self._bell[1], b"x")
        except BlockingIOError:
            pass

    def _let_go(self) -> None:
        for worker in self._workers.values():
            worker.let_go()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._stopping:
            # Once more: at once, for all of them.
            for pid in self._workers:
                os.kill(pid, number)
            self._code = 128 + number
        elif number == signal.SIGINT:
            self._code = 130
        self._stop()

    def _end(self) -> None:
        """Nothing is left of it, however it came to its end."""
        self._stopping = True
        self._let_go()
        for pid, worker in self._workers.items():
            os.waitpid(pid, 0)
            worker.forget()
        self._workers.clear()
        self._restore()
        for descriptor in self._bell:
            os.close(descriptor)

    def _restore(self) -> None:
        for number, handler in self._before.items():
            if signal.getsignal(number) == self._handle:
                signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._before.clear()

    # A worker.

    def _fork(self) -> None:
        lifeline = os.pipe()
        words = os.pipe()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()  # or each would print what waits here
        # A signal for this process must not be handled by its child.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            pid = os.fork()
            if pid == 0:
                self._restore()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if pid == 0:
            self._work(lifeline, words)
        os.close(lifeline[0])
        os.close(words[1])
        self._workers[pid] = _Worker(pid, lifeline[1], words[0])

    def _work(self, lifeline: tuple[int, int], words: tuple[int, int]) -> NoReturn:
        """Serves in this process, a child, and ends it: what called `run` is the parent's."""
        error: BaseException | None = None
        running: Any = None
        try:
            for worker in self._workers.values():
                worker.forget()
            for descriptor in (*self._bell, lifeline[1], words[0]):
                os.close(descriptor)
            parent = Parent(lifeline[0])
            server = self._server
            server._running = None

            def announce(server: Server) -> None:
                nonlocal running
                running = server._running
                parent.watch(running)
                os.write(words[1], f"ready {server.url} {server.websocket_url or ''}\n".encode())

            server._announce = announce
            http: Any = self._http
            server.run(http=http, websocket=self._websocket)
            if running is not None and running.closed_by_program:
                os.write(words[1], b"closed\n")
        except BaseException as raised:
            error = raised
            if isinstance(raised, Exception) and running is None:
                os.write(words[1], f"failed {_told(raised)}\n".encode(errors="replace"))
        _fork.leave(error)


def _told(error: Exception) -> str:
    """An error in one line: its words, with its name if they are not ours."""
    said = " ".join(str(error).split())
    name = type(error).__name__
    text = said if isinstance(error, TenonError) and said else f"{name}: {said}" if said else name
    return text[:_MOST_TOLD]
