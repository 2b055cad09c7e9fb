"""Recursive types, defaults and keywords: the schemas they become, and what handlers get."""

# ruff: noqa: UP006, UP007, UP035, UP045

import dataclasses
import datetime
import sys
from typing import Any, Optional, TypedDict, Union

import pytest
from tenon_mcp import Context, Server, SyncContext
from test_types import Address, Color, Point, takes
from wire import serving


@dataclasses.dataclass
class Tree:
    value: int
    children: list["Tree"] = dataclasses.field(default_factory=list)


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
