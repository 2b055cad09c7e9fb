"""Asking for a form by its type."""

import threading
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Annotated, NamedTuple, TypedDict

import pytest
from tenon_mcp import Context, Server, SyncContext, ToolError
from tenon_mcp.testing import Client


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Filled:
    """What a person says."""

    name: Annotated[str, {"maxLength": 9}]
    day: date
    colour: Colour = Colour.RED
    age: int | None = None


class Named(TypedDict):
    name: str


class FilledDict(Named, total=False):
    day: date


class FilledTuple(NamedTuple):
    name: str
    day: date = date(2026, 1, 1)


@dataclass
class Nested:
    inner: Filled


@dataclass
class Vague:
    name: str | None


def filled(kinds, seen):
    app = Server("t")

    def tool(name, kind):
        @app.tool(f"{name}_async")
        async def ask_async(ctx: Context) -> str:
            seen.append(await ctx.elicit("Who?", kind))
            return "ok"

        @app.tool(f"{name}_pool")
        def ask_pool(ctx: SyncContext) -> str:
            seen.append(ctx.elicit("Who?", kind))
            return "ok"

    for name, kind in kinds.items():
        tool(name, kind)
    return app


@pytest.mark.parametrize("modern", [False, True])
@pytest.mark.parametrize("lane", ["async", "pool"])
def test_a_form_is_a_type(modern, lane):
    pydantic = pytest.importorskip("pydantic")

    class Model(pydantic.BaseModel):
        name: str = pydantic.Field(max_length=9)
        day: date
        nick: str | None = None

    kinds = {"dataclass": Filled, "model": Model, "dict": FilledDict, "tuple": FilledTuple}
    wanted = {
        "dataclass": Filled("Bo", date(2026, 1, 2)),
        "model": Model(name="Bo", day=date(2026, 1, 2)),
        "dict": {"name": "Bo", "day": date(2026, 1, 2)},
        "tuple": FilledTuple("Bo", date(2026, 1, 2)),
    }
    seen = []
    asked = []

    def answer(params):
        asked.append(params["requestedSchema"])
        return {"name": "Bo", "day": "2026-01-02"}

    revision = "2026-07-28" if modern else "2025-11-25"
    app = filled(kinds, seen)
    with Client(app, revision=revision, elicit=answer) as client:
        for name, value in wanted.items():
            client.call_tool(f"{name}_{lane}")
            given = seen.pop()
            assert (given.action, given.content, type(given.content)) == ("accept", value, type(value))
            assert asked[-1].keys() <= {"type", "properties", "required"}
    assert asked[0] == {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 9},
            "day": {"type": "string", "format": "date"},
            "colour": {"type": "string", "enum": ["red", "blue"], "default": "red"},
            "age": {"type": "integer"},
        },
        "required": ["name", "day"],
    }
    with Client(app, revision=revision, elicit=False) as client:
        client.call_tool(f"dataclass_{lane}")
        assert (seen[-1].action, seen[-1].content) == ("decline", None)


@pytest.mark.parametrize("lane", ["async", "pool"])
def test_what_no_form_holds_is_refused_by_name(lane):
    kinds = {"nested": Nested, "vague": Vague, "number": int, "odd": threading.Thread}
    parts = {"nested": "inner", "vague": "Vague.name may be None", "number": "int is not a form", "odd": "Thread"}
    with Client(filled(kinds, []), elicit={}) as client:
        for name, part in parts.items():
            with pytest.raises(ToolError, match=part):
                client.call_tool(f"{name}_{lane}")


def test_an_answer_that_the_type_refuses():
    with Client(filled({"f": Filled}, []), elicit={"name": "Bo", "day": "2026-01-02", "more": 1}) as client:
        with pytest.raises(ToolError, match="not usable: /more: "):
            client.call_tool("f_pool")


@pytest.mark.parametrize("revision", ["2026-07-28", "2025-11-25"])
@pytest.mark.parametrize("thread", ["loop", "pool"])
def test_middleware_around_a_function_that_asks_by_a_type(revision, thread):
    app = Server("t")
    seen = []

    @app.middleware
    async def around(ctx: Context, call_next):
        seen.append((await ctx.elicit("Before?", Filled, key="before")).content)
        return await call_next()

    @app.tool(thread=thread)
    def ask(ctx: SyncContext) -> str:
        return str(ctx.elicit("Who?", Filled, key="own").content)

    given = {"name": "Bo", "day": "2026-01-02"}
    with Client(app, revision=revision, elicit=given) as client:
        assert client.call_tool("ask").text == str(Filled("Bo", date(2026, 1, 2)))
    assert set(map(str, seen)) == {str(Filled("Bo", date(2026, 1, 2)))}
