"""The authorization server of the tests: a key, and tokens that it signs or would never sign."""

import base64
import json
import time
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ISSUER = "https://login.example"
AUDIENCE = "https://access.example/mcp"
HOUR = 3600

KEY, OTHER_KEY = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()


def write_key(path):
    """Writes the public key that servers verify tokens with."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    path.write_bytes(KEY.public_key().public_bytes(serialization.Encoding.PEM, form))


def part(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def signed(scopes=(), roles=(), key=KEY, **claims):
    """A JSON Web Token; `claims` replace those of a good one."""
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": int(time.time()) + HOUR}
    head = part(json.dumps({"alg": "EdDSA", "typ": "JWT"}).encode())
    body = part(json.dumps({**good, "scope": " ".join(sorted(scopes)), "roles": sorted(roles), **claims}).encode())
    return f"{head}.{body}.{part(key.sign(f'{head}.{body}'.encode()))}"


@dataclass(frozen=True)
class Caller:
    """Who sends a request. Credentials that are not valid have a `fault`."""

    name: str
    authorization: str | None = None
    fault: str | None = None
    scopes: frozenset = field(default=frozenset(), compare=False)
    roles: frozenset = field(default=frozenset(), compare=False)

    @property
    def headers(self):
        return {} if self.authorization is None else {"Authorization": self.authorization}


def principal(name, scopes=(), roles=()):
    """A caller with a good token."""
    return Caller(name, f"Bearer {signed(scopes, roles)}", None, frozenset(scopes), frozenset(roles))


def impostors(scopes, roles):
    """Callers whose credentials are not valid, although their tokens name what would be needed."""
    def bearer(**claims):
        return f"Bearer {signed(scopes, roles, **claims)}"

    return [
        Caller("malformed token", "Bearer not-a-token", "invalid"),
        Caller("no token behind the scheme", "Bearer", "malformed"),
        Caller("forged token", bearer(key=OTHER_KEY), "invalid"),
        Caller("expired token", bearer(exp=int(time.time()) - HOUR), "invalid"),
        Caller("wrong audience", bearer(aud="https://other.example/mcp"), "invalid"),
        Caller("wrong issuer", bearer(iss="https://other.example"), "invalid"),
    ]


NOBODY = Caller("no token")
