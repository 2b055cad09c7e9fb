"""Forms that are a class of the program's: the schema that the client is sent, and the value of its answer."""

from __future__ import annotations

from .._errors import AskError, Misfit
from . import schema as _schema
from .types import Types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .._runtime.answer import Answer
    from .types import Type

_KINDS = "a dataclass, a NamedTuple, a TypedDict or a model of pydantic's"


class _Form:
    """A type as a form: its schema has what the protocol's forms have, and no more."""

    __slots__ = ("is_closed", "kind", "schema")

    def __init__(self, annotation: Any) -> None:
        name = _schema.name(annotation)
        types = Types()
        try:
            kind: Type = types.of(annotation)
        except TypeError as error:
            raise _wrong(str(error).removesuffix(_schema.ADVICE)) from None
        whole = types.whole(kind.schema)
        if not kind.is_object or "properties" not in whole:
            raise _wrong(f"{name} is no form, which is {_KINDS}")
        required = whole.get("required", [])
        fields = {field: _field(name, field, said, required) for field, said in whole["properties"].items()}
        self.kind = kind
        self.schema = {"type": "object", "properties": fields, **({"required": required} if required else {})}
        self.is_closed = whole.get("additionalProperties") is False

    def read(self, content: dict[str, Any]) -> Any:
        """The value that the content of an answer stands for, which conforms to the schema."""
        try:
            if self.is_closed:
                for name in content:
                    if name not in self.schema["properties"]:
                        raise Misfit("the form has no such field").within(name)
            return content if self.kind.read is None else self.kind.read(content)
        except Misfit as misfit:
            raise AskError(f"The client's answer is not usable: {misfit}") from None


_forms: dict[Any, _Form] = {}
"""By their types, which are few: classes of the program."""


def is_type(schema: Any) -> bool:
    """Whether a form is given by a type, and not by its schema."""
    return isinstance(schema, type) or hasattr(schema, "__origin__")


def schema_of(annotation: Any) -> dict[str, Any]:
    """The schema of a form, which clients of every revision know; raises ``AskError``."""
    return _of(annotation).schema


def typed(annotation: Any, answer: Answer[Any]) -> Answer[Any]:
    """An answer whose content is a value of the type; what was not accepted has none."""
    if answer.content is None:
        return answer
    return answer._replace(content=_of(annotation).read(answer.content))


def _of(annotation: Any) -> _Form:
    found = _forms.get(annotation)
    if found is None:
        found = _forms[annotation] = _Form(annotation)
    return found


def _field(form: str, name: str, said: dict[str, Any], required: list[str]) -> dict[str, Any]:
    """A field without null, which no form has: what may be null is left out by who fills it in."""
    kinds = said.get("type")
    if not isinstance(kinds, list) or "null" not in kinds:
        return said
    if name in required:
        raise _wrong(f"{form}.{name} may be None, which no form can say; give it a default")
    rest = [kind for kind in kinds if kind != "null"]
    field = {**said, "type": rest[0] if len(rest) == 1 else rest}
    if field.get("default", ...) is None:
        del field["default"]
    if "enum" in field:
        field["enum"] = [value for value in field["enum"] if value is not None]
    return field


def _wrong(reason: str) -> AskError:
    error = AskError(f"The elicitation is not valid: {reason}")
    error.code = "invalid"
    return error
