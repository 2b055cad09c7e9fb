"""Parameters whose types are more than JSON's own."""

from __future__ import annotations

from .._native import Arguments, from_json, to_json
from .annotations import ANNOTATED, origin_and_arguments
from .plain_types import with_default
from .signature import MISSING, REQUIRED
from .types.builder import Types
from .types.metadata import UNSET, Metadata

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .signature import Parameter
    from .types.json_type import Type


def new_types() -> Types:
    return Types()


def schema_of(types: Types, parameter: Parameter) -> dict[str, Any]:
    """The schema of a parameter. It also sets how the parameter converts its values. Raises ``TypeError``."""
    found = types.of(parameter.annotation)
    metadata = _metadata(parameter.annotation)
    if metadata is not None:
        parameter.key = metadata.alias or parameter.key
        if metadata.make_default is not None and parameter.default is REQUIRED:
            parameter.make_default, parameter.default = metadata.make_default, MISSING
        elif metadata.default is not UNSET and parameter.default is REQUIRED:
            default = parameter.default = metadata.default
            parameter.make_default = lambda: default
    schema = found.schema
    read = found.read
    if parameter.default is None and read is not None and "null" not in found.kinds:
        read_value = read
        read = lambda value: None if value is None else read_value(value)  # noqa: E731
    parameter.read = read
    if read is None or parameter.default is REQUIRED:
        return schema
    return _with_default(types, found, schema, parameter.default)


def _metadata(annotation: Any) -> Metadata | None:
    origin, arguments = origin_and_arguments(annotation)
    return Metadata(arguments[1:]) if origin is ANNOTATED else None


def _with_default(types: Types, found: Type, schema: dict[str, Any], default: Any) -> dict[str, Any]:
    """Adds the default as JSON, if it conforms to the schema. Any other default is known to the function only."""
    if default is None:
        return with_default(schema, None)
    try:
        value = from_json(to_json(default if found.write is None else found.write(default), rich=True))
    except (ValueError, TypeError, AttributeError):
        return schema
    extended = {**schema, "default": value}
    try:
        Arguments({"type": "object", "properties": {"value": extended}, "$defs": types.defs}, False)
    except ValueError:
        return schema  # for example, a date without an offset
    return extended
