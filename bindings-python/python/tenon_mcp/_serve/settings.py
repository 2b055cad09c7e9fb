"""The settings of a server, as keywords of ``Server``; made from the engine's table."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypedDict

from .._auth.options import AccessRule, Verifier
from .._auth.principal import Principal
from .._registry.policy_values import CircuitBreaker, RateLimit, RateLimits
from .._store.store import Store
from .cache_hints import CacheHints
from .limits import Limits


class Settings(TypedDict, total=False):
    """The settings of a server."""

    title: str | None
    """The name for people."""
    description: str | None
    """What the server is for (from 2025-11-25 on)."""
    icons: Sequence[dict[str, Any]] | None
    """The server's icons, an array as the specification defines it (from 2025-11-25 on)."""
    website_url: str | None
    """The URL of the server's website (from 2025-11-25 on)."""
    instructions: str | None
    """How a model should use the server."""
    revisions: Sequence[str] | None
    """The protocol revisions that the server supports. Default: all."""
    mask_errors: bool | None
    """Whether clients receive a reference in place of the text of an unexpected exception. The log has the text
    under that reference. The default is yes if other machines may reach the server: it listens on an address that
    is not a loopback address, allows a host that is not this machine, or serves HTTP on a Unix socket. The
    default is also yes if the engine does not know the address: the requests come from an HTTP server of the
    program's own, or from a stream that the program accepted. Lines on Unix sockets, descriptors and clients in
    the process are local. If other machines may reach the server, the start is logged as a warning, unless this
    is on.
    """
    cache_hints: float | CacheHints | None
    """How long clients may cache responses, and for whom (2026-07-28). Default: not at all, and by anyone."""
    coerce_arguments: bool | None
    """Whether arguments that do not conform are checked a second time, with strings at their top level converted to
    the numbers, booleans, arrays and objects that they represent. Some clients send a string for a number.
    Default: yes.
    """
    assert_formats: bool | None
    """Whether ``format`` in the schemas of arguments and results is asserted: ``date``, ``date-time``, ``email``,
    ``ip``, ``ipv4``, ``ipv6``, ``uri`` and ``uuid``. Other formats refuse nothing. Default: yes.
    """
    end_with_stdin: bool | None
    """Whether the end of standard input ends the server if it has other transports. The same holds for the last of
    the channels that have one client each: descriptors, connected sockets and streams. If not, the client of
    standard input leaves and the others stay. A server without another transport ends in any case. Default: yes.
    """
    log_level: Literal["debug", "info", "warn", "error"] | None
    """The lowest level of the records that reach the log: ``debug``, ``info``, ``warn`` or ``error``. Records below
    it are not created. Default: ``debug``, so the log alone decides.
    """
    disabled: dict[str, Sequence[str]] | None
    """The entries that the server hides, as if they were not registered: an object with the members ``tools``,
    ``resources``, ``templates`` and ``prompts``, which are lists of names in which ``*`` stands for any text, and
    ``tags``, a list of tags. Entries that are added later are hidden too. An entry that is also disabled by code
    stays hidden until both have changed. Default: none.
    """
    audit: str | os.PathLike[str] | None
    """Where the audit events of entries with the policy ``audit`` go: ``log``, or the path of a file. Each event is
    a JSON object in one line, which is added to the end of the file before the client gets the response. If the
    file cannot be written when the server starts, the start fails. Later, the event goes to the log, with an
    error. The level of events in the log is ``info``, and ``log_level`` does not drop them. Default: ``log``.
    """
    rate_limit: RateLimits | None
    """How many requests clients may send in a time. Further requests are refused at once: over HTTP with the status
    429 and ``Retry-After``. It is a text such as ``600/min``, or an object or a list as the policy ``rate_limit``
    has, whose ``by`` is ``global``, ``principal``, ``address`` or ``session``. The requests ``initialize``,
    ``ping`` and ``subscriptions/listen`` do not count. Default: no limit.
    """
    limiters: dict[str, str | RateLimit | dict[str, Any]] | None
    """The limits that the program applies itself, each with a name, such as the limit of a service that it calls: an
    object with a rate limit for each name, a text such as ``60/min`` or an object with ``amount``, ``per``,
    ``burst`` and ``window``. Handlers use them by their names. The state is kept in the process. Default: none.
    """
    breakers: dict[str, CircuitBreaker | dict[str, Any]] | None
    """The circuit breakers that the program uses itself, each with a name: an object with a circuit breaker for each
    name, whose members are those of the policy ``circuit_breaker`` that say when circuits open and close.
    Handlers use them by their names. The state is kept in the process. Default: none.
    """
    state_keys: Iterable[bytes] | None
    """The keys of 32 bytes that encrypt the data that clients carry, such as the state between the rounds of a
    question. The first key encrypts, and every key decrypts, so that a key can be replaced. Replicas behind one
    address must share the keys. Keep the keys secret, and draw them at random. Where a key is a text, the text is
    hexadecimal or base64. Default: a random key of this process.
    """
    auth: Sequence[Verifier] | None
    """The verifiers of credentials, in the order in which they are asked: an array of objects, whose member ``type``
    is ``api_keys``, ``jwt`` or ``introspection``. The first one that accepts the credentials gives the principal.
    Default: none, so the server does not look at credentials.
    """
    authorization_servers: str | Sequence[str] | None
    """The authorization servers that clients get tokens from. The metadata of the server names them. Default: the
    issuers of the verifiers of the type ``jwt``.
    """
    ca_file: str | os.PathLike[str] | None
    """A file with root certificates (PEM), besides those of the system, for the server's own HTTPS requests."""
    trusted_proxies: str | Sequence[str] | None
    """The addresses of proxies, each as an address or a network such as ``10.0.0.0/8``. The headers ``Forwarded``
    and ``X-Forwarded-*`` of requests from them count. Default: none.
    """
    anonymous: Literal["refuse", "allow"] | None
    """Whether callers without a principal may use entries: ``allow``, or ``refuse``, unless an entry is public.
    Default: ``refuse`` if ``auth`` is set, else ``allow``.
    """
    scopes: Sequence[str] | None
    """The scopes that callers need for entries that set none."""
    roles: Sequence[str] | None
    """The roles of which callers need one for entries that set none."""
    access_of_tags: dict[str, AccessRule] | None
    """Rules for all entries with a tag, besides the rule of the entry: an object with the members ``scopes``,
    ``roles`` and ``public`` for each tag.
    """
    scope_hierarchy: dict[str, Sequence[str]] | None
    """For each broad scope, the scopes that it includes. A caller with the broad scope needs none of the others."""
    public_url: str | None
    """The URL of the endpoint as clients know it, such as ``https://example.com/mcp``. It is the resource that
    tokens must be made for, and challenges and metadata name it. Default: the URL of the request.
    """
    principal: str | Principal | dict[str, Any] | None
    """The principal of the client on standard input and output: a string, or an object with the members ``subject``,
    ``issuer``, ``client_id``, ``scopes``, ``roles``, ``claims`` and ``expires_at``. Default: none.
    """
    capabilities: Sequence[str] | None
    """The capabilities that the server declares even if nothing is registered for them. It answers their lists."""
    extensions: dict[str, dict[str, Any]] | None
    """The extensions that the server declares, by their names, with their settings. A name has a prefix, as in
    ``com.example/name``. A legacy client is told of them only if it declares extensions itself.
    """
    cache_hints_of: dict[str, float | CacheHints] | None
    """How long clients may cache the responses of single methods, and for whom, in place of ``cache_hints``
    (2026-07-28).
    """
    store: str | Store | None
    """Where the server keeps the data that outlives a request: legacy HTTP sessions, the events of streams that can
    be resumed, tasks and used states. A URL names a store of the library: ``memory:`` is the memory of this
    process. A program may also pass a store of its own. Default: ``memory:``.
    """


class ServerOptions(Settings, Limits):
    """The settings and the limits of a server."""
