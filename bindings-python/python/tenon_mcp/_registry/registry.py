"""From a function and what is said about it to an entry of the engine, for every kind alike."""

from __future__ import annotations

from .._errors import RegistrationError
from .._handlers.function import Function

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from .._native import Engine, Handler
    from .._runtime.workers import Workers


def noun(kind: str) -> str:
    """A kind as sentences say it."""
    return kind.replace("_", " ")


def named(kind: str, function: Callable[..., Any], name: str | None) -> str:
    """The name given, or the function's own."""
    if not callable(function):
        raise RegistrationError(f"a {noun(kind)} must be a function, not {type(function).__name__}")
    own = name if name is not None else getattr(function, "__name__", None)
    if own is None:
        raise RegistrationError(f"a {noun(kind)} made from a {type(function).__name__} needs a name")
    return own


def check_first(decorator: str, what: str, given: Any) -> None:
    """Refuses a decorator without parentheses that cannot do without: it would take the function for something else."""
    if not isinstance(given, str):
        shown = "a function" if callable(given) else type(given).__name__
        raise RegistrationError(f'{decorator}: {what} comes first, as in @app.{decorator}("…"), not {shown}')


def read_tags(tags: Iterable[str] | None) -> list[str] | None:
    """Words, which a string is not."""
    if tags is None:
        return None
    words: list[Any] = list(tags) if hasattr(tags, "__iter__") and not isinstance(tags, str) else [None]
    if not all(isinstance(word, str) for word in words):
        raise RegistrationError("tags must be strings, several of them")
    return words


class Registry:
    """The entries of a server, and what their functions need around them."""

    _engine: Engine
    _workers: Workers | None
    _has_sync_handlers: bool
    _has_async_handlers: bool
    dependency_overrides: dict[Callable[..., Any], Callable[..., Any]]
    """What takes the place of functions that handlers depend on (``Depends``), for tests. May change at any time."""
    _mounted_in: list[Callable[[], Registry | None]]

    def _function(
        self, kind: str, name: str, function: Callable[..., Any], strict: bool = False, *, thread: str | None = None
    ) -> Function:
        """A function for an entry; if it is ``strict``, its annotations must be understood."""
        return Function(noun(kind), name, function, strict, thread, self.dependency_overrides)

    def _add(
        self,
        kind: str,
        definition: dict[str, Any],
        function: Function,
        *,
        handler: Handler | None = None,
        policies: dict[str, Any] | None = None,
    ) -> None:
        """Adds an entry. Members and policies that are ``None`` are not set."""
        # First, because a call may come as soon as the entry is there.
        self._needs_loop(function.lane in ("async", "loop"))
        self._engine.add(
            kind,
            {name: value for name, value in definition.items() if value is not None},
            function.handler() if handler is None else handler,
            function=function.function,
            lane=function.lane,
            policies={name: value for name, value in (policies or {}).items() if value is not None},
        )
        self._needs_workers(function.lane == "pool")

    def _needs_loop(self, needed: bool) -> None:
        """Here, and where this server is mounted."""
        if needed:
            self._has_async_handlers = True
            for above in self._above():
                above._needs_loop(True)

    def _needs_workers(self, needed: bool) -> None:
        """The same for workers."""
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
        """Makes another server a part of this one: its tools and prompts as ``prefix_name``, its resources and
        templates as ``scheme://prefix/rest`` (``scheme:prefix/rest`` where an address has no authority), with their
        completions.
        What the other one registers, removes, enables or disables later shows here as well, and so do its updates of
        resources. Mounts may be nested, and one server mounted in several. ``prefix`` has letters, digits and hyphens;
        without one names and addresses stay as they are.

        A call of a mounted entry is a call of this server: its limits, its loop and its workers, its middleware,
        ``map_error`` and ``mask_errors`` are in force, and the context says the name and the address that the client
        used. The other server starts after this one and stops before it (``lifespan``, hooks ``start`` and ``stop``);
        if this one is served already, at once, and its calls wait for that.
        What it is besides (its name and settings, its other hooks, methods and notifications, and its skills) stays
        with it.

        The middleware of the other server is around its entries here as well, inside of this server's. It sees the
        context of the call, so the name and the address that the client used. A list is that of the server that is
        served: a server with middleware around lists cannot be mounted, and a mounted one gets none.

        Raises ``RegistrationError`` where a name is taken here, and ``StateError`` where this server is a part of the
        other one; then nothing is mounted. Registering in the other one fails for the same reasons from then on.
        """
        if not isinstance(other, Registry):
            raise RegistrationError(f"mount: a server is needed, not {type(other).__name__}")
        import weakref

        # First, because its start is told at once where this server is served.
        self._needs_loop(other._has_async_handlers)
        self._needs_workers(other._has_sync_handlers)
        self._engine.mount(other._engine, prefix)
        other._mounted_in.append(weakref.ref(self))

    def unmount(self, other: Registry, prefix: str | None = None) -> None:
        """Undoes ``mount`` with the same prefix, also while the server is served: what the other server has is no
        longer here, and clients are told that the lists have changed. Calls in flight go on; those that wait for the
        other server's start, which does not come any more, fail. A server that was told of the start is told of the
        stop at the end of this one.

        This server lets go of the other one when the last call in flight of it has ended. A served one keeps a server
        with a lifespan or a hook ``start`` or ``stop`` until its end.

        Raises ``RegistrationError`` if the other server is not mounted here with this prefix.
        """
        if not isinstance(other, Registry):
            raise RegistrationError(f"unmount: a server is needed, not {type(other).__name__}")
        self._engine.unmount(other._engine, prefix)
        place = next(place for place, above in enumerate(other._mounted_in) if above() is self)
        del other._mounted_in[place]
