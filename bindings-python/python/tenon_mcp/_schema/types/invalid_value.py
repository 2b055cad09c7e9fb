"""The exception for values from clients that do not fit a parameter."""

from __future__ import annotations


class InvalidValue(ValueError):
    """A value from a client does not fit a parameter. It has pairs of a path inside the value and a reason."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(*reasons)
        self._reasons = [("", reason) for reason in reasons]

    def add(self, path: str, reason: str) -> None:
        """Adds a reason for the part of the value at ``path``."""
        self._reasons.append((path, reason))

    def under(self, key: object) -> InvalidValue:
        """The same reasons for the container that has this value at ``key``."""
        outer = InvalidValue()
        outer._reasons = [(f"/{key}{path}", reason) for path, reason in self._reasons]
        return outer

    def __str__(self) -> str:
        return "; ".join(f"{path}: {reason}" if path else reason for path, reason in self._reasons)
