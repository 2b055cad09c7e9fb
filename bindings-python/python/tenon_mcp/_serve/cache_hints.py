"""Caching hints, as users write them."""

from __future__ import annotations

from typing import TypedDict


class CacheHints(TypedDict, total=False):
    """How long a client may cache a response, and for whom. This is a hint and no access control."""

    ttl: float
    """How long the response is fresh, in seconds; default 0."""
    scope: str
    """``"public"`` (default): any client may get the cached response. ``"private"``: only the client that requested it.
    """
