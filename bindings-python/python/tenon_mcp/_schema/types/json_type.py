"""A Python type as JSON has it. The modules for the kinds of types share this module, and do not import ``types``."""

from __future__ import annotations

from .invalid_value import InvalidValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Protocol, TypeAlias

    Convert: TypeAlias = Callable[[Any], Any]

    class TypeBuilder(Protocol):
        """Builds the types of one schema; see ``Types``."""

        results: bool
        defs: dict[str, Any]
        definition_names: dict[bytes, str]

        def of(self, annotation: Any, variables: dict[Any, Any] | None = None) -> Type: ...

        def new_definition(self, name: str) -> str: ...


ALL = frozenset(("string", "integer", "number", "boolean", "null", "array", "object"))
"""The types of JSON."""
KINDS = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null", list: "array"}
"""JSON's type for each class of values, except for objects."""


class Type:
    """A type as JSON has it.

    ``kinds`` are the JSON types that a value may have. ``read`` converts JSON that conforms to ``schema`` to a value,
    and raises ``InvalidValue``. ``write`` converts a value to JSON. Either is ``None`` if no conversion is needed.
    """

    __slots__ = ("is_object", "kinds", "read", "schema", "write")

    def __init__(
        self,
        schema: dict[str, Any],
        kinds: Iterable[str],
        read: Convert | None = None,
        write: Convert | None = None,
        is_object: bool = False,
    ) -> None:
        self.schema = schema
        self.kinds = frozenset(kinds)
        self.read = read
        self.write = write
        self.is_object = is_object


def read_part(key: object, read: Convert | None, value: Any) -> Any:
    """Converts the part of a value at ``key``. An error has the key in its path."""
    if read is None:
        return value
    try:
        return read(value)
    except InvalidValue as error:
        raise error.under(key) from None


def same(value: Any) -> Any:
    return value
