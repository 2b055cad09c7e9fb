"""A client whose methods block."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from .. import _fork
from .._embedded.in_process import acquire, release
from .._registry.definition import Definition
from .base_client import BaseClient, PendingRequest, R, definitions
from .client_results import CallResult, CompletionResult, PromptResult, ReadResult, Result

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._serve.server_state import ServerState
    from .base_client import OnLog, OnNotification

_SIGNAL_CHECK_INTERVAL = 0.1
"""Seconds between two checks for signals while a client waits."""


class SyncClient(BaseClient):
    """A client id methods block. Several threads may use it at the same time."""

    def __init__(
        self,
        app: ServerState,
        options: dict[str, Any],
        answers: dict[str, Any],
        on_log: OnLog,
        on_notification: OnNotification,
    ) -> None:
        self._shared = acquire(app)
        try:
            super().__init__(app, options, answers, on_log, on_notification)
        except BaseException:
            release(self._shared)
            raise
        self._condition = threading.Condition()
        self._listening = False

    def close(self) -> None:
        """Closes the client and cancels its pending requests. Threads that wait for one get ``StateError``. Further
        calls do nothing.
        """
        if self._generation != _fork.generation:
            return  # the client belongs to the parent process
        with self._condition:
            if self._closed:
                return
            self._closed = True
            self._condition.notify_all()
        self._link.close()
        shared, self._shared = self._shared, None
        release(shared)

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
        params = {"name": name, "arguments": arguments or {}, "_meta": meta}
        return self._wait("call_tool", params, CallResult, raise_on_error, on_progress)

    def list_tools(self) -> list[Definition]:
        """All tools, from all pages."""
        return definitions(self._wait("list_tools", {}, Result))

    def read_resource(self, uri: str, *, meta: dict[str, Any] | None = None) -> ReadResult:
        """Reads a resource."""
        return self._wait("read_resource", {"uri": uri, "_meta": meta}, ReadResult)

    def list_resources(self) -> list[Definition]:
        """All resources, from all pages."""
        return definitions(self._wait("list_resources", {}, Result))

    def list_resource_templates(self) -> list[Definition]:
        """All resource templates, from all pages."""
        return definitions(self._wait("list_resource_templates", {}, Result))

    def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, *, meta: dict[str, Any] | None = None
    ) -> PromptResult:
        """Gets a prompt. Arguments that are no ``str`` are sent as their JSON."""
        return self._wait("get_prompt", {"name": name, "arguments": arguments or {}, "_meta": meta}, PromptResult)

    def list_prompts(self) -> list[Definition]:
        """All prompts, from all pages."""
        return definitions(self._wait("list_prompts", {}, Result))

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
        params = {"prompt": prompt, "template": template, "argument": argument, "value": value, "arguments": arguments}
        return self._wait("complete", params, CompletionResult)

    def ping(self) -> None:
        """Sends a ping, which the engine itself answers."""
        self._wait("ping", {}, Result)

    def request(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Sends any request, and returns its result as it was sent."""
        return self._wait("request", {"method": method, "params": params or {}}, Result).result

    def _wait(
        self,
        what: str,
        params: dict[str, Any],
        of: type[R],
        raise_on_error: bool = True,
        on_progress: Callable[[float, float | None, str | None], object] | None = None,
    ) -> R:
        pending = PendingRequest(on_progress)
        number = self._send(what, params, pending)
        try:
            self._wait_for(pending)
        except BaseException:
            self._link.cancel(number)
            raise
        finally:
            del self._pending[number]
        return self._result(of, pending, raise_on_error)

    def _wait_for(self, pending: PendingRequest) -> None:
        # One of the waiting threads receives the events of all. After each event, any waiting thread may take over.
        with self._condition:
            while pending.outcome is None and not self._closed:
                if self._listening:
                    self._condition.wait()
                    continue
                self._listening = True
                self._condition.release()
                try:
                    event = self._link.wait(_SIGNAL_CHECK_INTERVAL)
                    if event is not None:
                        self._handle_event(*event)
                finally:
                    self._condition.acquire()
                    self._listening = False
                    self._condition.notify_all()

    def _handle_event(self, what: str, id: Any, detail: Any) -> None:
        if what != "asked":
            self._handle(what, id, detail)
            return
        kind, params = detail
        answer = self._answers.get(kind)
        try:
            answer = answer(params) if callable(answer) else answer
        except Exception as error:
            self._fail_question(id, kind, error)
        else:
            self._send_answer(id, kind, answer)
