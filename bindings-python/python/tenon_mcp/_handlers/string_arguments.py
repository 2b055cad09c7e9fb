"""Arguments that arrive as strings: those of prompts, and variables of templates."""

from __future__ import annotations

from .._native import Arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def reader(schema: dict[str, Any]) -> Arguments:
    """What reads texts as what the properties of a schema want: numbers, booleans, lists and objects by their JSON."""
    properties = {
        name: {key: value for key, value in said.items() if key != "default"}
        for name, said in schema["properties"].items()
    }
    return Arguments({**schema, "properties": properties, "required": []}, True)
