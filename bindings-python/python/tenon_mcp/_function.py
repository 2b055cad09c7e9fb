"""A handler's function, and what its signature says about the entry it is for."""

from __future__ import annotations

from . import _schema
from ._errors import RegistrationError
from ._native import Handler
from ._signature import doc, is_async, is_generator, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_VARIABLES = r"\{[+#./;?&]?([^{}]*)\}"


class Function:
    """A handler's function with its signature; errors name the entry it is for."""

    def __init__(
        self, noun: str, name: str, function: Callable[..., Any], strict: bool, thread: str | None = None
    ) -> None:
        self.label = f"{noun} {name!r}"
        if not callable(function):
            raise RegistrationError(f"{self.label}: the handler must be a function, not {type(function).__name__}")
        self.function = function
        self.on_loop = is_async(function)
        self.lane = _lane(self.label, self.on_loop, thread)
        if is_generator(function):
            raise RegistrationError(f"{self.label} is a generator; a {noun} returns its result")
        self.signature = read(self.label, function, self.on_loop, strict)

    @property
    def doc(self) -> str | None:
        """Its docstring."""
        return doc(self.function)

    @property
    def returns_dict(self) -> bool:
        """Whether it says that it returns a dict."""
        return _schema.is_dict(self.signature.returned)

    def schema(self, *, closed: bool) -> dict[str, Any]:
        """The schema of what it takes; ``closed`` refuses other names, unless the function takes them."""
        return _schema.of_arguments(self.label, self.signature, closed)

    def prompt_arguments(self) -> list[dict[str, Any]]:
        """What it takes as the arguments of a prompt."""
        return _schema.of_prompt(self.label, self.signature)

    def takes(self, names: list[str], what: str) -> None:
        """Refuses a function that would be called with some of these names and cannot."""
        self.signature.takes(self.label, names, what)

    def takes_all(self, names: list[str], what: str) -> None:
        """Refuses a function that cannot be called with every one of these names."""
        self.takes(names, what)
        own = [parameter.name for parameter in self.signature.parameters]
        for name in names:
            if name not in own and not self.signature.open:
                raise RegistrationError(f"{self.label}: the function does not take {name!r}, which is one of {what}")

    def takes_variables(self, template: str) -> None:
        """Refuses a function that does not take the variables of a URI template, as text."""
        import re

        # The engine judges the template itself.
        names = [name for part in re.findall(_VARIABLES, template) for name in part.split(",")]
        self.takes_all([name.split(":")[0].rstrip("*") for name in names], f"the variables of {template!r}")
        for parameter in self.signature.parameters:
            if _schema.number(parameter.annotation) or parameter.annotation in (bool, dict, bytes):
                raise RegistrationError(f"{self.label}: parameter {parameter.name!r}: a variable is a str")

    def handler(self, *, open: bool = False, returns_dict: bool = False) -> Handler:
        """What a lane calls; with ``open`` it is handed what it does not name, too."""
        parameters = [(parameter.name, _schema.number(parameter.annotation)) for parameter in self.signature.parameters]
        is_open = open or self.signature.open
        return Handler(self.function, parameters, self.signature.context, is_open, returns_dict)


def _lane(label: str, is_async: bool, thread: str | None) -> str:
    """Where a function runs, if it says ``thread``."""
    if thread not in (None, "pool", "loop", "main"):
        raise RegistrationError(f"{label}: thread must be 'pool', 'loop' or 'main', not {thread!r}")
    if not is_async:
        return thread or "pool"
    if thread not in (None, "loop"):
        raise RegistrationError(f"{label}: an async function runs on the loop, and thread={thread!r} is for others")
    return "async"
