"""JSON Schema, and the arguments of prompts, from the signature of a function."""

from __future__ import annotations

from ..errors import RegistrationError
from .annotations import ANNOTATED, LITERAL, origin_and_arguments
from .plain_types import ADVICE, plain, with_default
from .signature import REQUIRED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .signature import Signature
    from .types.builder import Types


def of_parameters(label: str, signature: Signature, described: dict[str, str]) -> dict[str, Any]:
    """The schema of the parameters. It also sets how each parameter converts its values.

    ``described`` has descriptions of parameters, by name.
    """
    properties: dict[str, Any] = {}
    required: list[str] = []
    types: Types | None = None
    for parameter in signature.parameters:
        name, default = parameter.name, parameter.default
        try:
            try:
                schema = plain(parameter.annotation)
            except TypeError:
                from . import parameters

                if types is None:
                    types = parameters.new_types()
                schema = parameters.schema_of(types, parameter)
                default = parameter.default
        except TypeError as error:
            raise RegistrationError(f"{label}: parameter {name!r}: {_with_advice(label, error)}") from None
        if name in described and "description" not in schema:
            schema = {**schema, "description": described[name]}
        if default is REQUIRED:
            required.append(parameter.key)
        elif parameter.read is None:
            schema = with_default(schema, default)
        if parameter.key in properties:
            raise RegistrationError(f"{label}: two parameters have the name {parameter.key!r} for clients; rename one")
        properties[parameter.key] = schema
    rest = _rest(label, signature)
    schema = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    if rest:
        schema["additionalProperties"] = rest
    return schema if types is None else types.whole(schema)


def _with_advice(label: str, error: TypeError) -> str:
    """The text of an error. The advice stays only if the decorator has the option."""
    text = str(error)
    return text if label.startswith(("tool ", "method ", "notification ")) else text.removesuffix(ADVICE)


def _rest(label: str, signature: Signature) -> dict[str, Any]:
    """The schema of the values for ``**`` parameters."""
    if signature.rest is None or signature.rest is object:
        return {}
    try:
        return plain(signature.rest)
    except TypeError as error:
        raise RegistrationError(f"{label}: the parameter with two stars: {_with_advice(label, error)}") from None


def of_arguments(
    label: str, signature: Signature, closed: bool, described: dict[str, str] | None = None
) -> dict[str, Any]:
    """The schema of the arguments. ``closed`` refuses other names, unless the function takes them."""
    schema = of_parameters(label, signature, described or {})
    if closed and not signature.open:
        schema["additionalProperties"] = False
    return schema


def of_prompt(
    label: str, signature: Signature, described: dict[str, str]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The arguments of a prompt, which are strings, and the schema of the values that they are converted to."""
    schema = of_parameters(label, signature, described)
    arguments: list[dict[str, Any]] = []
    for name, property in schema["properties"].items():
        argument: dict[str, Any] = {"name": name}
        if "description" in property:
            argument["description"] = property["description"]
        if name in schema.get("required", ()):
            argument["required"] = True
        arguments.append(argument)
    return arguments, schema


def check_metadata(label: str, annotation: Any) -> None:
    """Refuses metadata of a return annotation that would have no effect."""
    origin, arguments = origin_and_arguments(annotation)
    if origin is LITERAL or not arguments:
        return
    if origin is ANNOTATED:
        from .types import metadata

        try:
            metadata.check(arguments[1:])
        except TypeError as error:
            raise RegistrationError(f"{label}: the return annotation: {error}") from None
        arguments = arguments[:1]
    for part in arguments:
        for item in part if isinstance(part, list) else (part,):  # the parameters of a Callable are a list
            check_metadata(label, item)
