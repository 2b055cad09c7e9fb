"""Types that pydantic handles: its models, its types, and ``Field`` options that a schema cannot express."""

from __future__ import annotations

import sys

from .._errors import Misfit
from .._native import to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .types import Type, Types

_EXTRA = "it needs pydantic 2, which the extra tenon-mcp[pydantic] installs"
_MOST_ERRORS = 3


def is_own(kind: type) -> bool:
    """Whether a class is a model of pydantic's."""
    return hasattr(kind, "__pydantic_core_schema__") or hasattr(kind, "__fields__") and hasattr(kind, "__validators__")


def is_for(kind: type) -> bool:
    """Whether a class says how pydantic is to read it."""
    return hasattr(kind, "__get_pydantic_core_schema__") or kind.__module__.partition(".")[0] == "pydantic"


def is_union(parts: tuple[Any, ...]) -> bool:
    """Whether pydantic itself must tell apart what is in a union."""
    some = [part for part in parts if part is not type(None)]
    return len(some) > 1 and all(isinstance(part, type) and is_own(part) for part in some)


def understands(item: Any) -> bool:
    """Whether pydantic would know what this says in ``Annotated``; it passes over what it does not know."""
    if hasattr(item, "__get_pydantic_core_schema__"):
        return True
    kind = type(item)
    is_theirs = kind.__module__.partition(".")[0] in ("pydantic", "annotated_types")
    is_public = getattr(sys.modules.get(kind.__module__), kind.__name__, None) is kind
    return is_theirs and (is_public or kind.__name__ == "_PydanticGeneralMetadata")


def of(types: Types, annotation: Any) -> Type:
    """A type as pydantic has it."""
    from .schema import name
    from .types import Type

    try:
        from pydantic import PydanticUserError, TypeAdapter, ValidationError
        from pydantic.errors import PydanticInvalidForJsonSchema, PydanticSchemaGenerationError
        from pydantic.json_schema import GenerateJsonSchema
    except ImportError:
        raise TypeError(f"{name(annotation)}: {_EXTRA}") from None

    class Quiet(GenerateJsonSchema):
        """Without titles that repeat a name."""

        def field_title_should_be_set(self, schema: Any) -> bool:
            return False

    try:
        adapter: Any = TypeAdapter(annotation)
        mode: Any = "serialization" if types.results else "validation"
        schema = adapter.json_schema(mode=mode, schema_generator=Quiet)
    except PydanticInvalidForJsonSchema as error:
        raise TypeError(f"{name(annotation)} has no JSON schema: {error.message}") from None
    except (PydanticSchemaGenerationError, PydanticUserError) as error:
        raise TypeError(f"{name(annotation)}: {error.message.splitlines()[0]}") from None
    except NameError as error:
        raise TypeError(f"an annotation of {name(annotation)} cannot be resolved: {error}") from None

    def read(value: Any) -> Any:
        try:
            # By way of JSON, where a strict model takes a text for a date.
            return adapter.validate_json(to_json(value))
        except ValidationError as error:
            raise _misfit(error) from None

    def write(value: Any) -> Any:
        return adapter.dump_python(value, mode="json", by_alias=True, warnings=False)

    schema = _flat(types, schema, getattr(annotation, "__name__", ""))
    return Type(schema, _kinds(types, schema), read, write, is_object=schema.get("type") == "object")


def _kinds(types: Types, schema: dict[str, Any], seen: tuple[str, ...] = ()) -> frozenset[str]:
    """The JSON types that a schema lets through: all, where it does not say."""
    from .types import _KINDS, ALL

    found = ALL
    kind = schema.get("type")
    if kind is not None:
        found &= frozenset((kind,) if isinstance(kind, str) else kind)
        if "number" in found:
            found |= {"integer"}
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if kind is None and values is not None:
        found &= frozenset(_KINDS.get(type(value), "object") for value in values)
    ref = schema.get("$ref")
    if isinstance(ref, str) and ref not in seen:
        found &= _kinds(types, types.defs.get(ref.rpartition("/")[2], {}), (*seen, ref))
    for word in ("anyOf", "oneOf"):
        if word in schema:
            found &= frozenset().union(*(_kinds(types, part, seen) for part in schema[word]))
    return found


def _misfit(error: Any) -> Misfit:
    misfit = Misfit()
    for one in error.errors(include_url=False, include_context=False, include_input=False)[:_MOST_ERRORS]:
        misfit.at("".join(f"/{part}" for part in one["loc"]), one["msg"])
    return misfit


def _flat(types: Types, schema: dict[str, Any], name: str) -> dict[str, Any]:
    """Puts definitions where they are referred to; those that have themselves among their parts stay definitions."""
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

    leads_to = {own: parts(definition) for own, definition in defs.items()}

    def is_recursive(own: str) -> bool:
        seen: set[str] = set()
        todo = list(leads_to[own])
        while todo:
            one = todo.pop()
            if one == own:
                return True
            if one not in seen:
                seen.add(one)
                todo += leads_to[one]
        return False

    def text(own: str) -> bytes:
        """A definition with all that it leads to, by which it is known again."""
        seen = {own}
        todo = [own]
        while todo:
            new = leads_to[todo.pop()] - seen
            seen |= new
            todo += new
        return to_json([own, {one: defs[one] for one in sorted(seen)}])

    recursive = {own for own in defs if is_recursive(own)}
    texts = {own: text(own) for own in recursive}
    new = {own for own in recursive if texts[own] not in types.texts}
    for own in recursive:
        if own in new:
            types.texts[texts[own]] = types.free(own)
        names[own] = types.texts[texts[own]]

    def flat(value: Any) -> Any:
        if isinstance(value, list):
            return [flat(one) for one in value]
        if not isinstance(value, dict):
            return value
        own = value.get("$ref")
        if isinstance(own, str) and own.startswith(ref):
            said = {key: flat(one) for key, one in value.items() if key != "$ref"}
            own = own[len(ref) :]
            return {**({"$ref": ref + names[own]} if own in recursive else flat(defs[own])), **said}
        found = {key: flat(one) for key, one in value.items()}
        whole = found.get("allOf")
        if isinstance(whole, list) and len(whole) == 1:  # how older versions say more about a reference
            del found["allOf"]
            found = {**whole[0], **found}
        return _without_null(found)

    for own in new:
        types.defs[names[own]] = flat(defs[own])
    # An OpenAPI discriminator would point at definitions that are not there.
    whole: dict[str, Any] = _without_discriminators(flat(schema))
    return whole


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """``anyOf`` a simple type and null as one type."""
    some = schema.get("anyOf")
    if not isinstance(some, list) or {"type": "null"} not in some:
        return schema
    from .schema import union

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


def is_model(value: Any) -> bool:
    """Whether a value is an instance of a pydantic model."""
    base = getattr(sys.modules.get("pydantic"), "BaseModel", None)
    return base is not None and isinstance(value, base)
