"""A handler's function, and the parts of an entry that follow from its signature."""

from __future__ import annotations

from .._native import Handler
from .._schema import signature_schema
from .._schema.inspection import doc, is_async, is_async_generator, is_generator, wraps_async
from .._schema.plain_types import is_dict, is_text, is_uninformative, number, of_number, type_name
from .._schema.signature import REQUIRED, read
from ..errors import RegistrationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .._native import Arguments

_VARIABLES = r"\{([+#./;?&]?)([^{}]*)\}"
_OPTIONAL_OPERATORS = ("?", "&", ";", "#")
"""The operators of variables that an address may leave out."""
_WITH_PARAMETERS = ("tool", "prompt", "method", "notification")
"""The kinds whose parameters clients see."""
_PARAMETER_MARKS = ("Args:", "Arguments:", "Parameters", "Params:", ":param", ":arg", ":key")
"""Texts of docstrings that describe parameters."""
_WITH_JSON_RESULTS = ("resource", "resource template", "method")
"""The kinds besides tools whose results are sent as JSON if they are objects."""


class Function:
    """A handler's function with its signature. Errors name its entry.

    ``overrides`` has replacements for the functions that it depends on.
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
            raise RegistrationError(f"{self.label} is a generator; a {noun} must return its result")
        self.called = function
        """The function to call: the program's function, or a wrapper of it."""
        self.on_loop = is_async_generator(function) if self.yields else is_async(function)
        if thread not in ("pool", "main") and not self.yields and wraps_async(function):
            from .awaitable_check import awaiting

            self.on_loop, self.called = True, awaiting(function)
        self.lane = _lane(self.label, self.on_loop, thread)
        self.overrides = {} if overrides is None else overrides
        self.signature = read(self.label, function, self.on_loop, strict)
        self.strings: Arguments | None = None
        self.write: Callable[[Any], Any] | None = None
        self._doc, self._described = self._split_doc(strict)

    def _split_doc(self, strict: bool) -> tuple[str | None, dict[str, str]]:
        """The docstring without the descriptions of parameters, and these descriptions, if clients see parameters."""
        text = doc(self.function)
        # Checked here first, because parsing a docstring needs `re`, which takes long to load.
        has_parameters = strict and self.noun in _WITH_PARAMETERS
        if not (text and has_parameters) or not any(mark in text for mark in _PARAMETER_MARKS):
            return text, {}
        from .._schema.docstring import split

        signature = self.signature
        hidden = [name for name, _ in signature.dependencies]
        names = {parameter.name for parameter in signature.parameters}.union(hidden, {signature.context or ""})
        text, described = split(text, names)
        return text or None, described

    @property
    def doc(self) -> str | None:
        """The docstring without descriptions of parameters."""
        return self._doc

    @property
    def returns_dict(self) -> bool:
        """Whether the return annotation is a dict."""
        return not self.yields and is_dict(self.signature.returned)

    def schema(self, *, closed: bool) -> dict[str, Any]:
        """The schema of the arguments. ``closed`` refuses other names, unless the function takes them."""
        return signature_schema.of_arguments(self.label, self.signature, closed, self._described)

    def result(self, structured: bool | None, has_schema: bool) -> tuple[bool, dict[str, Any] | None]:
        """Whether a tool's result is structured, and its schema, from the return annotation."""
        if self.yields:
            if structured or has_schema:
                raise RegistrationError(
                    f"{self.label} is a generator, which yields content; remove structured and output_schema"
                )
            return False, None
        signature_schema.check_metadata(self.label, self.signature.returned)
        if self.signature.returned is dict:
            return structured is None or structured, None
        found_number = of_number(self.signature.returned)
        if found_number is not None:
            return structured is not False, None if has_schema or structured is False else found_number
        if self.signature.returned is None or structured is None and is_uninformative(self.signature.returned):
            return bool(structured), None
        from . import returns

        try:
            found = returns.of(self.signature.returned, strict=structured is not False and not has_schema)
        except TypeError as error:
            raise RegistrationError(
                f"{self.label}: the return annotation {type_name(self.signature.returned)} has no schema: {error}; use "
                "a type that JSON can express, or pass structured=False or an output_schema"
            ) from None
        self.write = found.write
        is_structured = found.is_structured if structured is None else structured
        return is_structured, found.schema if is_structured and not has_schema else None

    def prompt_arguments(self) -> list[dict[str, Any]]:
        """The parameters as the arguments of a prompt."""
        arguments, schema = signature_schema.of_prompt(self.label, self.signature, self._described)
        self.convert_strings(schema)
        return arguments

    def convert_strings(self, schema: dict[str, Any]) -> None:
        """Converts string arguments to the types of the schema, unless all of these are strings."""
        if not all(map(is_text, schema["properties"].values())):
            from .string_arguments import reader

            self.strings = reader(schema)

    def check_names(self, names: list[str], what: str) -> None:
        """Refuses a function that requires other arguments than these."""
        self.signature.check_names(self.label, names, what)

    def check_all_names(self, names: list[str], what: str) -> None:
        """Refuses a function that does not take exactly these arguments."""
        self.check_names(names, what)
        own = [parameter.name for parameter in self.signature.parameters]
        for name in names:
            if name not in own and not self.signature.open:
                raise RegistrationError(f"{self.label}: the function has no parameter {name!r}, which is one of {what}")

    def check_variables(self, template: str) -> None:
        """Refuses a function that does not take the variables of a URI template."""
        import re

        # The engine checks the template itself.
        found = [(operator, part.split(",")) for operator, part in re.findall(_VARIABLES, template)]
        parts = [name.split(":")[0] for _, names in found for name in names]
        self.check_all_names([name.rstrip("*") for name in parts], f"the variables of {template!r}")
        left_out = [name for operator, names in found if operator in _OPTIONAL_OPERATORS for name in names]
        optional = {name.split(":")[0].rstrip("*") for name in left_out}
        schema = signature_schema.of_parameters(self.label, self.signature, {})
        for name, property in schema["properties"].items():
            if f"{name}*" in parts:
                kind = property.get("type", "array")
                if "array" not in ([kind] if isinstance(kind, str) else kind) and "anyOf" not in property:
                    raise RegistrationError(
                        f"{self.label}: parameter {name!r}: the variable is a list of strings; annotate it as a list"
                    )
        for parameter in self.signature.parameters:
            if parameter.name in optional and parameter.default is REQUIRED:
                what = f"parameter {parameter.name!r}: an address may leave out this variable; give it a default"
                raise RegistrationError(f"{self.label}: {what}")
        self.convert_strings(schema)

    def handler(self, *, open: bool = False, returns_dict: bool = False) -> Handler:
        """The handler for the engine. With ``open`` it also receives arguments that the function does not name."""
        signature = self.signature
        parameters = [
            (parameter.key, "" if parameter.read else number(parameter.annotation))
            for parameter in signature.parameters
        ]
        function, context = self.called, signature.context
        if self.noun in _WITH_JSON_RESULTS and not (signature.returned is dict or is_uninformative(signature.returned)):
            from . import returns

            self.write = returns.of(signature.returned, is_tool=False).write
        if self._needs_plan():
            from .invocation_plan import planned

            function, context = planned(self)
        return Handler(function, parameters, context, open or signature.open, returns_dict)

    def _needs_plan(self) -> bool:
        """Whether the engine cannot call the function directly."""
        return bool(
            self.strings
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
        raise RegistrationError(f"{label}: an async function runs on the loop; remove thread={thread!r}")
    return "async"
