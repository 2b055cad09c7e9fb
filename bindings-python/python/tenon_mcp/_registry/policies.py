"""The policies of entries, as keywords of the decorators; made from the engine's table."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Literal, TypedDict

from .._serve.cache_hints import CacheHints
from .policy_values import Cache, CircuitBreaker, RateLimits, Retry


class CommonPolicies(TypedDict, total=False):
    timeout: float | None
    """The timeout of one call. If a call takes longer, the client receives an error, and a later result is dropped.
    Default: the limit ``call_timeout``.
    """
    max_concurrency: int | None
    """The maximum number of concurrent calls. Further calls wait. Their callers take turns, and calls of one caller
    run in the order in which they arrived. A caller is a principal; calls without one are told apart by their
    addresses, sessions or connections. The timeout applies to the waiting time, and starts again when the call
    runs. The limit ``max_waiting_calls`` bounds how many calls wait. If it is reached, a caller with few waiting
    calls may add one, and the newest one of the caller with the most is refused instead. A call that waits for an
    answer of its client counts as running, unless its attempt has ended with the question. Default: no limit.
    """
    tags: Collection[str] | None
    """Tags by which entries are disabled, and enabled again. Clients do not see them. At most 64 tags of at most 128
    bytes each. Default: none.
    """


class ListPolicies(TypedDict, total=False):
    hidden: bool | None
    """Whether the entry is left out of every list. It can still be called. Default: no."""


class AccessPolicies(TypedDict, total=False):
    scopes: Sequence[str] | None
    """The scopes that a caller needs, all of them. A caller without them is answered with 403 over HTTP, and with an
    error elsewhere; lists do not have the entry for it. Default: the server's setting.
    """
    roles: Sequence[str] | None
    """The roles of which a caller needs one. Default: the server's setting."""
    public: bool | None
    """Whether callers without a principal may use the entry, although the server refuses them. Such an entry cannot
    need scopes or roles. Default: no, if the server's setting ``anonymous`` is ``refuse``.
    """


class CallPolicies(TypedDict, total=False):
    max_concurrency_by: dict[str, int] | None
    """The maximum number of concurrent calls with the same value of a key: an object from keys to numbers, such as
    ``{"principal": 2}``. The keys are ``principal``, ``address``, ``session`` and ``arguments.NAME``, at most 4.
    All of them apply, and ``max_concurrency`` too. Further calls wait, and calls with other values do not wait
    for them. Calls without a session count by their principal, and those without a principal by their address. An
    IPv6 network of 64 bits counts as one address. Default: no limit.
    """
    rate_limit: RateLimits | None
    """How many calls may be made in a time. Further calls are refused at once, with the time to wait. It is a text
    such as ``60/min``, an object with the members ``amount``, ``per``, ``burst``, ``window``, ``by``, ``counts``,
    ``refusal``, ``text`` and ``on_store_failure``, or a list of at most 8 of these, which all apply. A call that
    is within its limits counts, whatever happens to it later. The rounds of a call with questions count once.
    Default: no limit.
    """
    circuit_breaker: CircuitBreaker | dict[str, Any] | None
    """Refuses calls for a time after too many have failed: an object with the members ``failures``,
    ``failure_percent``, ``window``, ``min_calls``, ``open_for``, ``probes``, ``by``, ``counts``, ``refusal`` and
    ``text``. The state is kept in the process. Default: no breaker.
    """
    idempotent: bool | None
    """Whether the handler may run more than once for one call with the effect of one run. It must be set for tools
    and methods with ``retry``, unless the annotations of the tool say so (``idempotentHint`` or
    ``readOnlyHint``). Default: yes for what is read, no for tools and methods.
    """
    retry: int | Retry | dict[str, Any] | None
    """Runs the handler of a call again after it has failed: a number of attempts, or an object with the members
    ``attempts``, ``backoff``, ``max_backoff``, ``budget_percent`` and ``counts``. All attempts together have the
    time of one call. A call that has asked its client is not retried. Default: one attempt.
    """
    cache: float | Cache | dict[str, Any] | None
    """How long results are kept, so that later calls with the same arguments get them without a run of the handler:
    a time, or an object with the members ``ttl``, ``max_entries``, ``max_bytes``, ``public``, ``stale_if_error``
    and ``stale_while_revalidate``. While a call produces a result, other calls with the same arguments wait for
    it. Failures are not kept, nor are results of calls that asked their client, and of tasks. For resources,
    ``cache_hints`` follow from it. Default: nothing is kept.
    """


class SchemaPolicies(TypedDict, total=False):
    unknown_arguments: Literal["schema", "refuse", "drop"] | None
    """How arguments are treated that the input schema does not define: ``schema`` (the schema decides), ``refuse``
    (the call is refused) or ``drop`` (they are left out). With ``refuse`` and ``drop``, registration fails if
    unknown arguments cannot be distinguished from known ones: the schema, or a branch of it, has a ``$ref``
    beside its properties, or ``patternProperties``. Default: ``schema``.
    """
    coerce_arguments: bool | None
    """Whether invalid arguments are checked a second time, with strings converted to the numbers, booleans, arrays
    and objects that they represent. Default: the server's setting.
    """


class ResultPolicies(TypedDict, total=False):
    structured: bool | None
    """Whether a JSON value that the tool returns is also sent as structured content, next to its text. A tool with
    an output schema is structured in any case. Default: no.
    """


class TaskPolicies(TypedDict, total=False):
    task_support: Literal["forbidden", "optional", "required"] | None
    """Whether calls may, or must, become tasks, which outlive their connection: ``forbidden``, ``optional`` (if the
    client supports tasks) or ``required``. Default: ``forbidden``.
    """
    defer_task: bool | None
    """Whether a call of a client of 2026-07-28 becomes a task only if its handler starts the task. Until then its
    questions are asked in rounds, as in any other call. A call that does not become a task gets an ordinary
    response. Default: no; a call is a task from its start.
    """


class StatePolicies(TypedDict, total=False):
    once_only: bool | None
    """Whether each state that a client of 2026-07-28 sends back after a question can be used only once, over all
    replicas that share the server's store. If a client sends the same round again, the handler does not run
    again. A state also counts as used if the server then refuses the call as busy. Default: no.
    """


class SensitivePolicies(TypedDict, total=False):
    audit: bool | Sequence[str] | None
    """Whether each call has an audit event, also if it is refused: who called what, when, for how long, and with
    what outcome. A list names arguments whose values the event records; it has a keyed digest of all arguments.
    It never has results, tokens or headers. The server's setting ``audit`` says where events go. Default: no.
    """
    confirm: str | None
    """What the user is asked before a call runs. The call runs only if the user agrees. If the client cannot ask its
    user, the call is refused. In 2026-07-28, each agreement counts for one call, over all replicas that share the
    server's store; if the store is unavailable, the call is refused. At most 2048 bytes. Default: nothing is
    asked.
    """


class ReadPolicies(TypedDict, total=False):
    cache_hints: float | CacheHints | None
    """How long clients may cache the contents, and for whom (2026-07-28). Default: as long as ``cache`` keeps them,
    or else the server's setting.
    """


class TemplatePolicies(TypedDict, total=False):
    unsafe_paths: bool | None
    """Whether values of the template's variables may lead out of a folder that the handler appends them to. ``{+x}``
    may then be an absolute path or start with a drive (``C:``), and values of a query or a fragment may have
    segments ``..``. If not, addresses with such values do not match the template. Default: no.
    """


class ToolPolicies(
    CommonPolicies,
    ListPolicies,
    AccessPolicies,
    CallPolicies,
    SchemaPolicies,
    ResultPolicies,
    TaskPolicies,
    StatePolicies,
    SensitivePolicies,
):
    """The policies of a tool."""


class ResourcePolicies(
    CommonPolicies,
    ListPolicies,
    AccessPolicies,
    CallPolicies,
    StatePolicies,
    SensitivePolicies,
    ReadPolicies,
):
    """The policies of a resource."""


class ResourceTemplatePolicies(
    CommonPolicies,
    ListPolicies,
    AccessPolicies,
    CallPolicies,
    StatePolicies,
    SensitivePolicies,
    ReadPolicies,
    TemplatePolicies,
):
    """The policies of a resource template."""


class ResourceProviderPolicies(
    CommonPolicies,
    AccessPolicies,
    CallPolicies,
    StatePolicies,
    SensitivePolicies,
    ReadPolicies,
    TemplatePolicies,
):
    """The policies of a resource provider."""


class PromptPolicies(CommonPolicies, ListPolicies, AccessPolicies, CallPolicies, StatePolicies, SensitivePolicies):
    """The policies of a prompt."""


class CompletionPolicies(CommonPolicies, AccessPolicies, CallPolicies):
    """The policies of a completion."""


class MethodPolicies(CommonPolicies, AccessPolicies, CallPolicies, SchemaPolicies, StatePolicies, SensitivePolicies):
    """The policies of a method."""


class NotificationPolicies(CommonPolicies, AccessPolicies, SchemaPolicies):
    """The policies of a notification."""


class HookPolicies(CommonPolicies):
    """The policies of a hook."""
