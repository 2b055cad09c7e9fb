"""Analyses annotations.

``typing`` takes long to load. If an annotation needs ``typing``, it was made by it, so ``typing`` is loaded already.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_GENERIC = type(list[int])
_UNION = type(int | None)

UNION = "union"
LITERAL = "literal"
ANNOTATED = "annotated"


def taken_apart(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """What an annotation is made with and its parts, as ``typing`` tells them, but words for unions and the like."""
    kind = type(annotation)
    if kind is _UNION:
        return UNION, annotation.__args__
    if kind is _GENERIC:
        return annotation.__origin__, annotation.__args__
    if annotation is None or issubclass(kind, type):
        return None, ()
    import typing

    origin = typing.get_origin(annotation)
    if origin is typing.Union:
        origin = UNION
    elif origin is typing.Literal:
        origin = LITERAL
    elif origin is typing.Annotated:
        origin = ANNOTATED
    return origin, typing.get_args(annotation)


def is_any(annotation: Any) -> bool:
    if "typing" not in sys.modules:
        return False
    import typing

    return annotation is typing.Any or annotation is getattr(sys.modules.get("typing_extensions"), "Any", typing.Any)


def is_one_of(annotation: Any, names: tuple[str, ...]) -> bool:
    """Whether it is a special form of these names, also as ``typing_extensions`` has it."""
    module = getattr(type(annotation), "__module__", "")
    return module in ("typing", "typing_extensions") and getattr(annotation, "_name", None) in names


def is_typed_dict(annotation: Any) -> bool:
    if "typing" not in sys.modules:
        return False
    import typing

    if typing.is_typeddict(annotation):
        return True
    # Before Python 3.13 they are not those of `typing`; who has one has loaded the module.
    extensions = sys.modules.get("typing_extensions")
    return extensions is not None and extensions.is_typeddict(annotation)


def alias_of(annotation: Any) -> tuple[str, Any, dict[Any, Any]] | None:
    """Name and value of what a ``type`` statement made, and what its variables stand for."""
    kind = getattr(annotation, "__origin__", annotation)
    if type(kind).__name__ != "TypeAliasType":
        return None
    return kind.__name__, kind.__value__, dict(zip(kind.__type_params__, getattr(annotation, "__args__", ())))


def hints(function: Callable[..., Any], is_plain: bool) -> dict[str, Any]:
    """The annotations of a function, with what texts in them stand for; raises if one stands for nothing."""
    found = _plain_hints(function) if is_plain else None
    if found is None:
        import typing

        found = typing.get_type_hints(function, include_extras=True)
        if sys.version_info < (3, 11):
            names = getattr(function, "__globals__", {})
            found = {name: resolved(annotation, names) for name, annotation in found.items()}
    return found


def resolved(annotation: Any, names: dict[str, Any]) -> Any:
    """An annotation without texts in it, which ``typing`` of 3.10 leaves in ``list["Node"]``."""
    if isinstance(annotation, str):
        return eval(annotation, names)
    origin, arguments = taken_apart(annotation)
    if origin in (LITERAL, ANNOTATED, None):
        return annotation
    if any(isinstance(part, list) for part in arguments):  # the parameters of a Callable
        return annotation
    parts = tuple(part if part is ... else resolved(part, names) for part in arguments)
    if parts == arguments:
        return annotation
    if origin is UNION:
        import typing

        return typing.Union[parts]  # noqa: UP007
    return origin[parts]


def _plain_hints(function: Any) -> dict[str, Any] | None:
    """The same where it needs no ``typing``: classes, builtin generics and unions of them, and the names of classes."""
    defaults = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
    if sys.version_info < (3, 11) and None in defaults:
        return None  # these versions make an Optional of what has None as its default
    if getattr(function, "__type_params__", ()):
        return None  # their names mean something in texts
    found: dict[str, Any] = {}
    for name, annotation in function.__annotations__.items():
        if isinstance(annotation, str):
            annotation = _named(annotation, function)
        if annotation is None:
            annotation = type(None)
        elif not _is_plain(annotation):
            return None
        found[name] = annotation
    return found


def _named(text: str, function: Any) -> Any:
    """The class of this name, or ``None``; the text itself if it is more than a name, or the name of something else."""
    if text == "None":
        return None
    names, builtins = function.__globals__, function.__builtins__
    found = names[text] if text in names else builtins.get(text)
    return found if _is_plain(found) else text


def _is_plain(annotation: Any) -> bool:
    """Whether there is nothing in it to resolve."""
    kind = type(annotation)
    if kind is _GENERIC or kind is _UNION:
        return all(map(_is_plain, annotation.__args__))
    return issubclass(kind, type)
