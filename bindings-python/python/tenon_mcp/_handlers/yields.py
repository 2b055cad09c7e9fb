"""Tools that yield their content, a block at a time."""

from __future__ import annotations

from ..results import ToolResult
from .context_key import CONTEXT_KEY
from .results import block_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_BLOCK_OVERHEAD = 32
"""The size of a block besides its text, in bytes."""


class _Blocks:
    """The content yielded so far. Each text is also the message of a progress notification."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._limit = context._call.max_result_bytes
        self._size = 0
        self._texts = 0
        self.json: list[dict[str, Any]] = []

    def take(self, item: Any) -> None:
        block = block_of(item)
        self._size += _size(block)
        if self._size > self._limit:
            raise ValueError(f"the tool yielded more than {self._limit} bytes, the limit max_result_bytes")
        self.json.append(block)
        if block.get("type") == "text":
            self._texts += 1
            self._context.progress(self._texts, None, block["text"])

    def result(self) -> ToolResult:
        return ToolResult._from_json({"content": self.json})


def _size(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return _BLOCK_OVERHEAD + sum(_size(one) for one in value.values())
    return 0


def collecting(function: Callable[..., Any], own: str | None) -> Callable[..., Any]:
    """A function that returns everything that a generator yields. The generator is closed at the end of the call."""

    def call(**arguments: Any) -> Any:
        context = arguments[own] if own else arguments.pop(CONTEXT_KEY)
        blocks = _Blocks(context)
        items = function(**arguments)
        try:
            for item in items:
                if context.cancelled:
                    break
                blocks.take(item)
        finally:
            items.close()
        return blocks.result()

    return call


def collecting_on_loop(function: Callable[..., Any], own: str | None) -> Callable[..., Any]:
    """The same for an asynchronous generator."""

    async def call(**arguments: Any) -> Any:
        context = arguments[own] if own else arguments.pop(CONTEXT_KEY)
        blocks = _Blocks(context)
        items = function(**arguments)
        try:
            async for item in items:
                blocks.take(item)
        finally:
            await items.aclose()
        return blocks.result()

    return call
