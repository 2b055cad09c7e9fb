"""Types that are more than JSON's: the schemas they become, and the values that handlers get."""

# ruff: noqa: UP006, UP007, UP035, UP045

import collections.abc
import dataclasses
import datetime
import decimal
import enum
import functools
import ipaddress
import pathlib
import subprocess
import sys
import typing
import uuid
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, Optional, TypedDict, TypeVar, Union

import pytest
from tenon_mcp import Context, RegistrationError, Server, SyncContext
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
class Tree:
    value: int
    children: list["Tree"] = dataclasses.field(default_factory=list)


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


def test_recursion_alone_needs_definitions():
    app, seen = takes(Tree)
    (entry,) = app.entries("tool")
    ref = {"$ref": "#/$defs/Tree"}
    children = {"type": "array", "items": ref, "default": []}
    assert entry.definition["inputSchema"] == {
        "type": "object",
        "properties": {"x": ref},
        "required": ["x"],
        "additionalProperties": False,
        "$defs": {
            "Tree": {
                "type": "object",
                "properties": {"value": {"type": "integer"}, "children": children},
                "required": ["value"],
                "additionalProperties": False,
            }
        },
    }
    with serving(app) as client:
        client.text("tool", x={"value": 1, "children": [{"value": 2.0}]})
        assert "/x/children/0" in client.error("tool", x={"value": 1, "children": [{}]})
    assert seen == [Tree(1, [Tree(2)])]


def test_the_root_of_an_output_schema_is_no_reference():
    app = Server("t")

    @app.tool
    def tree() -> Tree:
        return Tree(1, [Tree(2)])

    with serving(app) as client:
        (tool,) = client.request("tools/list")["result"]["tools"]
        assert tool["outputSchema"]["type"] == "object" and list(tool["outputSchema"]["$defs"]) == ["Tree"]
        expected = {"value": 1, "children": [{"value": 2, "children": []}]}
        assert client.call("tree")["structuredContent"] == expected


def test_defaults_of_every_kind():
    app = Server("t")
    seen = []

    @app.tool
    def tool(
        color: Color = Color.BLUE,
        day: datetime.date = datetime.date(2026, 1, 1),
        at: datetime.datetime = datetime.datetime(2026, 1, 1),  # noqa: B008
        point: Point = Point(1),  # noqa: B008
        address: Address = Address("s"),  # noqa: B008
        wait: datetime.timedelta = None,
        key: Any = seen,
        data: bytes = b"1",
    ):
        seen.append((color, day, at, point, address, wait, data))

    (entry,) = app.entries("tool")
    properties = entry.definition["inputSchema"]["properties"]
    defaults = {name: said["default"] for name, said in properties.items() if "default" in said}
    assert defaults == {
        "color": "blue",
        "day": "2026-01-01",
        "point": {"x": 1, "y": 0.5},
        "address": {"street": "s", "zip": "00000"},
        "wait": None,
        "key": [],
        "data": "MQ==",
    }
    assert properties["wait"]["type"] == ["string", "null"]
    with serving(app) as client:
        assert client.text("tool") == ""
    assert seen == [
        (Color.BLUE, datetime.date(2026, 1, 1), datetime.datetime(2026, 1, 1), Point(1), Address("s"), None, b"1")
    ]


def test_unpacked_keywords_and_typed_ones():
    unpack = pytest.importorskip("typing_extensions" if sys.version_info < (3, 11) else "typing").Unpack
    app = Server("t")
    seen = []

    class Options(TypedDict, total=False):
        when: datetime.date
        many: int

    def tool(a: int, **options):
        seen.append((a, options))

    def rest(**numbers: int):
        seen.append(numbers)

    tool.__annotations__["options"] = unpack[Options]
    app.tool(tool)
    app.tool(rest)
    entry, other = app.entries("tool")
    assert entry.definition["inputSchema"] == {
        "type": "object",
        "properties": {
            "a": {"type": "integer"},
            "when": {"type": "string", "format": "date"},
            "many": {"type": "integer"},
        },
        "required": ["a"],
        "additionalProperties": False,
    }
    assert other.definition["inputSchema"]["additionalProperties"] == {"type": "integer"}
    with serving(app) as client:
        client.text("tool", a=1, when="2026-01-01")
        assert "/b" in client.error("rest", b="x")
        client.text("rest", b=1)
    assert seen == [(1, {"when": datetime.date(2026, 1, 1)}), {"b": 1}]


def test_a_context_that_may_be_missing():
    app = Server("t")

    @app.tool
    def sync(ctx: Optional[SyncContext] = None) -> str:
        return ctx.kind

    @app.tool
    async def on_loop(a: int, ctx: Union[Context, None] = None) -> str:
        return ctx.kind

    with serving(app) as client:
        assert client.text("sync") == client.text("on_loop", a=1) == "tool"
        tools = client.request("tools/list")["result"]["tools"]
        assert [list(tool["inputSchema"]["properties"]) for tool in tools] == [[], ["a"]]


@dataclasses.dataclass
class WithInitVar:
    a: dataclasses.InitVar[int]


@dataclasses.dataclass
class WithUnknown:
    a: complex


@dataclasses.dataclass
class Unresolved:
    a: "Nowhere"  # noqa: F821


WRONG = [
    (WithInitVar, ["'x'", "WithInitVar.a", "InitVar"]),
    (WithUnknown, ["'x'", "WithUnknown.a", "complex"]),
    (list[Unresolved], ["'x'", "Unresolved", "Nowhere"]),
    (enum.Flag("F", "A B"), ["'x'", "Flag"]),
    (dict[int, Point], ["'x'", "keys"]),
    (dict[Level, int], ["'x'", "keys"]),
    (Annotated[int, {"minimun": 3}], ["'x'", "'minimun'", "not a keyword"]),
    (Annotated[bool, Ge(3)], ["'x'", "ge"]),
    (typing.Callable, ["'x'", "Callable"]),
    (type(None) | typing.Callable, ["'x'", "Callable"]),
]


@pytest.mark.parametrize(("annotation", "parts"), WRONG, ids=range(len(WRONG)))
def test_what_cannot_be_said_is_refused_by_name(annotation, parts):
    with pytest.raises(RegistrationError) as caught:
        takes(annotation)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax is newer")
def test_type_aliases():
    namespace = {}
    exec(
        "type Ids = list[int]\ntype Pair[T] = tuple[T, T]\ntype Json = dict[str, Json] | list[Json] | str | int | None",
        namespace,
    )
    assert schema_of(namespace["Ids"]) == {"type": "array", "items": {"type": "integer"}}
    pair = {"type": "array", "items": {"type": "string", "format": "date"}, "minItems": 2, "maxItems": 2}
    assert schema_of(namespace["Pair"][datetime.date]) == pair
    app, seen = takes(namespace["Json"])
    (entry,) = app.entries("tool")
    assert list(entry.definition["inputSchema"]["$defs"]) == ["Json"]
    value = {"a": [1, None, {"b": "c"}]}
    with serving(app) as client:
        client.text("tool", x=value)
        assert "/x" in client.error("tool", x={"a": 1.5})
    assert seen == [value]


def test_plain_signatures_load_nothing_more():
    source = (
        "import sys\nfrom tenon_mcp import Server\napp = Server('t')\n"
        "@app.tool\ndef add(a: int, b: float = 1.5, *, c: list[str] | None = None) -> dict[str, int]:\n"
        "    '''Adds.'''\n    return {}\n"
        "@app.prompt\ndef ask(topic: str) -> str: return topic\n"
        "@app.resource('test://{id}')\ndef read(id: str) -> str: return id\n"
        "print(sorted(m for m in sys.modules if m in ('typing', 'inspect', 'pydantic', 'dataclasses')"
        " or m.startswith('tenon_mcp._')"
        " and m.rpartition('.')[2] in ('types', 'metadata', 'invocation_plan', 'docstring', 'depends')))"
    )
    out = subprocess.run(
        [sys.executable, "-S", "-c", "import sys; sys.path[:] = " + repr(sys.path) + "\n" + source],
        capture_output=True,
        text=True,
        check=True,
    )
    # 3.10 takes what has None as its default for an Optional, which typing knows of.
    assert out.stdout.strip() == ("[]" if sys.version_info >= (3, 11) else "['typing']")


class Unbound:
    @functools.lru_cache  # noqa: B019
    def cached(self, a: int) -> int:
        return a

    def annotated(self: Any, a: int) -> int:
        return a


@pytest.mark.parametrize("name", ["cached", "annotated"])
def test_a_method_without_its_object_is_refused_whatever_is_around_it(name):
    with pytest.raises(RegistrationError, match=f"Unbound.{name} takes 'self'"):
        Server("t").tool(getattr(Unbound, name))
    Server("t").tool(getattr(Unbound(), name))
