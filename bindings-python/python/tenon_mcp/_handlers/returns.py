"""Return annotations: the schema of the result, whether it is structured, and how it is written."""

from __future__ import annotations

import sys

from .._schema.annotations import ANNOTATED, UNION, is_one_of, origin_and_arguments
from .._schema.plain_types import is_dict, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_BARE: tuple[dict[str, Any], ...] = ({}, {"type": "object"}, {"type": "array"}, {"type": "array", "items": {}})


class ReturnType:
    """The consequences of a return annotation for a tool's result."""

    __slots__ = ("is_structured", "schema", "write")

    def __init__(
        self, is_structured: bool, schema: dict[str, Any] | None, write: Callable[[Any], Any] | None = None
    ) -> None:
        self.is_structured = is_structured
        self.schema = schema
        self.write = write


def of(annotation: Any, is_tool: bool = True, strict: bool = False) -> ReturnType:
    """Reads a return annotation. If it has no schema, ``strict`` raises ``TypeError``.

    Results of handlers other than tools are JSON only if they are objects. For example, bytes of a resource are a blob.
    """
    if is_content(annotation):
        if not is_tool:
            return ReturnType(False, None)

        from .results import as_content

        return ReturnType(False, None, as_content)
    if is_one_of(annotation, ("NoReturn", "Never")):
        return ReturnType(False, None)
    write = None
    try:
        schema = plain(annotation)
        is_object = schema.get("type") == "object"
    except TypeError:
        from .._schema.types.builder import Types

        types = Types(results=True)
        try:
            found = types.of(annotation)
        except TypeError:
            if strict:
                raise
            return ReturnType(is_dict(annotation), None)
        schema, is_object = types.whole(found.schema), found.is_object
        write = found.write if is_tool or is_object else None
    if any(schema == bare for bare in _BARE):
        return ReturnType(is_object, None, write)
    return ReturnType(not _is_plain_text(schema), schema, write)


def _is_plain_text(schema: dict[str, Any]) -> bool:
    """Whether the annotation allows any text or ``None``, and nothing else."""
    kind = schema.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    return schema.keys() <= {"type", "description"} and set(kinds) <= {"string", "null"}


def is_content(annotation: Any) -> bool:
    """Whether an annotation declares content: a block, or a list with blocks in it."""
    results = sys.modules.get("tenon_mcp.results")
    origin, arguments = origin_and_arguments(annotation)
    if origin is ANNOTATED:
        return is_content(arguments[0])
    if origin is UNION or isinstance(origin, type) and not hasattr(origin, "keys"):
        return any(is_content(part) for part in arguments)
    if not isinstance(annotation, type):
        return False
    if annotation.__module__.partition(".")[0] == "PIL":
        return True
    return results is not None and issubclass(annotation, results._Json)
