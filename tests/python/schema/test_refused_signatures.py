"""Signatures that cannot become a schema, and options that are refused."""

# The spellings of `typing` are what is tested here.
# ruff: noqa: B008, UP006, UP007, UP035, UP045

import dataclasses
import functools
import sys
import typing
from typing import Annotated, Literal, Optional

import pytest
from tenon_mcp import Context, RegistrationError, Server, SyncContext
from wire import serving


class Unknown:
    pass


def positional(a, /):
    pass


def starred(*rest):
    pass


def two_contexts(a: SyncContext, b: SyncContext):
    pass


async def blocking_context(ctx: SyncContext):
    pass


def awaited_context(ctx: Context):
    pass


def unresolved(a: "Nowhere"):  # noqa: F821
    pass


def annotated(annotation):
    def tool(x):
        pass

    tool.__annotations__ = {"x": annotation}
    return tool


WRONG = [
    (annotated(Unknown), ["'t'", "'x'", "Unknown is not a JSON type"]),
    (annotated(complex), ["'x'", "complex"]),
    (annotated(typing.Callable[[int], int]), ["'x'", "Callable"]),
    (annotated(dict[int, str]), ["'x'", "keys", "str"]),
    (annotated(list[Unknown]), ["'x'", "Unknown"]),
    (annotated(Optional[Unknown]), ["'x'", "Unknown"]),
    (annotated(Literal[b"x"]), ["'x'", "literal", "bytes"]),
    (annotated(typing.TypeVar("T")), ["'x'", "T"]),
    (positional, ["'t'", "'a'", "positional"]),
    (starred, ["'t'", "'*rest'", "positional"]),
    (two_contexts, ["'t'", "'a'", "'b'", "context"]),
    (blocking_context, ["'t'", "'ctx'", "annotate it with Context in an async function"]),
    (awaited_context, ["'t'", "'ctx'", "annotate it with SyncContext"]),
    (unresolved, ["'t'", "Nowhere"]),
    (3, ["function", "int"]),
]


@pytest.mark.parametrize(("function", "parts"), WRONG, ids=lambda value: str(value)[:40])
def test_what_cannot_be_registered(function, parts):
    app = Server("demo")
    with pytest.raises(RegistrationError) as caught:
        app.tool("t")(function)
    for part in parts:
        assert part in str(caught.value)
    # Nothing of it stays behind.
    app.tool("t")(lambda: 1)


class FieldInfo:
    """Stands for pydantic's: known by its name, because the package itself need not be there."""

    __module__ = "pydantic.fields"

    def __init__(self, **said):
        self.said = said

    def __repr__(self):
        return f"FieldInfo({self.said})"


class Query(FieldInfo):
    __module__ = "elsewhere"


def with_default(default, annotation=int):
    def tool(x=default):
        pass

    tool.__annotations__ = {"x": annotation}
    return tool


def with_return(annotation):
    def tool():
        pass

    tool.__annotations__ = {"return": annotation}
    return tool


SAID = Annotated[int, FieldInfo(ge=0)]
LOST = [
    (annotated(SAID), ["'x'", "FieldInfo({'ge': 0}) in Annotated", "input_schema"]),
    (annotated(list[SAID]), ["'x'", "FieldInfo({'ge': 0})"]),
    (annotated(Optional[SAID]), ["'x'", "FieldInfo({'ge': 0})"]),
    (annotated(dict[str, list[Optional[SAID]]]), ["'x'", "FieldInfo({'ge': 0})"]),
    (annotated(Annotated[SAID, "how many"]), ["'x'", "FieldInfo({'ge': 0})"]),
    (annotated(Annotated[int, "how many", range(3)]), ["'x'", "range(0, 3) in Annotated"]),
    (annotated(Annotated[int, "one", "two"]), ["'x'", "more than one description"]),
    (annotated(Annotated[Context, FieldInfo()]), ["'x'", "FieldInfo({})"]),
    (with_default(FieldInfo(default=3)), ["'x'", "the default FieldInfo({'default': 3})"]),
    (with_default(Query(default=3)), ["'x'", "the default Query FieldInfo"]),
    (with_default([FieldInfo()], list), ["'x'", "the default list [FieldInfo({})]"]),
    (with_default({"a": (FieldInfo(),)}, dict), ["'x'", "FieldInfo({})"]),
    (with_default(dataclasses.field(default=3)), ["'x'", "the default Field"]),
    (with_return(Annotated[dict, FieldInfo()]), ["return", "FieldInfo({})"]),
    (with_return(list[SAID]), ["return", "FieldInfo({'ge': 0})"]),
]


@pytest.mark.parametrize(("function", "parts"), LOST, ids=range(len(LOST)))
def test_nothing_that_a_signature_says_is_lost(function, parts):
    with pytest.raises(RegistrationError) as caught:
        Server("demo").tool("t")(function)
    for part in ["'t'", *parts]:
        assert part in str(caught.value)


def test_an_input_schema_stands_in_for_what_annotations_say():
    app = Server("t")
    app.tool("t", input_schema={"type": "object", "properties": {"x": {"minimum": 0}}})(annotated(SAID))
    with pytest.raises(RegistrationError, match="the default FieldInfo"):
        app.tool("u", input_schema={"type": "object"})(with_default(FieldInfo()))


BAD_OPTIONS = [
    ({"input_schema": {"type": "objekt"}}, ["input", "objekt"]),
    ({"input_schema": {"type": "array"}}, ["input", "object"]),
    ({"input_schema": {"type": "object", "x": object()}}, ["input", "object", "not JSON"]),
    ({"input_schema": {"type": "object", "properties": {"a": {"$ref": "https://example.com/x"}}}}, ["input"]),
    ({"output_schema": {"type": 3}}, ["output"]),
    ({"timeout": 0}, ["timeout"]),
    ({"timeout": -1}, ["timeout"]),
    ({"timeout": "soon"}, ["timeout", "soon"]),
]


@pytest.mark.parametrize(("options", "parts"), BAD_OPTIONS, ids=str)
def test_bad_options(options, parts):
    with pytest.raises(ValueError) as caught:
        Server("demo").tool("t", **options)(lambda: 1)
    for part in parts:
        assert part in str(caught.value)


def test_names():
    app = Server("demo")
    app.tool("a")(lambda: 1)
    with pytest.raises(RegistrationError, match='"a".*registered|registered.*"a"'):
        app.tool("a")(lambda: 2)
    for name in ["", "white space", "é", "x" * 129]:
        with pytest.raises(RegistrationError, match="name"):
            app.tool(name)(lambda: 1)
    with pytest.raises(RegistrationError, match="pass a name, because a partial object has none"):
        app.tool(functools.partial(print))


def test_server_options():
    with pytest.raises(TypeError, match='there is no option "max_cals"; the nearest name is "max_calls"'):
        Server("demo", max_cals=3)
    with pytest.raises(ValueError, match="max_calls"):
        Server("demo", max_calls=0)
    with pytest.raises(ValueError, match="call_timeout"):
        Server("demo", call_timeout=-1)
    with pytest.raises(RegistrationError, match="name"):
        Server("")
    with pytest.raises(RegistrationError, match="max_workers"):
        Server("demo", max_workers=0)
    app = Server("demo", "2.0", instructions="Be kind.", max_message_bytes=1 << 20, call_timeout=1.5, max_workers=2)
    assert (app.name, app.version, app.url) == ("demo", "2.0", None)
    with serving(app) as client:
        assert client.server["serverInfo"] == {"name": "demo", "version": "2.0"}
        assert client.server["instructions"] == "Be kind."


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax is newer")
def test_type_parameters_are_refused():
    namespace = {}
    exec("def tool[T](x: T): ...", namespace)
    with pytest.raises(RegistrationError, match="'x'"):
        Server("demo").tool(namespace["tool"])


def test_advice_is_given_where_it_can_be_followed():
    def function(a):
        return ""

    function.__annotations__ = {"a": complex}
    app = Server("t")
    for register, follows in [
        (app.tool("t"), True),
        (app.method("example/m"), True),
        (app.prompt("p"), False),
        (app.resource("test://{a}"), False),
    ]:
        with pytest.raises(RegistrationError, match="'a': complex is not a JSON type") as raised:
            register(function)
        assert ("pass an input_schema" in str(raised.value)) == follows
