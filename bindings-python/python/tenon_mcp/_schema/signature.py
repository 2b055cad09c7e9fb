"""The parameters of a function, read from its signature."""

from __future__ import annotations

import sys

from ..context import Context, SyncContext
from ..errors import RegistrationError
from .annotations import ANNOTATED, UNION, origin_and_arguments, resolve_hints, unpacked
from .inspection import FUNCTION, VARARGS, VARKEYWORDS, described, is_plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import Any

    from .dependency import Dependency

_DECLARATIONS = {("pydantic", "FieldInfo"), ("dataclasses", "Field")}
_MAX_DEPTH = 8


class REQUIRED:
    """Stands for a missing default or annotation."""


class MISSING:
    """Stands for the unknown default of a parameter that may be left out."""


class Parameter:
    """A parameter that takes a value from the client."""

    __slots__ = ("annotation", "default", "key", "make_default", "name", "read")

    def __init__(self, name: str, annotation: Any, default: Any) -> None:
        self.name = name
        self.annotation = annotation
        self.default = default
        self.key = name
        """The name for clients."""
        self.read: Callable[[Any], Any] | None = None
        """Converts the JSON value to the annotated type; ``None`` if no conversion is needed."""
        self.make_default: Callable[[], Any] | None = None
        """Makes the default, if it is not in the function's own signature."""


class Signature:
    """The facts about a function that registration needs.

    These are its parameters, the parameter for the context, the dependencies, and the return annotation. ``open`` says
    whether it has a ``**`` parameter, and ``rest`` is the annotation of that.
    """

    __slots__ = ("context", "dependencies", "open", "parameters", "rest", "returned")

    def __init__(self, parameters: list[Parameter], context: str | None, open: bool, returned: Any) -> None:
        self.parameters = parameters
        self.context = context
        self.dependencies: list[tuple[str, Dependency]] = []
        self.open = open
        self.rest: Any = None
        self.returned = returned

    def check_names(self, label: str, names: Collection[str], what: str) -> None:
        """Refuses a function that requires other arguments than these."""
        for parameter in self.parameters:
            if parameter.name not in names and parameter.default is REQUIRED:
                raise RegistrationError(
                    f"{label}: parameter {parameter.name!r} is not one of {what} ({_listed(names)}); remove it, or "
                    "give it a default"
                )


def _listed(names: Collection[str]) -> str:
    return ", ".join(names) or "there are none"


def read(label: str, function: Callable[..., Any], on_loop: bool, strict: bool) -> Signature:
    """Reads a signature. If it is not ``strict``, annotations may contain undefined names."""
    declared = _own(function) if is_plain(function) else None
    if declared is None:
        declared = _inspected(label, function)
    hints = _hints(label, function, strict)
    _refuse_unbound(label, function, declared)
    parameters: list[Parameter] = []
    context: str | None = None
    is_open = False
    rest: Any = None
    dependencies: list[tuple[str, Dependency]] = []
    for kind, parameter in declared:
        name = parameter.name
        if kind == "**":
            rest = _annotation(label, parameter, hints, strict)
            named = _unpacked(rest)
            if named is None:
                is_open = True
            else:
                parameters += named
                rest = None
            continue
        if kind is not None:
            name = kind + name
            raise RegistrationError(
                f"{label}: parameter {name!r} is positional-only, but arguments are passed by name; make it a keyword "
                "parameter"
            )
        annotation = _annotation(label, parameter, hints, strict)
        dependency = _dependency(label, parameter, annotation)
        if dependency is not None:
            dependencies.append((name, dependency))
            continue
        annotation, parameter.default = _field(annotation, parameter.default)
        if _is_declaration(parameter.default):
            raise RegistrationError(
                f"{label}: parameter {name!r}: the default {described(parameter.default)} is not supported; use the "
                "value itself as the default, and pass an input_schema for the rest"
            )
        annotation = _context(annotation)
        # `is`, because an object that is not a class may define its own comparison.
        if annotation is Context or annotation is SyncContext:
            if context is not None:
                raise RegistrationError(f"{label}: both {context!r} and {name!r} take the context; remove one")
            if on_loop and annotation is SyncContext:
                raise RegistrationError(
                    f"{label}: parameter {name!r} is a SyncContext, which would block the loop; annotate it with "
                    "Context in an async function"
                )
            if not on_loop and annotation is Context:
                raise RegistrationError(
                    f"{label}: parameter {name!r} is a Context, whose methods must be awaited; annotate it with "
                    "SyncContext in a function without async"
                )
            context = name
            continue
        parameters.append(Parameter(name, annotation, parameter.default))
    signature = Signature(parameters, context, is_open, hints.get("return"))
    signature.rest, signature.dependencies = rest, dependencies
    return signature


def _context(annotation: Any) -> Any:
    """``Context`` for ``Context | None``, and the same for ``SyncContext``. Others are returned unchanged."""
    if type(annotation) is type or type(annotation) is str:
        return annotation
    origin, arguments = origin_and_arguments(annotation)
    if origin is UNION:
        kinds = [part for part in arguments if part is Context or part is SyncContext]
        if len(kinds) == 1 and all(part is type(None) or part is kinds[0] for part in arguments):
            return kinds[0]
    return annotation


def _dependency(label: str, parameter: Parameter, annotation: Any) -> Dependency | None:
    """The dependency of a parameter, from its default or ``Annotated``."""
    module = sys.modules.get("tenon_mcp._schema.dependency")
    if module is None:  # without this module there are no dependencies
        return None
    kind: Any = module.Dependency
    origin, arguments = origin_and_arguments(annotation)
    found = [part for part in (arguments[1:] if origin is ANNOTATED else ()) if type(part) is kind]
    if type(parameter.default) is kind:
        found.append(parameter.default)
    if len(found) > 1:
        raise RegistrationError(f"{label}: parameter {parameter.name!r} has more than one Depends; keep one")
    return found[0] if found else None


def _field(annotation: Any, default: Any) -> tuple[Any, Any]:
    """Moves a default that is pydantic's ``Field`` into the annotation."""
    if type(default) is not getattr(sys.modules.get("pydantic.fields"), "FieldInfo", None):
        return annotation, default
    from typing import Annotated

    return Annotated[annotation, default], REQUIRED


def _unpacked(annotation: Any) -> list[Parameter] | None:
    """The parameters that ``**options: Unpack[…]`` declares; ``None`` for other annotations."""
    options = None if annotation is object else unpacked(annotation)
    if options is None:
        return None
    from .types.classes import fields_of

    return [
        Parameter(name, annotation, REQUIRED if is_required else MISSING)
        for name, annotation, is_required in fields_of(options)
    ]


def _own(function: Any) -> list[tuple[str | None, Parameter]]:
    """The parameters of a plain function, from its code object.

    Each comes with ``""`` if it is positional-only, with its stars, or with ``None`` if arguments are passed by name.
    """
    code = function.__code__
    names, count, named = code.co_varnames, code.co_argcount, code.co_kwonlyargcount
    annotations = function.__annotations__
    defaults = dict(zip(reversed(names[:count]), reversed(function.__defaults__ or ())))
    defaults.update(function.__kwdefaults__ or {})

    def parameter(name: str) -> Parameter:
        return Parameter(name, annotations.get(name, REQUIRED), defaults.get(name, REQUIRED))

    found = [("" if index < code.co_posonlyargcount else None, parameter(names[index])) for index in range(count)]
    rest = count + named
    if code.co_flags & VARARGS:
        found.append(("*", parameter(names[rest])))
        rest += 1
    found += [(None, parameter(name)) for name in names[count : count + named]]
    if code.co_flags & VARKEYWORDS:
        found.append(("**", parameter(names[rest])))
    return found


def _inspected(label: str, function: Callable[..., Any]) -> list[tuple[str | None, Parameter]]:
    """The same for any other object that can be called."""
    import inspect

    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise RegistrationError(f"{label}: its signature cannot be read: {error}") from None
    markers: dict[Any, str] = {
        inspect.Parameter.POSITIONAL_ONLY: "",
        inspect.Parameter.VAR_POSITIONAL: "*",
        inspect.Parameter.VAR_KEYWORD: "**",
    }

    def known(value: Any) -> Any:
        return REQUIRED if value is inspect.Parameter.empty else value

    return [
        (markers.get(parameter.kind), Parameter(name, known(parameter.annotation), known(parameter.default)))
        for name, parameter in signature.parameters.items()
    ]


def _annotation(label: str, parameter: Parameter, hints: dict[str, Any], strict: bool) -> Any:
    """The annotation of a parameter; ``object`` if there is none.

    The signature may have annotations that the function does not have, if the function sets ``__signature__``.
    """
    annotation = hints.get(parameter.name, parameter.annotation)
    if annotation is REQUIRED:
        return object
    if isinstance(annotation, str):
        if strict:
            raise RegistrationError(
                f"{label}: parameter {parameter.name!r}: annotation {annotation!r} cannot be resolved"
            )
        return object
    return annotation


def _refuse_unbound(label: str, function: Any, declared: list[tuple[str | None, Parameter]]) -> None:
    """Refuses a method that is not bound to an object: clients would see its parameter ``self``."""
    if not declared:
        return
    _, first = declared[0]
    if first.name not in ("self", "cls"):
        return
    if first.default is REQUIRED and _is_of_class(function):
        raise RegistrationError(
            f"{label}: {function.__qualname__} takes {first.name!r}; register the method of an object instead"
        )


def _is_of_class(function: Any) -> bool:
    """Whether this is a function of a class, judged by its name. It may be wrapped, as by ``functools.cache``."""
    inner = getattr(function, "__wrapped__", function)
    if not isinstance(inner, FUNCTION):
        return False
    outer, _, _ = inner.__qualname__.rpartition(".")
    in_class = bool(outer) and not outer.endswith("<locals>")
    return in_class or inner.__code__.co_varnames[0] not in inner.__annotations__


def _hints(label: str, function: Any, strict: bool) -> dict[str, Any]:
    target = function
    plain = is_plain(function)
    if not plain:
        import inspect

        while hasattr(target, "func"):  # functools.partial
            target = target.func
        if not inspect.isroutine(target) and not isinstance(target, type):
            target = type(target).__call__
    try:
        if isinstance(target, type):
            return {**resolve_hints(target, False), **_constructor_hints(target)}
        return resolve_hints(target, plain)
    except Exception as error:
        if not strict:
            return {}
        raise RegistrationError(f"{label}: an annotation cannot be resolved: {error}") from None


def _constructor_hints(kind: Any) -> dict[str, Any]:
    """The annotations of ``__init__`` and ``__new__``. The annotations of the class itself describe its attributes."""
    found: dict[str, Any] = {}
    for constructor in (kind.__init__, kind.__new__):
        if type(constructor) is FUNCTION:
            code = constructor.__code__
            hints = resolve_hints(constructor, False)
            names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
            found.update({name: hints[name] for name in names if name in hints})
    return found


def _is_declaration(default: Any, depth: int = 0) -> bool:
    """Whether a default is not a value but describes a field, by itself or inside a list, dict or tuple."""
    if isinstance(default, (list, tuple, dict)) and depth < _MAX_DEPTH:
        items = default.values() if isinstance(default, dict) else default
        return any(_is_declaration(item, depth + 1) for item in items)
    # Compared by name, because importing the modules of these classes would take long.
    return any(
        (str(kind.__module__).partition(".")[0], kind.__name__) in _DECLARATIONS for kind in type(default).__mro__
    )
