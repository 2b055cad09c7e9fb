"""The schemas of JSON's own types, whose values need no conversion, and parts of schemas that other modules share."""

from __future__ import annotations

from .._native import to_json
from .annotations import ANNOTATED, LITERAL, UNION, is_any, is_typed_dict, origin_and_arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

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
_NUMERIC = (int, float, bool)
_UNINFORMATIVE = (str, *_NUMERIC, list, object, None, type(None))

ADVICE = "; pass an input_schema"
"""The end of messages about types without a schema. It is removed where no such option exists."""


def plain(annotation: Any) -> dict[str, Any]:
    """The schema of one of JSON's own types. Raises ``TypeError`` for others."""
    if annotation is object or is_any(annotation):
        return {}
    if type(annotation).__hash__ is not None and annotation in _PLAIN:
        return {"type": _PLAIN[annotation]}
    origin, arguments = origin_and_arguments(annotation)
    if origin is ANNOTATED:
        annotated, *metadata = arguments
        if len(metadata) > 1 or not isinstance(metadata[0], str):
            raise TypeError("it has more metadata than a description")
        return {**plain(annotated), "description": metadata[0]}
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
            raise TypeError(f"{type_name(annotation)} is not a JSON type: the keys of an object must be str")
        values = plain(arguments[1])
        return {"type": "object", **({"additionalProperties": values} if values else {})}
    raise TypeError(f"{type_name(annotation)} is not a JSON type{ADVICE}")


def union(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The schema of values that conform to one of these schemas."""
    if {} in parts:
        return {}
    if all(part.keys() == {"type"} and isinstance(part["type"], str) for part in parts):
        return {"type": [part["type"] for part in parts]}
    null = {"type": "null"}
    rest = [part for part in parts if part != null]
    if len(rest) == 1 < len(parts) and not {"type", "enum"}.isdisjoint(rest[0]) and "const" not in rest[0]:
        # One part with details and null stays flat, because details apply only to values of their own type.
        (one,) = rest
        # Python 3.10 wraps an annotation in another Optional if the default is None.
        if takes_null(one):
            return one
        if "type" in one:
            kinds = one["type"] if isinstance(one["type"], list) else [one["type"]]
            one = {**one, "type": [*kinds, "null"]}
        return {**one, "enum": [*one["enum"], None]} if "enum" in one else one
    return {"anyOf": parts}


def literal(values: tuple[Any, ...]) -> dict[str, Any]:
    """The schema of one of these values."""
    kinds = {type(value) for value in values}
    unsupported = kinds - {str, int, bool, type(None)}
    if unsupported:
        raise TypeError(f"a literal of type {unsupported.pop().__name__} is not a JSON value")
    schema = {"type": _PLAIN[kinds.pop()]} if len(kinds) == 1 else {}
    return {**schema, "enum": list(values)}


def with_default(schema: dict[str, Any], default: Any) -> dict[str, Any]:
    """Adds a default to a schema, if JSON can express the default."""
    if default is None and schema:
        # `x: int = None` means an optional int, although the annotation does not say so.
        schema = schema if takes_null(schema) else union([schema, {"type": "null"}])
    try:
        to_json(default)
    except ValueError:
        return schema  # an object by which the function recognises a missing argument
    return {**schema, "default": default}


def takes_null(schema: dict[str, Any]) -> bool:
    kind = schema.get("type")
    return kind == "null" or isinstance(kind, list) and "null" in kind or None in schema.get("enum", ()) or any(
        map(takes_null, schema.get("anyOf", ()))
    )


def is_text(schema: dict[str, Any]) -> bool:
    """Whether the schema allows any string, and no value that a string would be converted to."""
    kind = schema.get("type", "string")
    kinds = [kind] if isinstance(kind, str) else kind
    return "string" in kinds and schema.keys() <= {"type", "description", "default", "title", "items"}


def number(annotation: Any) -> str:
    """The number type that a parameter is converted to, because JSON does not distinguish 3 from 3.0."""
    origin, arguments = origin_and_arguments(annotation)
    if origin is ANNOTATED:
        return number(arguments[0])
    if origin is UNION:
        numbers = [kind for kind in map(number, arguments) if kind]
        return numbers[0] if len(numbers) == 1 else ""
    return _NUMBERS.get(annotation, "") if isinstance(annotation, type) else ""


def is_uninformative(annotation: Any) -> bool:
    """Whether a return annotation says no more than the value itself."""
    return any(annotation is kind for kind in _UNINFORMATIVE) or is_any(annotation)


def of_number(annotation: Any) -> dict[str, Any] | None:
    """The schema of a number or a boolean; ``None`` for all other annotations. It is fast."""
    return {"type": _PLAIN[annotation]} if any(annotation is kind for kind in _NUMERIC) else None


def is_dict(annotation: Any) -> bool:
    """Whether an annotation is a dict or a ``TypedDict``."""
    origin, arguments = origin_and_arguments(annotation)
    if origin is ANNOTATED:
        return is_dict(arguments[0])
    if origin is dict or is_typed_dict(annotation):
        return True
    return isinstance(annotation, type) and issubclass(annotation, dict)


def type_name(annotation: Any) -> str:
    """An annotation as messages show it."""
    if isinstance(annotation, type) and origin_and_arguments(annotation)[0] is None:
        return annotation.__qualname__
    return str(annotation)
