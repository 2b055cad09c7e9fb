"""The limiters, circuit breakers and cache that handlers use by code."""

from __future__ import annotations

import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from contextvars import ContextVar

from .._native import from_json
from ..errors import ArgumentError, BreakerOpen, NotFound, StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from typing import Any, TypeAlias, TypeVar, overload

    from .._native import Call, NativeBreaker, NativeCache, NativeLimiter

    T = TypeVar("T")

    # The JSON of the value, the exception, or None if the call of the function has ended.
    Produced: TypeAlias = bytes | Exception | None

__all__ = ["Breaker", "BreakerPermit", "Limiter", "SyncBreaker", "SyncLimiter", "SyncValueCache", "ValueCache"]

# How often a thread that waits looks whether its call is over, in seconds.
_SLICE = 0.5

# Exceptions that say nothing about what a breaker protects.
_UNCOUNTED = (NotFound, ArgumentError)


def _text(value: object) -> str:
    """A part of a header as text: libraries also have bytes, and lists of values."""
    if isinstance(value, (list, tuple)):
        value = value[0] if value else ""
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    return text.encode("utf-8", "replace").decode()


class _Limiter:
    __slots__ = ("_native",)

    def __init__(self, native: NativeLimiter) -> None:
        self._native = native

    def try_acquire(self) -> float:
        """Takes one call from the allowance. Returns 0, or the seconds to wait if none can be taken now."""
        return self._native.try_acquire()

    def feed(self, headers: Mapping[Any, Any] | Iterable[tuple[Any, Any]]) -> None:
        """Tells the limiter what the service says about its own limit: the headers of a response.

        These headers count, in any case, and also without ``X-``:

        - ``X-RateLimit-Remaining``: the calls that are left until the reset. If none is left, none is made until then.
        - ``X-RateLimit-Reset``: when that changes, in seconds from now or as a time since 1970. Without it, that is
          after the time of the limiter.
        - ``X-RateLimit-Limit``: the calls that the service allows after the reset.
        - ``Retry-After``: seconds, or a date. No call is made until then.

        Other headers, and values that cannot be understood, are ignored. No header stops calls for more than a day.
        """
        listed: Any = headers
        pairs = listed.items() if hasattr(listed, "items") else listed
        self._native.feed({_text(name): _text(value) for name, value in pairs})


class Limiter(_Limiter):
    """A limit of the program's own, for example of the calls of a service that it uses (``Server(limiters=…)``).

    The state is kept in the process.
    """

    __slots__ = ()

    async def acquire(self) -> None:
        """Takes one call from the allowance, and waits for it if necessary. The timeout of the call bounds the time."""
        from asyncio import sleep

        while wait := self._native.try_acquire():
            await sleep(wait)


class SyncLimiter(_Limiter):
    """A limit of the program's own, for ``def`` handlers; see ``Limiter``."""

    __slots__ = ("_call",)

    def __init__(self, native: NativeLimiter, call: Call) -> None:
        super().__init__(native)
        self._call = call

    def acquire(self) -> None:
        """Takes one call from the allowance, and waits for it if necessary. Raises ``StateError`` if the call ends
        meanwhile.
        """
        while wait := self._native.try_acquire():
            if self._call.cancelled:
                raise StateError("limiter: the call has ended")
            time.sleep(min(wait, _SLICE))


class BreakerPermit:
    """The permission for one call of what a breaker protects."""

    __slots__ = ("_call", "_native", "_number")

    def __init__(self, native: NativeBreaker, number: int, call: Call) -> None:
        self._native = native
        self._number: int | None = number
        self._call = call

    def record(self, succeeded: bool | None) -> None:
        """Records whether the call succeeded; ``None``: it does not count. Only the first record counts."""
        number, self._number = self._number, None
        if number is not None:
            self._native.record(number, succeeded)

    def __enter__(self) -> BreakerPermit:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.record(True)
        elif issubclass(kind, Exception) and not issubclass(kind, _UNCOUNTED) and not self._call.cancelled:
            self.record(False)
        else:
            self.record(None)


class _Breaker:
    __slots__ = ("_call", "_native")

    def __init__(self, native: NativeBreaker, call: Call) -> None:
        self._native = native
        self._call = call

    def allow(self) -> BreakerPermit:
        """Lets a call pass. Raises ``BreakerOpen`` if none may pass now.

        The permit is a context manager: an exception in its block counts as a failure, except ``NotFound``,
        ``ArgumentError`` and the end of the call. A probe that records nothing does not count after the time
        ``open_for``.
        """
        number, wait, text = self._native.allow()
        if number is None:
            raise BreakerOpen(text or "", wait)
        return BreakerPermit(self._native, number, self._call)


class Breaker(_Breaker):
    """A circuit breaker of the program's own, for example around a service that it uses (``Server(breakers=…)``).

    The state is kept in the process.
    """

    __slots__ = ()

    if TYPE_CHECKING:

        @overload
        async def run(self, call: Callable[[], Awaitable[T]]) -> T: ...

        @overload
        async def run(self, call: Callable[[], T]) -> T: ...

    async def run(self, call: Callable[[], Any]) -> Any:
        """Calls a function, and awaits its result if necessary. Raises ``BreakerOpen`` if none may pass now.

        An exception counts as a failure, except ``NotFound``, ``ArgumentError`` and the end of the call.
        """
        with self.allow():
            made: Any = call()
            return await made if hasattr(made, "__await__") else made


class SyncBreaker(_Breaker):
    """A circuit breaker of the program's own, for ``def`` handlers; see ``Breaker``."""

    __slots__ = ()

    def run(self, call: Callable[[], T]) -> T:
        """Calls a function; see ``Breaker.run``."""
        with self.allow():
            return call()


# The values that are being produced: of a server by its number, and of a key.
_in_progress: dict[tuple[int, str], Future[Produced]] = {}

# The keys that the functions around this code produce.
_held: ContextVar[frozenset[tuple[int, str]]] = ContextVar("tenon_mcp.cache", default=frozenset())


class _Production:
    """Calls a function for the calls that want its value, and tells them the result."""

    __slots__ = ("_before", "_call", "_future", "_place", "produced")

    def __init__(self, place: tuple[int, str], future: Future[Produced], call: Call) -> None:
        self._place = place
        self._future = future
        self._call = call
        self.produced: Produced = None

    def __enter__(self) -> _Production:
        self._before = _held.set(_held.get() | {self._place})
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        _held.reset(self._before)
        # The end of this call is no failure of the others.
        if isinstance(error, Exception) and not self._call.cancelled:
            self.produced = error
        _in_progress.pop(self._place, None)
        self._future.set_result(self.produced)


class _ValueCache:
    __slots__ = ("_call", "_native")

    def __init__(self, native: NativeCache, call: Call) -> None:
        self._native = native
        self._call = call

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, or ``default`` if there is none that is not too old."""
        found = self._native.get(key)
        return default if found is None else found[0]

    def put(self, key: str, value: Any, ttl: float) -> None:
        """Keeps a JSON value for ``ttl`` seconds, unless it is larger than the cache."""
        self._native.put(key, value, ttl)

    def delete(self, key: str) -> bool:
        """Removes the value of a key. Returns whether there was one."""
        return self._native.delete(key)

    def clear(self) -> None:
        """Removes all values."""
        self._native.clear()

    def _begin(self, key: str) -> tuple[Future[Produced], _Production | None]:
        """What the value of a key comes from, and the production if it is the caller's."""
        place = (self._native.server, key)
        if place in _held.get():
            raise StateError(f"cache: the function for {key!r} asks for its own key")
        mine: Future[Produced] = Future()
        # One operation of the dict, so that no lock is needed.
        future = _in_progress.setdefault(place, mine)
        return future, _Production(place, mine, self._call) if future is mine else None


def _check_ttl(ttl: float) -> None:
    if not ttl >= 1e-6:
        raise ValueError(f"cache: ttl must be a number of seconds above 0, not {ttl!r}")


class ValueCache(_ValueCache):
    """A cache of values for the program: JSON by keys that the program chooses. All callers share it.

    A key must name whatever a value depends on, such as the caller. The state is kept in the process, within the limits
    ``max_cached_values`` and ``max_cached_bytes``.
    """

    __slots__ = ()

    if TYPE_CHECKING:

        @overload
        async def get_or_set(self, key: str, ttl: float, produce: Callable[[], Awaitable[T]]) -> T: ...

        @overload
        async def get_or_set(self, key: str, ttl: float, produce: Callable[[], T]) -> T: ...

    async def get_or_set(self, key: str, ttl: float, produce: Callable[[], Any]) -> Any:
        """The value of a key. If there is none, ``produce`` is called, its result awaited if necessary, and kept for
        ``ttl`` seconds.

        Of the calls that want one key at the same time, one calls its function and the others wait. If the function
        raises, they all get the exception, which is not kept. If its call ends before, another one calls its own
        function. A function that asks for its own key fails with ``StateError``.
        """
        from asyncio import shield, wrap_future

        produced: Produced
        _check_ttl(ttl)
        while (found := self._native.get(key)) is None:
            future, production = self._begin(key)
            if production is not None:
                with production:
                    # Another call may have ended its production in between.
                    if (found := self._native.get(key)) is not None:
                        break
                    made: Any = produce()
                    if hasattr(made, "__await__"):
                        made = await made
                    production.produced = self._native.put(key, made, ttl)
                produced = production.produced
            else:
                produced = await shield(wrap_future(future))
            if isinstance(produced, Exception):
                raise produced
            if produced is not None:
                return from_json(produced)
        return found[0]


class SyncValueCache(_ValueCache):
    """A cache of values for the program, for ``def`` handlers; see ``ValueCache``."""

    __slots__ = ()

    def get_or_set(self, key: str, ttl: float, produce: Callable[[], T]) -> T:
        """The value of a key. If there is none, ``produce`` is called; see ``ValueCache.get_or_set``. Raises
        ``StateError`` if the call ends while it waits for another one.
        """
        produced: Produced
        _check_ttl(ttl)
        while (found := self._native.get(key)) is None:
            future, production = self._begin(key)
            if production is not None:
                with production:
                    # Another call may have ended its production in between.
                    if (found := self._native.get(key)) is not None:
                        break
                    production.produced = self._native.put(key, produce(), ttl)
                produced = production.produced
            elif _is_loop_thread():
                # What produces the value may need this thread.
                return produce()
            else:
                produced = self._wait(future)
            if isinstance(produced, Exception):
                raise produced
            if produced is not None:
                value: T = from_json(produced)
                return value
        value = found[0]
        return value

    def _wait(self, future: Future[Produced]) -> Produced:
        while True:
            try:
                return future.result(_SLICE)
            except NotYet:
                if self._call.cancelled:
                    raise StateError("cache: the call has ended") from None


def _is_loop_thread() -> bool:
    from asyncio import _get_running_loop

    return _get_running_loop() is not None
