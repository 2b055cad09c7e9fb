"""Return annotations: the schema of the result, whether it is structured, and how it is written."""

from __future__ import annotations

import sys

from .._schema import schema as _schema
from .._schema.annotations import ANNOTATED, UNION, is_one_of, taken_apart

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_BARE: tuple[dict[str, Any], ...] = ({}, {"type": "object"}, {"type": "array"}, {"type": "array", "items": {}})


class Returned:
    __slots__ = ("is_structured", "schema", "write")

    def __init__(
        self, is_structured: bool, schema: dict[str, Any] | None, write: Callable[[Any], Any] | None = None
    ) -> None:
        self.is_structured = is_structured
        self.schema = schema
        self.write = write


def of(annotation: Any, is_tool: bool = True, strict: bool = False) -> Returned:
    """What follows from a return annotation. One without a schema says nothing, and if it is ``strict`` raises
    ``TypeError``.

    What is not the result of a tool is JSON only where it is an object: bytes have a meaning of their own there.
    """
    if is_content(annotation):
        if not is_tool:
            return Returned(False, None)

        from .results import as_content

        return Returned(False, None, as_content)
    if is_one_of(annotation, ("NoReturn", "Never")):
        return Returned(False, None)
    write = None
    try:
        schema = _schema.plain(annotation)
        is_object = schema.get("type") == "object"
    except TypeError:
        from .._schema.types import Types

        types = Types(results=True)
        try:
            found = types.of(annotation)
        except TypeError:
            if strict:
                raise
            return Returned(_schema.is_dict(annotation), None)
        schema, is_object = types.whole(found.schema), found.is_object
        write = found.write if is_tool or is_object else None
    if any(schema == bare for bare in _BARE):
        return Returned(is_object, None, write)
    return Returned(not _is_plain_text(schema), schema, write)


def _is_plain_text(schema: dict[str, Any]) -> bool:
    """Whether the annotation allows any text or ``None``, and nothing else."""
    kind = schema.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    return schema.keys() <= {"type", "description"} and set(kinds) <= {"string", "null"}


def is_content(annotation: Any) -> bool:
    """Whether it is content and no JSON: a block, or a list with blocks in it."""
    results = sys.modules.get("tenon_mcp._handlers.results")
    origin, arguments = taken_apart(annotation)
    if origin is ANNOTATED:
        return is_content(arguments[0])
    if origin is UNION or isinstance(origin, type) and not hasattr(origin, "keys"):
        return any(is_content(part) for part in arguments)
    if not isinstance(annotation, type):
        return False
    if annotation.__module__.partition(".")[0] == "PIL":
        return True
    return results is not None and issubclass(annotation, results._Json)
