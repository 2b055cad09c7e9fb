"""The exceptions of this package."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._native import AskFailure


class TenonError(Exception):
    """The base of every error this package raises by itself."""


class RegistrationError(TenonError, ValueError):
    """A tool or an option is wrong, or a name is taken; the message says which and why."""


class ServeError(TenonError, OSError):
    """The operating system refused: the address is in use, a descriptor is bad."""


class StateError(TenonError, RuntimeError):
    """The operation does not fit the present state, such as serving a server twice at once."""


class ForkedError(StateError):
    """The server was started in another process, before this one was forked off."""


class ElicitError(TenonError):
    """A question was not answered: the client cannot be asked, the question is wrong, or the answer is not usable.

    A tool that does not catch it fails in the way the protocol wants.
    """

    def __init__(self, message: str, failure: AskFailure | None = None) -> None:
        super().__init__(message)
        self._failure = failure
