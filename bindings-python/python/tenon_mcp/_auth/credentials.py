"""What a verifier gets."""

from __future__ import annotations


class Credentials:
    """The credentials of a request, which a verifier gets. All values are secret, so ``repr`` shows none."""

    __slots__ = ("headers", "token")

    token: str | None
    """The bearer token, if the request has one."""
    headers: dict[str, str]
    """The headers that the verifier reads, as far as the request has them, with names in lower case."""

    def __init__(self, token: str | None = None, headers: dict[str, str] | None = None) -> None:
        self.token = token
        self.headers = {} if headers is None else headers

    def __repr__(self) -> str:
        token = "None" if self.token is None else "…"
        return f"Credentials(token={token}, headers={sorted(self.headers)})"
