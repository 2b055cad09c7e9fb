"""The exceptions of this package."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._native import AskFailure

__all__ = [
    "ArgumentError",
    "AskError",
    "BreakerOpen",
    "ForkedError",
    "McpError",
    "NotFound",
    "RegistrationError",
    "ServeError",
    "StartError",
    "StateError",
    "TenonError",
    "ToolError",
]


class TenonError(Exception):
    """The base class of all errors of this package."""


class RegistrationError(TenonError, ValueError):
    """A registration or an option is invalid, or a name is taken. The message states what is wrong and why."""


class ServeError(TenonError, OSError):
    """The operating system refused an operation: for example, the address is in use or a descriptor is invalid."""


class StateError(TenonError, RuntimeError):
    """The operation is not allowed in the present state, such as serving a server twice at once."""


class StartError(TenonError, RuntimeError):
    """A handler of ``start``, or the lifespan, failed, so nothing was served. The log has the exception."""


class ForkedError(StateError):
    """The server was started in another process, before this process was forked."""


class AskError(TenonError):
    """A question was not answered: the client cannot be asked, the question is invalid, or the answer is not usable.

    If a handler does not catch it, the call fails as the protocol prescribes.
    """

    code: str
    """The kind of failure, as one word.

    - ``"unsupported"``: the client cannot be asked.
    - ``"url_required"``: the user must visit pages first.
    - ``"invalid"``: the question is invalid.
    - ``"failed"``: the client cannot be reached, reported a failure, or sent an answer that does not fit the question.
    - ``"ended"``: the call is over.
    """

    def __init__(self, message: str, failure: AskFailure | None = None) -> None:
        super().__init__(message)
        self._failure = failure
        self.code = "failed" if failure is None else failure.code


class McpError(TenonError):
    """If a handler raises this, its request ends with a protocol error: a code, a message, and optional data."""

    code: int
    """The code, from JSON-RPC, from the protocol, or of your own (above -32000)."""
    message: str
    """One sentence."""
    data: Any
    """Any JSON value; ``None`` for no data."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    def __reduce__(self) -> tuple[Any, ...]:
        # The constructor takes more than the message. Without this method a process pool cannot restore the exception.
        return _restore, (type(self), self.args), self.__dict__


def _restore(kind: type[McpError], args: tuple[Any, ...]) -> McpError:
    return kind.__new__(kind, *args)


class NotFound(TenonError):
    """If a handler raises this, the client gets the error that the requested item does not exist.

    A tool then has a failed result. Any other request gets a protocol error with the code of the client's revision, and
    with the requested address as its data. The text says that ``what`` was not found, or that address.
    """

    what: str | None

    def __init__(self, what: object = None) -> None:
        super().__init__("not found" if what is None else what)
        self.what = None if what is None else str(what)


class ToolError(TenonError):
    """If a handler raises this, its call fails with a text for the client. ``mask_errors`` does not hide this text."""


class BreakerOpen(ToolError):
    """A circuit breaker of the program's own lets no call pass now. If a handler does not catch it, its call fails with
    this text.
    """

    retry_after: float
    """The seconds until a call may pass."""

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.retry_after)


class ArgumentError(TenonError, ValueError):
    """The arguments of a call are not valid for its function. The message states which and why.

    If a handler raises it, the arguments are refused in the same way as arguments that do not fit the schema, in every
    revision. The recommended form of the message is ``/place/in/them: reason``.
    """
