"""JSON equivalents of Python values. The native half calls ``simpler``."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def simpler(value: Any) -> Any:
    """Converts a value by one step towards JSON. Its parts may need the same. Unknown values are returned unchanged."""
    kind = type(value)
    classes = kind.__mro__
    names = {(one.__module__.partition(".")[0], one.__name__) for one in classes}
    if ("enum", "Enum") in names:
        from .types.classes import value_of

        return value_of(value)
    if ("datetime", "timedelta") in names:
        from .types.scalars import duration_text

        return duration_text(value)
    if not names.isdisjoint((("datetime", "date"), ("datetime", "time"))):
        return value.isoformat()
    if not names.isdisjoint(_TEXTS):
        return str(value)
    if hasattr(kind, "__pydantic_core_schema__"):
        return _dumped(value)
    if "__dataclass_fields__" in dir(kind):
        import dataclasses

        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if any(module == "numpy" for module, _ in names) and hasattr(value, "tolist"):
        return value.tolist()
    return value


_TEXTS = (
    ("uuid", "UUID"),
    ("decimal", "Decimal"),
    ("pathlib", "PurePath"),
    ("ipaddress", "IPv4Address"),
    ("ipaddress", "IPv6Address"),
)


def _dumped(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", by_alias=True)
    from pydantic import RootModel

    model: Any = RootModel
    return model[type(value)](value).model_dump(mode="json", by_alias=True)


def key_of(key: Any) -> Any:
    """The name of a member for the key of a dict. A key without a name is returned unchanged."""
    found = key if isinstance(key, str) and type(key) is str else simpler(key)
    return found if isinstance(found, str) else key


def pil_image(value: Any) -> tuple[bytes, str] | None:
    """The bytes and the media type of a PIL image; ``None`` for other values."""
    if "PIL" not in sys.modules or not any(kind.__module__.partition(".")[0] == "PIL" for kind in type(value).__mro__):
        return None
    if not hasattr(value, "save"):
        return None
    from io import BytesIO

    form = value.format if getattr(value, "format", None) in ("JPEG", "GIF", "WEBP") else "PNG"
    out = BytesIO()
    value.save(out, format=form)
    return out.getvalue(), f"image/{form.lower()}"
