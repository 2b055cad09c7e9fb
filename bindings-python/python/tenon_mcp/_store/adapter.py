"""Calls a program's store: the engine has bytes as base64 text, the store as ``bytes``."""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64

from .._native import Handler
from .._schema.inspection import is_async, wraps_async
from ..errors import RegistrationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_BYTES = "base64"
"""The only member of an object that stands for bytes."""


def store_handler(store: Any) -> tuple[Handler, str]:
    """The handler for the operations of a store, and its lane."""
    submit = getattr(store, "submit", None)
    if isinstance(store, type) or not callable(submit):
        what = f"the class {store.__name__}" if isinstance(store, type) else type(store).__name__
        raise RegistrationError(f"store must be a URL, or an object with a method submit, not {what}")
    on_loop = is_async(submit) or wraps_async(submit)
    run = _on_loop(submit) if on_loop else _on_worker(submit)
    return Handler(run, [], None, True, False), "async" if on_loop else "store"


def _on_loop(submit: Callable[..., Any]) -> Callable[..., Any]:
    async def run(**op: Any) -> Any:
        return encode(await submit(decode(op)))

    return run


def _on_worker(submit: Callable[..., Any]) -> Callable[..., Any]:
    def run(**op: Any) -> Any:
        return encode(submit(decode(op)))

    return run


def decode(op: dict[str, Any]) -> dict[str, Any]:
    """The operation with its bytes."""
    return {name: a2b_base64(value[_BYTES]) if isinstance(value, dict) else value for name, value in op.items()}


def decode_all(reply: Any) -> Any:
    """A reply with its bytes."""
    if isinstance(reply, dict):
        if _BYTES in reply:
            return a2b_base64(reply[_BYTES])
        return {name: decode_all(value) for name, value in reply.items()}
    return [decode_all(value) for value in reply] if isinstance(reply, list) else reply


def encode(reply: Any) -> Any:
    """The reply with base64 text in place of bytes."""
    if isinstance(reply, (bytes, bytearray, memoryview)):
        return {_BYTES: b2a_base64(reply, newline=False).decode()}
    if isinstance(reply, dict):
        return {name: encode(value) for name, value in reply.items()}
    if isinstance(reply, (list, tuple)):
        return [encode(value) for value in reply]
    return reply
