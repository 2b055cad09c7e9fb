"""Return annotations, and the JSON for values that JSON does not have."""

# ruff: noqa: UP007, UP045

import collections
import dataclasses
import datetime
import decimal
import enum
import pathlib
import sys
import threading
import types
import uuid
from collections.abc import Awaitable, Callable, Iterator
from typing import Annotated, Any, NamedTuple, NoReturn, Optional, TypedDict, TypeVar, Union

import pytest
from tenon_mcp import Audio, Content, File, Image, RegistrationError, Server, ToolResult
from wire import serving


class Color(enum.Enum):
    RED = "red"


class Odd(enum.Enum):
    A = object()


class Rights(enum.IntFlag):
    READ = 1
    WRITE = 2


class Text(str):
    pass


class Point(NamedTuple):
    x: int
    y: float = 0.5


class Row(TypedDict):
    id: int
    when: datetime.datetime


@dataclasses.dataclass
class Report:
    """What was found."""

    day: datetime.date
    points: list[Point]
    data: bytes = b"\x00"
    tags: frozenset[str] = frozenset()
    path: pathlib.Path | None = None
    later: Any = dataclasses.field(init=False, default=None)


def tool_of(value, annotation=..., is_async=False, modern=True, **options):
    """The tool as it is listed, and its result."""
    app = Server("t")

    def sync():
        return value

    async def on_loop():
        return value

    function = on_loop if is_async else sync
    if annotation is not ...:
        function.__annotations__ = {"return": annotation}
    app.tool("tool", **options)(function)
    with serving(app, modern=modern) as client:
        (tool,) = client.request("tools/list")["result"]["tools"]
        result = client.call("tool")
        return tool, {name: result[name] for name in ("content", "structuredContent", "isError") if name in result}


def text(text):
    return {"type": "text", "text": text}


NOON = datetime.datetime(2026, 7, 28, 12)
DAY = datetime.date(2026, 7, 28)
STRING, INTEGER = {"type": "string"}, {"type": "integer"}
POINT = {
    "type": "object",
    "properties": {"x": INTEGER, "y": {"type": "number"}},
    "required": ["x", "y"],
}
REPORT = {
    "type": "object",
    "description": "What was found.",
    "properties": {
        "day": {"type": "string", "format": "date"},
        "points": {"type": "array", "items": POINT},
        "data": {"type": "string", "contentEncoding": "base64"},
        "tags": {"type": "array", "items": STRING, "uniqueItems": True},
        "path": {"type": ["string", "null"]},
        "later": {},
    },
    "required": ["day", "points", "data", "tags", "path", "later"],
}
# value, annotation, output schema, structured content
DECLARED = [
    (
        Report(DAY, [Point(1)], tags=frozenset("a"), path=pathlib.Path("b")),
        Report,
        REPORT,
        {
            "day": "2026-07-28",
            "points": [{"x": 1, "y": 0.5}],
            "data": "AA==",
            "tags": ["a"],
            "path": "b",
            "later": None,
        },
    ),
    (Point(1), Point, POINT, {"x": 1, "y": 0.5}),
    (
        {"id": 1, "when": NOON},
        Row,
        {"type": "object", "properties": {"id": INTEGER, "when": STRING}, "required": ["id", "when"]},
        {"id": 1, "when": "2026-07-28T12:00:00"},
    ),
    ({"a": 1}, dict[str, int], {"type": "object", "additionalProperties": INTEGER}, {"a": 1}),
    ({"a": 1}, dict, None, {"a": 1}),
    ({"a": 1}, dict[str, Any], None, {"a": 1}),
    (
        {Color.RED: DAY},
        dict[Color, datetime.date],
        {
            "type": "object",
            "propertyNames": {"enum": ["red"]},
            "additionalProperties": {"type": "string", "format": "date"},
        },
        {"red": "2026-07-28"},
    ),
    ([1, 2], list[int], {"type": "array", "items": INTEGER}, [1, 2]),
    ([Point(1)], list[Point], {"type": "array", "items": POINT}, [{"x": 1, "y": 0.5}]),
    (
        (1, "a"),
        tuple[int, str],
        {"type": "array", "prefixItems": [INTEGER, STRING], "minItems": 2, "maxItems": 2},
        [1, "a"],
    ),
    (collections.deque([1]), collections.deque[int], {"type": "array", "items": INTEGER}, [1]),
    (
        collections.OrderedDict(a=DAY),
        collections.OrderedDict[str, datetime.date],
        {"type": "object", "additionalProperties": {"type": "string", "format": "date"}},
        {"a": "2026-07-28"},
    ),
    (collections.Counter("aa"), collections.Counter[str], None, {"a": 2}),
    ({3}, set[int], {"type": "array", "items": INTEGER, "uniqueItems": True}, [3]),
    (Point(2), Annotated[Point, "where"], {**POINT, "description": "where"}, {"x": 2, "y": 0.5}),
    (Point(2), Union[Point, Report], {"anyOf": [POINT, REPORT]}, {"x": 2, "y": 0.5}),
]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(("value", "annotation", "schema", "structured"), DECLARED, ids=range(len(DECLARED)))
def test_what_is_declared(value, annotation, schema, structured, is_async):
    import json

    tool, result = tool_of(value, annotation, is_async)
    assert tool.get("outputSchema") == schema
    assert result["structuredContent"] == structured and json.loads(result["content"][0]["text"]) == structured
    tool, result = tool_of(value, annotation, is_async, structured=False)
    assert "outputSchema" not in tool and "structuredContent" not in result
    assert json.loads(result["content"][0]["text"]) == structured
    # Before 2026-07-28 structured content is an object, and what is declared as none is a member of one.
    tool, result = tool_of(value, annotation, is_async, modern=False)
    is_object = schema is None or schema.get("type") == "object"
    assert result["structuredContent"] == (structured if is_object else {"result": structured})
    if schema is not None:
        assert tool["outputSchema"]["type"] == "object"


# Text alone, unless it is asked for.
ALONE = [
    ("a", str, STRING, "a", "a"),
    ("a", Optional[str], {"type": ["string", "null"]}, "a", "a"),
    (None, Optional[str], {"type": ["string", "null"]}, "", None),
    (Text("a"), Text, STRING, "a", "a"),
    ("a", Annotated[str, "what"], {**STRING, "description": "what"}, "a", "a"),
]
# A declared value, with its text.
VALUES = [
    (3, int, INTEGER, "3", 3),
    (0.5, float, {"type": "number"}, "0.5", 0.5),
    (True, bool, {"type": "boolean"}, "true", True),
    (DAY, datetime.date, {"type": "string", "format": "date"}, "2026-07-28", "2026-07-28"),
    (Color.RED, Color, {"type": "string", "enum": ["red"]}, "red", "red"),
    (None, Optional[Report], {**REPORT, "type": ["object", "null"]}, "null", None),
    (b"\x00", bytes, {"type": "string", "contentEncoding": "base64"}, "AA==", "AA=="),
    (memoryview(b"\x00"), memoryview, {"type": "string", "contentEncoding": "base64"}, "AA==", "AA=="),
    (Rights.READ | Rights.WRITE, Rights, INTEGER, "3", 3),
    (3, int | str, {"type": ["integer", "string"]}, "3", 3),
]


@pytest.mark.parametrize(("value", "annotation", "schema", "said", "structured"), VALUES, ids=range(len(VALUES)))
def test_a_declared_value_is_structured_in_an_object_where_it_must(value, annotation, schema, said, structured):
    from tenon_mcp.testing import Client

    tool, result = tool_of(value, annotation)
    assert tool["outputSchema"] == schema
    assert result == {"content": [text(said)], "structuredContent": structured}
    tool, result = tool_of(value, annotation, modern=False)
    assert tool["outputSchema"] == {"type": "object", "properties": {"result": schema}, "required": ["result"],
                                    "x-fastmcp-wrap-result": True}
    assert result == {"content": [text(said)], "structuredContent": {"result": structured}}
    tool, result = tool_of(value, annotation, structured=False)
    assert "outputSchema" not in tool and "structuredContent" not in result

    app = Server("t")

    def declared():
        return value

    declared.__annotations__ = {"return": annotation}
    app.tool("tool")(declared)
    for revision in ("2025-06-18", "2025-11-25", "2026-07-28"):
        with Client(app, revision=revision) as client:
            assert client.call_tool("tool").data == structured


@pytest.mark.parametrize(("value", "annotation", "schema", "text", "structured"), ALONE, ids=range(len(ALONE)))
def test_what_is_text_alone_unless_it_is_to_be_structured(value, annotation, schema, text, structured):
    tool, result = tool_of(value, annotation)
    assert "outputSchema" not in tool and result == {"content": [{"type": "text", "text": text}]}
    tool, result = tool_of(value, annotation, structured=True)
    assert result["structuredContent"] == structured
    assert tool.get("outputSchema") in (schema, None)


@dataclasses.dataclass
class Loose:
    a: Any
    b: Any = None


UNDECLARED = [
    (NOON, "2026-07-28T12:00:00"),
    (datetime.time(1, 2), "01:02:00"),
    (datetime.timedelta(days=-1, minutes=-90), "-P1DT1H30M"),
    (datetime.timedelta(), "PT0S"),
    (datetime.timedelta(seconds=1.5), "PT1.5S"),
    (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (decimal.Decimal("1.10"), "1.10"),
    (pathlib.PurePosixPath("a/b"), "a/b"),
    (Color.RED, "red"),
    (Odd.A, "A"),
    (Loose(Loose(DAY), [Color.RED]), '{"a":{"a":"2026-07-28","b":null},"b":["red"]}'),
    ([Loose(1)], '[{"a":1,"b":null}]'),
    ({"a": {"b": decimal.Decimal(1)}}, '{"a":{"b":"1"}}'),
]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(("value", "expected"), UNDECLARED, ids=range(len(UNDECLARED)))
def test_what_is_not_declared(value, expected, is_async):
    assert tool_of(value, is_async=is_async)[1] == {"content": [text(expected)]}


def test_what_stands_for_nothing_is_refused_with_its_place():
    for value, what in [
        (Loose({1, 2}), 'returned set (at ["a"])'),
        (Loose([b""]), 'returned bytes (at ["a"][0])'),
        (Loose(Loose(object())), 'returned object (at ["a"]["a"])'),
    ]:
        _, result = tool_of(value)
        assert result["isError"] and what in result["content"][0]["text"], result


def test_a_result_that_does_not_conform_fails():
    for value, annotation in [({"id": "x", "when": NOON}, Row), (Report("soon", []), Report), ([1, "a"], list[int])]:
        _, result = tool_of(value, annotation)
        assert result["isError"] and "does not fit its output schema" in result["content"][0]["text"]


PICTURE = Image(b"1", "image/png")
CONTENT = [
    (["a", "b"], list[Content], [text("a"), text("b")]),
    (["a", "b"], list[str | Image], [text("a"), text("b")]),
    ([], list[Content], []),
    (["a", PICTURE], tuple[Content, ...], [text("a"), PICTURE.json]),
    ([{"a": 1}, PICTURE], list[Any], None),
    ([{"a": DAY}, PICTURE], list[Image | dict], [text('{"a":"2026-07-28"}'), PICTURE.json]),
    (["a", "b"], list[str], [text('["a","b"]')]),
    (PICTURE, Image, [PICTURE.json]),
    (ToolResult("a", structured={"b": 1}), ToolResult, [text("a")]),
    (ToolResult("a"), list[Content], [text("a")]),
    (Audio(b"1", "audio/wav"), Union[Audio, File], [Audio(b"1", "audio/wav").json]),
]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(("value", "annotation", "content"), CONTENT, ids=range(len(CONTENT)))
def test_a_declared_list_of_content_is_content(value, annotation, content, is_async):
    tool, result = tool_of(value, annotation, is_async)
    assert "outputSchema" not in tool or annotation == list[str]
    if content is None:
        assert result["isError"]
    else:
        assert result["content"] == content


def foreign(module, name, **members):
    """A class of a package that is not here."""
    return type(name, (), {"__module__": module, **members})


def test_values_of_numpy_and_images_of_pil(monkeypatch):
    scalar = foreign("numpy", "int64", tolist=lambda self: 3)()
    array = foreign("numpy", "ndarray", tolist=lambda self: [[1.5], [2.5]])()

    def save(self, out, format):
        out.write(format.encode())

    picture = foreign("PIL.Image", "Image", save=save, format=None)()
    photo = foreign("PIL.JpegImagePlugin", "JpegImageFile", save=save, format="JPEG")()
    monkeypatch.setitem(sys.modules, "PIL", types.ModuleType("PIL"))
    assert tool_of(scalar)[1]["content"] == [text("3")]
    assert tool_of({"a": [scalar, array]})[1]["content"] == [text('{"a":[3,[[1.5],[2.5]]]}')]
    assert tool_of(picture)[1]["content"] == [Image(b"PNG", "image/png").json]
    assert tool_of(["a", photo])[1]["content"] == [text("a"), Image(b"JPEG", "image/jpeg").json]
    stubborn = foreign("numpy", "longdouble", tolist=lambda self: self)()
    assert "returned longdouble" in tool_of(stubborn)[1]["content"][0]["text"]


def test_resources_and_methods_write_what_they_declare():
    app = Server("t")

    @app.resource("test://report")
    def report() -> Point:
        return Point(1)

    @app.resource("test://blob")
    def blob() -> bytes:
        return b"\x00"

    @app.method("example/report")
    async def method() -> Report:
        return Report(DAY, [Point(1)])

    with serving(app) as client:
        (contents,) = client.request("resources/read", uri="test://report")["result"]["contents"]
        assert contents["text"] == '{"x":1,"y":0.5}'
        assert client.request("resources/read", uri="test://blob")["result"]["contents"][0]["blob"] == "AA=="
        assert client.request("example/report")["result"]["points"] == [{"x": 1, "y": 0.5}]


def test_a_return_annotation_that_says_what_nobody_understands_is_refused():
    def tool() -> Annotated[Report, range(3)]:
        pass

    with pytest.raises(RegistrationError, match=r"return.*range\(0, 3\)"):
        Server("t").tool(tool)


T = TypeVar("T")


@dataclasses.dataclass
class Held:
    lock: threading.Lock


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        (complex, "complex"),
        (type(threading.Lock()), "lock"),
        (dict[int, str], r"dict\[int, str\].*keys"),
        (list[complex], r"list\[complex\].*complex is not a JSON type"),
        (int | complex, r"int \| complex.*complex is not a JSON type"),
        (Held, r"Held.*Held\.lock"),
        (Callable, "Callable"),
        (Callable[[int], str], "Callable"),
        (Iterator[str], "Iterator"),
        (Awaitable[str], "Awaitable"),
        (collections.UserDict, "UserDict"),
        (enum.Enum, "Enum"),
        (T, "~T"),
    ],
)
def test_a_return_annotation_without_a_schema_is_refused_by_name(annotation, said):
    async def on_loop():
        pass

    def tool():
        return "as it is"

    for function in (on_loop, tool):
        function.__annotations__ = {"return": annotation}
        with pytest.raises(RegistrationError, match=rf"tool 'measure'.*return annotation .*{said}.*structured=False"):
            Server("t").tool("measure")(function)
        with pytest.raises(RegistrationError, match="return annotation"):
            Server("t").tool("measure", structured=True)(function)
        # What is not told to clients may be anything.
        assert "outputSchema" not in listed(function, structured=False)
        assert listed(function, output_schema={"type": "object"})["outputSchema"] == {"type": "object"}
    assert tool_of("a", annotation, structured=False)[1] == {"content": [text("a")]}


def listed(function, **options):
    app = Server("t")
    app.tool("tool", **options)(function)
    with serving(app) as client:
        return client.request("tools/list")["result"]["tools"][0]


def test_what_has_no_schema_for_a_good_reason_is_taken():
    ever = [NoReturn, type(None), Any, object, foreign("numpy", "float64"), list[foreign("numpy", "int8")]]
    ever += [foreign("PIL.Image", "Image"), Image, list[Image], ToolResult, "ToolResult"]
    if sys.version_info >= (3, 11):
        from typing import Never

        ever.append(Never)
    for annotation in ever:

        def tool():
            pass

        tool.__annotations__ = {"return": annotation}
        listed(tool)

    def generator() -> Iterator[complex]:
        yield "a"

    assert "outputSchema" not in listed(generator)
