"""The entries of a server: adds, removes, hides and lists them, and mounts those of other servers."""

from __future__ import annotations

from .._handlers.function import Function
from ..errors import RegistrationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, overload

    from .._native import Engine, Handler
    from .._runtime.workers import Workers
    from ..types import Entry
    from .policy_control import PolicyControl
    from .registry_view import View

    Tags = Iterable[str] | None


def noun(kind: str) -> str:
    """The name of a kind in messages."""
    return kind.replace("_", " ")


def named(kind: str, function: Callable[..., Any], name: str | None) -> str:
    """The name of the entry: ``name``, or the name of the function."""
    if not callable(function):
        raise RegistrationError(f"{noun(kind)}: the handler must be a function, not {type(function).__name__}")
    own = name if name is not None else getattr(function, "__name__", None)
    if own is None:
        raise RegistrationError(f"{noun(kind)}: pass a name, because a {type(function).__name__} object has none")
    return own


def check_first(decorator: str, what: str, argument: Any) -> None:
    """Refuses a decorator without parentheses if it needs arguments. It would take the function for its first argument.
    """
    if not isinstance(argument, str):
        shown = "a function" if callable(argument) else type(argument).__name__
        raise RegistrationError(
            f'{decorator}: the first argument must be {what}, as in @app.{decorator}("…"), not {shown}'
        )


def read_tags(tags: Iterable[str] | None) -> list[str] | None:
    """The tags as a list. Refuses a single string."""
    if tags is None:
        return None
    read: list[Any] = list(tags) if hasattr(tags, "__iter__") and not isinstance(tags, str) else [None]
    if not all(isinstance(tag, str) for tag in read):
        raise RegistrationError(f"tags must be a collection of strings, not {tags!r}")
    return read


class Registry:
    """The entries of a server, and the shared settings of their functions."""

    _engine: Engine
    _workers: Workers | None
    _has_sync_handlers: bool
    _has_async_handlers: bool
    dependency_overrides: dict[Callable[..., Any], Callable[..., Any]]
    """Replacements for functions that handlers depend on (``Depends``), for tests. May change at any time."""
    _mounted_in: list[Callable[[], Registry | None]]

    def _function(
        self, kind: str, name: str, function: Callable[..., Any], strict: bool = False, *, thread: str | None = None
    ) -> Function:
        """A function for an entry. ``strict`` requires that its annotations can be resolved."""
        return Function(noun(kind), name, function, strict, thread, self.dependency_overrides)

    def _add(
        self,
        kind: str,
        definition: dict[str, Any],
        function: Function,
        *,
        policies: Mapping[str, Any],
        handler: Handler | None = None,
        replaces: bool = False,
    ) -> None:
        """Adds an entry. Members and policies that are ``None`` are not set.

        ``replaces``: a method replaces the engine's own.
        """
        # First, because a call may arrive as soon as the entry is added.
        self._needs_loop(function.lane in ("async", "loop"))
        self._engine.add(
            kind,
            {name: value for name, value in definition.items() if value is not None},
            function.handler() if handler is None else handler,
            function=function.function,
            lane=function.lane,
            policies=policies,
            replaces=replaces,
        )
        self._needs_workers(function.lane == "pool")

    def _add_completion(
        self, kind: str, of: str, argument: str, function: Function, policies: Mapping[str, Any]
    ) -> None:
        """Adds a function that completes an argument of the prompt or template ``of``."""
        self._needs_loop(function.lane in ("async", "loop"))
        self._engine.add_completion(
            kind,
            of,
            argument,
            function.handler(),
            function=function.function,
            lane=function.lane,
            policies=policies,
        )
        self._needs_workers(function.lane == "pool")

    def _needs_loop(self, needed: bool) -> None:
        """Notes that a loop is needed, here and in the servers where this one is mounted."""
        if needed:
            self._has_async_handlers = True
            for above in self._above():
                above._needs_loop(True)

    def _needs_workers(self, needed: bool) -> None:
        """Notes that workers are needed, in the same way."""
        if needed:
            self._has_sync_handlers = True
            if self._workers is not None:
                self._workers.start()
            for above in self._above():
                above._needs_workers(True)

    def _above(self) -> list[Registry]:
        """The servers that this one is mounted in."""
        return [above for reference in self._mounted_in if (above := reference()) is not None]

    def mount(self, other: Registry, prefix: str | None = None) -> None:
        """Mounts another server: its entries become entries of this one.

        Tools and prompts appear as ``prefix_name``. Resources and templates appear as ``scheme://prefix/rest``, or as
        ``scheme:prefix/rest`` if an address has no authority. Their completions are mounted too. Later changes in the
        other server also show here: entries that it registers, removes, enables or disables, and updates of its
        resources. Mounts may be nested, and one server may be mounted in several. ``prefix`` has letters, digits and
        hyphens. Without a prefix, names and addresses stay as they are.

        A call of a mounted entry is a call of this server. This server's limits, loop, workers, middleware,
        ``map_error`` and settings apply. The context has the name and the address that the client used. The
        other server starts after this one and stops before it (``lifespan``, hooks ``start`` and ``stop``). If this
        server is served already, the other one starts at once, and its calls wait for that. Its name and settings, its
        other hooks, methods and notifications, and its skills are not mounted.

        The middleware of the other server also runs around its mounted entries, inside of this server's middleware. It
        sees the context of the call, with the name and the address that the client used. A list always belongs to the
        server that is served. A server with middleware around lists therefore cannot be mounted, and a mounted server
        cannot add such middleware.

        Raises ``RegistrationError`` if a name is taken here, and ``StateError`` if this server is a part of the other
        one. In both cases nothing is mounted. From then on, registrations in the other server fail for the same
        reasons.
        """
        if not isinstance(other, Registry):
            raise RegistrationError(f"mount: other must be a Server, not {type(other).__name__}")
        import weakref

        # First, because its start is reported at once if this server is served.
        self._needs_loop(other._has_async_handlers)
        self._needs_workers(other._has_sync_handlers)
        self._engine.mount(other._engine, prefix)
        other._mounted_in.append(weakref.ref(self))

    def unmount(self, other: Registry, prefix: str | None = None) -> None:
        """Undoes ``mount`` with the same prefix, even while the server is served.

        The entries of the other server are removed here, and clients are notified that the lists have changed. Calls in
        flight continue. Calls that wait for the start of the other server fail, because it no longer starts. If the
        other server has been started, it is stopped at the end of this one.

        This server releases the other one when the last call of it in flight has ended. While this server is served, it
        keeps a server with a lifespan or a hook ``start`` or ``stop`` until its own end.

        Raises ``RegistrationError`` if the other server is not mounted here with this prefix.
        """
        if not isinstance(other, Registry):
            raise RegistrationError(f"unmount: other must be a Server, not {type(other).__name__}")
        self._engine.unmount(other._engine, prefix)
        index = next(index for index, above in enumerate(other._mounted_in) if above() is self)
        del other._mounted_in[index]

    def remove(self, kind: str, name: str) -> bool:
        """Removes an entry. Calls in flight continue. Returns ``False`` if there is no entry of this kind and name.

        ``kind`` is ``"tool"``, ``"resource"``, ``"resource_template"``, ``"resource_provider"``, ``"prompt"``,
        ``"completion"``, ``"method"``, ``"notification"`` or ``"hook"``. ``name`` is the name that it was registered
        under. For a resource that is its URI, and for a template or a provider the template. The function is released
        when the last of its calls has ended.
        """
        removed = self._engine.remove(kind, name)
        if removed and kind == "resource_provider":
            self._engine.remove("resource_template", name)
        return removed

    if TYPE_CHECKING:

        @overload
        def enable(self, kind: str, name: str) -> bool: ...

        @overload
        def enable(self, *, tags: Iterable[str]) -> bool: ...

    def enable(self, kind: str | None = None, name: str | None = None, *, tags: Tags = None) -> bool:
        """Shows an entry that was disabled, or with ``tags`` the entries that were disabled by these tags.

        An entry stays hidden if another of its tags is disabled, or if it was disabled by its name. Returns ``False``
        if there is no such entry.
        """
        return self._switch(kind, name, tags, True)

    if TYPE_CHECKING:

        @overload
        def disable(self, kind: str, name: str) -> bool: ...

        @overload
        def disable(self, *, tags: Iterable[str]) -> bool: ...

    def disable(self, kind: str | None = None, name: str | None = None, *, tags: Tags = None) -> bool:
        """Hides an entry, as if it were not registered, until it is enabled. Calls in flight continue.

        ``disable(tags={"admin"})`` hides every entry with one of these tags, including later entries.
        Returns ``False`` if there is no such entry.
        """
        return self._switch(kind, name, tags, False)

    def _switch(self, kind: str | None, name: str | None, tags: Tags, enabled: bool) -> bool:
        read = read_tags(tags)
        if (kind is None) != (name is None) or (kind is None) == (read is None):
            raise RegistrationError("pass either a kind and a name, or only tags")
        if read is not None:
            return self._engine.enable_tags(read, enabled)
        assert kind is not None and name is not None
        found = self._engine.enable(kind, name, enabled)
        if found and kind == "resource_provider":
            self._engine.enable("resource_template", name, enabled)
        return found

    @property
    def policies(self) -> PolicyControl:
        """Shows the policies of entries with their state, and changes them, also while the server runs."""
        from .policy_control import PolicyControl

        return PolicyControl(self._engine)

    @property
    def tools(self) -> View:
        """The tools by name. The view is always current: ``app.tools["add"].fn`` is the function."""
        return self._view("tool")

    @property
    def prompts(self) -> View:
        """The prompts by name."""
        return self._view("prompt")

    @property
    def resources(self) -> View:
        """The resources by address."""
        return self._view("resource")

    @property
    def resource_templates(self) -> View:
        """The resource templates by template, including those of providers."""
        return self._view("resource_template")

    def _view(self, kind: str) -> View:
        from .registry_view import View

        return View(self._engine, kind)

    def entries(self, kind: str) -> list[Entry]:
        """The registered entries of a kind, in the order of registration."""
        from ..types import Entry

        return [Entry(definition, enabled) for definition, enabled in self._engine.entries(kind)]

