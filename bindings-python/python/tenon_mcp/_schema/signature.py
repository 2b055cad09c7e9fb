"""The parameters of a function, read from its signature."""

from __future__ import annotations

import sys

from .._errors import RegistrationError
from .._runtime.context import Context, SyncContext
from . import annotations as _annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import Any

    from .._handlers.depends import Dependency

_DECLARATIONS = {("pydantic", "FieldInfo"), ("dataclasses", "Field")}
_FUNCTION = type(lambda: None)
_MOST_WRAPS = 64
"""A function may be wrapped in itself."""

# What the flags of a code object say; `inspect` has the names, and takes long to load.
_VARARGS, _VARKEYWORDS, _GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x04, 0x08, 0x20, 0x80, 0x200


class REQUIRED:
    """The default of a parameter without one; and the annotation."""


class MISSING:
    """The default of a parameter that may be left out, and of which no more is said."""


class Parameter:
    """One that takes a value from the client."""

    __slots__ = ("annotation", "default", "key", "make_default", "name", "read")

    def __init__(self, name: str, annotation: Any, default: Any) -> None:
        self.name = name
        self.annotation = annotation
        self.default = default
        self.key = name
        """The name that clients know."""
        self.read: Callable[[Any], Any] | None = None
        """What makes the value of JSON, if it is not JSON itself."""
        self.make_default: Callable[[], Any] | None = None
        """What gives the default, if the function does not know it."""


class Signature:
    """What registration needs to know about a function: its parameters, which of them takes the context, and which are
    for what the function depends on; whether it takes any other name, too, and what its value is; its return
    annotation."""

    __slots__ = ("context", "dependencies", "open", "parameters", "rest", "returned")

    def __init__(self, parameters: list[Parameter], context: str | None, open: bool, returned: Any) -> None:
        self.parameters = parameters
        self.context = context
        self.dependencies: list[tuple[str, Dependency]] = []
        self.open = open
        self.rest: Any = None
        self.returned = returned

    def takes(self, label: str, names: Collection[str], what: str) -> None:
        """Refuses a function that would be called with these names and cannot."""
        for parameter in self.parameters:
            if parameter.name not in names and parameter.default is REQUIRED:
                raise RegistrationError(f"{label}: parameter {parameter.name!r} is none of {what}: {_listed(names)}")


def _listed(names: Collection[str]) -> str:
    return ", ".join(names) or "there are none"


def _is_plain(function: Callable[..., Any]) -> bool:
    """Whether it is a function of Python's and nothing else was said about it, so that its code tells everything."""
    return type(function) is _FUNCTION and not function.__dict__


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling it gives a coroutine; an object may be called through an async method of its class."""
    if _is_plain(function):
        return bool(function.__code__.co_flags & _COROUTINE)
    import inspect

    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def wraps_async(function: Callable[..., Any]) -> bool:
    """Whether it is a function without async around one with it, by ``functools.wraps``: what it returns may have to be
    awaited."""
    if _is_plain(function) or is_async(function):
        return False
    import inspect

    within: Any = function
    for _ in range(_MOST_WRAPS):
        inner = getattr(within, "__wrapped__", None) or getattr(within, "func", None)
        if inner is None:
            return False
        if inspect.iscoroutinefunction(inner):
            return True
        within = inner
    return False


def is_generator(function: Callable[..., Any]) -> bool:
    if _is_plain(function):
        return bool(function.__code__.co_flags & (_GENERATOR | _ASYNC_GENERATOR))
    import inspect

    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


def is_async_generator(function: Callable[..., Any]) -> bool:
    if _is_plain(function):
        return bool(function.__code__.co_flags & _ASYNC_GENERATOR)
    import inspect

    return inspect.isasyncgenfunction(function)


def check_places(label: str, function: Callable[..., Any], places: tuple[str, ...]) -> None:
    """Refuses a function that cannot be called with as many values, which come by their places."""
    if _is_plain(function):
        code = function.__code__
        if code.co_argcount == len(places) and not code.co_kwonlyargcount:
            return
    import inspect

    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # what is written in C may not say
    try:
        signature.bind(*places)
    except TypeError as error:
        raise RegistrationError(f"{label} is called with {' and '.join(places)}: {error}") from None


def doc(function: Callable[..., Any]) -> str | None:
    """Its docstring."""
    # The docstring of a functools.partial is that of its class.
    while getattr(function, "__doc__", None) == type(function).__doc__ and callable(
        within := getattr(function, "func", None)
    ):
        function = within
    text = getattr(function, "__doc__", None)
    if not text:
        return None
    if isinstance(text, str) and text.replace("\n", "").replace("\t", "").isprintable():
        return _cleaned(text)
    import inspect

    return inspect.cleandoc(text)


def _cleaned(text: str) -> str:
    """What ``inspect.cleandoc`` makes of a text without odd spaces."""
    first, *lines = text.expandtabs().split("\n")
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    lines = [first.lstrip(), *(line[margin:] for line in lines)]
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    return "\n".join(lines)


def read(label: str, function: Callable[..., Any], on_loop: bool, strict: bool) -> Signature:
    """Reads a signature; unless it is ``strict`` annotations need not be known."""
    declared = _own(function) if _is_plain(function) else None
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
            raise RegistrationError(f"{label}: parameter {name!r} is positional only, but arguments come by name")
        annotation = _annotation(label, parameter, hints, strict)
        dependency = _dependency(label, parameter, annotation)
        if dependency is not None:
            dependencies.append((name, dependency))
            continue
        annotation, parameter.default = _field(annotation, parameter.default)
        if _is_declaration(parameter.default):
            raise RegistrationError(
                f"{label}: parameter {name!r}: the default is {described(parameter.default)}, which is not "
                "understood; give the plain default, and an input_schema for the rest"
            )
        annotation = _context(annotation)
        # `is`, because what is no class may compare as it likes.
        if annotation is Context or annotation is SyncContext:
            if context is not None:
                raise RegistrationError(f"{label}: {context!r} and {name!r} both want the context")
            if on_loop and annotation is SyncContext:
                raise RegistrationError(
                    f"{label}: parameter {name!r} is a SyncContext, which would block the loop; in an async function "
                    "it must be a Context"
                )
            if not on_loop and annotation is Context:
                raise RegistrationError(
                    f"{label}: parameter {name!r} is a Context, whose questions are awaited; in a function without "
                    "async it must be a SyncContext"
                )
            context = name
            continue
        parameters.append(Parameter(name, annotation, parameter.default))
    signature = Signature(parameters, context, is_open, hints.get("return"))
    signature.rest, signature.dependencies = rest, dependencies
    return signature


def _context(annotation: Any) -> Any:
    """The kind of context, also where an annotation says that it may be missing."""
    if type(annotation) is type or type(annotation) is str:
        return annotation
    origin, arguments = _annotations.taken_apart(annotation)
    if origin is _annotations.UNION:
        kinds = [part for part in arguments if part is Context or part is SyncContext]
        if len(kinds) == 1 and all(part is type(None) or part is kinds[0] for part in arguments):
            return kinds[0]
    return annotation


def _dependency(label: str, parameter: Parameter, annotation: Any) -> Dependency | None:
    """What a parameter depends on, by its default or in ``Annotated``."""
    depends = sys.modules.get("tenon_mcp._handlers.depends")
    if depends is None:  # nobody can have made one
        return None
    origin, arguments = _annotations.taken_apart(annotation)
    found = [part for part in (arguments[1:] if origin is _annotations.ANNOTATED else ()) if depends.is_one(part)]
    if depends.is_one(parameter.default):
        found.append(parameter.default)
    if len(found) > 1:
        raise RegistrationError(f"{label}: parameter {parameter.name!r} depends on more than one function")
    return found[0] if found else None


def _field(annotation: Any, default: Any) -> tuple[Any, Any]:
    """A default that is pydantic's ``Field`` says something about the type, and perhaps what the default is."""
    if type(default) is not getattr(sys.modules.get("pydantic.fields"), "FieldInfo", None):
        return annotation, default
    from typing import Annotated

    return Annotated[annotation, default], REQUIRED


def _unpacked(annotation: Any) -> list[Parameter] | None:
    """The parameters that ``**options: Unpack[…]`` stands for."""
    if "typing" not in sys.modules or annotation is object:
        return None
    from .types import unpacked

    options = unpacked(annotation)
    if options is None:
        return None
    from .classes import fields_of

    return [Parameter(name, said, REQUIRED if needed else MISSING) for name, said, needed in fields_of(options)]


def _own(function: Any) -> list[tuple[str | None, Parameter]]:
    """The parameters of a plain function, each with what is odd about it: ``""`` if it is positional only, or stars."""
    code = function.__code__
    names, count, named = code.co_varnames, code.co_argcount, code.co_kwonlyargcount
    annotations = function.__annotations__
    defaults = dict(zip(reversed(names[:count]), reversed(function.__defaults__ or ())))
    defaults.update(function.__kwdefaults__ or {})

    def parameter(name: str) -> Parameter:
        return Parameter(name, annotations.get(name, REQUIRED), defaults.get(name, REQUIRED))

    found = [("" if place < code.co_posonlyargcount else None, parameter(names[place])) for place in range(count)]
    rest = count + named
    if code.co_flags & _VARARGS:
        found.append(("*", parameter(names[rest])))
        rest += 1
    found += [(None, parameter(name)) for name in names[count : count + named]]
    if code.co_flags & _VARKEYWORDS:
        found.append(("**", parameter(names[rest])))
    return found


def _inspected(label: str, function: Callable[..., Any]) -> list[tuple[str | None, Parameter]]:
    """The same of anything that can be called."""
    import inspect

    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise RegistrationError(f"{label}: its signature cannot be read: {error}") from None
    odd: dict[Any, str] = {
        inspect.Parameter.POSITIONAL_ONLY: "",
        inspect.Parameter.VAR_POSITIONAL: "*",
        inspect.Parameter.VAR_KEYWORD: "**",
    }

    def given(value: Any) -> Any:
        return REQUIRED if value is inspect.Parameter.empty else value

    return [
        (odd.get(parameter.kind), Parameter(name, given(parameter.annotation), given(parameter.default)))
        for name, parameter in signature.parameters.items()
    ]


def _annotation(label: str, parameter: Parameter, hints: dict[str, Any], strict: bool) -> Any:
    """What a parameter is annotated with; a signature of its own may say more than the function's annotations.

    ``object`` stands for anything.
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
    """A function that was taken from a class would show its clients a parameter ``self``."""
    if not declared:
        return
    _, first = declared[0]
    if first.name not in ("self", "cls"):
        return
    if first.default is REQUIRED and _is_of_class(function):
        raise RegistrationError(
            f"{label}: {function.__qualname__} wants {first.name!r}; register the method of an object"
        )


def _is_of_class(function: Any) -> bool:
    """Whether it is a function, also one with a cache around it, that stands in a class by its name."""
    inner = getattr(function, "__wrapped__", function)
    if not isinstance(inner, _FUNCTION):
        return False
    outer, _, _ = inner.__qualname__.rpartition(".")
    in_class = bool(outer) and not outer.endswith("<locals>")
    return in_class or inner.__code__.co_varnames[0] not in inner.__annotations__


def _hints(label: str, function: Any, strict: bool) -> dict[str, Any]:
    target = function
    is_plain = _is_plain(function)
    if not is_plain:
        import inspect

        while hasattr(target, "func"):  # functools.partial
            target = target.func
        if not inspect.isroutine(target) and not isinstance(target, type):
            target = type(target).__call__
    try:
        if isinstance(target, type):
            return {**_annotations.hints(target, False), **_makers(target)}
        return _annotations.hints(target, is_plain)
    except Exception as error:
        if not strict:
            return {}
        raise RegistrationError(f"{label}: an annotation cannot be resolved: {error}") from None


def _makers(kind: Any) -> dict[str, Any]:
    """The annotations of what makes objects of a class; those of the class itself may be other things."""
    found: dict[str, Any] = {}
    for maker in (kind.__init__, kind.__new__):
        if type(maker) is _FUNCTION:
            code = maker.__code__
            hints = _annotations.hints(maker, False)
            names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
            found.update({name: hints[name] for name in names if name in hints})
    return found


def _is_declaration(default: Any, depth: int = 0) -> bool:
    """Whether a default is no value but says something about one, by itself or within a list, dict or tuple."""
    if isinstance(default, (list, tuple, dict)) and depth < 8:
        items = default.values() if isinstance(default, dict) else default
        return any(_is_declaration(item, depth + 1) for item in items)
    # By name: to look the classes up would be to import their modules.
    return any(
        (str(kind.__module__).partition(".")[0], kind.__name__) in _DECLARATIONS for kind in type(default).__mro__
    )


def described(thing: Any) -> str:
    """The type and the text of what a signature says, as a message shows it."""
    try:
        text = repr(thing)
    except Exception:
        text = ""
    kind = type(thing).__qualname__
    if len(text) > 80:
        text = text[:80] + "…"
    return text if text.startswith(kind) else f"{kind} {text}".rstrip()
