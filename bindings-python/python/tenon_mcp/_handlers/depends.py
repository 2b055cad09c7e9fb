"""Dependencies: parameters that clients do not see."""

from __future__ import annotations

from .._schema.dependency import Dependency
from .._schema.inspection import is_async, is_async_generator, is_generator, wraps_async
from .._schema.signature import REQUIRED, read
from ..errors import RegistrationError
from .awaitable_check import is_awaitable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .handler_function import HandlerFunction

_PENDING = object()


def Depends(function: Callable[..., Any], /) -> Any:
    """Declares a parameter whose value this function provides, anew for every call. Clients do not see the parameter.

    It is used as a default (``db: Database = Depends(database)``) or in ``Annotated[Database, Depends(database)]``. Any
    handler may use it, and so may such functions themselves. The function may take the context and depend on other
    functions. If several functions depend on one function, it is called once per call. A generator yields the value,
    and continues when the handler has ended. If the handler raised an exception, the generator gets that exception.
    This includes the exceptions of a cancelled call, and of a call that a question suspends. The result is sent after
    that. A function with ``@contextmanager`` or ``@asynccontextmanager`` works in the same way.

    An ``async def`` handler may depend on functions of both kinds. Those without ``async`` run on its loop and must not
    block. A ``def`` handler depends on ``def`` functions, which run on its thread. ``Server.dependency_overrides``
    replaces functions, for tests.
    """
    if not callable(function):
        raise RegistrationError(f"Depends: the argument must be a function, not {type(function).__name__}")
    return Dependency(function)


def _generator(function: Callable[..., Any]) -> Callable[..., Any]:
    """The generator function below ``@contextmanager`` or ``@asynccontextmanager``."""
    made_by = getattr(function, "__globals__", {}).get("__name__")
    inner = getattr(function, "__wrapped__", None) if made_by == "contextlib" else None
    return inner if inner is not None and is_generator(inner) else function


class _Node:
    """A dependency: its parameters, and how it provides its value."""

    __context_keys__ = ("context", "function", "is_async", "needs", "yields")

    def __init__(self, label: str, function: Callable[..., Any], on_loop: bool) -> None:
        own = f"{label}: Depends({getattr(function, '__qualname__', function)})"
        self.function = function = _generator(function)
        self.yields = is_generator(function)
        self.is_async = is_async_generator(function) if self.yields else is_async(function) or wraps_async(function)
        if self.is_async and not on_loop:
            raise RegistrationError(f"{own} is async, so a function that depends on it must be async def")
        signature = read(own, function, on_loop, strict=True)
        for parameter in signature.parameters:
            if parameter.default is REQUIRED:
                raise RegistrationError(
                    f"{own}: parameter {parameter.name!r} has no value; give it a default, annotate it with the "
                    "context, or use Depends"
                )
        self.context = signature.context
        self.needs = [(name, dependency.function) for name, dependency in signature.dependencies]


class _Nodes:
    """The dependencies of one handler, at any depth."""

    def __init__(self, of: HandlerFunction) -> None:
        self._label = of.label
        self._on_loop = of.on_loop
        self._overrides = of.overrides
        self._nodes: dict[Any, _Node] = {}
        self.needs = [(name, dependency.function) for name, dependency in of.signature.dependencies]
        for _, function in self.needs:
            self._look(function, ())

    def _look(self, function: Callable[..., Any], above: tuple[Any, ...]) -> None:
        if function in above:
            raise RegistrationError(f"{self._label}: {Dependency(function)} depends on itself; remove the cycle")
        if function not in self._nodes:
            node = self._nodes[function] = _Node(self._label, function, self._on_loop)
            for _, needed in node.needs:
                self._look(needed, (*above, function))

    def node(self, function: Callable[..., Any]) -> _Node:
        """The node of a function, or of its replacement."""
        function = self._overrides.get(function, function) if self._overrides else function
        if function not in self._nodes:
            self._look(function, ())
        return self._nodes[function]


class _Scope:
    """The values of one call, each made once, and the generators that must continue after it."""

    def __init__(self, nodes: _Nodes, context: Any) -> None:
        self._nodes = nodes
        self._context = context
        self._values: dict[Any, Any] = {}
        self._opened: list[tuple[Any, bool]] = []

    def value(self, function: Callable[..., Any]) -> Any:
        node = self._nodes.node(function)
        known = self._known(node)
        if known is not _PENDING:
            return known
        found = node.function(**self._with_context(node, {name: self.value(needed) for name, needed in node.needs}))
        if node.yields:
            found = self._first(node, found)
        self._values[node.function] = found
        return found

    async def value_on_loop(self, function: Callable[..., Any]) -> Any:
        node = self._nodes.node(function)
        known = self._known(node)
        if known is not _PENDING:
            return known
        arguments = {name: await self.value_on_loop(needed) for name, needed in node.needs}
        found = node.function(**self._with_context(node, arguments))
        if node.yields and node.is_async:
            generator = found
            try:
                found = await generator.__anext__()
            except StopAsyncIteration:
                raise _nothing_yielded(node) from None
            self._opened.append((generator, True))
        elif node.yields:
            found = self._first(node, found)
        elif node.is_async and is_awaitable(found):
            found = await found
        self._values[node.function] = found
        return found

    def _known(self, node: _Node) -> Any:
        return self._values.get(node.function, _PENDING)

    def _with_context(self, node: _Node, arguments: dict[str, Any]) -> dict[str, Any]:
        if node.context is not None:
            arguments[node.context] = self._context
        return arguments

    def _first(self, node: _Node, generator: Any) -> Any:
        for found in generator:
            self._opened.append((generator, False))
            return found
        raise _nothing_yielded(node)

    def close(self, error: BaseException | None) -> None:
        """Continues the generators, the youngest first. Raises what one of them raises besides ``error``."""
        raised = error
        try:
            while self._opened:
                generator, _ = self._opened.pop()
                raised = _ended(generator, raised)
            if raised is not error and raised is not None:
                raise raised
        finally:
            # An exception keeps the frames that it went through. They must not keep the exception.
            del raised, error

    async def close_on_loop(self, error: BaseException | None) -> None:
        raised = error
        try:
            while self._opened:
                generator, is_async = self._opened.pop()
                raised = await _ended_on_loop(generator, raised) if is_async else _ended(generator, raised)
            if raised is not error and raised is not None:
                raise raised
        finally:
            del raised, error


def _nothing_yielded(node: _Node) -> RuntimeError:
    return RuntimeError(f"{Dependency(node.function)} yielded nothing; it must yield its value once")


def _ended(generator: Any, error: BaseException | None) -> BaseException | None:
    """Ends a generator with the error of the call, if any. Returns the error that the call has afterwards."""
    try:
        if error is None:
            next(generator)
        else:
            generator.throw(error)
    except StopIteration:
        return error  # The call fails even if the generator suppresses the exception.
    except BaseException as raised:
        del error
        return raised
    generator.close()
    return error or RuntimeError("a dependency must yield only once")


async def _ended_on_loop(generator: Any, error: BaseException | None) -> BaseException | None:
    try:
        if error is None:
            await generator.__anext__()
        else:
            await generator.athrow(error)
    except StopAsyncIteration:
        return error
    except BaseException as raised:
        del error
        return raised
    await generator.aclose()
    return error or RuntimeError("a dependency must yield only once")


def bound(of: HandlerFunction, function: Callable[..., Any], context_key: str, own: str | None) -> Callable[..., Any]:
    """A function that receives its dependencies.

    ``context_key`` is the argument that has the context. If there is an ``own``, the function itself takes it too.
    """
    nodes = _Nodes(of)

    def call(**arguments: Any) -> Any:
        scope = _Scope(nodes, arguments[context_key] if own else arguments.pop(context_key))
        try:
            for name, needed in nodes.needs:
                arguments[name] = scope.value(needed)
            result = function(**arguments)
        except BaseException as error:
            scope.close(error)
            raise
        scope.close(None)
        return result

    return call


def bound_on_loop(
    of: HandlerFunction, function: Callable[..., Any], context_key: str, own: str | None
) -> Callable[..., Any]:
    """The same as ``bound``, on a loop."""
    nodes = _Nodes(of)

    async def call(**arguments: Any) -> Any:
        scope = _Scope(nodes, arguments[context_key] if own else arguments.pop(context_key))
        try:
            for name, needed in nodes.needs:
                arguments[name] = await scope.value_on_loop(needed)
            result = await function(**arguments)
        except BaseException as error:
            await scope.close_on_loop(error)
            raise
        await scope.close_on_loop(None)
        return result

    return call
