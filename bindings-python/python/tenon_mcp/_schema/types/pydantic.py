"""Types that pydantic handles: its models, its types, and ``Field`` options that a schema cannot express."""

from __future__ import annotations

import sys

from ..._native import to_json
from ..plain_types import type_name, union
from .invalid_value import InvalidValue
from .json_type import ALL, KINDS, Type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .json_type import TypeBuilder

_NEEDS_PYDANTIC = "it needs pydantic 2; install tenon-mcp[pydantic]"
_MAX_ERRORS = 3


def is_own(kind: type) -> bool:
    """Whether a class is a pydantic model."""
    return hasattr(kind, "__pydantic_core_schema__") or hasattr(kind, "__fields__") and hasattr(kind, "__validators__")


def is_for(kind: type) -> bool:
    """Whether a class defines how pydantic reads it."""
    return hasattr(kind, "__get_pydantic_core_schema__") or kind.__module__.partition(".")[0] == "pydantic"


def is_union(parts: tuple[Any, ...]) -> bool:
    """Whether pydantic must read the union, because all of its parts are models."""
    some = [part for part in parts if part is not type(None)]
    return len(some) > 1 and all(isinstance(part, type) and is_own(part) for part in some)


def understands(item: Any) -> bool:
    """Whether pydantic knows this metadata. It silently ignores metadata that it does not know."""
    if hasattr(item, "__get_pydantic_core_schema__"):
        return True
    kind = type(item)
    is_theirs = kind.__module__.partition(".")[0] in ("pydantic", "annotated_types")
    is_public = getattr(sys.modules.get(kind.__module__), kind.__name__, None) is kind
    return is_theirs and (is_public or kind.__name__ == "_PydanticGeneralMetadata")


def of(types: TypeBuilder, annotation: Any) -> Type:
    """A type that pydantic reads and writes."""
    try:
        from pydantic import PydanticUserError, TypeAdapter, ValidationError
        from pydantic.errors import PydanticInvalidForJsonSchema, PydanticSchemaGenerationError
        from pydantic.json_schema import GenerateJsonSchema
    except ImportError:
        raise TypeError(f"{type_name(annotation)}: {_NEEDS_PYDANTIC}") from None

    class Quiet(GenerateJsonSchema):
        """Leaves out titles that repeat a name."""

        def field_title_should_be_set(self, schema: Any) -> bool:
            return False

    try:
        adapter: Any = TypeAdapter(annotation)
        mode: Any = "serialization" if types.results else "validation"
        schema = adapter.json_schema(mode=mode, schema_generator=Quiet)
    except PydanticInvalidForJsonSchema as error:
        raise TypeError(f"{type_name(annotation)} has no JSON schema: {error.message}") from None
    except (PydanticSchemaGenerationError, PydanticUserError) as error:
        raise TypeError(f"{type_name(annotation)}: {error.message.splitlines()[0]}") from None
    except NameError as error:
        raise TypeError(f"an annotation of {type_name(annotation)} has an undefined name: {error}") from None

    def read(value: Any) -> Any:
        try:
            # The value is read from JSON, because a strict model accepts a string for a date only in JSON.
            return adapter.validate_json(to_json(value))
        except ValidationError as error:
            raise _invalid_value(error) from None

    def write(value: Any) -> Any:
        return adapter.dump_python(value, mode="json", by_alias=True, warnings=False)

    schema = _flat(types, schema, getattr(annotation, "__name__", ""))
    return Type(schema, _kinds(types, schema), read, write, is_object=schema.get("type") == "object")


def _kinds(types: TypeBuilder, schema: dict[str, Any], seen: tuple[str, ...] = ()) -> frozenset[str]:
    """The JSON types that a schema allows; all if it has no such keyword."""
    found = ALL
    kind = schema.get("type")
    if kind is not None:
        found &= frozenset((kind,) if isinstance(kind, str) else kind)
        if "number" in found:
            found |= {"integer"}
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if kind is None and values is not None:
        found &= frozenset(KINDS.get(type(value), "object") for value in values)
    ref = schema.get("$ref")
    if isinstance(ref, str) and ref not in seen:
        found &= _kinds(types, types.defs.get(ref.rpartition("/")[2], {}), (*seen, ref))
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            found &= frozenset().union(*(_kinds(types, part, seen) for part in schema[keyword]))
    return found


def _invalid_value(error: Any) -> InvalidValue:
    invalid = InvalidValue()
    for one in error.errors(include_url=False, include_context=False, include_input=False)[:_MAX_ERRORS]:
        invalid.add("".join(f"/{part}" for part in one["loc"]), one["msg"])
    return invalid


def _flat(types: TypeBuilder, schema: dict[str, Any], name: str) -> dict[str, Any]:
    """Replaces references by their definitions. Only recursive definitions stay."""
    defs = schema.pop("$defs", {})
    ref = "#/$defs/"
    names: dict[str, str] = {}
    for own, definition in defs.items():
        if definition.get("title") == own.rpartition("__")[2] or definition.get("title") == own:
            del definition["title"]
    if schema.get("title") == name:
        del schema["title"]

    def parts(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = value.get("$ref")
            found = {own[len(ref) :]} if isinstance(own, str) and own.startswith(ref) else set()
            return found.union(*(parts(one) for one in value.values()))
        if isinstance(value, list):
            return set().union(*(parts(one) for one in value))
        return set()

    references = {own: parts(definition) for own, definition in defs.items()}

    def is_recursive(own: str) -> bool:
        seen: set[str] = set()
        todo = list(references[own])
        while todo:
            one = todo.pop()
            if one == own:
                return True
            if one not in seen:
                seen.add(one)
                todo += references[one]
        return False

    def text(own: str) -> bytes:
        """A definition with all that it refers to. Equal definitions have equal texts."""
        seen = {own}
        todo = [own]
        while todo:
            new = references[todo.pop()] - seen
            seen |= new
            todo += new
        return to_json([own, {one: defs[one] for one in sorted(seen)}])

    recursive = {own for own in defs if is_recursive(own)}
    texts = {own: text(own) for own in recursive}
    new = {own for own in recursive if texts[own] not in types.definition_names}
    for own in recursive:
        if own in new:
            types.definition_names[texts[own]] = types.new_definition(own)
        names[own] = types.definition_names[texts[own]]

    def flat(value: Any) -> Any:
        if isinstance(value, list):
            return [flat(one) for one in value]
        if not isinstance(value, dict):
            return value
        own = value.get("$ref")
        if isinstance(own, str) and own.startswith(ref):
            siblings = {key: flat(one) for key, one in value.items() if key != "$ref"}
            own = own[len(ref) :]
            return {**({"$ref": ref + names[own]} if own in recursive else flat(defs[own])), **siblings}
        found = {key: flat(one) for key, one in value.items()}
        whole = found.get("allOf")
        if isinstance(whole, list) and len(whole) == 1:  # how older versions add keywords to a reference
            del found["allOf"]
            found = {**whole[0], **found}
        return _without_null(found)

    for own in new:
        types.defs[names[own]] = flat(defs[own])
    # An OpenAPI discriminator would refer to definitions that were replaced.
    whole: dict[str, Any] = _without_discriminators(flat(schema))
    return whole


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Writes ``anyOf`` of a type and null as one type, if possible."""
    some = schema.get("anyOf")
    if not isinstance(some, list) or {"type": "null"} not in some:
        return schema
    rest = {key: one for key, one in schema.items() if key != "anyOf"}
    return {**union(some), **rest}


def _without_discriminators(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_discriminators(one) for one in value]
    if isinstance(value, dict):
        return {
            key: _without_discriminators(one)
            for key, one in value.items()
            if not (key == "discriminator" and isinstance(one, dict) and "propertyName" in one)
        }
    return value
