"""Classes with declared members: dataclasses, named tuples, typed dicts, enumerations."""

from __future__ import annotations

import sys
import typing

from ..._native import from_json, to_json
from ..annotations import resolved
from ..plain_types import ADVICE, literal, with_default
from .invalid_value import InvalidValue
from .json_type import KINDS, Type, read_part

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .json_type import TypeBuilder

_SCALARS = (str, int, float, bool, type(None))
_NO_DEFAULT = object()


def is_enum(kind: type) -> bool:
    return "enum" in sys.modules and issubclass(kind, sys.modules["enum"].Enum)


def is_dataclass(kind: type) -> bool:
    return "__dataclass_fields__" in dir(kind)


def is_named_tuple(kind: type) -> bool:
    return issubclass(kind, tuple) and hasattr(kind, "_fields") and hasattr(kind, "_make")


def value_of(member: Any) -> Any:
    """The JSON for a member of an enumeration: its value, or its name if not all values are JSON scalars."""
    kind: Any = type(member)
    return member.value if all(type(one.value) in _SCALARS for one in kind) else member.name


def enum(types: TypeBuilder, kind: Any) -> Type:
    if issubclass(kind, sys.modules["enum"].Flag):
        if types.results:
            return Type({"type": "integer"}, ("integer",), write=_write_member)
        raise TypeError(f"{kind.__qualname__} is a Flag, and its combinations have no names{ADVICE}")
    members = list(kind)
    if not members:
        raise TypeError(f"{kind.__qualname__} is an enumeration without members; add at least one")
    by_json = {value_of(member): member for member in members}
    schema = _described(literal(tuple(by_json)), kind)
    return Type(schema, {KINDS[type(value)] for value in by_json}, by_json.__getitem__, _write_member)


def _write_member(value: Any) -> Any:
    return value_of(value) if is_enum(type(value)) else value


def fields_of(kind: Any) -> list[tuple[str, Any, bool]]:
    """The keys of a ``TypedDict``: name, annotation, whether the key is required."""
    fields = []
    for name, annotation in _hints(kind).items():
        annotation, marker = _without_markers(annotation)
        # The class does not know the marker if the annotation was a string.
        is_required = {"Required": True, "NotRequired": False}.get(marker, name in kind.__required_keys__)
        fields.append((name, annotation, is_required))
    return fields


def typed_dict(types: TypeBuilder, kind: Any, variables: dict[Any, Any]) -> Type:
    fields: list[tuple[str, Any, bool, Any, str | None]] = [(*field, _NO_DEFAULT, None) for field in fields_of(kind)]
    return _object(types, kind, fields, variables, None, dict.get)


def dataclass(types: TypeBuilder, kind: Any, variables: dict[Any, Any]) -> Type:
    import dataclasses

    markers: Any = dataclasses
    hints = _hints(kind)
    fields: list[tuple[str, Any, bool, Any, str | None]] = []
    for name, field in kind.__dataclass_fields__.items():
        if field._field_type is markers._FIELD_INITVAR:
            raise TypeError(f"{kind.__qualname__}.{name} is an InitVar, which is not a field{ADVICE}")
        if field._field_type is not markers._FIELD:
            continue
        if not (field.init or types.results):
            continue
        default: Any = _NO_DEFAULT
        if field.default is not dataclasses.MISSING:
            default = field.default
        elif field.default_factory in (list, dict, set, frozenset, tuple):
            default = field.default_factory()
        is_required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        text = field.metadata.get("description")
        fields.append((name, hints[name], is_required, default, text if isinstance(text, str) else None))
    return _object(types, kind, fields, variables, kind, getattr)


def named_tuple(types: TypeBuilder, kind: Any, variables: dict[Any, Any]) -> Type:
    hints = _hints(kind)
    defaults = kind._field_defaults
    fields: list[tuple[str, Any, bool, Any, str | None]] = [
        (name, hints.get(name, object), name not in defaults, defaults.get(name, _NO_DEFAULT), None)
        for name in kind._fields
    ]
    return _object(types, kind, fields, variables, kind, getattr, always_written=True)


def _object(
    types: TypeBuilder,
    kind: Any,
    fields: list[tuple[str, Any, bool, Any, str | None]],
    variables: dict[Any, Any],
    make: Any,
    get: Any,
    always_written: bool = False,
) -> Type:
    """An object from its fields: name, annotation, whether the field is required, default, description.

    ``make`` makes the value; ``None`` if the value is a dict. ``get`` reads a field of the value. ``always_written``
    converts the value even if all fields are JSON.
    """
    from ..docstring import parameters_of

    described = parameters_of(kind.__doc__) if has_own_doc(kind) else {}
    properties: dict[str, Any] = {}
    required, readers, writers = [], {}, {}
    for name, annotation, is_required, default, text in fields:
        try:
            found = types.of(annotation, variables)
        except TypeError as error:
            raise TypeError(f"{kind.__qualname__}.{name}: {error}") from None
        schema = found.schema
        text = text or described.get(name)
        if text and "description" not in schema:
            schema = {**schema, "description": text}
        if is_required or types.results and make is not None:
            required.append(name)
        elif default is not _NO_DEFAULT and not types.results:
            schema = _with_default(schema, found, default)
        properties[name] = schema
        if found.read is not None:
            readers[name] = found.read
        if found.write is not None:
            writers[name] = found.write
    schema = _described({"type": "object"}, kind)
    schema["properties"] = properties
    if required:
        schema["required"] = required
    if not types.results:
        schema["additionalProperties"] = False

    def read(value: dict[str, Any]) -> Any:
        members = value
        if readers:
            members = {name: read_part(name, readers.get(name), one) for name, one in value.items()}
        if make is None:
            return members
        try:
            return make(**members)
        except (ValueError, AssertionError) as error:  # from __post_init__
            raise InvalidValue(str(error) or type(error).__name__) from None

    names = [name for name, *_ in fields]

    def write(value: Any) -> Any:
        if make is None:
            if not isinstance(value, dict):
                return value
            return {name: writers[name](one) if name in writers else one for name, one in value.items()}
        if not isinstance(value, make):
            return value
        return {name: writers[name](get(value, name)) if name in writers else get(value, name) for name in names}

    return Type(
        schema,
        ("object",),
        read if readers or make is not None else None,
        write if writers or always_written else None,
        is_object=True,
    )


def _with_default(schema: dict[str, Any], found: Type, default: Any) -> dict[str, Any]:
    """Adds a default to the schema of a field. It is information only: the class itself fills in its defaults."""
    try:
        value = from_json(to_json(default if found.write is None else found.write(default), rich=True))
    except (ValueError, TypeError, AttributeError):
        return schema
    return with_default(schema, value)


def has_own_doc(kind: type) -> bool:
    """Whether the docstring is written by hand. Dataclasses and named tuples may have generated ones."""
    text: Any = kind.__dict__.get("__doc__")
    return bool(text) and not text.startswith(f"{kind.__name__}(") and text != "An enumeration."


def _described(schema: dict[str, Any], kind: type) -> dict[str, Any]:
    if not has_own_doc(kind):
        return schema
    from ..docstring import split
    from ..inspection import doc

    return {**schema, "description": split(doc(kind) or "", None)[0]}


def _hints(kind: Any) -> dict[str, Any]:
    """The annotations of a class. They may name the class itself, even if it is local to a function."""
    try:
        found = typing.get_type_hints(kind, None, {kind.__name__: kind}, include_extras=True)
        if sys.version_info < (3, 11):
            names = {**vars(sys.modules.get(kind.__module__, typing)), kind.__name__: kind}
            found = {name: resolved(annotation, names) for name, annotation in found.items()}
        return found
    except NameError as error:
        raise TypeError(f"an annotation of {kind.__qualname__} has an undefined name: {error}") from None


def _without_markers(annotation: Any) -> tuple[Any, str]:
    """An annotation without ``Required``, ``NotRequired`` and ``ReadOnly``, and the first or second of these names."""
    found = ""
    while True:
        origin = typing.get_origin(annotation)
        name = getattr(origin, "_name", None) or getattr(origin, "__name__", "")
        if name not in ("Required", "NotRequired", "ReadOnly"):
            return annotation, found
        found = name if name != "ReadOnly" else found
        (annotation,) = typing.get_args(annotation)
