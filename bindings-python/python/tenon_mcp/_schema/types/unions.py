"""Unions and literals."""

from __future__ import annotations

from ..annotations import ANNOTATED, is_typed_dict, origin_and_arguments
from ..plain_types import literal, union
from . import classes, pydantic
from .invalid_value import InvalidValue
from .json_type import KINDS, Type, same

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .json_type import Convert, TypeBuilder


def literal_type(values: tuple[Any, ...]) -> Type:
    """One of these values. Members of enumerations are represented as in ``classes.enum``."""
    if not any(classes.is_enum(type(value)) for value in values):
        return Type(literal(values), {KINDS[type(value)] for value in values})
    json = [classes.value_of(value) if classes.is_enum(type(value)) else value for value in values]
    by_json = dict(zip(json, values))
    return Type(literal(tuple(json)), {KINDS[type(value)] for value in json}, by_json.__getitem__)


def union_type(
    types: TypeBuilder, annotation: Any, arguments: tuple[Any, ...], variables: dict[Any, Any] | None
) -> Type:
    if pydantic.is_union(arguments):
        return pydantic.of(types, annotation)
    parts = [types.of(argument, variables) for argument in arguments]
    schema = union([part.schema for part in parts])
    kinds = frozenset().union(*(part.kinds for part in parts))
    is_object = all(part.is_object for part in parts)
    return Type(schema, kinds, _read_one_of(types, parts), _write_one_of(arguments, parts), is_object)


def _read_one_of(types: TypeBuilder, parts: list[Type]) -> Convert | None:
    others = [part for part in parts if part.kinds != {"null"}]
    if all(part.read is None for part in others):
        return None
    if len(others) == 1:
        (only,) = others
        read_only = only.read or same
        return lambda value: None if value is None and "null" not in only.kinds else read_only(value)
    checks = [_schema_check(types, part, others) for part in others]

    def read(value: Any) -> Any:
        kind = KINDS.get(type(value), "object")
        problem = None
        for part, conforms in zip(others, checks):
            # An integer is a number, and a number may be an integer.
            has_kind = kind in part.kinds or kind == "number" and "integer" in part.kinds and value.is_integer()
            if not has_kind or conforms is not None and not conforms(value):
                continue
            if part.read is None:
                return value
            try:
                return part.read(value)
            except InvalidValue as error:
                problem = error
        if problem is not None:
            raise problem
        return value

    return read


def _schema_check(types: TypeBuilder, part: Type, parts: list[Type]) -> Callable[[Any], bool] | None:
    """Checks a value against the schema of a part. ``None`` if the JSON type alone identifies the part."""
    if not any(part.kinds & other.kinds for other in parts if other is not part):
        return None
    checker: Any = None

    def conforms(value: Any) -> bool:
        nonlocal checker
        if checker is None:  # made with the first value, because only then all definitions are complete
            from ..._native import Arguments

            schema = {"type": "object", "properties": {"value": part.schema}, "$defs": types.defs}
            checker = Arguments(schema, False)
        try:
            checker.read({"value": value})
        except ValueError:
            return False
        return True

    return conforms


def _write_one_of(arguments: tuple[Any, ...], parts: list[Type]) -> Convert | None:
    """A value is written by the first part whose class it is an instance of."""
    writers = []
    for argument, part in zip(arguments, parts):
        if part.write is not None:
            bare = origin_and_arguments(argument)[0] or argument
            if bare is ANNOTATED:
                bare = origin_and_arguments(argument)[1][0]
            writers.append((bare if isinstance(bare, type) and not is_typed_dict(bare) else None, part.write))
    if not writers:
        return None

    def write(value: Any) -> Any:
        for kind, write_part in writers:
            if kind is not None and isinstance(value, kind):
                return write_part(value)
        return value

    return write
