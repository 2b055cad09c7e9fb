"""Objects that have a descriptor."""

from __future__ import annotations

from typing import Protocol


class HasFileno(Protocol):
    """A ``socket.socket``, or any other object with a descriptor."""

    def fileno(self) -> int: ...
