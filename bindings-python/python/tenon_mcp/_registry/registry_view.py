"""What is registered, by name: for tests that call a function without a client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .._native import Engine
from .._testing.client_results import Definition


class Registered:
    """Something registered. The members of its definition are attributes, with underscores: ``description``,
    ``input_schema``, ``annotations``; ``None`` where it has none."""

    name: str
    """What it is registered under: a name, an address, or a template."""
    definition: Definition
    """Its members, by the specification's names."""
    enabled: bool
    """Whether clients see it."""
    fn: Any
    """The function; ``None`` for what the engine answers itself."""

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
    """The entries of one kind, as they are at any time, in order of registration; disabled ones too."""

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
