"""Converts return values that JSON cannot express. The native half calls ``convert``."""

from __future__ import annotations

import sys

from ..results import _BYTES, Content, Image, ResourceContents, ToolResult, _Json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class EngineResult:
    """A result of the engine that plain JSON cannot express. If middleware returns it, it is sent unchanged."""

    __slots__ = ("json", "kind")

    def __init__(self, kind: str, json: Any) -> None:
        self.kind = kind
        self.json = json


def convert(value: Any) -> tuple[str, Any] | None:
    """Returns the engine's name for the kind of the value, and the value as JSON or bytes."""
    if isinstance(value, ToolResult):
        return "result", value.json
    if isinstance(value, EngineResult):
        return value.kind, value.json
    if isinstance(value, _Json):
        return "content", value.json
    if isinstance(value, _BYTES):
        return "bytes", bytes(value)
    image = _pil_image(value)
    if image is not None:
        return "content", image.json
    if isinstance(value, (list, tuple)):
        if "PIL" in sys.modules:
            value = [_pil_image(item) or item for item in value]
        if any(isinstance(item, (_Json, *_BYTES)) for item in value):
            return "content", [_item(item) for item in value]
    from .awaitable_check import describe_unused

    reason = describe_unused(value)
    return None if reason is None else ("unfit", reason)


def _item(value: Any) -> Any:
    if isinstance(value, _BYTES):
        return ResourceContents(value).json
    return value.json if isinstance(value, _Json) else value


def block_of(value: Any) -> dict[str, Any]:
    """Converts any value that a tool may have among its content to a content block."""
    if isinstance(value, Content):
        return value.json
    if isinstance(value, str):
        return {"type": "text", "text": value}
    image = _pil_image(value)
    if image is not None:
        return image.json
    if isinstance(value, (_Json, *_BYTES)):
        raise TypeError(f"content must be a str or a Content, not {type(value).__name__}")
    from .._native import from_json, to_json

    text = to_json(value, rich=True)
    found = from_json(text)
    return {"type": "text", "text": found if isinstance(found, str) else text.decode()}


def as_content(value: Any) -> Any:
    """Converts the return value of a tool that declares content. Every item of a list becomes a block."""
    if isinstance(value, (list, tuple)):
        return ToolResult._from_json({"content": [block_of(item) for item in value]})
    return value


def _pil_image(value: Any) -> Image | None:
    if "PIL" not in sys.modules:
        return None
    from .._schema.json_defaults import pil_image

    found = pil_image(value)
    return None if found is None else Image(*found)
