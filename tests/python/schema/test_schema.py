"""The schema that a signature becomes."""

# The spellings of `typing` are what is tested here.
# ruff: noqa: B008, UP006, UP007, UP035, UP045

import functools
import inspect
import sys
from typing import Annotated, Any, Dict, List, Literal, NamedTuple, Optional, Union

import pytest
from tenon_mcp import Depends, RegistrationError, Server, SyncContext
from wire import serving


def schema_of(function, **options):
    app = Server("t")
    app.tool("tool", **options)(function)
    with serving(app) as client:
        (tool,) = client.request("tools/list")["result"]["tools"]
        return tool


ANNOTATIONS = [
    (str, {"type": "string"}),
    (int, {"type": "integer"}),
    (float, {"type": "number"}),
    (bool, {"type": "boolean"}),
    (None, {"type": "null"}),
    (dict, {"type": "object"}),
    (list, {"type": "array"}),
    (List, {"type": "array"}),
    (Dict, {"type": "object"}),
    (list[int], {"type": "array", "items": {"type": "integer"}}),
    (List[str], {"type": "array", "items": {"type": "string"}}),
    (list[Any], {"type": "array", "items": {}}),
    (list[list[float]], {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}),
    (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
    (dict[str, Any], {"type": "object"}),
    (Dict[str, bool], {"type": "object", "additionalProperties": {"type": "boolean"}}),
    (Any, {}),
    (object, {}),
    (Optional[int], {"type": ["integer", "null"]}),
    (Union[int, str, None], {"type": ["integer", "string", "null"]}),
    (int | str, {"type": ["integer", "string"]}),
    (Optional[list[int]], {"type": ["array", "null"], "items": {"type": "integer"}}),
    (Union[list[int], str], {"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "string"}]}),
    (Union[int, Any], {}),
    (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
    (Literal["a", 1, None], {"enum": ["a", 1, None]}),
    (Optional[Literal["a"]], {"type": ["string", "null"], "enum": ["a", None]}),
    (Annotated[int, "how many"], {"type": "integer", "description": "how many"}),
]
# Python 3.10 wants what stands in a union to be hashable.
DICTS_IN_UNIONS = sys.version_info >= (3, 11)
if DICTS_IN_UNIONS:
    ANNOTATIONS += [
        (Optional[Annotated[int, {"minimum": 0}]], {"type": ["integer", "null"], "minimum": 0}),
        (Optional[Annotated[str, {"maxLength": 3}]], {"type": ["string", "null"], "maxLength": 3}),
    ]
BOUNDED = Optional[Annotated[float, {"minimum": 0}]] if DICTS_IN_UNIONS else Optional[float]


@pytest.mark.parametrize(("annotation", "expected"), ANNOTATIONS, ids=lambda value: str(value)[:60])
def test_annotations(annotation, expected):
    def tool(x):
        pass

    tool.__annotations__ = {"x": annotation}
    assert schema_of(tool)["inputSchema"]["properties"] == {"x": expected}


def test_the_whole_schema_in_its_order():
    def tool(a: int, b: str = "x", *, c: float, d: Optional[str] = None, e=3, f: list[int] = [1]) -> str:  # noqa: B006
        """First line.

        Indented  text.
        """

    tool = schema_of(tool)
    assert tool["description"] == "First line.\n\nIndented  text."
    assert list(tool["inputSchema"]) == ["type", "properties", "required", "additionalProperties"]
    assert tool["inputSchema"] == {
        "type": "object",
        "properties": {
            "a": {"type": "integer"},
            "b": {"type": "string", "default": "x"},
            "c": {"type": "number"},
            "d": {"type": ["string", "null"], "default": None},
            "e": {"default": 3},
            "f": {"type": "array", "items": {"type": "integer"}, "default": [1]},
        },
        "required": ["a", "c"],
        "additionalProperties": False,
    }
    assert list(tool["inputSchema"]["properties"]) == list("abcdef")


def test_without_parameters_and_with_open_keywords():
    def none():
        pass

    def open_one(a: int, **rest: Any) -> dict:
        return {"a": a, **rest}

    assert schema_of(none)["inputSchema"] == {"type": "object", "properties": {}, "additionalProperties": False}
    assert schema_of(open_one)["inputSchema"] == {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "required": ["a"],
    }
    app = Server("t")
    app.tool(open_one)
    with serving(app) as client:
        assert client.call("open_one", a=1, b=[2])["structuredContent"] == {"a": 1, "b": [2]}


def test_defaults_that_widen_or_cannot_be_written():
    marker = object()

    def tool(a: int = None, b: Any = marker, c: str = marker, d: Literal["x"] = None):
        return [a, b is marker, c is marker, d]

    assert schema_of(tool)["inputSchema"]["properties"] == {
        "a": {"type": ["integer", "null"], "default": None},
        "b": {},
        "c": {"type": "string"},
        "d": {"type": ["string", "null"], "enum": ["x", None], "default": None},
    }
    app = Server("t")
    app.tool(tool)
    with serving(app) as client:
        assert client.text("tool") == "[null,true,true,null]"
        assert client.text("tool", a=None, d="x") == '[null,true,true,"x"]'


def test_string_annotations_are_resolved_where_the_function_lives():
    namespace = {}
    source = """
        from __future__ import annotations
        from tenon_mcp import SyncContext
        def tool(a: int | None, b: list[str], ctx: SyncContext) -> dict[str, int]: ...
    """
    exec("\n".join(line.strip() for line in source.splitlines()), namespace)
    assert schema_of(namespace["tool"])["inputSchema"]["properties"] == {
        "a": {"type": ["integer", "null"]},
        "b": {"type": "array", "items": {"type": "string"}},
    }


def test_other_callables():
    class Adder:
        """Adds."""

        def __init__(self, base):
            self.base = base

        def __call__(self, x: int) -> int:
            return self.base + x

        async def method(self, x: int) -> int:
            """A method."""
            return self.base + x

    def three(a: int, b: int, c: int) -> int:
        return a + b + c

    app = Server("t")
    adder = Adder(10)
    assert app.tool("object")(adder) is adder
    app.tool("method")(adder.method)
    app.tool("partial")(functools.partial(three, c=5))
    app.tool("lambda")(lambda x: x)
    with serving(app) as client:
        assert client.text("object", x=1) == "11"
        assert client.text("method", x=2) == "12"
        assert client.text("partial", a=1, b=2) == "8"
        assert client.text("lambda", x="y") == "y"
        tools = {tool["name"]: tool for tool in client.request("tools/list")["result"]["tools"]}
        assert tools["method"]["description"] == "A method."
        assert tools["partial"]["inputSchema"]["required"] == ["a", "b"]


class Made:
    """Made by a call."""

    n: str
    """Not what makes it takes."""

    def __init__(self, n: "int", ctx: "SyncContext", *, words: "Optional[list[str]]" = None):
        self.n = f"{n} {ctx.name} {words}"


class Database:
    def __init__(self, ctx: "SyncContext", size: "int" = 3):
        self.size, self.name = size, ctx.name


class Pair(NamedTuple):
    a: "int"
    b: "int" = 2


def test_classes_are_called_too():
    app = Server("t")
    app.tool(Made, structured=False)
    app.tool("partial", structured=False)(functools.partial(Made, words=["x"]))
    app.tool(Pair)
    app.tool("depends")(lambda database=Depends(Database): f"{database.name} {database.size}")
    pair = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer", "default": 2}}}
    assert app.tools["Made"].input_schema["properties"]["n"] == {"type": "integer"}
    assert list(app.tools["partial"].input_schema["properties"]) == ["n", "words"]
    assert app.tools["Pair"].input_schema == {**pair, "required": ["a"], "additionalProperties": False}
    with serving(app) as client:
        assert client.text("depends") == "depends 3"
        assert client.text("Pair", a=1) == "[1,2]"


def test_the_decorator_in_its_forms():
    app = Server("t")

    @app.tool
    def bare():
        pass

    @app.tool()
    def parens():
        pass

    @app.tool("given", description="Said.", input_schema={"type": "object"}, timeout=5)
    def named(**anything):
        return anything

    assert bare() is None and callable(parens) and named(a=1) == {"a": 1}
    with serving(app) as client:
        tools = client.request("tools/list")["result"]["tools"]
        assert [tool["name"] for tool in tools] == ["bare", "parens", "given"]
        assert tools[2] == {"name": "given", "description": "Said.", "inputSchema": {"type": "object"}}
        assert client.text("given", x=1) == '{"x":1}'


def test_the_types_of_a_signature_of_its_own_count():
    def tool(**options):
        return options

    parameter = inspect.Parameter("x", inspect.Parameter.KEYWORD_ONLY, annotation=int)
    tool.__signature__ = inspect.Signature([parameter])
    assert schema_of(tool)["inputSchema"]["properties"] == {"x": {"type": "integer"}}
    tool.__signature__ = inspect.Signature([parameter.replace(annotation="int")])
    with pytest.raises(RegistrationError, match="'x'.*'int' cannot be resolved"):
        schema_of(tool)


def test_a_method_without_its_object_is_refused():
    class Adder:
        def method(self, x: int) -> int:
            return x

    with pytest.raises(RegistrationError, match="'method'.*Adder.method takes 'self'"):
        Server("demo").tool(Adder.method)
    assert list(schema_of(Adder().method)["inputSchema"]["properties"]) == ["x"]


def test_arguments_are_checked_before_the_function_runs():
    app = Server("demo")
    ran = []

    @app.tool
    def tool(a: int, mode: Literal["x", "y"] = "x") -> int:
        ran.append(a)
        return a

    with serving(app) as client:
        assert "/a" in client.error("tool", a="one")
        assert "/mode" in client.error("tool", a=1, mode="z")
        assert "extra" in client.error("tool", a=1, extra=2)
        assert ran == []
        assert client.text("tool", a=3.0) == "3"
        assert ran == [3] and type(ran[0]) is int


def test_numbers_arrive_as_declared():
    app = Server("demo")

    @app.tool
    def kinds(
        i: int,
        f: float,
        u: Optional[float] = None,
        a: Any = None,
        m: Union[int, float] = 0,
        d: BOUNDED = None,
    ) -> list:
        return [type(value).__name__ for value in (i, f, u, a, m, d)]

    with serving(app) as client:
        assert client.text("kinds", i=1.0, f=2, u=3, a=4, m=5, d=6) == '["int","float","float","int","int","float"]'
        big = 10**30
        kinds = client.text("kinds", i=big, f=big, a=1.5, m=2.5)
        assert kinds == '["int","float","NoneType","float","float","NoneType"]'
