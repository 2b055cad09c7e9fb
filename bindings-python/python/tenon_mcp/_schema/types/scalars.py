"""Values that are strings in JSON: dates, identifiers, paths, bytes, exact numbers."""

from __future__ import annotations

import re
import sys
from binascii import Error as NotBase64
from binascii import b2a_base64
from functools import partial

from .invalid_value import InvalidValue
from .json_type import Type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .json_type import TypeBuilder

_DECIMAL = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_TIME = r"(\d\d:\d\d(?::\d\d)?)(?:[.,](\d+))?([Zz]|[+-]\d\d:?\d\d)?"
_DURATION = re.compile(
    r"([+-])?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,](\d{1,6})\d*)?S)?)?", re.ASCII
)
# (module, class): keywords of the schema, and the function of this module that reads a string.
_TABLE = {
    ("datetime", "datetime"): ({"format": "date-time"}, "_datetime"),
    ("datetime", "date"): ({"format": "date"}, "_date"),
    ("datetime", "time"): ({"format": "time"}, "_time"),
    ("datetime", "timedelta"): ({"format": "duration"}, "_duration"),
    ("uuid", "UUID"): ({"format": "uuid"}, "_constructed"),
    ("ipaddress", "IPv4Address"): ({"format": "ipv4"}, "_constructed"),
    ("ipaddress", "IPv6Address"): ({"format": "ipv6"}, "_constructed"),
}


def of(types: TypeBuilder, bare: type) -> Type | None:
    for (module, name), (keywords, reader) in _TABLE.items():
        if module in sys.modules and getattr(sys.modules[module], name) is bare:
            schema = {"type": "string", **keywords}
            if types.results and reader == "_datetime":
                # The engine asserts this format, which requires an offset, and a result may have no offset.
                del schema["format"]
            return Type(schema, ("string",), partial(globals()[reader], bare))
    if "pathlib" in sys.modules and issubclass(bare, sys.modules["pathlib"].PurePath):
        return Type({"type": "string"}, ("string",), partial(_constructed, bare))
    if "decimal" in sys.modules and bare is sys.modules["decimal"].Decimal:
        if types.results:
            return Type({"type": "string"}, ("string",))
        either = {"type": ["number", "string"], "pattern": _DECIMAL}
        return Type(either, ("number", "integer", "string"), lambda value: bare(str(value)))
    if bare in (bytes, bytearray) or bare is memoryview and types.results:
        return Type({"type": "string", "contentEncoding": "base64"}, ("string",), partial(_bytes, bare), _base64)
    return None


def _constructed(kind: Callable[[str], Any], text: str) -> Any:
    try:
        return kind(text)
    except ValueError as error:
        raise InvalidValue(str(error)) from None


def _iso(kind: Any, pattern: str, text: str, what: str) -> Any:
    """Reads a date or time. It is converted to a form that every version of Python can parse."""
    found = re.fullmatch(pattern, text, re.ASCII)
    try:
        if found is None:
            raise ValueError
        *date, time, fraction, offset = found.groups()
        plain = "T".join([*date, time])
        if fraction:
            plain += ("" if time.count(":") == 2 else ":00") + f".{fraction[:6]:0<6}"
        if offset:
            plain += "+00:00" if offset in "Zz" else offset if ":" in offset else f"{offset[:3]}:{offset[3:]}"
        return kind.fromisoformat(plain)
    except ValueError:
        raise InvalidValue(f"not a {what} in ISO 8601") from None


def _datetime(kind: Any, text: str) -> Any:
    return _iso(kind, rf"(\d{{4}}-\d\d-\d\d)[Tt ]{_TIME}", text, "date with a time")


def _time(kind: Any, text: str) -> Any:
    return _iso(kind, _TIME, text, "time")


def _date(kind: Any, text: str) -> Any:
    try:
        return kind.fromisoformat(text)
    except ValueError:
        raise InvalidValue("not a date in ISO 8601, such as 2026-07-28") from None


def _duration(kind: Any, text: str) -> Any:
    found = _DURATION.fullmatch(text)
    try:
        if found is None or not any(found.groups()[1:]) or text.endswith("T"):
            raise InvalidValue("not a duration in ISO 8601 from weeks to seconds, such as PT1H30M")
        weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:6])
        whole = kind(
            weeks=weeks,
            days=days,
            hours=hours,
            minutes=minutes,
            seconds=seconds,
            microseconds=int(f"{found[7] or 0:0<6}"),
        )
        return -whole if found[1] == "-" else whole
    except (OverflowError, ValueError) as error:
        if isinstance(error, InvalidValue):
            raise
        raise InvalidValue("the duration is too long for a timedelta") from None


def duration_text(value: Any) -> str:
    """A ``timedelta`` in ISO 8601."""
    sign, value = ("-", -value) if value.days < 0 else ("", value)
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{value.microseconds:06}".rstrip("0").rstrip(".") if value.microseconds else ""
    date = f"{value.days}D" if value.days else ""
    time = "".join(f"{count}{unit}" for count, unit in ((hours, "H"), (minutes, "M")) if count)
    if seconds or fraction:
        time += f"{seconds}{fraction}S"
    if not (date or time):
        time = "0S"
    return f"{sign}P{date}{'T' + time if time else ''}"


def _bytes(kind: Any, text: str) -> Any:
    import base64

    try:
        return kind(base64.b64decode(text, validate=True))
    except (NotBase64, ValueError):
        raise InvalidValue("not valid base64") from None


def _base64(value: Any) -> Any:
    return b2a_base64(value, newline=False).decode() if isinstance(value, (bytes, bytearray, memoryview)) else value
