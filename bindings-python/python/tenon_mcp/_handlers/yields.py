"""Tools that yield their content, a block at a time."""

from __future__ import annotations

from .results import ToolResult, block_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_OF_A_BLOCK = 32
"""What a block costs beside its text."""


class _Blocks:
    """What was yielded so far. A text is the message of a progress notification too."""

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
            raise ValueError(f"it yielded more than {self._limit} bytes, the limit max_result_bytes")
        self.json.append(block)
        if block.get("type") == "text":
            self._texts += 1
            self._context.progress(self._texts, None, block["text"])

    def result(self) -> ToolResult:
        return ToolResult._of({"content": self.json})


def _size(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return _OF_A_BLOCK + sum(_size(one) for one in value.values())
    return 0


def gathered(function: Callable[..., Any], own: str | None) -> Callable[..., Any]:
    """A function that returns what a generator yields. The generator ends with its call, whatever that ends by."""

    def call(**arguments: Any) -> Any:
        context = arguments[own] if own else arguments.pop("\0context")
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


def gathered_on_loop(function: Callable[..., Any], own: str | None) -> Callable[..., Any]:
    """The same of an asynchronous generator."""

    async def call(**arguments: Any) -> Any:
        context = arguments[own] if own else arguments.pop("\0context")
        blocks = _Blocks(context)
        items = function(**arguments)
        try:
            async for item in items:
                blocks.take(item)
        finally:
            await items.aclose()
        return blocks.result()

    return call
