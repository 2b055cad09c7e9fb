"""A handler's function, and what its signature says about the entry it is for."""

from __future__ import annotations

from .._errors import RegistrationError
from .._native import Handler
from .._schema import schema as _schema
from .._schema.signature import REQUIRED, doc, is_async, is_async_generator, is_generator, read, wraps_async

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .._native import Arguments

_VARIABLES = r"\{([+#./;?&]?)([^{}]*)\}"
_SPARED = ("?", "&", ";", "#")
"""What stands before variables that an address may leave out."""
_TOLD = ("tool", "prompt", "method", "notification")
"""Whose clients are told of parameters."""
_MARKS = ("Args:", "Arguments:", "Parameters", "Params:", ":param", ":arg", ":key")
"""What a docstring has that describes parameters."""
_WRITTEN = ("resource", "resource template", "method")
"""Beside tools, whose results are JSON where they are objects."""


class Function:
    """A handler's function with its signature; errors name the entry it is for.

    ``overrides`` says what takes the place of functions that are depended on.
    """

    def __init__(
        self,
        noun: str,
        name: str,
        function: Callable[..., Any],
        strict: bool,
        thread: str | None = None,
        overrides: dict[Any, Any] | None = None,
    ) -> None:
        self.label = f"{noun} {name!r}"
        if not callable(function):
            raise RegistrationError(f"{self.label}: the handler must be a function, not {type(function).__name__}")
        self.function = function
        self.noun = noun
        self.yields = is_generator(function)
        if self.yields and noun != "tool":
            raise RegistrationError(f"{self.label} is a generator; a {noun} returns its result")
        self.called = function
        """The function that is called in its place."""
        self.on_loop = is_async_generator(function) if self.yields else is_async(function)
        if thread not in ("pool", "main") and not self.yields and wraps_async(function):
            from .awaitable_check import awaited

            self.on_loop, self.called = True, awaited(function)
        self.lane = _lane(self.label, self.on_loop, thread)
        self.overrides = {} if overrides is None else overrides
        self.signature = read(self.label, function, self.on_loop, strict)
        self.texts: Arguments | None = None
        self.write: Callable[[Any], Any] | None = None
        self._doc, self._described = self._split(strict)

    def _split(self, strict: bool) -> tuple[str | None, dict[str, str]]:
        """Its docstring, without what that says of parameters if clients are told of them."""
        text = doc(self.function)
        # Looked at here, because to take it apart takes `re`, which is long to load.
        if not (text and strict and self.noun in _TOLD) or not any(mark in text for mark in _MARKS):
            return text, {}
        from .._schema import docstring as _docstring

        signature = self.signature
        hidden = [name for name, _ in signature.dependencies]
        names = {parameter.name for parameter in signature.parameters}.union(hidden, {signature.context or ""})
        text, described = _docstring.split(text, names)
        return text or None, described

    @property
    def doc(self) -> str | None:
        """What its docstring says of the whole."""
        return self._doc

    @property
    def returns_dict(self) -> bool:
        """Whether its annotation says that it returns a dict."""
        return not self.yields and _schema.is_dict(self.signature.returned)

    def schema(self, *, closed: bool) -> dict[str, Any]:
        """The schema of what it takes; ``closed`` refuses other names, unless the function takes them."""
        return _schema.of_arguments(self.label, self.signature, closed, self._described)

    def result(self, structured: bool | None, has_schema: bool) -> tuple[bool, dict[str, Any] | None]:
        """Whether a tool's result is structured, and its schema, from what the function says that it returns."""
        if self.yields:
            if structured or has_schema:
                raise RegistrationError(f"{self.label} is a generator, which yields content and nothing structured")
            return False, None
        _schema.check_metadata(self.label, self.signature.returned)
        if self.signature.returned is dict:
            return structured is None or structured, None
        number = _schema.of_number(self.signature.returned)
        if number is not None:
            return structured is not False, None if has_schema or structured is False else number
        if self.signature.returned is None or structured is None and _schema.says_nothing(self.signature.returned):
            return bool(structured), None
        from . import returns as _returns

        try:
            found = _returns.of(self.signature.returned, strict=structured is not False and not has_schema)
        except TypeError as error:
            raise RegistrationError(
                f"{self.label}: the return annotation {_schema.name(self.signature.returned)} has no schema: {error}; "
                "annotate what JSON has, or give structured=False or an output_schema"
            ) from None
        self.write = found.write
        is_structured = found.is_structured if structured is None else structured
        return is_structured, found.schema if is_structured and not has_schema else None

    def prompt_arguments(self) -> list[dict[str, Any]]:
        """Its parameters, as the arguments of a prompt."""
        arguments, schema = _schema.of_prompt(self.label, self.signature, self._described)
        self.read_texts(schema)
        return arguments

    def read_texts(self, schema: dict[str, Any]) -> None:
        """Has texts read as what they stand for, unless all are meant as they are."""
        if not all(map(_schema.is_text, schema["properties"].values())):
            from . import string_arguments as _texts

            self.texts = _texts.reader(schema)

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
        """Refuses a function that does not take the variables of a URI template."""
        import re

        # The engine judges the template itself.
        found = [(operator, part.split(",")) for operator, part in re.findall(_VARIABLES, template)]
        parts = [name.split(":")[0] for _, names in found for name in names]
        self.takes_all([name.rstrip("*") for name in parts], f"the variables of {template!r}")
        spared = {name.split(":")[0].rstrip("*") for operator, names in found if operator in _SPARED for name in names}
        schema = _schema.understand(self.label, self.signature, {})
        for name, said in schema["properties"].items():
            if f"{name}*" in parts:
                kind = said.get("type", "array")
                if "array" not in ([kind] if isinstance(kind, str) else kind) and "anyOf" not in said:
                    raise RegistrationError(f"{self.label}: parameter {name!r}: the variable is a list of texts")
        for parameter in self.signature.parameters:
            if parameter.name in spared and parameter.default is REQUIRED:
                what = f"parameter {parameter.name!r}: an address may leave this variable out; give a default"
                raise RegistrationError(f"{self.label}: {what}")
        self.read_texts(schema)

    def handler(self, *, open: bool = False, returns_dict: bool = False) -> Handler:
        """What a lane calls; with ``open`` it is handed what it does not name, too."""
        signature = self.signature
        parameters = [
            (parameter.key, "" if parameter.read else _schema.number(parameter.annotation))
            for parameter in signature.parameters
        ]
        function, context = self.called, signature.context
        if self.noun in _WRITTEN and not (signature.returned is dict or _schema.says_nothing(signature.returned)):
            from . import returns as _returns

            self.write = _returns.of(signature.returned, is_tool=False).write
        if self._is_more():
            from . import invocation_plan as _plan

            function, context = _plan.planned(self)
        return Handler(function, parameters, context, open or signature.open, returns_dict)

    def _is_more(self) -> bool:
        """Whether there is more to do than to call it."""
        return bool(
            self.texts
            or self.write
            or self.yields
            or self.signature.dependencies
            or any(
                parameter.read or parameter.make_default or parameter.key != parameter.name
                for parameter in self.signature.parameters
            )
        )


def _lane(label: str, is_async: bool, thread: str | None) -> str:
    """The lane of a function with this ``thread``."""
    if thread not in (None, "pool", "loop", "main"):
        raise RegistrationError(f"{label}: thread must be 'pool', 'loop' or 'main', not {thread!r}")
    if not is_async:
        return thread or "pool"
    if thread not in (None, "loop"):
        raise RegistrationError(f"{label}: an async function runs on the loop, and thread={thread!r} is for others")
    return "async"
