"""The interface through which a context reaches its event loop. Only type checkers load this module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor
    from typing import NoReturn

    from .._native import Call


class CallPort(Protocol):
    """The members of the bridge between the engine and an event loop that contexts and middleware use."""

    main: Callable[[Callable[[], None]], object] | None
    """Passes a function to the main thread; ``None`` if the loop runs on the main thread."""

    async def ask(self, call: Call, kind: str, params: dict[str, Any], key: str | None) -> Any: ...

    async def run_next(self, call: Call, arguments: dict[str, Any] | None) -> Any: ...

    async def suspend(self, call: Call) -> NoReturn: ...

    def is_suspended(self, call: Call) -> bool: ...

    def begin_effect(self, call: Call) -> None: ...

    def end_effect(self, call: Call) -> None: ...

    def executor(self) -> Executor: ...
