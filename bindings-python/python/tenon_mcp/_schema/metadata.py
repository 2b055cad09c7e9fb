"""The metadata in ``Annotated``: descriptions, JSON Schema, constraints, pydantic's ``Field``."""

from __future__ import annotations

import sys

from .._errors import Misfit
from . import schema as _schema
from .signature import described

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from .types import Type, Types

_KEYWORDS = frozenset(
    "title description examples deprecated readOnly writeOnly default enum const multipleOf maximum exclusiveMaximum "
    "minimum exclusiveMinimum maxLength minLength pattern maxItems minItems uniqueItems contains maxContains "
    "minContains maxProperties minProperties propertyNames patternProperties additionalProperties items prefixItems "
    "properties required format contentEncoding contentMediaType type anyOf oneOf allOf not".split()
)
# Constraint: (keyword of a number, how a value is compared, in words)
_BOUNDS: dict[str, tuple[str, Callable[[Any, Any], bool], str]] = {
    "gt": ("exclusiveMinimum", lambda value, bound: value > bound, "must be greater than"),
    "ge": ("minimum", lambda value, bound: value >= bound, "must be at least"),
    "lt": ("exclusiveMaximum", lambda value, bound: value < bound, "must be less than"),
    "le": ("maximum", lambda value, bound: value <= bound, "must be at most"),
    "multiple_of": ("multipleOf", lambda value, factor: not value % factor, "must be a multiple of"),
}
_LENGTHS = {
    "min_length": ({"string": "minLength", "array": "minItems", "object": "minProperties"}, "must have at least"),
    "max_length": ({"string": "maxLength", "array": "maxItems", "object": "maxProperties"}, "must have at most"),
}
_CLASSES = {
    "Gt": "gt",
    "Ge": "ge",
    "Lt": "lt",
    "Le": "le",
    "MultipleOf": "multiple_of",
    "MinLen": "min_length",
    "MaxLen": "max_length",
}
UNSET = object()


class Said:
    """What is said about a type, sorted: keywords of JSON Schema, constraints, and what nobody here understands."""

    def __init__(self, metadata: Iterable[Any]) -> None:
        self.keywords: dict[str, Any] = {}
        self.constraints: list[tuple[str, Any]] = []
        self.unknown: list[Any] = []
        self.alias: str | None = None
        self.default: Any = UNSET
        self.make_default: Callable[[], Any] | None = None
        self.needs_pydantic = False
        for item in metadata:
            self._take(item)

    def describe(self, text: str) -> None:
        if self.keywords.setdefault("description", text) != text:
            raise TypeError("it has more than one description")

    def _take(self, item: Any) -> None:
        kind = type(item)
        word = _CLASSES.get(kind.__name__)
        if item is None:  # as pydantic's conint has it for what it was not given
            return
        if isinstance(item, str):
            self.describe(item)
        elif kind is dict:
            self._schema(item)
        elif kind is field_class():
            self._field(item)
        elif word is not None and hasattr(item, word):
            self.constraints.append((word, getattr(item, word)))
        elif hasattr(item, "__is_annotated_types_grouped_metadata__"):
            for part in item:
                self._take(part)
        elif kind.__name__ == "_PydanticGeneralMetadata" and self._is_pattern(vars(item)):
            self.keywords["pattern"] = item.pattern
        elif kind.__name__ == "Doc" and isinstance(getattr(item, "documentation", None), str):
            self.describe(item.documentation)
        else:
            self.unknown.append(item)

    @staticmethod
    def _is_pattern(says: dict[str, Any]) -> bool:
        return says.keys() == {"pattern"} and isinstance(says["pattern"], str)

    def _schema(self, keywords: dict[str, Any]) -> None:
        for keyword, value in keywords.items():
            if keyword not in _KEYWORDS and not str(keyword).startswith("x-"):
                raise TypeError(f"{keyword!r} in Annotated is no keyword of JSON Schema")
            if keyword == "description":
                self.describe(value)
            else:
                self.keywords[keyword] = value

    def _field(self, field: Any) -> None:
        """pydantic's ``Field``, as far as a schema can say it; the rest is for pydantic."""
        for name in ("exclude", "frozen"):
            if getattr(field, name, None) is not None:
                raise TypeError(f"{name} says nothing about a parameter")
        if field.discriminator is not None:
            self.needs_pydantic = True
        for name in ("title", "examples"):
            value = getattr(field, name, None)
            if value is not None:
                self.keywords[name] = value
        if field.description is not None:
            self.describe(field.description)
        if field.deprecated:
            self.keywords["deprecated"] = True
        extra = field.json_schema_extra
        if isinstance(extra, dict):
            self.keywords.update(extra)
        elif extra is not None:
            self.needs_pydantic = True
        self.alias = field.alias
        for name in ("validation_alias", "serialization_alias"):
            if getattr(field, name) not in (None, field.alias):
                raise TypeError(f"{name} is not understood, only alias is")
        if field.default_factory is not None:
            self.make_default = field.default_factory
        elif not field.is_required():
            self.default = field.default
        for item in field.metadata:
            self._take(item)


def field_class() -> Any:
    """pydantic's ``FieldInfo``, if anybody can have made one."""
    return getattr(sys.modules.get("pydantic.fields"), "FieldInfo", UNSET)


def applied(types: Types, annotation: Any, arguments: tuple[Any, ...], given: dict[Any, Any] | None) -> Type:
    """The type of an ``Annotated``."""
    try:
        said = Said(arguments[1:])
    except TypeError as error:
        raise TypeError(f"{_schema.name(annotation)}: {error}") from None
    if said.unknown or said.needs_pydantic:
        from . import pydantic as _pydantic

        _refuse(said.unknown)
        return _pydantic.of(types, annotation)
    return constrained(types.of(arguments[0], given), said)


def check(metadata: Iterable[Any]) -> None:
    """Refuses what nobody understands."""
    _refuse(Said(metadata).unknown)


def _refuse(unknown: list[Any]) -> None:
    from . import pydantic as _pydantic

    for item in unknown:
        if not _pydantic.understands(item):
            raise TypeError(
                f"{described(item)} in Annotated is not understood, only descriptions, JSON Schema and constraints "
                "are; give it an input_schema"
            )


def constrained(found: Type, said: Said) -> Type:
    """A type about which something is said."""
    from .types import Type

    schema = {**found.schema, **said.keywords}
    checks: list[Callable[[Any], bool]] = []
    reasons: list[str] = []
    for word, bound in said.constraints:
        if bound is None or word == "min_length" and bound == 0:
            continue
        keyword = _keyword(found, word)
        if keyword is not None:
            schema[keyword] = bound
            continue
        if word in _LENGTHS:
            checks.append(_bounded(len, _BOUNDS["le" if word == "max_length" else "ge"][1], bound))
            reasons.append(f"it {_LENGTHS[word][1]} {bound}")
        elif found.read is None:
            raise TypeError(f"{word} says nothing about {_schema.name(found.schema.get('type', 'any value'))}")
        else:
            _, compare, text = _BOUNDS[word]
            checks.append(_bounded(None, compare, bound))
            reasons.append(f"it {text} {bound}")
    read = _checked(found.read, checks, reasons) if checks else found.read
    return Type(schema, found.kinds, read, found.write, found.is_object)


def _bounded(
    measure: Callable[[Any], Any] | None, compare: Callable[[Any, Any], bool], bound: Any
) -> Callable[[Any], bool]:
    return lambda value: compare(value if measure is None else measure(value), bound)


def _keyword(found: Type, word: str) -> str | None:
    """The keyword by which the engine itself sees to it, if the value is what JSON has."""
    kinds = found.kinds - {"null"}
    if word in _BOUNDS:
        return _BOUNDS[word][0] if kinds <= {"integer", "number"} else None
    if len(kinds) != 1 or "contentEncoding" in found.schema:
        return None
    (kind,) = kinds
    return _LENGTHS[word][0].get(kind)


def _checked(
    read: Callable[[Any], Any] | None, checks: list[Callable[[Any], bool]], reasons: list[str]
) -> Callable[[Any], Any]:
    def checked(value: Any) -> Any:
        if read is not None:
            value = read(value)
        if value is not None:
            for check, reason in zip(checks, reasons):
                try:
                    fits = check(value)
                except TypeError as error:  # a date without an offset beside one with it
                    raise Misfit(str(error)) from None
                if not fits:
                    raise Misfit(reason)
        return value

    return checked
