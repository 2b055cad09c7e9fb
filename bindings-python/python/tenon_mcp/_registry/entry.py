"""What is registered, as a program is shown it."""

from __future__ import annotations

from typing import Any, NamedTuple


class Entry(NamedTuple):
    """Something registered, as it was given."""

    definition: dict[str, Any]
    """Its members, by the specification's names."""
    enabled: bool
    """Whether clients see it."""
