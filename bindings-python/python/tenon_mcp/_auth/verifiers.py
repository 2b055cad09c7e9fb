"""The verifiers of credentials, with their keywords; made from the engine's table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from .options import NamedOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack


class ApiKeyOptions(TypedDict, total=False):
    """The options of ``ApiKey``."""

    value: str | None
    """The key itself."""
    hash: str | None
    """The SHA-256 digest of the key."""
    file: str | os.PathLike[str] | None
    """A file with the key."""
    env: str | None
    """The variable of the environment with the key."""
    subject: str | None
    """Who has the key."""
    client_id: str | None
    """The client that has the key."""
    scopes: Sequence[str] | None
    """The scopes of the key."""
    roles: Sequence[str] | None
    """The roles of the key."""
    expires_at: int | None
    """When the key expires, in seconds since 1970."""


class ApiKey(NamedOptions):
    """One static key. It needs ``subject``, and one of ``value``, ``hash``, ``file`` and ``env``."""

    __slots__ = ()
    _secrets = frozenset({"value", "hash"})

    if TYPE_CHECKING:

        def __init__(self, **options: Unpack[ApiKeyOptions]) -> None: ...


class ApiKeysOptions(TypedDict, total=False):
    """The options of ``ApiKeys``."""

    keys: Sequence[ApiKey | dict[str, Any]] | None
    """The keys: objects with the members ``subject``, and one of ``value``, ``hash`` (``sha256:`` and the digest in
    hexadecimal or base64url), ``file`` and ``env``. ``scopes``, ``roles``, ``client_id`` and ``expires_at`` are
    optional. A key has at least 16 bytes.
    """
    header: str | None
    """The header whose whole value is the key, such as ``x-api-key``. Default: a bearer token in ``Authorization``."""
    issuer: str | Sequence[str] | None
    """The issuer of the principals. Of a token, the issuers that are accepted: its claim ``iss`` must be one of
    them. Default for keys: ``api-keys``. Default for introspection: what the server answers, or its URL.
    """


class ApiKeys(NamedOptions):
    """Static keys: bearer tokens, or the values of a header. They are compared in constant time."""

    __slots__ = ()
    _type = "api_keys"
    _secrets = frozenset({"keys"})

    if TYPE_CHECKING:

        def __init__(self, **options: Unpack[ApiKeysOptions]) -> None: ...


class JWTOptions(TypedDict, total=False):
    """The options of ``JWT``."""

    issuer: str | Sequence[str] | None
    """The issuer of the principals. Of a token, the issuers that are accepted: its claim ``iss`` must be one of
    them. Default for keys: ``api-keys``. Default for introspection: what the server answers, or its URL.
    """
    audience: str | Sequence[str] | None
    """The audiences that are accepted: the claim ``aud`` must have one of them. Default: the setting ``public_url``."""
    roles_claim: str | None
    """The path of the claim with the roles, with dots between names, such as ``realm_access.roles``. Default:
    ``roles``.
    """
    leeway: float | None
    """How much the clocks of the issuer and the server may differ. Default: 60 s."""
    jwks_url: str | None
    """The URL of a JWK set with the public keys. It is read at the first token, again after five minutes, and for an
    unknown key at most once a minute. While no keys could be read, it is tried at most every five seconds.
    """
    public_key: str | None
    """Public keys: a PEM text, a JWK, or a JWK set."""
    public_key_file: str | os.PathLike[str] | None
    """A file with ``public_key``."""
    secret: str | None
    """A secret for HS256, HS384 and HS512, at least as long as the digest."""
    secret_file: str | os.PathLike[str] | None
    """A file with ``secret``."""
    algorithms: Sequence[str] | None
    """The algorithms that are accepted. Default: those that fit the keys."""


class JWT(NamedOptions):
    """JSON Web Tokens (RFC 7519). Signature, issuer, audience and times are checked. It needs ``issuer``, one of the
    options ``jwks_url``, ``public_key``, ``public_key_file``, ``secret`` and ``secret_file``, and ``audience``,
    unless the server has a ``public_url``.
    """

    __slots__ = ()
    _type = "jwt"
    _secrets = frozenset({"secret"})

    if TYPE_CHECKING:

        def __init__(self, **options: Unpack[JWTOptions]) -> None: ...


class IntrospectionOptions(TypedDict, total=False):
    """The options of ``Introspection``."""

    issuer: str | Sequence[str] | None
    """The issuer of the principals. Of a token, the issuers that are accepted: its claim ``iss`` must be one of
    them. Default for keys: ``api-keys``. Default for introspection: what the server answers, or its URL.
    """
    audience: str | Sequence[str] | None
    """The audiences that are accepted: the claim ``aud`` must have one of them. Default: the setting ``public_url``."""
    roles_claim: str | None
    """The path of the claim with the roles, with dots between names, such as ``realm_access.roles``. Default:
    ``roles``.
    """
    leeway: float | None
    """How much the clocks of the issuer and the server may differ. Default: 60 s."""
    url: str | None
    """The URL of the endpoint."""
    client_id: str | None
    """The name with which the server authenticates itself at the endpoint. ``client_secret`` is its password."""
    client_secret: str | None
    """The password for ``client_id``."""
    client_secret_file: str | os.PathLike[str] | None
    """A file with ``client_secret``."""


class Introspection(NamedOptions):
    """Tokens that an authorization server is asked about (RFC 7662). It needs ``url``, and ``audience``, unless the
    server has a ``public_url``. A token is refused if the answer has no ``aud``.
    """

    __slots__ = ()
    _type = "introspection"
    _secrets = frozenset({"client_secret"})

    if TYPE_CHECKING:

        def __init__(self, **options: Unpack[IntrospectionOptions]) -> None: ...
