"""Arrays, tuples and mappings."""

from __future__ import annotations

import collections
import collections.abc

from ..plain_types import type_name
from .invalid_value import InvalidValue
from .json_type import ALL, Type, read_part, same

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .json_type import Convert, TypeBuilder

ARRAYS = {
    list: list,
    collections.abc.Sequence: list,
    collections.abc.MutableSequence: list,
    collections.abc.Iterable: list,
    collections.abc.Collection: list,
    set: set,
    collections.abc.Set: set,
    collections.abc.MutableSet: set,
    frozenset: frozenset,
    tuple: tuple,
    collections.deque: collections.deque,
}
"""The class that is made for each annotation."""
OBJECTS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


def array(
    types: TypeBuilder, annotation: Any, make: type, arguments: tuple[Any, ...], variables: dict[Any, Any] | None
) -> Type:
    """An array whose items have one type, or a tuple."""
    if make is tuple and arguments and arguments[-1] is not ...:
        return _tuple(types, () if arguments == ((),) else arguments, variables)
    if make is tuple and annotation is not tuple and not arguments and hasattr(annotation, "__args__"):
        return _tuple(types, (), variables)  # tuple[()]
    schema: dict[str, Any] = {"type": "array"}
    item = types.of(arguments[0], variables) if arguments else Type({}, ALL)
    if item.schema:
        schema["items"] = item.schema
    if make in (set, frozenset):
        schema["uniqueItems"] = True
    return Type(schema, ("array",), _read_items(item.read, make), _write_items(item.write, make))


def _tuple(types: TypeBuilder, arguments: tuple[Any, ...], variables: dict[Any, Any] | None) -> Type:
    items = [types.of(argument, variables) for argument in arguments]
    schemas = [item.schema for item in items]
    schema: dict[str, Any] = {"type": "array"}
    if schemas and all(one == schemas[0] for one in schemas):
        schema["items"] = schemas[0]
    elif schemas:
        schema["prefixItems"] = schemas
    schema = {**schema, "minItems": len(items), "maxItems": len(items)}
    readers = [item.read for item in items]
    writers = [item.write for item in items]

    def write(value: Any) -> Any:
        return [write_item(item) if write_item else item for write_item, item in zip(writers, value)]

    def read(value: list[Any]) -> tuple[Any, ...]:
        return tuple([read_part(index, each, item) for index, (each, item) in enumerate(zip(readers, value))])

    return Type(schema, ("array",), read, write if any(writers) else None)


def mapping(
    types: TypeBuilder, annotation: Any, arguments: tuple[Any, ...], variables: dict[Any, Any] | None
) -> Type:
    """An object with any keys."""
    if not arguments:
        return Type({"type": "object"}, ("object",), is_object=True)
    key, value = (types.of(argument, variables) for argument in arguments)
    if key.kinds != {"string"}:
        raise TypeError(f"{type_name(annotation)} is not a JSON type: the keys of an object must be str")
    schema: dict[str, Any] = {"type": "object"}
    names = {keyword: detail for keyword, detail in key.schema.items() if keyword != "type"}
    if names:
        schema["propertyNames"] = names
    if value.schema:
        schema["additionalProperties"] = value.schema
    is_same = not (key.read or value.read)
    read_key, read_value, write_value = key.read or same, value.read or same, value.write or same

    def read(members: dict[str, Any]) -> dict[Any, Any]:
        return {read_part(name, read_key, name): read_part(name, read_value, one) for name, one in members.items()}

    def write(members: Any) -> Any:
        from ..json_defaults import key_of

        if not hasattr(members, "items"):
            return members
        return {key_of(name): write_value(one) for name, one in members.items()}

    is_plain = key.read is None and key.write is None and value.write is None
    return Type(schema, ("object",), None if is_same else read, None if is_plain else write, is_object=True)


def _read_items(read: Convert | None, make: type) -> Convert | None:
    if read is None:
        return None if make is list else make

    def items(value: list[Any]) -> Any:
        try:
            return make([read(one) for one in value])
        except InvalidValue:
            return make([read_part(index, read, one) for index, one in enumerate(value)])
        except TypeError:  # not hashable
            raise InvalidValue("its items cannot be in a set, because they are not hashable") from None

    return items if make in (set, frozenset) else _read_ordered_items(read, make)


def _read_ordered_items(read: Convert, make: type) -> Convert:
    def items(value: list[Any]) -> Any:
        try:
            found = [read(one) for one in value]
        except InvalidValue:
            found = [read_part(index, read, one) for index, one in enumerate(value)]
        return found if make is list else make(found)

    return items


def _write_items(write: Convert | None, make: type) -> Convert | None:
    if write is None and make in (list, tuple):
        return None

    def items(value: Any) -> Any:
        if isinstance(value, (str, bytes, dict)) or not isinstance(value, collections.abc.Iterable):
            return value
        return [write(one) for one in value] if write is not None else list(value)

    return items
