"""Metadata in ``Annotated``: descriptions, JSON Schema, constraints, and pydantic's ``Field``."""

from __future__ import annotations

import sys

from ..inspection import described
from ..plain_types import type_name
from .invalid_value import InvalidValue
from .json_type import Type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from .json_type import TypeBuilder

_KEYWORDS = frozenset(
    "title description examples deprecated readOnly writeOnly default enum const multipleOf maximum exclusiveMaximum "
    "minimum exclusiveMinimum maxLength minLength pattern maxItems minItems uniqueItems contains maxContains "
    "minContains maxProperties minProperties propertyNames patternProperties additionalProperties items prefixItems "
    "properties required format contentEncoding contentMediaType type anyOf oneOf allOf not".split()
)
# Constraint: (keyword for numbers, comparison of a value, text for messages)
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


class Metadata:
    """Metadata by kind: keywords of JSON Schema, constraints, and items that this package does not know."""

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
            raise TypeError("it has more than one description; keep one")

    def _take(self, item: Any) -> None:
        kind = type(item)
        constraint = _CLASSES.get(kind.__name__)
        if item is None:  # pydantic's `conint` has None for constraints that are not set
            return
        if isinstance(item, str):
            self.describe(item)
        elif kind is dict:
            self._schema(item)
        elif kind is field_class():
            self._field(item)
        elif constraint is not None and hasattr(item, constraint):
            self.constraints.append((constraint, getattr(item, constraint)))
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
    def _is_pattern(attributes: dict[str, Any]) -> bool:
        return attributes.keys() == {"pattern"} and isinstance(attributes["pattern"], str)

    def _schema(self, keywords: dict[str, Any]) -> None:
        for keyword, value in keywords.items():
            if keyword not in _KEYWORDS and not str(keyword).startswith("x-"):
                raise TypeError(
                    f"{keyword!r} in Annotated is not a keyword of JSON Schema; other keywords must begin with x-"
                )
            if keyword == "description":
                self.describe(value)
            else:
                self.keywords[keyword] = value

    def _field(self, field: Any) -> None:
        """Reads pydantic's ``Field``. ``needs_pydantic`` is set if it has options that a schema cannot express."""
        for name in ("exclude", "frozen"):
            if getattr(field, name, None) is not None:
                raise TypeError(f"the Field option {name} has no effect on a parameter; remove it")
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
                raise TypeError(f"the Field option {name} is not supported; use alias")
        if field.default_factory is not None:
            self.make_default = field.default_factory
        elif not field.is_required():
            self.default = field.default
        for item in field.metadata:
            self._take(item)


def field_class() -> Any:
    """pydantic's ``FieldInfo``; ``UNSET`` if pydantic is not loaded, so that no object has this class."""
    return getattr(sys.modules.get("pydantic.fields"), "FieldInfo", UNSET)


def applied(types: TypeBuilder, annotation: Any, arguments: tuple[Any, ...], variables: dict[Any, Any] | None) -> Type:
    """The type of an ``Annotated``."""
    try:
        metadata = Metadata(arguments[1:])
    except TypeError as error:
        raise TypeError(f"{type_name(annotation)}: {error}") from None
    if metadata.unknown or metadata.needs_pydantic:
        from . import pydantic

        _refuse_unknown(metadata.unknown)
        return pydantic.of(types, annotation)
    return constrained(types.of(arguments[0], variables), metadata)


def check(items: Iterable[Any]) -> None:
    """Refuses metadata that neither this package nor pydantic knows."""
    _refuse_unknown(Metadata(items).unknown)


def _refuse_unknown(items: list[Any]) -> None:
    from . import pydantic

    for item in items:
        if not pydantic.understands(item):
            raise TypeError(
                f"{described(item)} in Annotated is not supported; use a description, JSON Schema or a constraint, or "
                "pass an input_schema"
            )


def constrained(found: Type, metadata: Metadata) -> Type:
    """A type about which something is metadata."""
    schema = {**found.schema, **metadata.keywords}
    checks: list[Callable[[Any], bool]] = []
    reasons: list[str] = []
    for constraint, bound in metadata.constraints:
        if bound is None or constraint == "min_length" and bound == 0:
            continue
        keyword = _keyword(found, constraint)
        if keyword is not None:
            schema[keyword] = bound
            continue
        if constraint in _LENGTHS:
            checks.append(_bounded(len, _BOUNDS["le" if constraint == "max_length" else "ge"][1], bound))
            reasons.append(f"it {_LENGTHS[constraint][1]} {bound}")
        elif found.read is None:
            kind = found.schema.get("type", "any value")
            raise TypeError(f"the constraint {constraint} does not apply to {kind}")
        else:
            _, compare, text = _BOUNDS[constraint]
            checks.append(_bounded(None, compare, bound))
            reasons.append(f"it {text} {bound}")
    read = _checked(found.read, checks, reasons) if checks else found.read
    return Type(schema, found.kinds, read, found.write, found.is_object)


def _bounded(
    measure: Callable[[Any], Any] | None, compare: Callable[[Any, Any], bool], bound: Any
) -> Callable[[Any], bool]:
    return lambda value: compare(value if measure is None else measure(value), bound)


def _keyword(found: Type, constraint: str) -> str | None:
    """The keyword by which the engine checks the constraint; ``None`` if the converted value must be checked."""
    kinds = found.kinds - {"null"}
    if constraint in _BOUNDS:
        return _BOUNDS[constraint][0] if kinds <= {"integer", "number"} else None
    if len(kinds) != 1 or "contentEncoding" in found.schema:
        return None
    (kind,) = kinds
    return _LENGTHS[constraint][0].get(kind)


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
                except TypeError as error:  # a date with an offset and one without cannot be compared
                    raise InvalidValue(str(error)) from None
                if not fits:
                    raise InvalidValue(reason)
        return value

    return checked
