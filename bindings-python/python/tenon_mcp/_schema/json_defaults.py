"""What stands in JSON for values that it does not have."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def simpler(value: Any) -> Any:
    """A value of JSON's for one that is not, whose parts may have to be made simpler too.

    What is not known comes back as it is.
    """
    kind = type(value)
    classes = kind.__mro__
    names = {(one.__module__.partition(".")[0], one.__name__) for one in classes}
    if ("enum", "Enum") in names:
        from .classes import value_of

        return value_of(value)
    if ("datetime", "timedelta") in names:
        from .scalars import duration_text

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
    """The name of a member, for a key that stands for one."""
    found = key if isinstance(key, str) and type(key) is str else simpler(key)
    return found if isinstance(found, str) else key


def picture(value: Any) -> tuple[bytes, str] | None:
    """An image of PIL's as bytes and their media type."""
    if "PIL" not in sys.modules or not any(kind.__module__.partition(".")[0] == "PIL" for kind in type(value).__mro__):
        return None
    if not hasattr(value, "save"):
        return None
    from io import BytesIO

    form = value.format if getattr(value, "format", None) in ("JPEG", "GIF", "WEBP") else "PNG"
    out = BytesIO()
    value.save(out, format=form)
    return out.getvalue(), f"image/{form.lower()}"
