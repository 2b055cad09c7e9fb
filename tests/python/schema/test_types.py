"""Types beyond JSON's: their schemas, and the values that handlers get."""

# ruff: noqa: UP006, UP007, UP035, UP045

import collections.abc
import dataclasses
import datetime
import decimal
import enum
import ipaddress
import pathlib
import typing
import uuid
from typing import Annotated, Generic, Literal, NamedTuple, NewType, Optional, TypedDict, TypeVar, Union

import pytest
from tenon_mcp import Server
from wire import serving

UTC = datetime.timezone.utc
T = TypeVar("T")
UserId = NewType("UserId", int)


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Odd(enum.Enum):
    """Not of JSON."""

    A = (1, 2)
    B = object()


class Point(NamedTuple):
    x: int
    y: float = 0.5


class Row(TypedDict, total=False):
    """A row of a table."""

    name: str
    when: datetime.date


@dataclasses.dataclass
class Address:
    street: str
    zip: Annotated[str, {"pattern": "^[0-9]{5}$"}] = "00000"


@dataclasses.dataclass
class Person:
    """Somebody.

    Attributes:
        name: What they are called.
    """

    name: str
    born: datetime.date
    address: Optional[Address] = None
    tags: list[str] = dataclasses.field(default_factory=list)
    rank: int = dataclasses.field(default=3, metadata={"description": "The lower the better."})
    id: str = dataclasses.field(init=False, default="none")

    def __post_init__(self):
        if self.name == "nobody":
            raise ValueError("nobody is no person")


@dataclasses.dataclass
class Page(Generic[T]):
    items: list[T]
    next: Optional[T] = None


class Ge:
    """Like that of annotated-types."""

    def __init__(self, ge):
        self.ge = ge


class MaxLen:
    def __init__(self, max_length):
        self.max_length = max_length


def takes(annotation, **options):
    """A server whose tool takes `x`, and a list of what it was called with."""
    app = Server("t", **options)
    seen = []

    def tool(x):
        seen.append(x)

    tool.__annotations__ = {"x": annotation}
    app.tool(tool)
    return app, seen


def schema_of(annotation):
    app, _ = takes(annotation)
    (entry,) = app.entries("tool")
    return entry.definition["inputSchema"]["properties"]["x"]


TEXT = {"type": "string"}
ADDRESS = {
    "type": "object",
    "properties": {"street": TEXT, "zip": {**TEXT, "pattern": "^[0-9]{5}$", "default": "00000"}},
    "required": ["street"],
    "additionalProperties": False,
}
POINT = {
    "type": "object",
    "properties": {"x": {"type": "integer"}, "y": {"type": "number", "default": 0.5}},
    "required": ["x"],
    "additionalProperties": False,
}
NOON = datetime.datetime(2026, 7, 28, 12, tzinfo=UTC)
ID = "123e4567-e89b-12d3-a456-426614174000"
# annotation, schema, what is sent, what arrives
VALUES = [
    (datetime.datetime, {**TEXT, "format": "date-time"}, "2026-07-28T12:00:00Z", NOON),
    (
        datetime.datetime,
        {**TEXT, "format": "date-time"},
        "2026-07-28t12:00:00.5+00:00",
        NOON.replace(microsecond=500000),
    ),
    (datetime.date, {**TEXT, "format": "date"}, "2026-07-28", datetime.date(2026, 7, 28)),
    (datetime.time, {**TEXT, "format": "time"}, "12:30", datetime.time(12, 30)),
    (datetime.time, {**TEXT, "format": "time"}, "12:30:01.25Z", datetime.time(12, 30, 1, 250000, tzinfo=UTC)),
    (
        datetime.timedelta,
        {**TEXT, "format": "duration"},
        "P1DT2H3M4.5S",
        datetime.timedelta(days=1, hours=2, minutes=3, seconds=4.5),
    ),
    (datetime.timedelta, {**TEXT, "format": "duration"}, "-P2W", -datetime.timedelta(weeks=2)),
    (uuid.UUID, {**TEXT, "format": "uuid"}, ID, uuid.UUID(ID)),
    (ipaddress.IPv4Address, {**TEXT, "format": "ipv4"}, "127.0.0.1", ipaddress.IPv4Address("127.0.0.1")),
    (pathlib.Path, TEXT, "a/b", pathlib.Path("a/b")),
    (pathlib.PurePosixPath, TEXT, "a/b", pathlib.PurePosixPath("a/b")),
    (bytes, {**TEXT, "contentEncoding": "base64"}, "AP8=", b"\x00\xff"),
    (bytearray, {**TEXT, "contentEncoding": "base64"}, "AP8=", bytearray(b"\x00\xff")),
    (Color, {**TEXT, "enum": ["red", "blue"]}, "red", Color.RED),
    (Level, {"type": "integer", "enum": [1, 2]}, 2, Level.HIGH),
    (Odd, {**TEXT, "enum": ["A", "B"], "description": "Not of JSON."}, "A", Odd.A),
    (Optional[Color], {"type": ["string", "null"], "enum": ["red", "blue", None]}, None, None),
    (Literal[Color.RED, "x"], {**TEXT, "enum": ["red", "x"]}, "red", Color.RED),
    (
        tuple[int, str],
        {"type": "array", "prefixItems": [{"type": "integer"}, TEXT], "minItems": 2, "maxItems": 2},
        [1, "a"],
        (1, "a"),
    ),
    (
        tuple[float, float],
        {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
        [1, 2.5],
        (1.0, 2.5),
    ),
    (tuple[Color, ...], {"type": "array", "items": {**TEXT, "enum": ["red", "blue"]}}, ["red"], (Color.RED,)),
    (tuple, {"type": "array"}, [1], (1,)),
    (tuple[()], {"type": "array", "minItems": 0, "maxItems": 0}, [], ()),
    (set[int], {"type": "array", "items": {"type": "integer"}, "uniqueItems": True}, [1, 2], {1, 2}),
    (
        frozenset[Color],
        {"type": "array", "items": {**TEXT, "enum": ["red", "blue"]}, "uniqueItems": True},
        ["red"],
        frozenset([Color.RED]),
    ),
    (
        collections.abc.Sequence[datetime.date],
        {"type": "array", "items": {**TEXT, "format": "date"}},
        ["2026-07-28"],
        [datetime.date(2026, 7, 28)],
    ),
    (typing.Sequence[str], {"type": "array", "items": TEXT}, ["a"], ["a"]),
    (
        collections.abc.Mapping[str, int],
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {"a": 1},
        {"a": 1},
    ),
    (
        typing.Mapping[Color, Point],
        {"type": "object", "propertyNames": {"enum": ["red", "blue"]}, "additionalProperties": POINT},
        {"red": {"x": 1}},
        {Color.RED: Point(1)},
    ),
    (collections.abc.Mapping, {"type": "object"}, {"a": 1}, {"a": 1}),
    (UserId, {"type": "integer"}, 3, 3),
    (list[UserId], {"type": "array", "items": {"type": "integer"}}, [3, 4.0], [3, 4]),
    (Point, POINT, {"x": 1}, Point(1, 0.5)),
    (list[Point], {"type": "array", "items": POINT}, [{"x": 1, "y": 2}], [Point(1, 2.0)]),
    (Address, ADDRESS, {"street": "s"}, Address("s", "00000")),
    (Optional[Address], {**ADDRESS, "type": ["object", "null"]}, None, None),
    (
        Row,
        {
            "type": "object",
            "description": "A row of a table.",
            "properties": {"name": TEXT, "when": {**TEXT, "format": "date"}},
            "additionalProperties": False,
        },
        {"when": "2026-07-28"},
        {"when": datetime.date(2026, 7, 28)},
    ),
    (
        Page[datetime.date],
        {
            "type": "object",
            "properties": {
                "items": {"type": "array", "items": {**TEXT, "format": "date"}},
                "next": {"type": ["string", "null"], "format": "date", "default": None},
            },
            "required": ["items"],
            "additionalProperties": False,
        },
        {"items": ["2026-07-28"]},
        Page([datetime.date(2026, 7, 28)]),
    ),
    (
        Union[datetime.date, str],
        {"anyOf": [{**TEXT, "format": "date"}, TEXT]},
        "2026-07-28",
        datetime.date(2026, 7, 28),
    ),
    (Union[datetime.date, str], {"anyOf": [{**TEXT, "format": "date"}, TEXT]}, "soon", "soon"),
    (Union[Address, Point], {"anyOf": [ADDRESS, POINT]}, {"x": 3}, Point(3)),
    (
        Union[list[int], list[Color]],
        {
            "anyOf": [
                {"type": "array", "items": {"type": "integer"}},
                {"type": "array", "items": {**TEXT, "enum": ["red", "blue"]}},
            ]
        },
        ["blue"],
        [Color.BLUE],
    ),
    (Union[int, Point, None], {"anyOf": [{"type": "integer"}, POINT, {"type": "null"}]}, {"x": 1}, Point(1)),
    (Union[int, Point, None], {"anyOf": [{"type": "integer"}, POINT, {"type": "null"}]}, None, None),
    (
        Annotated[int, {"minimum": 0, "description": "how many"}],
        {"type": "integer", "minimum": 0, "description": "how many"},
        1,
        1,
    ),
    (Annotated[str, "a name", MaxLen(3)], {**TEXT, "description": "a name", "maxLength": 3}, "abc", "abc"),
    (Annotated[Optional[int], Ge(0)], {"type": ["integer", "null"], "minimum": 0}, None, None),
    (
        Annotated[datetime.date, Ge(datetime.date(2026, 1, 1))],
        {**TEXT, "format": "date"},
        "2026-07-28",
        datetime.date(2026, 7, 28),
    ),
]


@pytest.mark.parametrize(("annotation", "schema", "sent", "arrives"), VALUES, ids=range(len(VALUES)))
def test_a_type_its_schema_and_its_value(annotation, schema, sent, arrives):
    app, seen = takes(annotation)
    (entry,) = app.entries("tool")
    assert entry.definition["inputSchema"]["properties"]["x"] == schema
    with serving(app) as client:
        assert client.text("tool", x=sent) == ""
    assert seen == [arrives] and type(seen[0]) is type(arrives)


def test_decimals_are_exact():
    app, seen = takes(decimal.Decimal)
    with serving(app) as client:
        for sent in (0.1, 3, "12.30", "-1e3"):
            client.text("tool", x=sent)
        assert "/x" in client.error("tool", x="a lot")
        assert "/x" in client.error("tool", x="NaN")
    assert list(map(str, seen)) == ["0.1", "3", "12.30", "-1E+3"]


def test_a_dataclass_with_all_it_says():
    app, seen = takes(Person)
    assert schema_of(Person) == {
        "type": "object",
        "description": "Somebody.",
        "properties": {
            "name": {"type": "string", "description": "What they are called."},
            "born": {"type": "string", "format": "date"},
            "address": {**ADDRESS, "type": ["object", "null"], "default": None},
            "tags": {"type": "array", "items": {"type": "string"}, "default": []},
            "rank": {"type": "integer", "default": 3, "description": "The lower the better."},
        },
        "required": ["name", "born"],
        "additionalProperties": False,
    }
    with serving(app) as client:
        client.text("tool", x={"name": "Ada", "born": "1815-12-10", "address": {"street": "s"}, "rank": 1.0})
        assert client.error("tool", x={"name": "nobody", "born": "1815-12-10"}) == (
            'Invalid arguments for tool "tool": /x: nobody is no person'
        )
        assert "/x/address/zip" in client.error(
            "tool", x={"name": "A", "born": "1815-12-10", "address": {"street": "s", "zip": "x"}}
        )
        assert "'more'" in client.error("tool", x={"name": "A", "born": "1815-12-10", "more": 1})
    assert seen == [Person("Ada", datetime.date(1815, 12, 10), Address("s"), [], 1)]
    assert type(seen[0].rank) is int


MISFITS = [
    (datetime.time, "noon", "/x: not a time in ISO 8601"),
    (datetime.timedelta, "an hour", "/x: not a duration in ISO 8601"),
    (datetime.timedelta, "P", "/x: not a duration"),
    (datetime.timedelta, "P999999999999W", "/x: the duration is too long"),
    (list[datetime.timedelta], ["PT1H", "x"], "/x/1: not a duration"),
    (dict[str, datetime.time], {"a": "x"}, "/x/a: not a time"),
    (tuple[int, bytes], [1, "?"], "/x/1: not valid base64"),
    (Page[datetime.time], {"items": ["x"]}, "/x/items/0: not a time"),
    (Annotated[datetime.date, Ge(datetime.date(2026, 1, 1))], "2025-12-31", "/x: it must be at least 2026-01-01"),
    (Annotated[bytes, MaxLen(1)], "AAA=", "/x: it must have at most 1"),
    (datetime.datetime, "2026-07-28 12:00", "/x: "),
]


@pytest.mark.parametrize(("annotation", "sent", "reason"), MISFITS, ids=range(len(MISFITS)))
def test_what_does_not_fit_is_told_with_its_place(annotation, sent, reason):
    app, seen = takes(annotation)
    with serving(app) as client:
        assert reason in client.error("tool", x=sent)
    assert seen == []


def test_without_assertions_of_formats_the_value_decides():
    app, seen = takes(datetime.datetime, assert_formats=False)
    with serving(app) as client:
        client.text("tool", x="2026-07-28 12:00")
        assert "/x: not a date with a time" in client.error("tool", x="soon")
    assert seen == [datetime.datetime(2026, 7, 28, 12)]
