"""Python's keywords as member names of the specification."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def camel(name: str) -> str:
    """A keyword in the specification's spelling: ``mimeType`` for ``mime_type``."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def camel_members(members: dict[str, Any]) -> dict[str, Any]:
    """Members by the specification's names. Members that are ``None`` are left out."""
    return {camel(name): value for name, value in members.items() if value is not None}
