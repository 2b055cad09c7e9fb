"""Signatures that need pydantic, and the error if it is not installed."""

# ruff: noqa: UP007, UP045

import datetime
import subprocess
import sys
import textwrap
from typing import Annotated, Literal, Optional, Union

import pytest
from tenon_mcp import RegistrationError, Server, ToolError
from tenon_mcp.testing import Client
from wire import serving

pydantic = pytest.importorskip("pydantic")
BaseModel, Field = pydantic.BaseModel, pydantic.Field


class Item(BaseModel):
    """A thing."""

    name: str = Field(description="What it is called.", min_length=1)
    day: datetime.date = datetime.date(2026, 1, 1)
    note: str | None = None


class Order(BaseModel):
    items: list[Item]
    source: str = Field(alias="from")


class Node(BaseModel):
    value: int
    next: Optional["Node"] = None


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str


class Strict(BaseModel):
    model_config = pydantic.ConfigDict(strict=True)
    when: datetime.datetime
    id: tuple[int, int]


ITEM = {
    "type": "object",
    "description": "A thing.",
    "properties": {
        "name": {"type": "string", "description": "What it is called.", "minLength": 1},
        "day": {"type": "string", "format": "date", "default": "2026-01-01"},
        "note": {"type": ["string", "null"], "default": None},
    },
    "required": ["name"],
}


def schema(app):
    (entry,) = app.entries("tool")
    return entry.definition["inputSchema"]


def takes(annotation, default=...):
    app = Server("t")
    seen = []

    def tool(x):
        seen.append(x)

    def optional(x=default):
        seen.append(x)

    function = tool if default is ... else optional
    function.__annotations__ = {"x": annotation}
    app.tool("tool")(function)
    return app, seen


def test_a_model_as_a_parameter():
    app, seen = takes(Order)
    assert schema(app)["properties"]["x"] == {
        "type": "object",
        "properties": {"items": {"type": "array", "items": ITEM}, "from": {"type": "string"}},
        "required": ["items", "from"],
    }
    assert "$defs" not in schema(app)
    with serving(app) as client:
        client.text("tool", x={"items": [{"name": "a", "day": "2026-07-28"}], "from": "here"})
        assert "/x/items/0/name" in client.error("tool", x={"items": [{"name": ""}], "from": "here"})
        # Some clients send whole objects as text.
        client.text("tool", x='{"items": [], "from": "there"}')
    assert seen[0].items[0].day == datetime.date(2026, 7, 28) and seen[1].source == "there"


def test_what_only_a_model_can_check_is_told_to_the_client():
    class Range(BaseModel):
        low: int
        high: int

        @pydantic.model_validator(mode="after")
        def ordered(self):
            if self.low > self.high:
                raise ValueError("low must not be above high")
            return self

        @pydantic.field_validator("low")
        def even(cls, value):
            if value % 2:
                raise ValueError("odd")
            return value

    app, seen = takes(list[Range])
    with serving(app) as client:
        assert "/x/0: Value error, low must not be above high" in client.error("tool", x=[{"low": 2, "high": 1}])
        assert "/x/1/low: Value error, odd" in client.error("tool", x=[{"low": 2, "high": 4}, {"low": 1, "high": 2}])
    assert seen == []


def test_recursive_models_and_unions():
    app, seen = takes(Node)
    assert list(schema(app)["$defs"]) == ["Node"] and schema(app)["properties"]["x"] == {"$ref": "#/$defs/Node"}
    with serving(app) as client:
        client.text("tool", x={"value": 1, "next": {"value": 2}})
    assert seen == [Node(value=1, next=Node(value=2))]
    for annotation in (Union[Cat, Dog], Annotated[Cat | Dog, Field(discriminator="kind")], Union[Cat, Dog, None]):
        app, seen = takes(annotation)
        assert "$defs" not in schema(app) and "discriminator" not in str(schema(app))
        with serving(app) as client:
            client.text("tool", x={"kind": "dog", "name": "Rex"})
            assert "/x" in client.error("tool", x={"kind": "cow"})
        assert seen == [Dog(kind="dog", name="Rex")]


def test_a_strict_model_reads_json_as_json():
    app, seen = takes(Strict)
    with serving(app) as client:
        client.text("tool", x={"when": "2026-07-28T12:00:00Z", "id": [1, 2]})
    assert seen[0].id == (1, 2) and seen[0].when.year == 2026


FIELDS = [
    (
        Annotated[int, Field(ge=0, lt=10, description="how many")],
        {"type": "integer", "minimum": 0, "exclusiveMaximum": 10, "description": "how many"},
        3,
        10,
    ),
    (
        Annotated[str, Field(min_length=1, max_length=3, pattern="^a")],
        {"type": "string", "minLength": 1, "maxLength": 3, "pattern": "^a"},
        "ab",
        "b",
    ),
    (
        list[Annotated[int, Field(multiple_of=2)]],
        {"type": "array", "items": {"type": "integer", "multipleOf": 2}},
        [2],
        [3],
    ),
    (
        Optional[Annotated[int, Field(gt=0, examples=[1], title="N", deprecated=True, json_schema_extra={"x-a": 1})]],
        {
            "type": ["integer", "null"],
            "exclusiveMinimum": 0,
            "examples": [1],
            "title": "N",
            "deprecated": True,
            "x-a": 1,
        },
        None,
        0,
    ),
    (pydantic.PositiveInt, {"type": "integer", "exclusiveMinimum": 0}, 1, 0),
    (Annotated[int, pydantic.AfterValidator(lambda value: value * 2)], {"type": "integer"}, 4, "x"),
    (Annotated[int, Field(strict=True)], {"type": "integer"}, 3, "x"),
    (pydantic.conint(ge=2), {"type": "integer", "minimum": 2}, 2, 1),
    (pydantic.constr(min_length=2), {"type": "string", "minLength": 2}, "ab", "a"),
    (Annotated[str, pydantic.StringConstraints(pattern="^a")], {"type": "string", "pattern": "^a"}, "ab", "b"),
    (Annotated[str, Field(coerce_numbers_to_str=True, pattern="^a")], {"type": "string", "pattern": "^a"}, "a", "b"),
]


@pytest.mark.parametrize(("annotation", "expected", "good", "bad"), FIELDS, ids=range(len(FIELDS)))
def test_fields(annotation, expected, good, bad):
    app, seen = takes(annotation)
    assert schema(app)["properties"]["x"] == expected
    with serving(app) as client:
        client.text("tool", x=good)
        assert "/x" in client.error("tool", x=bad)
    assert seen == [8 if "AfterValidator" in repr(annotation) else good]


def test_what_pydantic_alone_can_check_is_left_to_it():
    app, seen = takes(Annotated[str, pydantic.StringConstraints(strip_whitespace=True, to_lower=True, min_length=2)])
    with serving(app) as client:
        client.text("tool", x=" AB ")
        assert "/x: String should have at least 2 characters" in client.error("tool", x=" A ")
    assert seen == ["ab"]


def test_a_field_as_the_default():
    for default in (Field(3, ge=0, description="how many"), Field(default=3, ge=0, description="how many")):
        app, seen = takes(int, default)
        assert schema(app) == {
            "type": "object",
            "properties": {"x": {"type": "integer", "minimum": 0, "description": "how many", "default": 3}},
            "additionalProperties": False,
        }
        with serving(app) as client:
            client.text("tool")
            client.text("tool", x=4)
            assert "/x" in client.error("tool", x=-1)
        assert seen == [3, 4]
    app, seen = takes(list, Field(default_factory=lambda: ["new"]))
    assert schema(app)["properties"] == {"x": {"type": "array"}}
    with serving(app) as client:
        client.text("tool")
        client.text("tool")
    assert seen == [["new"], ["new"]] and seen[0] is not seen[1]
    app, seen = takes(int, Field(..., gt=1))
    assert schema(app)["required"] == ["x"]
    app, seen = takes(int, Field(gt=1))
    assert schema(app)["required"] == ["x"]


def test_an_alias_is_the_name_that_clients_know():
    app, seen = takes(Annotated[int, Field(alias="from")])
    assert schema(app)["properties"] == {"from": {"type": "integer"}} and schema(app)["required"] == ["from"]
    with serving(app) as client:
        client.text("tool", **{"from": 3.0})
    assert seen == [3] and type(seen[0]) is int


@pytest.mark.parametrize(
    ("annotation", "part"),
    [
        (Annotated[int, Field(validation_alias="a")], "validation_alias"),
        (Annotated[int, Field(exclude=True)], "exclude"),
        (Annotated[int, "one", Field(description="two")], "more than one description"),
        (pydantic.GetPydanticSchema, "GetPydanticSchema"),
    ],
    ids=range(4),
)
def test_what_a_parameter_has_no_use_for_is_refused(annotation, part):
    with pytest.raises(RegistrationError, match="'x'") as caught:
        takes(annotation)
    assert part in str(caught.value)


def test_models_as_results():
    app = Server("t")

    @app.tool
    def one() -> Order:
        return Order(**{"items": [Item(name="a")], "from": "b"})

    @app.tool
    def several() -> list[Item]:
        return [Item(name="a")]

    @app.tool
    def undeclared():
        return {"item": Item(name="a"), "order": Order(**{"items": [], "from": "b"})}

    @app.tool
    def wrong() -> Item:
        return {"name": 3, "day": "2026-01-01"}

    item = {"name": "a", "day": "2026-01-01", "note": None}
    with serving(app, modern=True) as client:
        tools = {tool["name"]: tool for tool in client.request("tools/list")["result"]["tools"]}
        schema = tools["one"]["outputSchema"]
        assert schema["required"] == ["items", "from"] and "$defs" not in schema and "title" not in str(schema)
        assert client.call("one")["structuredContent"] == {"items": [item], "from": "b"}
        assert client.call("several")["structuredContent"] == [item]
        assert tools["several"]["outputSchema"]["type"] == "array"
        assert client.text("undeclared") == (
            '{"item":{"name":"a","day":"2026-01-01","note":null},"order":{"items":[],"from":"b"}}'
        )
        assert "/name" in client.error("wrong")


def test_a_dataclass_of_pydantic():
    @pydantic.dataclasses.dataclass
    class Positive:
        n: pydantic.PositiveInt

    app, seen = takes(Positive)
    with serving(app) as client:
        client.text("tool", x={"n": 1})
        assert "/x/n" in client.error("tool", x={"n": 0})
    assert type(seen[0]) is Positive


def test_without_pydantic_the_extra_is_named():
    source = """
        import sys
        sys.modules["pydantic"] = None
        from typing import Annotated
        from tenon_mcp import RegistrationError, Server

        class Model:
            @classmethod
            def __get_pydantic_core_schema__(cls, source, handler):
                raise NotImplementedError

        class Old:
            __fields__ = {}
            __validators__ = {}

        class Special:
            __get_pydantic_core_schema__ = None

        for annotation in (Model, Old, Annotated[int, Special()]):
            def tool(x): pass
            tool.__annotations__["x"] = annotation
            try:
                Server("t").tool(tool)
            except RegistrationError as error:
                print(error)
    """
    out = subprocess.run([sys.executable, "-c", textwrap.dedent(source)], capture_output=True, text=True, check=True)
    lines = out.stdout.splitlines()
    assert len(lines) == 3 and all("'x'" in line and "tenon-mcp[pydantic]" in line for line in lines), out.stdout


class Linked(BaseModel):
    v: int
    next: Optional["Linked"] = None


class Left(BaseModel):
    kind: Literal["left"]


class Right(BaseModel):
    kind: Literal["right"]


class Code(pydantic.RootModel[Union[int, str]]):
    pass


Side = Annotated[Union[Left, Right], Field(discriminator="kind")]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Linked, {"v": 1, "next": {"v": 2, "next": None}}),
        (Side, {"kind": "right"}),
        (Code, "x"),
        (Union[Linked, Code], {"v": 3, "next": None}),
    ],
    ids=["recursive", "discriminated", "root", "union"],
)
def test_what_is_optional_takes_null(kind, value):
    app = Server("t")
    seen = []

    @app.tool
    def optional(q: Optional[kind] = None) -> None:
        seen.append(q)

    @app.tool
    def implicit(q: kind = None) -> None:
        seen.append(q)

    @app.tool
    def several(q: list[Optional[kind]]) -> None:
        seen.extend(q)

    with Client(app) as client:
        for name in ("optional", "implicit"):
            client.call_tool(name)
            client.call_tool(name, {"q": None})
            client.call_tool(name, {"q": value})
        client.call_tool("several", {"q": [None, value]})
        with pytest.raises(ToolError, match="Invalid arguments"):
            client.call_tool("optional", {"q": {}})
    assert [None if one is None else one.model_dump() for one in seen] == [None, None, value] * 2 + [None, value]


def test_a_recursive_model_in_two_parameters_is_defined_once():
    app = Server("t")

    @app.tool
    def two(a: Linked, b: list[Linked], c: Linked | None = None) -> int:
        return a.v + b[0].v

    schema = app.tools["two"].input_schema
    assert schema["$defs"].keys() == {"Linked"} and schema["properties"]["b"]["items"] == {"$ref": "#/$defs/Linked"}
    with Client(app) as client:
        assert client.call_tool("two", {"a": {"v": 1}, "b": [{"v": 2}]}).data == 3
