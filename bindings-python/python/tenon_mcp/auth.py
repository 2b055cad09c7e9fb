"""Authentication: the principal of a request, and the verifiers of credentials.

The guides ``authentication.md`` and ``own-verifiers.md`` show how a server uses them.
"""

from __future__ import annotations

from ._auth.principal import Principal
from ._auth.verifiers import JWT, ApiKey, ApiKeys, Introspection

__all__ = ["ApiKey", "ApiKeys", "Introspection", "JWT", "Principal"]
