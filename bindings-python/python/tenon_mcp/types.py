"""The types of options and entries, for annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ._auth.credentials import Credentials
from ._auth.options import AccessRule, Verifier
from ._auth.verifiers import ApiKeyOptions, ApiKeysOptions, IntrospectionOptions, JWTOptions
from ._handlers.depends import Depends
from ._registry.policies import (
    CompletionPolicies,
    HookPolicies,
    MethodPolicies,
    NotificationPolicies,
    PromptPolicies,
    ResourcePolicies,
    ResourceProviderPolicies,
    ResourceTemplatePolicies,
    ToolPolicies,
)
from ._registry.policy_values import (
    Cache,
    CacheOptions,
    CircuitBreaker,
    CircuitBreakerOptions,
    RateLimit,
    RateLimitOptions,
    RateLimits,
    Retry,
    RetryOptions,
)
from ._serve.cache_hints import CacheHints
from ._serve.descriptors import HasFileno
from ._serve.limits import Limits
from ._serve.settings import ServerOptions
from ._serve.transports import EmbedOptions, HttpOptions, SseOptions, Transports, UnixOptions, WebOptions
from ._store.operations import StoreEntry, StoreOp, StoreRecord, StoreReply
from ._store.store import Store

if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    Thread: TypeAlias = Literal["pool", "loop", "main"] | None

__all__ = [
    "AccessRule",
    "ApiKeyOptions",
    "ApiKeysOptions",
    "Cache",
    "CacheHints",
    "CacheOptions",
    "CircuitBreaker",
    "CircuitBreakerOptions",
    "CompletionPolicies",
    "Credentials",
    "Depends",
    "EmbedOptions",
    "Entry",
    "HasFileno",
    "HookPolicies",
    "HttpOptions",
    "IntrospectionOptions",
    "JWTOptions",
    "Limits",
    "MethodPolicies",
    "NotificationPolicies",
    "PromptPolicies",
    "RateLimit",
    "RateLimitOptions",
    "RateLimits",
    "ResourcePolicies",
    "ResourceProviderPolicies",
    "ResourceTemplatePolicies",
    "Retry",
    "RetryOptions",
    "ServerOptions",
    "SseOptions",
    "Store",
    "StoreEntry",
    "StoreOp",
    "StoreRecord",
    "StoreReply",
    "ToolPolicies",
    "Transports",
    "UnixOptions",
    "Verifier",
    "WebOptions",
]


class Entry(NamedTuple):
    """A registered entry."""

    definition: dict[str, Any]
    """The members of the definition, by the specification's names."""
    enabled: bool
    """Whether clients see the entry."""
