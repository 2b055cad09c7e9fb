"""Converts arguments and results of functions whose signatures have more than JSON's own types.

The conversions are prepared when the function is registered.
"""

from __future__ import annotations

from .._schema.plain_types import number
from .._schema.types.invalid_value import InvalidValue
from ..errors import ArgumentError
from .context_key import CONTEXT_KEY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from .._schema.signature import Parameter
    from .handler_function import HandlerFunction

    Prepare: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]


def planned(of: HandlerFunction) -> tuple[Callable[..., Any], str | None]:
    """The function to call instead of the handler's own, and its argument for the context."""
    signature = of.signature
    function = of.called
    prepare = _preparation(of)
    write = of.write
    needs_context = of.yields or bool(signature.dependencies)
    context_key = signature.context or (CONTEXT_KEY if needs_context else None)
    own = signature.context
    if of.yields:
        from . import yields

        function = (yields.collecting_on_loop if of.on_loop else yields.collecting)(function, own)
        own = context_key
    if signature.dependencies and context_key is not None:
        from . import depends

        bind = depends.bound_on_loop if of.on_loop else depends.bound
        function = bind(of, function, context_key, own)
        own = context_key

    async def on_loop(**arguments: Any) -> Any:
        result = await function(**ready(arguments))
        return result if write is None else write(result)

    def on_worker(**arguments: Any) -> Any:
        result = function(**ready(arguments))
        # An awaitable is returned unchanged, so that the error names it.
        return result if write is None or hasattr(type(result), "__await__") else write(result)

    def ready(arguments: dict[str, Any]) -> dict[str, Any]:
        if context_key is None:
            return prepare(arguments)
        context = arguments.pop(context_key)
        prepared = prepare(arguments)
        prepared[context_key] = context
        return prepared

    return on_loop if of.on_loop else on_worker, context_key


def _reader(of: HandlerFunction, parameter: Parameter) -> Callable[[Any], Any] | None:
    """Converts the value of a parameter. The engine converts JSON's numbers itself, but not those in strings."""
    if of.strings is None or parameter.read is not None:
        return parameter.read
    kind = number(parameter.annotation)
    if not kind:
        return None
    from .._schema.types.builder import Types

    read = Types().of(int if kind == "int" else float).read
    return lambda value: value if value is None or read is None else read(value)


def _preparation(of: HandlerFunction) -> Prepare:
    """Converts arguments in JSON to those that the function takes."""
    steps = {parameter.key: (parameter.name, _reader(of, parameter)) for parameter in of.signature.parameters}
    defaults = [
        (parameter.key, parameter.name, parameter.make_default)
        for parameter in of.signature.parameters
        if parameter.make_default is not None
    ]
    strings = of.strings
    unchanged = (None, None)

    def prepare(arguments: dict[str, Any]) -> dict[str, Any]:
        if strings is not None:
            try:
                arguments = strings.read(arguments)
            except ValueError as error:
                raise ArgumentError(str(error)) from None
        prepared = {}
        for key, value in arguments.items():
            name, read = steps.get(key, unchanged)
            if read is not None:
                try:
                    value = read(value)
                except InvalidValue as error:
                    raise ArgumentError(str(error.under(key))) from None
            prepared[name or key] = value
        for key, name, make in defaults:
            if key not in arguments:
                prepared[name] = make()
        return prepared

    return prepare
