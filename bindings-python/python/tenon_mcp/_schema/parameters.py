"""Parameters whose types are more than JSON's own."""

from __future__ import annotations

from .._native import Arguments, from_json, to_json
from . import metadata as _metadata
from . import schema as _schema
from .annotations import ANNOTATED, taken_apart
from .signature import MISSING, REQUIRED
from .types import Types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .signature import Parameter
    from .types import Type


def types() -> Types:
    return Types()


def understand(types: Types, parameter: Parameter) -> dict[str, Any]:
    """The schema of a parameter, which learns how its values are read; raises ``TypeError``."""
    found = types.of(parameter.annotation)
    said = _said(parameter.annotation)
    if said is not None:
        parameter.key = said.alias or parameter.key
        if said.make_default is not None and parameter.default is REQUIRED:
            parameter.make_default, parameter.default = said.make_default, MISSING
        elif said.default is not _metadata.UNSET and parameter.default is REQUIRED:
            default = parameter.default = said.default
            parameter.make_default = lambda: default
    schema = found.schema
    read = found.read
    if parameter.default is None and read is not None and "null" not in found.kinds:
        of_value = read
        read = lambda value: None if value is None else of_value(value)  # noqa: E731
    parameter.read = read
    if read is None or parameter.default is REQUIRED:
        return schema
    return _with_default(types, found, schema, parameter.default)


def _said(annotation: Any) -> _metadata.Said | None:
    origin, arguments = taken_apart(annotation)
    return _metadata.Said(arguments[1:]) if origin is ANNOTATED else None


def _with_default(types: Types, found: Type, schema: dict[str, Any], default: Any) -> dict[str, Any]:
    """The default as JSON, if it is the value of any; else it is the function's own business."""
    if default is None:
        return _schema.with_default(schema, None)
    try:
        value = from_json(to_json(default if found.write is None else found.write(default), rich=True))
    except (ValueError, TypeError, AttributeError):
        return schema
    told = {**schema, "default": value}
    try:
        Arguments({"type": "object", "properties": {"value": told}, "$defs": types.defs}, False)
    except ValueError:
        return schema  # a date without an offset
    return told
