"""Registered entries by name, for tests that call a function without a client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .._native import Engine
from .definition import Definition


class Registered:
    """A registered entry. The members of its definition are attributes, with underscores: ``description``,
    ``input_schema``, ``annotations``. An attribute is ``None`` if the definition does not have the member.
    """

    name: str
    """The name that the entry is registered under: a name, an address, or a template."""
    definition: Definition
    """The members of the definition, by the specification's names."""
    enabled: bool
    """Whether clients see the entry."""
    fn: Any
    """The function; ``None`` if the engine answers the entry itself."""

    def __init__(self, name: str, definition: dict[str, Any], enabled: bool, fn: Any) -> None:
        self.name = name
        self.definition = Definition(definition)
        self.enabled = enabled
        self.fn = fn

    def __getattr__(self, name: str) -> Any:
        return getattr(self.definition, name)

    def __repr__(self) -> str:
        return f"<{self.name}: {self.fn!r}>"


class View(Mapping[str, Registered]):
    """The current entries of one kind, including disabled entries, in order of registration."""

    def __init__(self, engine: Engine, kind: str) -> None:
        self._engine = engine
        self._kind = kind

    def __getitem__(self, name: str) -> Registered:
        found = self._engine.entry(self._kind, name) if isinstance(name, str) else None
        if found is None:
            raise KeyError(name)
        return Registered(name, *found)

    def __iter__(self) -> Iterator[str]:
        return iter(self._engine.names(self._kind))

    def __len__(self) -> int:
        return len(self._engine.names(self._kind))
