"""The part that clients that block and clients to await share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from .. import _fork
from .._embedded.in_process import check_fork
from .._native import Link
from .._registry.definition import Definition
from ..errors import McpError, StateError, ToolError
from .client_results import Result

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from typing import TypeAlias

    from .._serve.server_state import ServerState

    OnLog: TypeAlias = Callable[[dict[str, Any]], object] | None
    OnNotification: TypeAlias = Callable[[str, dict[str, Any]], object] | None
    OnProgress: TypeAlias = Callable[[float, float | None, str | None], object] | None

R = TypeVar("R", bound=Result)

_CLOSED = "the client is closed; open another one"


class PendingRequest:
    """A request that waits for its result."""

    def __init__(self, on_progress: Callable[[float, float | None, str | None], object] | None) -> None:
        self.on_progress = on_progress
        self.outcome: tuple[Any, ...] | None = None
        self.error: BaseException | None = None
        self.future: asyncio.Future[None] | None = None


class BaseClient:
    """The members that both kinds of clients share."""

    def __init__(
        self,
        app: ServerState,
        options: dict[str, Any],
        answers: dict[str, Any],
        on_log: OnLog,
        on_notification: OnNotification,
    ) -> None:
        self._generation = _fork.generation
        self._link = Link(app._engine, options)
        self._answers = answers
        self._on_log = on_log
        self._on_notification = on_notification
        self._pending: dict[int, PendingRequest] = {}
        self._cause: BaseException | None = None
        self._closed = False

    def notify(self, method: str, params: dict[str, Any] | None = None) -> None:
        """Sends a notification."""
        self._check()
        self._link.notify(method, params or {})

    def _check(self) -> None:
        check_fork(self._generation)
        if self._closed:
            raise StateError(_CLOSED)

    def _send(self, what: str, params: dict[str, Any], pending: PendingRequest) -> int:
        """Sends a request, and returns its number. Members that are ``None`` are left out."""
        self._check()
        number = self._link.number()
        # Before it is sent, because its result may arrive at once.
        self._pending[number] = pending
        params = {name: value for name, value in params.items() if value is not None}
        try:
            self._link.ask(number, what, params, pending.on_progress is not None)
        except BaseException:
            del self._pending[number]
            raise
        return number

    def _handle(self, what: str, id: Any, detail: Any) -> None:
        if what in ("answered", "failed"):
            pending = self._pending.get(id)
            if pending is not None:
                pending.outcome = (what, *detail)
                self._ended(pending)
        elif what == "progress":
            pending = self._pending.get(id)
            if pending is not None and pending.on_progress is not None:
                pending.on_progress(detail["progress"], detail.get("total"), detail.get("message"))
        elif what == "log":
            if self._on_log is not None:
                self._on_log(detail)
        elif what == "notification":
            if self._on_notification is not None:
                self._on_notification(id, detail)
        elif what == "ended":
            for pending in list(self._pending.values()):
                pending.outcome = pending.outcome or ("ended",)
                self._ended(pending)

    def _ended(self, pending: PendingRequest) -> None:
        if pending.future is not None and not pending.future.done():
            pending.future.set_result(None)

    def _send_answer(self, question: int, kind: str, answer: object) -> None:
        try:
            self._link.answer(question, kind, answer, None)
        except Exception as error:
            self._fail_question(question, kind, error)

    def _fail_question(self, question: int, kind: str, error: BaseException) -> None:
        self._cause = error
        self._link.answer(question, kind, None, str(error) or type(error).__name__)

    def _result(self, of: type[R], pending: PendingRequest, raise_on_error: bool = True) -> R:
        outcome = pending.outcome
        if outcome is None and self._closed:
            raise StateError(_CLOSED)
        if outcome is None or outcome[0] == "ended":
            raise StateError("the server has ended before it answered")
        if outcome[0] == "failed":
            _, code, message, data = outcome
            cause, self._cause = self._cause, None
            raise McpError(code, message, data) from cause
        _, result, data, text, is_error = outcome
        if is_error and raise_on_error:
            raise ToolError(text)
        return of(result, data, text, is_error)


def definitions(result: Result) -> list[Definition]:
    return [Definition(one) for one in result.data]
