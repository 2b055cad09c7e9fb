"""JSON Schema from the signature of a function."""

from __future__ import annotations

import inspect
import types
import typing
from typing import Any, Literal, NamedTuple, Union

from ._context import Context, SyncContext
from ._errors import RegistrationError
from ._native import to_json

if typing.TYPE_CHECKING:
    from collections.abc import Callable

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
_UNIONS = (Union, types.UnionType)


class Signature(NamedTuple):
    """What registration needs to know about a function."""

    schema: dict[str, Any]
    parameters: list[tuple[str, str]]
    """Each parameter with the number type it wants: "int", "float" or ""."""
    context: str | None
    """The parameter that takes the context."""
    returns_dict: bool


def read(tool: str, function: Callable[..., Any], on_loop: bool, derive: bool) -> Signature:
    """Reads a signature; without ``derive`` the schema is given, and annotations need not be JSON types."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise RegistrationError(f"tool {tool!r}: its signature cannot be read: {error}") from None
    hints = _hints(tool, function, derive)
    properties: dict[str, Any] = {}
    required: list[str] = []
    parameters: list[tuple[str, str]] = []
    context: str | None = None
    closed = True
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            closed = False
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.POSITIONAL_ONLY):
            kind = "*" + name if parameter.kind is parameter.VAR_POSITIONAL else name
            raise RegistrationError(
                f"tool {tool!r}: parameter {kind!r} is positional only, but arguments come by name"
            )
        annotation = hints.get(name, Any)
        if annotation in (Context, SyncContext):
            if context is not None:
                raise RegistrationError(f"tool {tool!r}: {context!r} and {name!r} both want the context")
            if on_loop and annotation is SyncContext:
                raise RegistrationError(f"tool {tool!r}: parameter {name!r} of an async function must be a Context")
            context = name
            continue
        parameters.append((name, _number(annotation)))
        if not derive:
            continue
        try:
            schema = _schema(annotation)
        except TypeError as error:
            raise RegistrationError(f"tool {tool!r}: parameter {name!r}: {error}") from None
        if parameter.default is parameter.empty:
            required.append(name)
        else:
            schema = _with_default(schema, parameter.default)
        properties[name] = schema
    schema = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    if closed:
        schema["additionalProperties"] = False
    return Signature(schema, parameters, context, _is_dict(hints.get("return")))


def _hints(tool: str, function: Callable[..., Any], derive: bool) -> dict[str, Any]:
    target = function
    while hasattr(target, "func"):  # functools.partial
        target = target.func
    if not inspect.isroutine(target) and not isinstance(target, type):
        target = type(target).__call__
    try:
        return typing.get_type_hints(target, include_extras=True)
    except Exception as error:
        if not derive:
            return {}
        raise RegistrationError(f"tool {tool!r}: an annotation cannot be resolved: {error}") from None


def _schema(annotation: Any) -> dict[str, Any]:
    if annotation is Any or annotation is object:
        return {}
    if isinstance(annotation, typing.Hashable) and annotation in _PLAIN:
        return {"type": _PLAIN[annotation]}
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        text = [extra for extra in arguments[1:] if isinstance(extra, str)]
        return {**_schema(arguments[0]), **({"description": text[0]} if text else {})}
    if origin in _UNIONS:
        return _union([_schema(part) for part in arguments])
    if origin is Literal:
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


def _union(parts: list[dict[str, Any]]) -> dict[str, Any]:
    if {} in parts:
        return {}
    if all(part.keys() == {"type"} and isinstance(part["type"], str) for part in parts):
        return {"type": [part["type"] for part in parts]}
    # One part with details and null, which is what Optional makes, stays flat: details concern values of their type.
    null = {"type": "null"}
    rest = [part for part in parts if part != null]
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


def _number(annotation: Any) -> str:
    """The number type a parameter is converted to: JSON does not tell 3 from 3.0."""
    if typing.get_origin(annotation) is typing.Annotated:
        return _number(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in _UNIONS:
        numbers = [part for part in typing.get_args(annotation) if part in _NUMBERS]
        return _NUMBERS[numbers[0]] if len(numbers) == 1 else ""
    return _NUMBERS.get(annotation, "") if isinstance(annotation, type) else ""


def _is_dict(annotation: Any) -> bool:
    if typing.get_origin(annotation) is typing.Annotated:
        return _is_dict(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) is dict or typing.is_typeddict(annotation):
        return True
    return isinstance(annotation, type) and issubclass(annotation, dict)


def _name(annotation: Any) -> str:
    if isinstance(annotation, type) and typing.get_origin(annotation) is None:
        return annotation.__qualname__
    return str(annotation)
