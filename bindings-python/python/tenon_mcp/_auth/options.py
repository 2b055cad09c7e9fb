"""Options with names, some of which are secret, and the types of options about callers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeAlias, TypedDict


class AccessRule(TypedDict, total=False):
    """What callers need for all entries with a tag."""

    scopes: Sequence[str]
    """The scopes that a caller needs, all of them."""
    roles: Sequence[str]
    """The roles of which a caller needs one."""
    public: bool
    """Whether callers without a principal may use the entries."""


Verifier: TypeAlias = Mapping[str, Any]
"""``ApiKeys``, ``JWT``, ``Introspection``, or a dict with the same options and the member ``type``."""


class Hidden:
    """Stands for a secret in ``repr``."""

    def __repr__(self) -> str:
        return "<hidden>"


class NamedOptions(dict[str, Any]):
    """Options as a dict, as the engine reads them. ``repr`` does not show the secret ones."""

    __slots__ = ()
    _type: ClassVar[str | None] = None
    _secrets: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, **options: Any) -> None:
        kind = {} if self._type is None else {"type": self._type}
        super().__init__(kind, **{name: value for name, value in options.items() if value is not None})

    def __repr__(self) -> str:
        shown = {name: Hidden() if name in self._secrets else value for name, value in self.items() if name != "type"}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in shown.items())})"
