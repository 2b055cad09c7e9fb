"""Forms that the program declares as a class: the schema for the client, and the value of its answer."""

from __future__ import annotations

from ..errors import AskError
from .plain_types import ADVICE, type_name
from .types.builder import Types
from .types.invalid_value import InvalidValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .types.json_type import Type

_SUPPORTED = "a dataclass, a NamedTuple, a TypedDict or a pydantic model"


class _Form:
    """A type as a form. Its schema has only keywords that the protocol allows in forms."""

    __slots__ = ("is_closed", "kind", "schema")

    def __init__(self, annotation: Any) -> None:
        name = type_name(annotation)
        types = Types()
        try:
            kind: Type = types.of(annotation)
        except TypeError as error:
            raise _invalid(str(error).removesuffix(ADVICE)) from None
        whole = types.whole(kind.schema)
        if not kind.is_object or "properties" not in whole:
            raise _invalid(f"{name} is not a form; use {_SUPPORTED}")
        required = whole.get("required", [])
        fields = {field: _field(name, field, schema, required) for field, schema in whole["properties"].items()}
        self.kind = kind
        self.schema = {"type": "object", "properties": fields, **({"required": required} if required else {})}
        self.is_closed = whole.get("additionalProperties") is False

    def read(self, content: dict[str, Any]) -> Any:
        """Converts the content of an answer, which conforms to the schema, to an instance of the type."""
        try:
            if self.is_closed:
                for name in content:
                    if name not in self.schema["properties"]:
                        raise InvalidValue("the form has no such field").under(name)
            return content if self.kind.read is None else self.kind.read(content)
        except InvalidValue as error:
            raise AskError(f"The client's answer is not usable: {error}") from None


_forms: dict[Any, _Form] = {}
"""The forms by their types. There are few, because they are classes of the program."""


def is_type(schema: Any) -> bool:
    """Whether a form was given as a type, and not as a schema."""
    return isinstance(schema, type) or hasattr(schema, "__origin__")


def schema_of(annotation: Any) -> dict[str, Any]:
    """The schema of a form, which clients of every revision support. Raises ``AskError``."""
    return _form(annotation).schema


def read(annotation: Any, content: dict[str, Any]) -> Any:
    """The content of an answer as an instance of the type."""
    return _form(annotation).read(content)


def _form(annotation: Any) -> _Form:
    found = _forms.get(annotation)
    if found is None:
        found = _forms[annotation] = _Form(annotation)
    return found


def _field(form: str, name: str, schema: dict[str, Any], required: list[str]) -> dict[str, Any]:
    """The schema of a field without null, which forms do not support. Users leave out a field that may be ``None``."""
    kinds = schema.get("type")
    if not isinstance(kinds, list) or "null" not in kinds:
        return schema
    if name in required:
        raise _invalid(f"{form}.{name} may be None, which a form cannot express; give the field a default")
    rest = [kind for kind in kinds if kind != "null"]
    field = {**schema, "type": rest[0] if len(rest) == 1 else rest}
    if field.get("default", ...) is None:
        del field["default"]
    if "enum" in field:
        field["enum"] = [value for value in field["enum"] if value is not None]
    return field


def _invalid(reason: str) -> AskError:
    error = AskError(f"The elicitation is not valid: {reason}")
    error.code = "invalid"
    return error
