"""Classes with declared members: dataclasses, named tuples, typed dicts, enumerations."""

from __future__ import annotations

import sys
import typing

from .._errors import Misfit
from .._native import from_json, to_json
from . import schema as _schema
from .annotations import resolved

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .types import Type, Types

_SCALARS = (str, int, float, bool, type(None))
_NOTHING = object()


def is_enum(kind: type) -> bool:
    return "enum" in sys.modules and issubclass(kind, sys.modules["enum"].Enum)


def is_dataclass(kind: type) -> bool:
    return "__dataclass_fields__" in dir(kind)


def is_named_tuple(kind: type) -> bool:
    return issubclass(kind, tuple) and hasattr(kind, "_fields") and hasattr(kind, "_make")


def value_of(member: Any) -> Any:
    """What stands for a member of an enumeration: its value, or its name where not all values are JSON's."""
    kind: Any = type(member)
    return member.value if all(type(one.value) in _SCALARS for one in kind) else member.name


def enum(types: Types, kind: Any) -> Type:
    from .types import _KINDS, Type

    if issubclass(kind, sys.modules["enum"].Flag):
        if types.results:
            return Type({"type": "integer"}, ("integer",), write=_writes_member)
        raise TypeError(f"{kind.__qualname__} is a Flag, whose combinations have no names{_schema.ADVICE}")
    members = list(kind)
    if not members:
        raise TypeError(f"{kind.__qualname__} has no members")
    back = {value_of(member): member for member in members}
    schema = _described(_schema.literal(tuple(back)), kind)
    return Type(schema, {_KINDS[type(value)] for value in back}, back.__getitem__, _writes_member)


def _writes_member(value: Any) -> Any:
    return value_of(value) if is_enum(type(value)) else value


def fields_of(kind: Any) -> list[tuple[str, Any, bool]]:
    """The keys of a ``TypedDict``: name, annotation, whether it is needed."""
    fields = []
    for name, annotation in _hints(kind).items():
        annotation, word = _bare(annotation)
        # By the word, because texts hide it from the class.
        needed = {"Required": True, "NotRequired": False}.get(word, name in kind.__required_keys__)
        fields.append((name, annotation, needed))
    return fields


def typed_dict(types: Types, kind: Any, variables: dict[Any, Any]) -> Type:
    fields: list[tuple[str, Any, bool, Any, str | None]] = [(*field, _NOTHING, None) for field in fields_of(kind)]
    return _object(types, kind, fields, variables, None, dict.get)


def dataclass(types: Types, kind: Any, variables: dict[Any, Any]) -> Type:
    import dataclasses

    words: Any = dataclasses
    hints = _hints(kind)
    fields: list[tuple[str, Any, bool, Any, str | None]] = []
    for name, field in kind.__dataclass_fields__.items():
        if field._field_type is words._FIELD_INITVAR:
            raise TypeError(
                f"{kind.__qualname__}.{name} is an InitVar, which is no field{_schema.ADVICE}"
            )
        if field._field_type is not words._FIELD:
            continue
        if not (field.init or types.results):
            continue
        default: Any = _NOTHING
        if field.default is not dataclasses.MISSING:
            default = field.default
        elif field.default_factory in (list, dict, set, frozenset, tuple):
            default = field.default_factory()
        needed = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        said = field.metadata.get("description")
        fields.append((name, hints[name], needed, default, said if isinstance(said, str) else None))
    return _object(types, kind, fields, variables, kind, getattr)


def named_tuple(types: Types, kind: Any, variables: dict[Any, Any]) -> Type:
    hints = _hints(kind)
    defaults = kind._field_defaults
    fields: list[tuple[str, Any, bool, Any, str | None]] = [
        (name, hints.get(name, object), name not in defaults, defaults.get(name, _NOTHING), None)
        for name in kind._fields
    ]
    return _object(types, kind, fields, variables, kind, getattr, always=True)


def _object(
    types: Types,
    kind: Any,
    fields: list[tuple[str, Any, bool, Any, str | None]],
    variables: dict[Any, Any],
    make: Any,
    get: Any,
    always: bool = False,
) -> Type:
    """An object from its fields: name, annotation, whether it is needed, default, description.

    ``make`` makes the value, if it is not a dict; ``get`` gives a field of it. ``always`` writes it even where all
    fields are JSON.
    """
    from .docstring import parameters_of
    from .types import Type, at

    described = parameters_of(kind.__doc__) if own_doc(kind) else {}
    properties: dict[str, Any] = {}
    required, reads, writes = [], {}, {}
    for name, annotation, needed, default, said in fields:
        try:
            found = types.of(annotation, variables)
        except TypeError as error:
            raise TypeError(f"{kind.__qualname__}.{name}: {error}") from None
        schema = found.schema
        said = said or described.get(name)
        if said and "description" not in schema:
            schema = {**schema, "description": said}
        if needed or types.results and make is not None:
            required.append(name)
        elif default is not _NOTHING and not types.results:
            schema = _with_default(schema, found, default)
        properties[name] = schema
        if found.read is not None:
            reads[name] = found.read
        if found.write is not None:
            writes[name] = found.write
    schema = _described({"type": "object"}, kind)
    schema["properties"] = properties
    if required:
        schema["required"] = required
    if not types.results:
        schema["additionalProperties"] = False

    def read(value: dict[str, Any]) -> Any:
        given = value
        if reads:
            given = {name: at(name, reads.get(name), one) for name, one in value.items()}
        if make is None:
            return given
        try:
            return make(**given)
        except (ValueError, AssertionError) as error:  # what __post_init__ says of the values
            raise Misfit(str(error) or type(error).__name__) from None

    names = [name for name, *_ in fields]

    def write(value: Any) -> Any:
        if make is None:
            if not isinstance(value, dict):
                return value
            return {name: writes[name](one) if name in writes else one for name, one in value.items()}
        if not isinstance(value, make):
            return value
        return {name: writes[name](get(value, name)) if name in writes else get(value, name) for name in names}

    return Type(
        schema,
        ("object",),
        read if reads or make is not None else None,
        write if writes or always else None,
        is_object=True,
    )


def _with_default(schema: dict[str, Any], found: Type, default: Any) -> dict[str, Any]:
    """For people: the engine fills in defaults of arguments, the class those of its fields."""
    try:
        value = from_json(to_json(default if found.write is None else found.write(default), rich=True))
    except (ValueError, TypeError, AttributeError):
        return schema
    return _schema.with_default(schema, value)


def own_doc(kind: type) -> bool:
    """Whether somebody wrote its docstring: those of dataclasses and named tuples may be made."""
    text: Any = kind.__dict__.get("__doc__")
    return bool(text) and not text.startswith(f"{kind.__name__}(") and text != "An enumeration."


def _described(schema: dict[str, Any], kind: type) -> dict[str, Any]:
    if not own_doc(kind):
        return schema
    from .docstring import split
    from .signature import doc

    return {**schema, "description": split(doc(kind) or "", None)[0]}


def _hints(kind: Any) -> dict[str, Any]:
    """The annotations of a class; it may name itself, wherever it was made."""
    try:
        found = typing.get_type_hints(kind, None, {kind.__name__: kind}, include_extras=True)
        if sys.version_info < (3, 11):
            names = {**vars(sys.modules.get(kind.__module__, typing)), kind.__name__: kind}
            found = {name: resolved(annotation, names) for name, annotation in found.items()}
        return found
    except NameError as error:
        raise TypeError(f"an annotation of {kind.__qualname__} cannot be resolved: {error}") from None


def _bare(annotation: Any) -> tuple[Any, str]:
    """Without what says only whether a field is needed, and that word."""
    said = ""
    while True:
        origin = typing.get_origin(annotation)
        word = getattr(origin, "_name", None) or getattr(origin, "__name__", "")
        if word not in ("Required", "NotRequired", "ReadOnly"):
            return annotation, said
        said = word if word != "ReadOnly" else said
        (annotation,) = typing.get_args(annotation)
