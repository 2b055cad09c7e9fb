"""Analyses annotations.

``typing`` takes long to load. An annotation that needs ``typing`` was made by it, so ``typing`` is loaded already then.
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


def origin_and_arguments(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """The same as ``typing.get_origin`` and ``get_args``, but special forms have the constants of this module."""
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
    """Whether this is a special form with one of these names, of ``typing`` or ``typing_extensions``."""
    module = getattr(type(annotation), "__module__", "")
    return module in ("typing", "typing_extensions") and getattr(annotation, "_name", None) in names


def is_typed_dict(annotation: Any) -> bool:
    if "typing" not in sys.modules:
        return False
    import typing

    if typing.is_typeddict(annotation):
        return True
    # Before Python 3.13, `typing_extensions` has a `TypedDict` of its own.
    extensions = sys.modules.get("typing_extensions")
    return extensions is not None and extensions.is_typeddict(annotation)


def alias_of(annotation: Any) -> tuple[str, Any, dict[Any, Any]] | None:
    """The name and the value of a ``type`` statement, and the values of its type variables."""
    kind = getattr(annotation, "__origin__", annotation)
    if type(kind).__name__ != "TypeAliasType":
        return None
    return kind.__name__, kind.__value__, dict(zip(kind.__type_params__, getattr(annotation, "__args__", ())))


def resolve_hints(function: Callable[..., Any], is_plain: bool) -> dict[str, Any]:
    """The annotations of a function, with strings evaluated. Raises an exception if a name is not defined."""
    found = _plain_hints(function) if is_plain else None
    if found is None:
        import typing

        found = typing.get_type_hints(function, include_extras=True)
        if sys.version_info < (3, 11):
            names = getattr(function, "__globals__", {})
            found = {name: resolved(annotation, names) for name, annotation in found.items()}
    return found


def resolved(annotation: Any, names: dict[str, Any]) -> Any:
    """An annotation with its strings evaluated. ``typing`` of Python 3.10 leaves those in ``list["Node"]``."""
    if isinstance(annotation, str):
        return eval(annotation, names)
    origin, arguments = origin_and_arguments(annotation)
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
    """The same without ``typing``, for classes, builtin generics, unions of them, and names of classes; else ``None``.
    """
    defaults = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
    if sys.version_info < (3, 11) and None in defaults:
        return None  # Python 3.10 makes an Optional of an annotation if the default is None
    if getattr(function, "__type_params__", ()):
        return None  # strings may contain the names of type parameters
    found: dict[str, Any] = {}
    for name, annotation in function.__annotations__.items():
        if isinstance(annotation, str):
            annotation = _class_named(annotation, function)
        if annotation is None:
            annotation = type(None)
        elif not _is_plain(annotation):
            return None
        found[name] = annotation
    return found


def _class_named(text: str, function: Any) -> Any:
    """The class with this name, or ``None`` for ``"None"``. Any other text is returned unchanged."""
    if text == "None":
        return None
    names, builtins = function.__globals__, function.__builtins__
    found = names[text] if text in names else builtins.get(text)
    return found if _is_plain(found) else text


def _is_plain(annotation: Any) -> bool:
    """Whether the annotation contains no strings or names that must be resolved."""
    kind = type(annotation)
    if kind is _GENERIC or kind is _UNION:
        return all(map(_is_plain, annotation.__args__))
    return issubclass(kind, type)


def unpacked(annotation: Any) -> Any:
    """The ``TypedDict`` of an ``Unpack``; ``None`` for other annotations."""
    if "typing" not in sys.modules:
        return None
    import typing

    origin = typing.get_origin(annotation)
    if origin is not None and getattr(origin, "__name__", getattr(origin, "_name", None)) == "Unpack":
        return typing.get_args(annotation)[0]
    return None
