"""Arguments that arrive as strings: those of prompts, and variables of templates."""

from __future__ import annotations

from .._native import Arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def reader(schema: dict[str, Any]) -> Arguments:
    """Converts strings to the types of a schema. Numbers, booleans, lists and objects are read as JSON."""
    properties = {
        name: {key: value for key, value in property.items() if key != "default"}
        for name, property in schema["properties"].items()
    }
    return Arguments({**schema, "properties": properties, "required": []}, True)
