"""The values of policies that have members; made from the engine's table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict

from .._auth.options import NamedOptions

if TYPE_CHECKING:
    from typing_extensions import Required, Unpack


class RateLimitOptions(TypedDict, total=False):
    """The options of ``RateLimit``."""

    per: Required[float]
    """The time in which they may be made. It must be set. The value is in seconds."""
    burst: int | None
    """The most calls at once in a token bucket: 1 to 1,000,000,000. Default: the amount."""
    window: Literal["sliding", "bucket"] | None
    """How calls are counted. ``sliding``: in no span of the length ``per`` are more calls admitted than ``amount``.
    Above an amount of 4,096, calls come back up to a 2,048th of ``per`` late. ``bucket``: a token bucket, to
    which calls come back evenly. Default: ``bucket`` if ``burst`` is set, else ``sliding``.
    """
    by: str | Sequence[str] | None
    """What is counted separately: ``principal``, ``address``, ``session``, ``entry``, ``arguments.NAME`` or
    ``global``. With a list, each combination is counted, at most 4 keys. Requests without a session count by
    their principal, and those without a principal by their address. An IPv6 network of 64 bits counts as one
    address. ``global`` is for servers; ``entry`` and arguments are for entries. Default: all calls of the entry,
    or all requests of the server, together.
    """
    counts: Literal["calls", "misses"] | None
    """Which calls count. ``calls``: all. ``misses``: those for which the cache of the entry has no result. Limits of
    servers have none. Default: ``calls``.
    """
    refusal: Literal["error", "result"] | None
    """What a client receives whose call is refused. ``error``: an error of the protocol, whose data has the member
    ``retryAfterMs``. ``result``: a failed result of the tool, whose text the model reads. Default: ``error``. A
    request above a limit of the server is answered with an error, over HTTP with the status 429 and
    ``Retry-After``.
    """
    text: str | None
    """The text of refusals. ``{wait}`` in it becomes the number of seconds to wait. Default: a text that names the
    limit and the time.
    """
    on_store_failure: Literal["refuse", "pass"] | None
    """What happens to a call if the store fails or does not answer in time: ``refuse`` or ``pass``. Default:
    ``refuse``.
    """


class RateLimit(NamedOptions):
    """How many calls, or requests, may be made in a time. ``amount``: How many calls may be made in the time
    ``per``: 1 to 1,000,000,000. It must be set.
    """

    __slots__ = ()

    def __init__(self, amount: int, **options: Unpack[RateLimitOptions]) -> None:
        super().__init__(amount=amount, **options)


RateLimits: TypeAlias = str | RateLimit | dict[str, Any] | Sequence[str | RateLimit | dict[str, Any]]
"""A text, one ``RateLimit`` or a dict with its members, or a list of these."""


class CacheOptions(TypedDict, total=False):
    """The options of ``Cache``."""

    max_entries: int | None
    """The most results that are kept: 1 to 10,000,000. Then the one that was used longest ago is dropped. Default:
    1000.
    """
    max_bytes: int | None
    """The most bytes that the results take together, 192 of which are counted for each result besides its own: 1 to
    1,099,511,627,776. A larger result is not kept. Default: 16,777,216.
    """
    public: bool | None
    """Whether all callers share the results. If not, callers whose principals differ in identity, scopes or roles
    have results of their own; those without a principal share theirs. Default: no.
    """
    stale_if_error: float | None
    """How long after ``ttl`` a result answers calls that fail: the handler fails or takes too long, or the call is
    refused after its cache was asked. Default: not at all. The value is in seconds.
    """
    stale_while_revalidate: float | None
    """How long after ``ttl`` a result still answers calls, while one run of the handler in the background renews it.
    Default: not at all. The value is in seconds.
    """


class Cache(NamedOptions):
    """Keeps results, so that later calls with the same arguments get them without a run of the handler. ``ttl``: How
    long a result is fresh. It must be set. A resource that says itself how long its contents may be cached is not
    kept longer.
    """

    __slots__ = ()

    def __init__(self, ttl: float, **options: Unpack[CacheOptions]) -> None:
        super().__init__(ttl=ttl, **options)


class CircuitBreakerOptions(TypedDict, total=False):
    """The options of ``CircuitBreaker``."""

    failures: int | None
    """How many failures in a row open the circuit: 1 to 1,000,000. Default: 5, unless ``failure_percent`` is set."""
    failure_percent: int | None
    """How many of a hundred calls in the last ``window`` must fail to open the circuit: 1 to 100. Default: not
    counted.
    """
    window: float | None
    """The time in which ``failure_percent`` is counted, in tenths. Default: 60 s. The value is in seconds."""
    min_calls: int | None
    """The fewest calls in the last ``window`` of which ``failure_percent`` is counted. Default: 10."""
    open_for: float | None
    """How long calls are refused after the circuit has opened. Then probes may run. Default: 30 s. The value is in
    seconds.
    """
    probes: int | None
    """How many calls must succeed after that time to close the circuit. No more of them run at a time, and further
    calls are refused. If one fails, the circuit opens again. Default: 1.
    """
    by: str | Sequence[str] | None
    """What has a circuit of its own: ``entry``, or ``arguments.NAME`` for each value of an argument, or a list of
    such keys. Default: the entry.
    """
    counts: Sequence[str] | None
    """What counts as a failure, a list. ``exceptions``: the handler raised an exception that was not meant for the
    client, or returned a result that is not valid. ``timeouts``: the call took too long. ``errors``: the handler
    returned an error of the protocol, other than one of parameters or of something that does not exist.
    ``failed``: the tool returned a failed result. Cancelled calls never count. Default: ``exceptions`` and
    ``timeouts``.
    """
    refusal: Literal["error", "result"] | None
    """What a client receives whose call is refused. ``error``: an error of the protocol, whose data has the member
    ``retryAfterMs``. ``result``: a failed result of the tool, whose text the model reads. Default: ``error``.
    """
    text: str | None
    """The text of refusals. ``{wait}`` in it becomes the number of seconds to wait, and ``{NAME}`` the value of an
    argument that ``by`` names. Default: a text that names the entry and the time.
    """


class CircuitBreaker(NamedOptions):
    """Refuses calls for a time after too many have failed, so that what fails can recover."""

    __slots__ = ()

    if TYPE_CHECKING:

        def __init__(self, **options: Unpack[CircuitBreakerOptions]) -> None: ...


class RetryOptions(TypedDict, total=False):
    """The options of ``Retry``."""

    attempts: int | None
    """How often the handler runs for one call, the first run included: 2 to 10. Default: 3."""
    backoff: float | None
    """The time before the second attempt. It doubles with each further one. Each time is shortened by up to a half
    at random, so that calls which fail together are not repeated together. Default: 0.1 s. The value is in
    seconds.
    """
    max_backoff: float | None
    """The longest time between two attempts. Default: 10 s. The value is in seconds."""
    budget_percent: int | None
    """How many retries an entry may have for a hundred of its calls: 1 to 100. Ten more are in reserve, also at the
    start. Default: 10.
    """
    counts: Sequence[str] | None
    """What is retried, a list: ``exceptions``, ``errors`` and ``failed``, as in a circuit breaker. Calls that take
    too long are not retried, because their time is over. Default: ``exceptions``.
    """


class Retry(NamedOptions):
    """Runs the handler of a call again after it has failed."""

    __slots__ = ()

    if TYPE_CHECKING:

        def __init__(self, **options: Unpack[RetryOptions]) -> None: ...
