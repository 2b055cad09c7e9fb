"""JSON Schema, and the arguments of prompts, from the signature of a function."""

from __future__ import annotations

from ._annotations import ANNOTATED, LITERAL, UNION, is_any, is_typed_dict, taken_apart
from ._errors import RegistrationError
from ._native import to_json
from ._signature import REQUIRED, described

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._signature import Signature

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
_NUMBERS = {int: "int", float: "float"}


def of_arguments(label: str, signature: Signature, closed: bool) -> dict[str, Any]:
    """The schema of what a function takes; ``closed`` refuses other names, unless the function takes them."""
    properties: dict[str, Any] = {}
    required: list[str] = []
    for parameter in signature.parameters:
        name, default = parameter.name, parameter.default
        try:
            schema = _schema(parameter.annotation)
        except TypeError as error:
            raise RegistrationError(f"{label}: parameter {name!r}: {error}") from None
        if default is REQUIRED:
            required.append(name)
        else:
            schema = _with_default(schema, default)
        properties[name] = schema
    try:
        _check_metadata(signature.returned)
    except TypeError as error:
        raise RegistrationError(f"{label}: the return annotation: {error}") from None
    schema = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    if closed and not signature.open:
        schema["additionalProperties"] = False
    return schema


def of_prompt(label: str, signature: Signature) -> list[dict[str, Any]]:
    """The arguments of a prompt: strings, required without a default."""
    arguments: list[dict[str, Any]] = []
    for parameter in signature.parameters:
        name, default = parameter.name, parameter.default
        try:
            schema = _schema(parameter.annotation)
        except TypeError:
            schema = {"type": ""}
        if not _takes_text(schema):
            raise RegistrationError(f"{label}: parameter {name!r}: the arguments of a prompt are str")
        argument: dict[str, Any] = {"name": name}
        if "description" in schema:
            argument["description"] = schema["description"]
        if default is REQUIRED:
            argument["required"] = True
        arguments.append(argument)
    return arguments


def _takes_text(schema: dict[str, Any]) -> bool:
    kind = schema.get("type", "string")
    return "string" in ([kind] if isinstance(kind, str) else kind)


def _schema(annotation: Any) -> dict[str, Any]:
    if annotation is object or is_any(annotation):
        return {}
    if type(annotation).__hash__ is not None and annotation in _PLAIN:
        return {"type": _PLAIN[annotation]}
    origin, arguments = taken_apart(annotation)
    if origin is ANNOTATED:
        _check_metadata(annotation)
        if len(arguments) > 2:
            raise TypeError(f"{_name(annotation)} has more than one description")
        return {**_schema(arguments[0]), "description": arguments[1]}  # pyright: ignore
    if origin is UNION:
        return _union([_schema(part) for part in arguments])
    if origin is LITERAL:
        return _literal(arguments)
    if origin is list:
        return {"type": "array", **({"items": _schema(arguments[0])} if arguments else {})}
    if origin is dict:
        if not arguments:
            return {"type": "object"}
        if arguments[0] is not str:
            raise TypeError(f"{_name(annotation)} is no JSON type: the keys of an object are str")
        values = _schema(arguments[1])
        return {"type": "object", **({"additionalProperties": values} if values else {})}
    raise TypeError(f"{_name(annotation)} is no JSON type; give the tool an input_schema")


def _check_metadata(annotation: Any) -> None:
    """Refuses what is said about a type and would be lost: only a description is understood."""
    origin, arguments = taken_apart(annotation)
    if origin is LITERAL:
        return
    if origin is ANNOTATED:
        for extra in arguments[1:]:
            if not isinstance(extra, str):
                raise TypeError(
                    f"{described(extra)} in Annotated is not understood, only a description is; "
                    "give the tool an input_schema"
                )
        arguments = arguments[:1]
    for part in arguments:
        for item in part if isinstance(part, list) else (part,):  # the parameters of a Callable are a list
            _check_metadata(item)


def _union(parts: list[dict[str, Any]]) -> dict[str, Any]:
    if {} in parts:
        return {}
    if all(part.keys() == {"type"} and isinstance(part["type"], str) for part in parts):
        return {"type": [part["type"] for part in parts]}
    null = {"type": "null"}
    rest = [part for part in parts if part != null]
    # Python 3.10 makes another Optional of what has None as its default.
    if len(rest) == 1 < len(parts) and _takes_null(rest[0]):
        return rest[0]
    # One part with details and null, which is what Optional makes, stays flat: details concern values of their type.
    if len(rest) == 1 < len(parts) and isinstance(rest[0].get("type"), str) and "enum" not in rest[0]:
        return {**rest[0], "type": [rest[0]["type"], "null"]}
    return {"anyOf": parts}


def _literal(values: tuple[Any, ...]) -> dict[str, Any]:
    kinds = {type(value) for value in values}
    unfit = kinds - {str, int, bool, type(None)}
    if unfit:
        raise TypeError(f"a literal of type {unfit.pop().__name__} is no JSON value")
    schema = {"type": _PLAIN[kinds.pop()]} if len(kinds) == 1 else {}
    return {**schema, "enum": list(values)}


def _with_default(schema: dict[str, Any], default: Any) -> dict[str, Any]:
    if default is None and schema:
        # `x: int = None` means an optional int, whatever it says.
        schema = schema if _takes_null(schema) else _union([schema, {"type": "null"}])
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
        numbers = [part for part in arguments if part in _NUMBERS]
        return _NUMBERS[numbers[0]] if len(numbers) == 1 else ""
    return _NUMBERS.get(annotation, "") if isinstance(annotation, type) else ""


def is_dict(annotation: Any) -> bool:
    origin, arguments = taken_apart(annotation)
    if origin is ANNOTATED:
        return is_dict(arguments[0])
    if origin is dict or is_typed_dict(annotation):
        return True
    return isinstance(annotation, type) and issubclass(annotation, dict)


def _name(annotation: Any) -> str:
    if isinstance(annotation, type) and taken_apart(annotation)[0] is None:
        return annotation.__qualname__
    return str(annotation)
