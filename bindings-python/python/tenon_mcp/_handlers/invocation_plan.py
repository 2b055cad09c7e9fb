"""Converts between the engine and a function whose signature says more than JSON does.

The plan is made when the function is registered. A call runs through closures.
"""

from __future__ import annotations

from .._errors import ArgumentError, Misfit
from .._schema import schema as _schema

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from .._schema.signature import Parameter
    from .function import Function

    Prepare: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]

_SLOT = "\0context"
"""The parameter for a context that the function itself does not take; no client can send an argument of this name."""


def planned(of: Function) -> tuple[Callable[..., Any], str | None]:
    """A function to be called in place of another one, and its parameter for the context."""
    signature = of.signature
    function = of.called
    prepare = _prepares(of)
    write = of.write
    needs_context = of.yields or bool(signature.dependencies)
    slot = signature.context or (_SLOT if needs_context else None)
    own = signature.context
    if of.yields:
        from . import yields as _yields

        function = (_yields.gathered_on_loop if of.on_loop else _yields.gathered)(function, own)
        own = slot
    if signature.dependencies and slot is not None:
        from . import depends as _depends

        bind = _depends.bound_on_loop if of.on_loop else _depends.bound
        function = bind(of, function, slot, own)
        own = slot

    async def on_loop(**given: Any) -> Any:
        result = await function(**ready(given))
        return result if write is None else write(result)

    def on_worker(**given: Any) -> Any:
        result = function(**ready(given))
        # What was not awaited is told of as what it is.
        return result if write is None or hasattr(type(result), "__await__") else write(result)

    def ready(given: dict[str, Any]) -> dict[str, Any]:
        if slot is None:
            return prepare(given)
        context = given.pop(slot)
        arguments = prepare(given)
        arguments[slot] = context
        return arguments

    return on_loop if of.on_loop else on_worker, slot


def _reads(of: Function, parameter: Parameter) -> Callable[[Any], Any] | None:
    """What reads a parameter's value. The engine's hand-over makes the numbers of JSON those of Python, but not of
    texts."""
    if of.texts is None or parameter.read is not None:
        return parameter.read
    kind = _schema.number(parameter.annotation)
    if not kind:
        return None
    from .._schema.types import Types

    read = Types().of(int if kind == "int" else float).read
    return lambda value: value if value is None or read is None else read(value)


def _prepares(of: Function) -> Prepare:
    """What makes arguments of JSON into those that the function takes."""
    steps = {parameter.key: (parameter.name, _reads(of, parameter)) for parameter in of.signature.parameters}
    fills = [
        (parameter.key, parameter.name, parameter.make_default)
        for parameter in of.signature.parameters
        if parameter.make_default is not None
    ]
    texts = of.texts
    as_it_is = (None, None)

    def prepare(given: dict[str, Any]) -> dict[str, Any]:
        if texts is not None:
            try:
                given = texts.read(given)
            except ValueError as error:
                raise ArgumentError(str(error)) from None
        arguments = {}
        for key, value in given.items():
            name, read = steps.get(key, as_it_is)
            if read is not None:
                try:
                    value = read(value)
                except Misfit as misfit:
                    raise ArgumentError(str(misfit.within(key))) from None
            arguments[name or key] = value
        for key, name, make in fills:
            if key not in given:
                arguments[name] = make()
        return arguments

    return prepare
