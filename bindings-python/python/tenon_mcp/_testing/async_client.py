"""A client whose methods are awaited."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from .. import _fork
from .._embedded.in_process import acquire_on_loop, release_on_loop
from .._registry.definition import Definition
from .base_client import BaseClient, PendingRequest, R, definitions
from .client_results import CallResult, CompletionResult, PromptResult, ReadResult, Result

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .._embedded.in_process import SharedServer
    from .._serve.server_state import ServerState
    from .base_client import OnLog, OnNotification


class AsyncClient(BaseClient):
    """A client whose methods are awaited, on the loop that it was opened on."""

    _shared: SharedServer | None

    @classmethod
    async def open(
        cls,
        app: ServerState,
        options: dict[str, Any],
        answers: dict[str, Any],
        on_log: OnLog,
        on_notification: OnNotification,
    ) -> AsyncClient:
        """Opens a client. Starts the server if it is not being served."""
        shared = await acquire_on_loop(app)
        try:
            client = cls(app, options, answers, on_log, on_notification)
        except BaseException:
            await release_on_loop(shared)
            raise
        client._shared = shared
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
            return  # it may belong to the parent process
        self._closed = True
        self._loop.remove_reader(self._link.fileno())
        for task in self._tasks:
            task.cancel()
        for pending in list(self._pending.values()):
            self._ended(pending)
        self._link.close()
        shared, self._shared = self._shared, None
        await release_on_loop(shared)

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
        params = {"name": name, "arguments": arguments or {}, "_meta": meta}
        return await self._await("call_tool", params, CallResult, raise_on_error, on_progress)

    async def list_tools(self) -> list[Definition]:
        """All tools, from all pages."""
        return definitions(await self._await("list_tools", {}, Result))

    async def read_resource(self, uri: str, *, meta: dict[str, Any] | None = None) -> ReadResult:
        """Reads a resource."""
        return await self._await("read_resource", {"uri": uri, "_meta": meta}, ReadResult)

    async def list_resources(self) -> list[Definition]:
        """All resources, from all pages."""
        return definitions(await self._await("list_resources", {}, Result))

    async def list_resource_templates(self) -> list[Definition]:
        """All resource templates, from all pages."""
        return definitions(await self._await("list_resource_templates", {}, Result))

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, *, meta: dict[str, Any] | None = None
    ) -> PromptResult:
        """Gets a prompt. Arguments that are no ``str`` are sent as their JSON."""
        params = {"name": name, "arguments": arguments or {}, "_meta": meta}
        return await self._await("get_prompt", params, PromptResult)

    async def list_prompts(self) -> list[Definition]:
        """All prompts, from all pages."""
        return definitions(await self._await("list_prompts", {}, Result))

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
        params = {"prompt": prompt, "template": template, "argument": argument, "value": value, "arguments": arguments}
        return await self._await("complete", params, CompletionResult)

    async def ping(self) -> None:
        """Sends a ping, which the engine itself answers."""
        await self._await("ping", {}, Result)

    async def request(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Sends any request, and returns its result as it was sent."""
        return (await self._await("request", {"method": method, "params": params or {}}, Result)).result

    async def _await(
        self,
        what: str,
        params: dict[str, Any],
        of: type[R],
        raise_on_error: bool = True,
        on_progress: Callable[[float, float | None, str | None], object] | None = None,
    ) -> R:
        pending = PendingRequest(on_progress)
        pending.future = self._loop.create_future()
        number = self._send(what, params, pending)
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
                self._handle_event(*event)
            if link.rest():
                return

    def _handle_event(self, what: str, id: Any, detail: Any) -> None:
        if what == "asked":
            kind, params = detail
            task = self._loop.create_task(self._answer(id, kind, params))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        try:
            self._handle(what, id, detail)
        except Exception as error:
            # The task that waits for the result raises the exception of the program's function.
            pending = self._pending.get(id) if what == "progress" else None
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
                    awaitable: Awaitable[Any] = answer
                    answer = await awaitable
        except Exception as error:
            self._fail_question(question, kind, error)
        else:
            self._send_answer(question, kind, answer)
