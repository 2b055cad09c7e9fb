"""Who sent a request, and how credentials are verified: principals, and the options of verifiers."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .principal import Principal


def principal_of(members: dict[str, Any] | None) -> Principal | None:
    """The principal that the engine describes."""
    if members is None:
        return None
    # Loaded with the first principal: most programs have none.
    from .principal import Principal

    return Principal(**members)
