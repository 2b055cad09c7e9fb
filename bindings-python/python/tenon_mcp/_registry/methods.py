"""Registration of methods, notifications and hooks."""

from __future__ import annotations

from ..errors import RegistrationError
from .registry import Registry, check_first

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar, overload

    from typing_extensions import Unpack

    from ..types import Thread
    from .policies import HookPolicies, MethodPolicies, NotificationPolicies

    F = TypeVar("F", bound=Callable[..., Any])


class Methods(Registry):
    """The part of a server that registers methods of the protocol and of the program, notifications, and hooks."""

    def method(
        self,
        name: str,
        /,
        *,
        description: str | None = None,
        input_schema: dict[str, Any] | None = None,
        thread: Thread = None,
        **policies: Unpack[MethodPolicies],
    ) -> Callable[[F], F]:
        """Registers a function for requests of a method of the program's own.

        The function gets the members of the request's parameters by name. By default ``input_schema`` comes from its
        signature. ``**params`` takes the members that it does not name. It returns a dict, or ``None`` for an empty
        one.
        """
        check_first("method", "its name", name)

        def register(function: F) -> F:
            of = self._function("method", name, function, strict=input_schema is None, thread=thread)
            schema = of.schema(closed=False) if input_schema is None else input_schema
            doc = of.doc if description is None else description
            definition = {"name": name, "description": doc, "input_schema": schema}
            self._add("method", definition, of, policies=policies)
            return function

        return register

    if TYPE_CHECKING:

        @overload
        def replace(
            self,
            method: str,
            function: F,
            /,
            *,
            thread: Thread = None,
            **policies: Unpack[MethodPolicies],
        ) -> F: ...

        @overload
        def replace(
            self,
            method: str,
            /,
            *,
            thread: Thread = None,
            **policies: Unpack[MethodPolicies],
        ) -> Callable[[F], F]: ...

    def replace(
        self,
        method: str,
        function: Any = None,
        /,
        *,
        thread: Thread = None,
        **policies: Unpack[MethodPolicies],
    ) -> Any:
        """Replaces the engine's handling of one of the protocol's methods; also as a decorator.

        The function gets the members of the request's parameters by name. ``**params`` takes the members that it does
        not name. It returns the result in the form of the newest revision, a dict. ``remove("method", …)`` restores the
        engine's handling. Raises ``RegistrationError`` if the protocol has no such request.
        """
        check_first("replace", "the method", method)

        def register(function: F) -> F:
            of = self._function("method", method, function, thread=thread)
            self._add("method", {"name": method, "description": of.doc}, of, policies=policies, replaces=True)
            return function

        return register if function is None else register(function)

    def notification(
        self,
        name: str,
        /,
        *,
        input_schema: dict[str, Any] | None = None,
        thread: Thread = None,
        **policies: Unpack[NotificationPolicies],
    ) -> Callable[[F], F]:
        """Registers a function for notifications of the program's own. It gets the parameters in the same way as a
        ``method``.
        """
        check_first("notification", "its name", name)

        def register(function: F) -> F:
            of = self._function("notification", name, function, strict=input_schema is None, thread=thread)
            schema = of.schema(closed=False) if input_schema is None else input_schema
            definition = {"name": name, "description": of.doc, "input_schema": schema}
            self._add("notification", definition, of, policies=policies)
            return function

        return register

    def on(
        self, hook: str, /, *, thread: Thread = None, **policies: Unpack[HookPolicies]
    ) -> Callable[[F], F]:
        """Registers a function for an event of the server.

        - ``"start"``: the server is served from now on. The function runs before the first call, to prepare what
          handlers need. Calls that arrive meanwhile wait, and lists are answered. If it raises, or takes longer than
          ``start_timeout``, nothing is served. Then ``run``, ``serve``, ``start`` and in-memory clients raise
          ``StartError``, and requests to ``asgi`` are refused.
        - ``"stop"``: the server has ended. The function runs once after the last call, for at most ``stop_timeout``. It
          does not run if ``start`` failed.
        - ``"session_start"`` and ``"session_end"``: a client has opened a session, and it has ended (legacy revisions).
          If a client sends ``initialize`` again over the same connection, its session ends and another one opens.
        - ``"roots_changed"``: the directories that a client's user works in have changed. The context tells which
          session it is.
        - ``"subscribe"`` and ``"unsubscribe"``: a resource has its first subscriber, or has lost the last one. Its
          address is passed as ``uri``.
        - ``"error"``: a function raised an exception that is not meant for the client, returned an invalid value, or
          took too long. ``kind``, ``name`` and ``message`` identify the entry and the cause. If this function itself
          fails, only the log says so.
        - ``"audit"``: a call of an entry with ``audit`` has ended, or was refused. The members of the audit event are
          passed by name, so ``**event`` takes them all. The log or the file gets the event as well. The call does not
          wait for the function. It does not run while the server closes.

        ``"start"`` and ``"stop"`` run once each time the server is served, in each of ``workers`` processes. They also
        run for a server that is mounted in the one that is served: its start after the other's, its stop before.
        ``Server(lifespan=…)`` combines both. The return value of the function is ignored.
        """
        check_first("on", "the hook", hook)
        if hook in ("start", "stop") and getattr(self, "_lifespan", None) is not None:
            raise RegistrationError(f"hook {hook!r}: the server has a lifespan, which replaces it; use one of them")

        def register(function: F) -> F:
            of = self._function("hook", hook, function, thread=thread)
            self._add("hook", {"name": hook}, of, policies=policies)
            return function

        return register
