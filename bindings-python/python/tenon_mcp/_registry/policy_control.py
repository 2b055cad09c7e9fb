"""The policies of entries while the server runs."""

from __future__ import annotations

from typing import Any

from .._native import Engine


class PolicyControl:
    """Shows the policies of registered entries with their state, and changes them, also while the server runs.

    ``kind`` is ``"tool"``, ``"resource"``, ``"resource_template"``, ``"resource_provider"``, ``"prompt"``,
    ``"completion"`` or ``"method"``, and ``name`` is the name that the entry was registered under. All methods may be
    called from any thread. They raise ``RegistrationError`` if there is no such entry, or if a policy is unknown,
    wrong, or cannot change; then nothing has changed.

    In a server that is mounted, this is about the server's own entries, and not about those of the server that is
    served.
    """

    __slots__ = ("_engine",)

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, kind: str, name: str) -> dict[str, Any] | None:
        """What applies to an entry; ``None`` if there is no such entry.

        ``policies`` has the policies that are set, and ``switched_off`` the names of those that do not apply. ``state``
        has for each policy with a state: ``max_concurrency`` the calls ``running`` and ``waiting``;
        ``circuit_breaker`` the ``circuits`` with failures, and how many are ``open``; ``retry`` how many retries are
        ``left``; ``cache`` the ``entries`` that are kept, and their ``bytes``; ``rate_limit`` each ``limit`` with what
        is ``left`` of it, which is ``None`` if each caller has an allowance of its own, or if the store does not answer
        at once.
        """
        return self._engine.policies(kind, name)

    def change(self, kind: str, name: str, **policies: Any) -> None:
        """Changes policies: ``change("tool", "fetch", rate_limit="10/min", cache=None)``. ``None`` removes one.

        The policies ``timeout``, ``max_concurrency``, ``max_concurrency_by``, ``rate_limit``, ``circuit_breaker``,
        ``retry`` and ``cache`` can change. Calls that have begun end under their former policies. A policy that has not
        changed keeps its state.
        """
        self._engine.change_policies(kind, name, policies)

    def disable(self, kind: str, name: str, policy: str) -> None:
        """Switches a policy off, so that it does not apply until it is enabled. Its state is dropped."""
        self._engine.switch_policy(kind, name, policy, False)

    def enable(self, kind: str, name: str, policy: str) -> None:
        """Switches a policy on again. It begins anew."""
        self._engine.switch_policy(kind, name, policy, True)

    def clear(self, kind: str, name: str, policy: str | None = None) -> None:
        """Clears the state of a policy, or of all policies of the entry.

        Results are removed, circuits close, retries are available again, and allowances begin anew in this process.
        Calls that run and wait are not concerned.
        """
        self._engine.clear_policy(kind, name, policy)
