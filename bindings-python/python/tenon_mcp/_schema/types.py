"""Types that are more than JSON's own: their schemas, and how values of them are read from JSON and written.

Loaded for signatures that have such types; see ``schema`` for the others.
"""

from __future__ import annotations

import collections
import collections.abc
import typing

from .._errors import Misfit
from . import metadata as _metadata
from . import schema as _schema
from .annotations import ANNOTATED, LITERAL, UNION, alias_of, is_any, is_typed_dict, taken_apart

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeAlias

    Convert: TypeAlias = Callable[[Any], Any]

ALL = frozenset(("string", "integer", "number", "boolean", "null", "array", "object"))
_ARRAYS = {
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
_OBJECTS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_BASES = {dict: "object", str: "string", int: "integer", float: "number", list: "array", tuple: "array"}
_KINDS = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null", list: "array"}


class Type:
    """A type as JSON has it.

    ``read`` makes a value of it from JSON that conforms to ``schema``, ``write`` makes JSON of a value; ``None`` where
    it is the same. ``read`` raises ``Misfit``. ``kinds`` are the JSON types that it may be.
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


class _Open:
    """A type with a name whose parts are being looked at; one of them may be itself."""

    def __init__(self) -> None:
        self.ref: str | None = None
        self.read: Convert | None = None
        self.write: Convert | None = None

    def as_part(self, kinds: Iterable[str]) -> Type:
        def read(value: Any) -> Any:
            return value if self.read is None else self.read(value)

        def write(value: Any) -> Any:
            return value if self.write is None else self.write(value)

        return Type({"$ref": f"#/$defs/{self.ref}"}, kinds, read, write)


class Types:
    """The types of one schema. With ``results`` it is that of a result."""

    def __init__(self, results: bool = False) -> None:
        self.results = results
        self.defs: dict[str, Any] = {}
        self.texts: dict[bytes, str] = {}
        """The names of definitions that came as JSON Schema, by what they say."""
        self._open: dict[Any, _Open] = {}
        self._known: dict[Any, Type] = {}

    def of(self, annotation: Any, given: dict[Any, Any] | None = None) -> Type:
        """The type of an annotation; ``given`` says what type variables stand for. Raises ``TypeError``."""
        if annotation is object or is_any(annotation):
            return Type({}, ALL)
        if annotation is None or annotation in (str, bool, type(None)):
            return self._plain(annotation)
        if annotation is int:
            return Type({"type": "integer"}, ("integer",), _integer)
        if annotation is float:
            return Type({"type": "number"}, ("number", "integer"), _number)
        if given and annotation in given:
            return self.of(given[annotation], given)
        supertype = getattr(annotation, "__supertype__", None)  # NewType
        if supertype is not None:
            return self.of(supertype, given)
        alias = alias_of(annotation)
        if alias is not None:
            name, value, variables = alias
            within = {**(given or {}), **variables}
            return self.named(annotation, name, ALL, lambda: self.of(value, within))
        origin, arguments = taken_apart(annotation)
        if origin is ANNOTATED:
            return _metadata.applied(self, annotation, arguments, given)
        if origin is UNION:
            return self._union(annotation, arguments, given)
        if origin is LITERAL:
            return self._literal(arguments)
        bare = annotation if origin is None else origin
        if isinstance(bare, type):
            if bare in _ARRAYS:
                return self._array(annotation, _ARRAYS[bare], arguments, given)
            if bare in _OBJECTS:
                return self._mapping(annotation, arguments, given)
            found = self._class(annotation, bare, arguments, given)
            if found is None and self.results:
                found = self._written(annotation, bare, arguments, given)
            if found is not None:
                return found
        remedy = "" if self.results else _schema.ADVICE
        raise TypeError(f"{_schema.name(annotation)} is no JSON type{remedy}")

    def named(self, key: Any, name: str, kinds: Iterable[str], build: Callable[[], Type]) -> Type:
        """A type that may have itself among its parts; only then it is referred to."""
        known = self._known.get(key)
        if known is not None:
            return known
        opened = self._open.get(key)
        if opened is not None:
            if opened.ref is None:
                opened.ref = self.free(name)
            return opened.as_part(kinds)
        opened = self._open[key] = _Open()
        try:
            found = build()
        finally:
            del self._open[key]
        opened.read, opened.write = found.read, found.write
        if opened.ref is not None:
            self.defs[opened.ref] = found.schema
            found = Type({"$ref": f"#/$defs/{opened.ref}"}, found.kinds, found.read, found.write, found.is_object)
        if not self._open:  # else it may lean on what is not complete
            self._known[key] = found
        return found

    def free(self, name: str) -> str:
        """A name for a definition, which stays with whoever asked."""
        name = "".join(letter if letter.isalnum() or letter in "_-." else "_" for letter in name)
        number, free = 1, name
        while free in self.defs:
            number += 1
            free = f"{name}{number}"
        self.defs[free] = {}
        return free

    def whole(self, schema: dict[str, Any]) -> dict[str, Any]:
        """A schema with the definitions it needs; its root is no reference, which some clients do not follow."""
        if not self.defs:
            return schema
        root = schema.get("$ref")
        if root is not None:
            said = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {**self.defs[root.rpartition("/")[2]], **said}
        return {**schema, "$defs": self.defs}

    def _plain(self, annotation: Any) -> Type:
        schema = _schema.plain(annotation)
        return Type(schema, (schema["type"],))

    def _class(
        self, annotation: Any, bare: type, arguments: tuple[Any, ...], given: dict[Any, Any] | None
    ) -> Type | None:
        from . import classes as _classes
        from . import pydantic as _pydantic
        from . import scalars as _scalars

        if _pydantic.is_own(bare):
            return _pydantic.of(self, annotation)
        variables = dict(zip(getattr(bare, "__parameters__", ()), arguments))
        variables = {name: (given or {}).get(stands_for, stands_for) for name, stands_for in variables.items()}
        if _classes.is_enum(bare):
            return _classes.enum(self, bare)
        if is_typed_dict(bare):
            build = _classes.typed_dict
        elif _classes.is_dataclass(bare):
            build = _classes.dataclass
        elif _classes.is_named_tuple(bare):
            build = _classes.named_tuple
        else:
            return _scalars.of(self, bare) or (_pydantic.of(self, annotation) if _pydantic.is_for(bare) else None)
        key = (bare, *(variables[name] for name in variables))
        return self.named(key, bare.__name__, ("object",), lambda: build(self, bare, variables))

    def _written(
        self, annotation: Any, bare: type, arguments: tuple[Any, ...], given: dict[Any, Any] | None
    ) -> Type | None:
        """What a value is written as that is of no type which could be read: an instance of a class of its own."""
        if bare.__module__.partition(".")[0] == "numpy":
            return Type({}, ALL)  # a number or a list, as it turns out
        if issubclass(bare, dict) and len(arguments) == 2:
            return self._mapping(annotation, arguments, given)
        for kind, word in _BASES.items():
            if issubclass(bare, kind):
                return Type({"type": word}, (word,), is_object=kind is dict)
        return None

    def _array(self, annotation: Any, make: type, arguments: tuple[Any, ...], given: dict[Any, Any] | None) -> Type:
        if make is tuple and arguments and arguments[-1] is not ...:
            return self._tuple(() if arguments == ((),) else arguments, given)
        if make is tuple and annotation is not tuple and not arguments and hasattr(annotation, "__args__"):
            return self._tuple((), given)  # tuple[()]
        schema: dict[str, Any] = {"type": "array"}
        item = self.of(arguments[0], given) if arguments else Type({}, ALL)
        if item.schema:
            schema["items"] = item.schema
        if make in (set, frozenset):
            schema["uniqueItems"] = True
        return Type(schema, ("array",), _reads_items(item.read, make), _writes_items(item.write, make))

    def _tuple(self, arguments: tuple[Any, ...], given: dict[Any, Any] | None) -> Type:
        items = [self.of(argument, given) for argument in arguments]
        schemas = [item.schema for item in items]
        schema: dict[str, Any] = {"type": "array"}
        if schemas and all(one == schemas[0] for one in schemas):
            schema["items"] = schemas[0]
        elif schemas:
            schema["prefixItems"] = schemas
        schema = {**schema, "minItems": len(items), "maxItems": len(items)}
        reads = [item.read for item in items]
        writes = [item.write for item in items]

        def write(value: Any) -> Any:
            return [each(one) if each else one for each, one in zip(writes, value)]

        def read(value: list[Any]) -> tuple[Any, ...]:
            return tuple([_at(place, each, one) for place, (each, one) in enumerate(zip(reads, value))])

        return Type(schema, ("array",), read, write if any(writes) else None)

    def _mapping(self, annotation: Any, arguments: tuple[Any, ...], given: dict[Any, Any] | None) -> Type:
        if not arguments:
            return Type({"type": "object"}, ("object",), is_object=True)
        key, value = (self.of(argument, given) for argument in arguments)
        if key.kinds != {"string"}:
            raise TypeError(f"{_schema.name(annotation)} is no JSON type: the keys of an object are str")
        schema: dict[str, Any] = {"type": "object"}
        names = {name: said for name, said in key.schema.items() if name != "type"}
        if names:
            schema["propertyNames"] = names
        if value.schema:
            schema["additionalProperties"] = value.schema
        is_same = not (key.read or value.read)
        read_key, read_value, write_value = key.read or _same, value.read or _same, value.write or _same

        def read(given: dict[str, Any]) -> dict[Any, Any]:
            return {_at(name, read_key, name): _at(name, read_value, one) for name, one in given.items()}

        def write(given: Any) -> Any:
            from .json_defaults import key_of

            return {key_of(name): write_value(one) for name, one in given.items()} if hasattr(given, "items") else given

        plain = key.read is None and key.write is None and value.write is None
        return Type(schema, ("object",), None if is_same else read, None if plain else write, is_object=True)

    def _literal(self, values: tuple[Any, ...]) -> Type:
        from . import classes as _classes

        if not any(_classes.is_enum(type(value)) for value in values):
            schema = _schema.literal(values)
            return Type(schema, {_KINDS[type(value)] for value in values})
        plain = [_classes.value_of(value) if _classes.is_enum(type(value)) else value for value in values]
        back = dict(zip(plain, values))
        return Type(_schema.literal(tuple(plain)), {_KINDS[type(value)] for value in plain}, back.__getitem__)

    def _union(self, annotation: Any, arguments: tuple[Any, ...], given: dict[Any, Any] | None) -> Type:
        from . import pydantic as _pydantic

        if _pydantic.is_union(arguments):
            return _pydantic.of(self, annotation)
        parts = [self.of(argument, given) for argument in arguments]
        schema = _schema.union([part.schema for part in parts])
        kinds = frozenset().union(*(part.kinds for part in parts))
        is_object = all(part.is_object for part in parts)
        return Type(schema, kinds, self._reads_one_of(parts), self._writes_one_of(arguments, parts), is_object)

    def _reads_one_of(self, parts: list[Type]) -> Convert | None:
        others = [part for part in parts if part.kinds != {"null"}]
        if all(part.read is None for part in others):
            return None
        if len(others) == 1:
            (only,) = others
            read_only = only.read or _same
            return lambda value: None if value is None and "null" not in only.kinds else read_only(value)
        checks = [self._check(part, others) for part in others]

        def read(value: Any) -> Any:
            kind = _KINDS.get(type(value), "object")
            problem = None
            for part, fits in zip(others, checks):
                # An integer is a number, and a number may be an integer.
                is_of = kind in part.kinds or kind == "number" and "integer" in part.kinds and value.is_integer()
                if not is_of or fits is not None and not fits(value):
                    continue
                if part.read is None:
                    return value
                try:
                    return part.read(value)
                except Misfit as misfit:
                    problem = misfit
            if problem is not None:
                raise problem
            return value

        return read

    def _check(self, part: Type, parts: list[Type]) -> Callable[[Any], bool] | None:
        """What tells a part of a union from others of the same JSON type: its schema."""
        if not any(part.kinds & other.kinds for other in parts if other is not part):
            return None
        checker: Any = None

        def fits(value: Any) -> bool:
            nonlocal checker
            if checker is None:  # not before all definitions are complete
                from .._native import Arguments

                schema = {"type": "object", "properties": {"value": part.schema}, "$defs": self.defs}
                checker = Arguments(schema, False)
            try:
                checker.read({"value": value})
            except ValueError:
                return False
            return True

        return fits

    def _writes_one_of(self, arguments: tuple[Any, ...], parts: list[Type]) -> Convert | None:
        """The first part whose class a value is of writes it."""
        writers = []
        for argument, part in zip(arguments, parts):
            if part.write is not None:
                bare = taken_apart(argument)[0] or argument
                if bare is ANNOTATED:
                    bare = taken_apart(argument)[1][0]
                writers.append((bare if isinstance(bare, type) and not is_typed_dict(bare) else None, part.write))
        if not writers:
            return None

        def write(value: Any) -> Any:
            for kind, each in writers:
                if kind is not None and isinstance(value, kind):
                    return each(value)
            return value

        return write


def _same(value: Any) -> Any:
    return value


def _integer(value: Any) -> Any:
    return int(value) if type(value) is float else value


def _number(value: Any) -> Any:
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise Misfit("the number is too large") from None
    return value


def _at(place: object, read: Convert | None, value: Any) -> Any:
    """Reads a part; what does not fit is told with its place."""
    if read is None:
        return value
    try:
        return read(value)
    except Misfit as misfit:
        raise misfit.within(place) from None


at = _at


def _reads_items(read: Convert | None, make: type) -> Convert | None:
    if read is None:
        return None if make is list else make

    def items(value: list[Any]) -> Any:
        try:
            return make([read(one) for one in value])
        except Misfit:
            return make([_at(place, read, one) for place, one in enumerate(value)])
        except TypeError:  # not hashable
            raise Misfit("its items cannot be in a set") from None

    return items if make in (set, frozenset) else _without_hash(read, make)


def _without_hash(read: Convert, make: type) -> Convert:
    def items(value: list[Any]) -> Any:
        try:
            found = [read(one) for one in value]
        except Misfit:
            found = [_at(place, read, one) for place, one in enumerate(value)]
        return found if make is list else make(found)

    return items


def _writes_items(write: Convert | None, make: type) -> Convert | None:
    if write is None and make in (list, tuple):
        return None

    def items(value: Any) -> Any:
        if isinstance(value, (str, bytes, dict)) or not isinstance(value, collections.abc.Iterable):
            return value
        return [write(one) for one in value] if write is not None else list(value)

    return items


def unpacked(annotation: Any) -> Any:
    """The ``TypedDict`` of an ``Unpack``, if it is one."""
    origin = typing.get_origin(annotation)
    if origin is not None and getattr(origin, "__name__", getattr(origin, "_name", None)) == "Unpack":
        return typing.get_args(annotation)[0]
    return None
