"""JSON Schema, and the arguments of prompts, from the signature of a function."""

from __future__ import annotations

from .._errors import RegistrationError
from .._native import to_json
from .annotations import ANNOTATED, LITERAL, UNION, is_any, is_typed_dict, taken_apart
from .signature import REQUIRED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .signature import Signature
    from .types import Types

_PLAIN: dict[Any, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    None: "null",
    type(None): "null",
    dict: "object",
    list: "array",
}
ADVICE = "; give it an input_schema"
"""Ends what is said of a type without a schema; who reads it may have no such option."""
_NUMBERS = {int: "int", float: "float"}


def understand(label: str, signature: Signature, described: dict[str, str]) -> dict[str, Any]:
    """What a function takes, as the start of a schema. Its parameters learn how their values are read.

    ``described`` says of parameters what their annotations do not.
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
                from . import parameters as _parameters

                if types is None:
                    types = _parameters.types()
                schema = _parameters.understand(types, parameter)
                default = parameter.default
        except TypeError as error:
            raise RegistrationError(f"{label}: parameter {name!r}: {_advised(label, error)}") from None
        if name in described and "description" not in schema:
            schema = {**schema, "description": described[name]}
        if default is REQUIRED:
            required.append(parameter.key)
        elif parameter.read is None:
            schema = with_default(schema, default)
        if parameter.key in properties:
            raise RegistrationError(f"{label}: two parameters are {parameter.key!r} to a client")
        properties[parameter.key] = schema
    rest = _rest(label, signature, types)
    schema = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    if rest:
        schema["additionalProperties"] = rest
    return schema if types is None else types.whole(schema)


def _advised(label: str, error: TypeError) -> str:
    """What is wrong, with the advice only where it can be followed."""
    text = str(error)
    return text if label.startswith(("tool ", "method ", "notification ")) else text.removesuffix(ADVICE)


def _rest(label: str, signature: Signature, types: Types | None) -> dict[str, Any]:
    """What the values of other names may be."""
    if signature.rest is None or signature.rest is object:
        return {}
    try:
        return plain(signature.rest)
    except TypeError as error:
        raise RegistrationError(f"{label}: the parameter with two stars: {_advised(label, error)}") from None


def of_arguments(
    label: str, signature: Signature, closed: bool, described: dict[str, str] | None = None
) -> dict[str, Any]:
    """The schema of what a function takes; ``closed`` refuses other names, unless the function takes them."""
    schema = understand(label, signature, described or {})
    if closed and not signature.open:
        schema["additionalProperties"] = False
    return schema


def of_prompt(
    label: str, signature: Signature, described: dict[str, str]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The arguments of a prompt, which are texts, and the schema of what they stand for."""
    schema = understand(label, signature, described)
    arguments: list[dict[str, Any]] = []
    for name, said in schema["properties"].items():
        argument: dict[str, Any] = {"name": name}
        if "description" in said:
            argument["description"] = said["description"]
        if name in schema.get("required", ()):
            argument["required"] = True
        arguments.append(argument)
    return arguments, schema


def is_text(schema: dict[str, Any]) -> bool:
    """Whether any text is good, and nothing else is meant."""
    kind = schema.get("type", "string")
    kinds = [kind] if isinstance(kind, str) else kind
    return "string" in kinds and schema.keys() <= {"type", "description", "default", "title", "items"}


def plain(annotation: Any) -> dict[str, Any]:
    """The schema of JSON's own types, which need no reading; ``TypeError`` for others."""
    if annotation is object or is_any(annotation):
        return {}
    if type(annotation).__hash__ is not None and annotation in _PLAIN:
        return {"type": _PLAIN[annotation]}
    origin, arguments = taken_apart(annotation)
    if origin is ANNOTATED:
        annotated, *said = arguments
        if len(said) > 1 or not isinstance(said[0], str):
            raise TypeError("more is said than a description")
        return {**plain(annotated), "description": said[0]}
    if origin is UNION:
        return union([plain(part) for part in arguments])
    if origin is LITERAL:
        return literal(arguments)
    if origin is list:
        return {"type": "array", **({"items": plain(arguments[0])} if arguments else {})}
    if origin is dict:
        if not arguments:
            return {"type": "object"}
        if arguments[0] is not str:
            raise TypeError(f"{name(annotation)} is no JSON type: the keys of an object are str")
        values = plain(arguments[1])
        return {"type": "object", **({"additionalProperties": values} if values else {})}
    raise TypeError(f"{name(annotation)} is no JSON type{ADVICE}")


def union(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The schema of what is one of these."""
    if {} in parts:
        return {}
    if all(part.keys() == {"type"} and isinstance(part["type"], str) for part in parts):
        return {"type": [part["type"] for part in parts]}
    null = {"type": "null"}
    rest = [part for part in parts if part != null]
    if len(rest) == 1 < len(parts) and not {"type", "enum"}.isdisjoint(rest[0]) and "const" not in rest[0]:
        # One part with details and null, as Optional makes it, stays flat: details concern values of their type.
        (one,) = rest
        # Python 3.10 makes another Optional of what has None as its default.
        if _takes_null(one):
            return one
        if "type" in one:
            kinds = one["type"] if isinstance(one["type"], list) else [one["type"]]
            one = {**one, "type": [*kinds, "null"]}
        return {**one, "enum": [*one["enum"], None]} if "enum" in one else one
    return {"anyOf": parts}


def literal(values: tuple[Any, ...]) -> dict[str, Any]:
    """The schema of one of these values."""
    kinds = {type(value) for value in values}
    unfit = kinds - {str, int, bool, type(None)}
    if unfit:
        raise TypeError(f"a literal of type {unfit.pop().__name__} is no JSON value")
    schema = {"type": _PLAIN[kinds.pop()]} if len(kinds) == 1 else {}
    return {**schema, "enum": list(values)}


def with_default(schema: dict[str, Any], default: Any) -> dict[str, Any]:
    """The schema of what may be left out."""
    if default is None and schema:
        # `x: int = None` means an optional int, whatever it says.
        schema = schema if _takes_null(schema) else union([schema, {"type": "null"}])
    try:
        to_json(default)
    except ValueError:
        return schema  # a marker of the function's own, which no client could send
    return {**schema, "default": default}


def _takes_null(schema: dict[str, Any]) -> bool:
    kind = schema.get("type")
    return kind == "null" or isinstance(kind, list) and "null" in kind or None in schema.get("enum", ()) or any(
        map(_takes_null, schema.get("anyOf", ()))
    )


def number(annotation: Any) -> str:
    """The number type a parameter is converted to: JSON does not tell 3 from 3.0."""
    origin, arguments = taken_apart(annotation)
    if origin is ANNOTATED:
        return number(arguments[0])
    if origin is UNION:
        numbers = [kind for kind in map(number, arguments) if kind]
        return numbers[0] if len(numbers) == 1 else ""
    return _NUMBERS.get(annotation, "") if isinstance(annotation, type) else ""


_NUMERIC = (int, float, bool)
_SILENT = (str, *_NUMERIC, list, object, None, type(None))


def says_nothing(annotation: Any) -> bool:
    """Whether no more follows from a return annotation than from the value itself."""
    return any(annotation is kind for kind in _SILENT) or is_any(annotation)


def of_number(annotation: Any) -> dict[str, Any] | None:
    """The schema of a number or a boolean, without a look at all that an annotation may be."""
    return {"type": _PLAIN[annotation]} if any(annotation is kind for kind in _NUMERIC) else None


def check_metadata(label: str, annotation: Any) -> None:
    """Refuses what a return annotation says about a type and would be lost."""
    origin, arguments = taken_apart(annotation)
    if origin is LITERAL or not arguments:
        return
    if origin is ANNOTATED:
        from . import metadata as _metadata

        try:
            _metadata.check(arguments[1:])
        except TypeError as error:
            raise RegistrationError(f"{label}: the return annotation: {error}") from None
        arguments = arguments[:1]
    for part in arguments:
        for item in part if isinstance(part, list) else (part,):  # the parameters of a Callable are a list
            check_metadata(label, item)


def is_dict(annotation: Any) -> bool:
    origin, arguments = taken_apart(annotation)
    if origin is ANNOTATED:
        return is_dict(arguments[0])
    if origin is dict or is_typed_dict(annotation):
        return True
    return isinstance(annotation, type) and issubclass(annotation, dict)


def name(annotation: Any) -> str:
    """An annotation as a message shows it."""
    if isinstance(annotation, type) and taken_apart(annotation)[0] is None:
        return annotation.__qualname__
    return str(annotation)
