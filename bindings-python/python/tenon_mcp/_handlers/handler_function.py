"""The type of a handler's function as the modules that wrap it see it. Only type checkers load this module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._native import Arguments
    from .._schema.signature import Signature


class HandlerFunction(Protocol):
    """The members of ``Function`` that its wrappers use."""

    label: str
    signature: Signature
    called: Callable[..., Any]
    on_loop: bool
    yields: bool
    overrides: dict[Any, Any]
    strings: Arguments | None
    write: Callable[[Any], Any] | None
