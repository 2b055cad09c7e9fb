"""A registered entry, as programs see it."""

from __future__ import annotations

from typing import Any, NamedTuple


class Entry(NamedTuple):
    """A registered entry, as it was given."""

    definition: dict[str, Any]
    """The members of the definition, by the specification's names."""
    enabled: bool
    """Whether clients see the entry."""
