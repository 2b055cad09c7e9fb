"""The sender of a request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, eq=False, init=False, slots=True)
class Principal:
    """Who sent a request.

    The identity is the pair of ``issuer`` and ``subject``: two principals are equal if both are. ``str()`` gives the
    subject. ``repr`` does not show the claims.
    """

    subject: str
    """The name of the principal at its issuer."""
    issuer: str
    """The authority that knows the subject. It is ``host`` for a principal that the program gave as a ``str``."""
    client_id: str | None
    """The OAuth client that the principal uses, if it is known."""
    scopes: tuple[str, ...]
    """What the credential permits."""
    roles: tuple[str, ...]
    """The roles of the principal."""
    claims: dict[str, Any] = field(repr=False)
    """The claims of the token. It is empty if there is no token with claims."""
    expires_at: int | None
    """Until when the credential is accepted, in seconds since 1970. A token is accepted until it expires, and for the
    ``leeway`` of its verifier.
    """

    def __init__(
        self,
        subject: str,
        issuer: str = "host",
        *,
        client_id: str | None = None,
        scopes: Iterable[str] = (),
        roles: Iterable[str] = (),
        claims: Mapping[str, Any] | None = None,
        expires_at: int | None = None,
    ) -> None:
        for name, words in (("scopes", scopes), ("roles", roles)):
            if isinstance(words, str):
                raise TypeError(f"{name} must be a list of strings, not a str; put a single word into a list")
        values = (subject, issuer, client_id, tuple(scopes), tuple(roles), dict(claims or {}), expires_at)
        for name, value in zip(self.__dataclass_fields__, values, strict=True):
            object.__setattr__(self, name, value)

    def has_scope(self, scope: str) -> bool:
        """Whether the principal has this scope."""
        return scope in self.scopes

    def has_role(self, role: str) -> bool:
        """Whether the principal has this role."""
        return role in self.roles

    def __str__(self) -> str:
        return self.subject

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Principal):
            return NotImplemented
        return (self.issuer, self.subject) == (other.issuer, other.subject)

    def __hash__(self) -> int:
        return hash((self.issuer, self.subject))

    def _members(self) -> dict[str, Any]:
        """The principal as the engine reads it."""
        members = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return members if self.claims else {**members, "claims": None}
