"""The exceptions of this package."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._native import AskFailure


class TenonError(Exception):
    """The base of every error this package raises by itself."""


class RegistrationError(TenonError, ValueError):
    """Something registered or an option is wrong, or a name is taken; the message says which and why."""


class ServeError(TenonError, OSError):
    """The operating system refused: the address is in use, a descriptor is bad."""


class StateError(TenonError, RuntimeError):
    """The operation does not fit the present state, such as serving a server twice at once."""


class StartError(TenonError, RuntimeError):
    """A handler of ``start``, or the lifespan, failed, so nothing was served. The log has its exception."""


class ForkedError(StateError):
    """The server was started in another process, before this one was forked off."""


class AskError(TenonError):
    """A question was not answered: the client cannot be asked, the question is wrong, or the answer is not usable.

    A handler that does not catch it fails in the way the protocol wants.
    """

    code: str
    """What kind of failure it is, in one word.

    ``"unsupported"``: the client cannot be asked. ``"url_required"``: the user must visit pages first. ``"invalid"``:
    the question is wrong. ``"failed"``: the client cannot be reached, reported a failure, or its answer is not what was
    asked for. ``"ended"``: the call is over.
    """

    def __init__(self, message: str, failure: AskFailure | None = None) -> None:
        super().__init__(message)
        self._failure = failure
        self.code = "failed" if failure is None else failure.code


class McpError(TenonError):
    """Raised by a handler, ends its request with an error of the protocol: a number, a sentence, and data if any."""

    code: int
    """The number, from JSON-RPC, from the protocol, or of your own (above -32000)."""
    message: str
    """One sentence."""
    data: Any
    """Any JSON value; ``None`` for nothing."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    def __reduce__(self) -> tuple[Any, ...]:
        # What is handed to the constructor is more than the message, so a pool of processes could not bring it back.
        return _made_again, (type(self), self.args), self.__dict__


def _made_again(kind: type[McpError], args: tuple[Any, ...]) -> McpError:
    return kind.__new__(kind, *args)


class NotFound(TenonError):
    """Raised by a handler, says that what the client asks for does not exist.

    Of a tool that is a failed result, of anything else a protocol error with the code of the client's revision and the
    address that is read as its data. The text says that ``what`` was not found, or that address.
    """

    what: str | None

    def __init__(self, what: object = None) -> None:
        super().__init__("not found" if what is None else what)
        self.what = None if what is None else str(what)


class ToolError(TenonError):
    """Raised by a handler, fails its call with a text that is meant for the client, whatever ``mask_errors`` says."""


class ArgumentError(TenonError, ValueError):
    """The arguments of a call are not what its function takes; the message says which and why.

    Raised by a handler, it refuses them in the same way as those that do not fit the schema, in every revision; best as
    ``/place/in/them: reason``.
    """


class Misfit(ValueError):
    """A value that a client sent is not what a parameter wants: where in it, and why."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(*reasons)
        self._reasons = [("", reason) for reason in reasons]

    def at(self, path: str, reason: str) -> Misfit:
        """One reason more, for a part of the value."""
        self._reasons.append((path, reason))
        return self

    def within(self, place: object) -> Misfit:
        """The same of the value that has this one at a place."""
        found = Misfit()
        found._reasons = [(f"/{place}{path}", reason) for path, reason in self._reasons]
        return found

    def __str__(self) -> str:
        return "; ".join(f"{path}: {reason}" if path else reason for path, reason in self._reasons)
