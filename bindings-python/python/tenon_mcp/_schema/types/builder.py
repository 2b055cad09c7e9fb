"""Builds the types of one schema from annotations.

This module is loaded for signatures with such types. ``plain_types`` has the others.
"""

from __future__ import annotations

from ..annotations import ANNOTATED, LITERAL, UNION, alias_of, is_any, is_typed_dict, origin_and_arguments
from ..plain_types import ADVICE, plain, type_name
from . import metadata
from .containers import ARRAYS, OBJECTS, array, mapping
from .invalid_value import InvalidValue
from .json_type import ALL, Type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from .json_type import Convert

_BASES = {dict: "object", str: "string", int: "integer", float: "number", list: "array", tuple: "array"}


class _UnfinishedType:
    """A named type whose parts are being read. One of its parts may be the type itself."""

    def __init__(self) -> None:
        self.ref: str | None = None
        self.read: Convert | None = None
        self.write: Convert | None = None

    def as_part(self, kinds: Iterable[str]) -> Type:
        """The type as one of its own parts: a reference."""

        def read(value: Any) -> Any:
            return value if self.read is None else self.read(value)

        def write(value: Any) -> Any:
            return value if self.write is None else self.write(value)

        return Type({"$ref": f"#/$defs/{self.ref}"}, kinds, read, write)


class Types:
    """The types of one schema. With ``results`` it is the schema of a result."""

    def __init__(self, results: bool = False) -> None:
        self.results = results
        self.defs: dict[str, Any] = {}
        self.definition_names: dict[bytes, str] = {}
        """The names of definitions that came as JSON Schema, by their text."""
        self._unfinished: dict[Any, _UnfinishedType] = {}
        self._known: dict[Any, Type] = {}

    def of(self, annotation: Any, variables: dict[Any, Any] | None = None) -> Type:
        """The type of an annotation. ``variables`` has the values of type variables. Raises ``TypeError``."""
        if annotation is object or is_any(annotation):
            return Type({}, ALL)
        if annotation is None or annotation in (str, bool, type(None)):
            schema = plain(annotation)
            return Type(schema, (schema["type"],))
        if annotation is int:
            return Type({"type": "integer"}, ("integer",), _integer)
        if annotation is float:
            return Type({"type": "number"}, ("number", "integer"), _number)
        if variables and annotation in variables:
            return self.of(variables[annotation], variables)
        supertype = getattr(annotation, "__supertype__", None)  # NewType
        if supertype is not None:
            return self.of(supertype, variables)
        alias = alias_of(annotation)
        if alias is not None:
            name, value, own = alias
            inner = {**(variables or {}), **own}
            return self._named(annotation, name, ALL, lambda: self.of(value, inner))
        origin, arguments = origin_and_arguments(annotation)
        if origin is ANNOTATED:
            return metadata.applied(self, annotation, arguments, variables)
        if origin is UNION:
            from .unions import union_type

            return union_type(self, annotation, arguments, variables)
        if origin is LITERAL:
            from .unions import literal_type

            return literal_type(arguments)
        bare = annotation if origin is None else origin
        if isinstance(bare, type):
            if bare in ARRAYS:
                return array(self, annotation, ARRAYS[bare], arguments, variables)
            if bare in OBJECTS:
                return mapping(self, annotation, arguments, variables)
            found = self._class(annotation, bare, arguments, variables)
            if found is None and self.results:
                found = self._result_only(annotation, bare, arguments, variables)
            if found is not None:
                return found
        advice = "" if self.results else ADVICE
        raise TypeError(f"{type_name(annotation)} is not a JSON type{advice}")

    def _named(self, key: Any, name: str, kinds: Iterable[str], build: Callable[[], Type]) -> Type:
        """Builds a type that may be one of its own parts. Only such a type becomes a definition with references."""
        known = self._known.get(key)
        if known is not None:
            return known
        unfinished = self._unfinished.get(key)
        if unfinished is not None:
            if unfinished.ref is None:
                unfinished.ref = self.new_definition(name)
            return unfinished.as_part(kinds)
        unfinished = self._unfinished[key] = _UnfinishedType()
        try:
            found = build()
        finally:
            del self._unfinished[key]
        unfinished.read, unfinished.write = found.read, found.write
        if unfinished.ref is not None:
            self.defs[unfinished.ref] = found.schema
            found = Type({"$ref": f"#/$defs/{unfinished.ref}"}, found.kinds, found.read, found.write, found.is_object)
        if not self._unfinished:  # otherwise the type may refer to one that is not complete
            self._known[key] = found
        return found

    def new_definition(self, name: str) -> str:
        """Reserves a name for a definition."""
        name = "".join(letter if letter.isalnum() or letter in "_-." else "_" for letter in name)
        number, unused = 1, name
        while unused in self.defs:
            number += 1
            unused = f"{name}{number}"
        self.defs[unused] = {}
        return unused

    def whole(self, schema: dict[str, Any]) -> dict[str, Any]:
        """A schema with its definitions. Its root is no reference, because some clients do not follow one there."""
        if not self.defs:
            return schema
        root = schema.get("$ref")
        if root is not None:
            siblings = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {**self.defs[root.rpartition("/")[2]], **siblings}
        return {**schema, "$defs": self.defs}

    def _class(
        self, annotation: Any, bare: type, arguments: tuple[Any, ...], variables: dict[Any, Any] | None
    ) -> Type | None:
        from . import classes, pydantic, scalars

        if pydantic.is_own(bare):
            return pydantic.of(self, annotation)
        own = dict(zip(getattr(bare, "__parameters__", ()), arguments))
        own = {name: (variables or {}).get(value, value) for name, value in own.items()}
        if classes.is_enum(bare):
            return classes.enum(self, bare)
        if is_typed_dict(bare):
            build = classes.typed_dict
        elif classes.is_dataclass(bare):
            build = classes.dataclass
        elif classes.is_named_tuple(bare):
            build = classes.named_tuple
        else:
            return scalars.of(self, bare) or (pydantic.of(self, annotation) if pydantic.is_for(bare) else None)
        key = (bare, *(own[name] for name in own))
        return self._named(key, bare.__name__, ("object",), lambda: build(self, bare, own))

    def _result_only(
        self, annotation: Any, bare: type, arguments: tuple[Any, ...], variables: dict[Any, Any] | None
    ) -> Type | None:
        """The type of a class that can be written but not read, such as a subclass of ``dict``."""
        if bare.__module__.partition(".")[0] == "numpy":
            return Type({}, ALL)  # a number or a list, depending on the value
        if issubclass(bare, dict) and len(arguments) == 2:
            return mapping(self, annotation, arguments, variables)
        for kind, name in _BASES.items():
            if issubclass(bare, kind):
                return Type({"type": name}, (name,), is_object=kind is dict)
        return None


def _integer(value: Any) -> Any:
    return int(value) if type(value) is float else value


def _number(value: Any) -> Any:
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise InvalidValue("the number is too large for a float") from None
    return value
