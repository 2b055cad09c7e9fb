"""A client in the process of its server: one that blocks and one to await."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from .._errors import McpError, StateError, ToolError
from .._native import Link
from .._serve import fork as _fork
from .._serve import in_process as _in_process
from .client_results import CallResult, CompletionResult, Definition, PromptResult, ReadResult, Result

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeAlias

    from .._serve.server import Server

    Hears: TypeAlias = Callable[[dict[str, Any]], object] | None
    HearsOther: TypeAlias = Callable[[str, dict[str, Any]], object] | None

R = TypeVar("R", bound=Result)

_PATIENCE = 0.1
"""Seconds between two checks for signals while a client waits."""

_CLOSED = "the client is closed"


class _Pending:
    """A request that waits for its result."""

    def __init__(self, on_progress: Callable[[float, float | None, str | None], object] | None) -> None:
        self.on_progress = on_progress
        self.outcome: tuple[Any, ...] | None = None
        self.error: BaseException | None = None
        self.future: asyncio.Future[None] | None = None


class _Client:
    """The members that both kinds of clients share."""

    def __init__(
        self, app: Server, options: dict[str, Any], answers: dict[str, Any], on_log: Hears, on_other: HearsOther
    ) -> None:
        self._generation = _fork.generation
        self._link = Link(app._engine, options)
        self._answers = answers
        self._on_log = on_log
        self._on_other = on_other
        self._pending: dict[int, _Pending] = {}
        self._cause: BaseException | None = None
        self._closed = False

    def notify(self, method: str, params: dict[str, Any] | None = None) -> None:
        """Sends a notification."""
        self._check()
        self._link.notify(method, params or {})

    def _check(self) -> None:
        _in_process.check_fork(self._generation)
        if self._closed:
            raise StateError(_CLOSED)

    def _begin(self, what: str, given: dict[str, Any], pending: _Pending) -> int:
        self._check()
        number = self._link.number()
        # Before it is sent, because its result may arrive at once.
        self._pending[number] = pending
        given = {name: value for name, value in given.items() if value is not None}
        try:
            self._link.ask(number, what, given, pending.on_progress is not None)
        except BaseException:
            del self._pending[number]
            raise
        return number

    def _hear(self, what: str, whose: Any, detail: Any) -> None:
        if what in ("answered", "failed"):
            pending = self._pending.get(whose)
            if pending is not None:
                pending.outcome = (what, *detail)
                self._ended(pending)
        elif what == "progress":
            pending = self._pending.get(whose)
            if pending is not None and pending.on_progress is not None:
                pending.on_progress(detail["progress"], detail.get("total"), detail.get("message"))
        elif what == "log":
            if self._on_log is not None:
                self._on_log(detail)
        elif what == "notification":
            if self._on_other is not None:
                self._on_other(whose, detail)
        elif what == "ended":
            for pending in list(self._pending.values()):
                pending.outcome = pending.outcome or ("ended",)
                self._ended(pending)

    def _ended(self, pending: _Pending) -> None:
        if pending.future is not None and not pending.future.done():
            pending.future.set_result(None)

    def _tell(self, question: int, kind: str, answer: object) -> None:
        try:
            self._link.answer(question, kind, answer, None)
        except Exception as error:
            self._fail(question, kind, error)

    def _fail(self, question: int, kind: str, error: BaseException) -> None:
        self._cause = error
        self._link.answer(question, kind, None, str(error) or type(error).__name__)

    def _result(self, of: type[R], pending: _Pending, raise_on_error: bool = True) -> R:
        outcome = pending.outcome
        if outcome is None and self._closed:
            raise StateError(_CLOSED)
        if outcome is None or outcome[0] == "ended":
            raise StateError("the server has ended")
        if outcome[0] == "failed":
            _, code, message, data = outcome
            cause, self._cause = self._cause, None
            raise McpError(code, message, data) from cause
        _, result, data, text, is_error = outcome
        if is_error and raise_on_error:
            raise ToolError(text)
        return of(result, data, text, is_error)


def _definitions(result: Result) -> list[Definition]:
    return [Definition(one) for one in result.data]


class SyncClient(_Client):
    """A client whose methods block. Several threads may use it at the same time."""

    def __init__(
        self, app: Server, options: dict[str, Any], answers: dict[str, Any], on_log: Hears, on_other: HearsOther
    ) -> None:
        self._hold = _in_process.hold(app)
        try:
            super().__init__(app, options, answers, on_log, on_other)
        except BaseException:
            _in_process.release(self._hold)
            raise
        self._turn = threading.Condition()
        self._listening = False

    def close(self) -> None:
        """Closes the client and cancels its pending requests. Threads that wait for one get ``StateError``. Further
        calls do nothing.
        """
        if self._generation != _fork.generation:
            return  # it is the parent's
        with self._turn:
            if self._closed:
                return
            self._closed = True
            self._turn.notify_all()
        self._link.close()
        hold, self._hold = self._hold, None
        _in_process.release(hold)

    def call_tool(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        *,
        raise_on_error: bool = True,
        meta: dict[str, Any] | None = None,
        on_progress: Callable[[float, float | None, str | None], object] | None = None,
    ) -> CallResult:
        """Calls a tool. If the tool fails, this raises ``ToolError``; with ``raise_on_error=False`` it returns a result
        that says so.

        An error of the protocol raises ``McpError``. ``on_progress`` is called with the progress, the total, and a
        message.
        """
        given = {"name": name, "arguments": arguments or {}, "_meta": meta}
        return self._wait("call_tool", given, CallResult, raise_on_error, on_progress)

    def list_tools(self) -> list[Definition]:
        """All tools, from all pages."""
        return _definitions(self._wait("list_tools", {}, Result))

    def read_resource(self, uri: str, *, meta: dict[str, Any] | None = None) -> ReadResult:
        """Reads a resource."""
        return self._wait("read_resource", {"uri": uri, "_meta": meta}, ReadResult)

    def list_resources(self) -> list[Definition]:
        """All resources, from all pages."""
        return _definitions(self._wait("list_resources", {}, Result))

    def list_resource_templates(self) -> list[Definition]:
        """All resource templates, from all pages."""
        return _definitions(self._wait("list_resource_templates", {}, Result))

    def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, *, meta: dict[str, Any] | None = None
    ) -> PromptResult:
        """Gets a prompt. Arguments that are no ``str`` are sent as their JSON."""
        return self._wait("get_prompt", {"name": name, "arguments": arguments or {}, "_meta": meta}, PromptResult)

    def list_prompts(self) -> list[Definition]:
        """All prompts, from all pages."""
        return _definitions(self._wait("list_prompts", {}, Result))

    def complete(
        self,
        argument: str,
        value: str = "",
        *,
        prompt: str | None = None,
        template: str | None = None,
        arguments: dict[str, str] | None = None,
    ) -> CompletionResult:
        """Gets suggestions for an argument of a prompt, or a variable of a template. ``arguments`` are those known
        already.
        """
        given = {"prompt": prompt, "template": template, "argument": argument, "value": value, "arguments": arguments}
        return self._wait("complete", given, CompletionResult)

    def ping(self) -> None:
        """Sends a ping, which the engine itself answers."""
        self._wait("ping", {}, Result)

    def request(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Sends any request, and returns its result as it was sent."""
        return self._wait("request", {"method": method, "params": params or {}}, Result).result

    def _wait(
        self,
        what: str,
        given: dict[str, Any],
        of: type[R],
        raise_on_error: bool = True,
        on_progress: Callable[[float, float | None, str | None], object] | None = None,
    ) -> R:
        pending = _Pending(on_progress)
        number = self._begin(what, given, pending)
        try:
            self._until(pending)
        except BaseException:
            self._link.cancel(number)
            raise
        finally:
            del self._pending[number]
        return self._result(of, pending, raise_on_error)

    def _until(self, pending: _Pending) -> None:
        # One of the waiting threads listens for all of them. Which one it is, is decided again after each event.
        with self._turn:
            while pending.outcome is None and not self._closed:
                if self._listening:
                    self._turn.wait()
                    continue
                self._listening = True
                self._turn.release()
                try:
                    event = self._link.wait(_PATIENCE)
                    if event is not None:
                        self._take(*event)
                finally:
                    self._turn.acquire()
                    self._listening = False
                    self._turn.notify_all()

    def _take(self, what: str, whose: Any, detail: Any) -> None:
        if what != "asked":
            self._hear(what, whose, detail)
            return
        kind, params = detail
        answer = self._answers.get(kind)
        try:
            answer = answer(params) if callable(answer) else answer
        except Exception as error:
            self._fail(whose, kind, error)
        else:
            self._tell(whose, kind, answer)


class AsyncClient(_Client):
    """A client whose methods are awaited, on the loop that it was opened on."""

    _hold: _in_process.Hold | None

    @classmethod
    async def open(
        cls, app: Server, options: dict[str, Any], answers: dict[str, Any], on_log: Hears, on_other: HearsOther
    ) -> AsyncClient:
        """Opens a client. Starts the server unless it is being served."""
        hold = await _in_process.hold_here(app)
        try:
            client = cls(app, options, answers, on_log, on_other)
        except BaseException:
            await _in_process.release_here(hold)
            raise
        client._hold = hold
        client._loop = asyncio.get_running_loop()
        client._tasks = set()
        client._loop.add_reader(client._link.fileno(), client._listen)
        return client

    _loop: asyncio.AbstractEventLoop
    _tasks: set[asyncio.Task[None]]

    async def close(self) -> None:
        """Closes the client and cancels its pending requests. Tasks that wait for one get ``StateError``. Further calls
        do nothing.
        """
        if self._closed or self._generation != _fork.generation:
            return  # it may be the parent's
        self._closed = True
        self._loop.remove_reader(self._link.fileno())
        for task in self._tasks:
            task.cancel()
        for pending in list(self._pending.values()):
            self._ended(pending)
        self._link.close()
        hold, self._hold = self._hold, None
        await _in_process.release_here(hold)

    async def call_tool(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        *,
        raise_on_error: bool = True,
        meta: dict[str, Any] | None = None,
        on_progress: Callable[[float, float | None, str | None], object] | None = None,
    ) -> CallResult:
        """Calls a tool. If the tool fails, this raises ``ToolError``; with ``raise_on_error=False`` it returns a result
        that says so.

        An error of the protocol raises ``McpError``. ``on_progress`` is called with the progress, the total, and a
        message. If the awaiting task is cancelled, the call is cancelled too.
        """
        given = {"name": name, "arguments": arguments or {}, "_meta": meta}
        return await self._await("call_tool", given, CallResult, raise_on_error, on_progress)

    async def list_tools(self) -> list[Definition]:
        """All tools, from all pages."""
        return _definitions(await self._await("list_tools", {}, Result))

    async def read_resource(self, uri: str, *, meta: dict[str, Any] | None = None) -> ReadResult:
        """Reads a resource."""
        return await self._await("read_resource", {"uri": uri, "_meta": meta}, ReadResult)

    async def list_resources(self) -> list[Definition]:
        """All resources, from all pages."""
        return _definitions(await self._await("list_resources", {}, Result))

    async def list_resource_templates(self) -> list[Definition]:
        """All resource templates, from all pages."""
        return _definitions(await self._await("list_resource_templates", {}, Result))

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, *, meta: dict[str, Any] | None = None
    ) -> PromptResult:
        """Gets a prompt. Arguments that are no ``str`` are sent as their JSON."""
        given = {"name": name, "arguments": arguments or {}, "_meta": meta}
        return await self._await("get_prompt", given, PromptResult)

    async def list_prompts(self) -> list[Definition]:
        """All prompts, from all pages."""
        return _definitions(await self._await("list_prompts", {}, Result))

    async def complete(
        self,
        argument: str,
        value: str = "",
        *,
        prompt: str | None = None,
        template: str | None = None,
        arguments: dict[str, str] | None = None,
    ) -> CompletionResult:
        """Gets suggestions for an argument of a prompt, or a variable of a template. ``arguments`` are those known
        already.
        """
        given = {"prompt": prompt, "template": template, "argument": argument, "value": value, "arguments": arguments}
        return await self._await("complete", given, CompletionResult)

    async def ping(self) -> None:
        """Sends a ping, which the engine itself answers."""
        await self._await("ping", {}, Result)

    async def request(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Sends any request, and returns its result as it was sent."""
        return (await self._await("request", {"method": method, "params": params or {}}, Result)).result

    async def _await(
        self,
        what: str,
        given: dict[str, Any],
        of: type[R],
        raise_on_error: bool = True,
        on_progress: Callable[[float, float | None, str | None], object] | None = None,
    ) -> R:
        pending = _Pending(on_progress)
        pending.future = self._loop.create_future()
        number = self._begin(what, given, pending)
        try:
            await pending.future
        except BaseException:
            self._link.cancel(number)
            raise
        finally:
            del self._pending[number]
        if pending.error is not None:
            raise pending.error
        return self._result(of, pending, raise_on_error)

    def _listen(self) -> None:
        link = self._link
        link.begin()
        while True:
            while (event := link.event()) is not None:
                self._take(*event)
            if link.rest():
                return

    def _take(self, what: str, whose: Any, detail: Any) -> None:
        if what == "asked":
            kind, params = detail
            task = self._loop.create_task(self._answer(whose, kind, params))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        try:
            self._hear(what, whose, detail)
        except Exception as error:
            # An exception of the program's function goes to the task that waits, not to the loop.
            pending = self._pending.get(whose) if what == "progress" else None
            if pending is None:
                raise
            pending.error = error
            self._ended(pending)

    async def _answer(self, question: int, kind: str, params: dict[str, Any]) -> None:
        answer: Any = self._answers.get(kind)
        try:
            if callable(answer):
                answer = answer(params)
                if hasattr(answer, "__await__"):
                    waits: Awaitable[Any] = answer
                    answer = await waits
        except Exception as error:
            self._fail(question, kind, error)
        else:
            self._tell(question, kind, answer)
