"""What a tool returns, and what the client gets."""

import collections
import enum
import math
from typing import Any, TypedDict

import pytest
from tenon_mcp import Server
from wire import serving


class Row(TypedDict):
    id: int


def content(text, **more):
    return {"content": [{"type": "text", "text": text}], **more}


def returning(value, annotation=None, is_async=False, **options):
    def sync():
        return value

    async def asynchronous():
        return value

    tool = asynchronous if is_async else sync
    if annotation is not None:
        tool.__annotations__ = {"return": annotation}
    app = Server("t")
    app.tool("crash", **options)(tool)
    return app


PLAIN = [
    ("text", str, "text"),
    ("text", None, "text"),
    ("", None, ""),
    ('q"\n😀', str, 'q"\n😀'),
    (None, type(None), ""),
    (None, None, ""),
    (3, int, "3"),
    (10**30, int, "1" + "0" * 30),
    (True, bool, "true"),
    (2.5, float, "2.5"),
    (2.0, float, "2.0"),
    ([1, "a", None], list, '[1,"a",null]'),
    ((1, 2), None, "[1,2]"),
    ({"a": 1}, None, '{"a":1}'),
    ({"a": 1}, dict | None, '{"a":1}'),
    (enum.Enum("E", {"A": "x"}, type=str).A, str, "x"),
    (enum.IntEnum("E", {"A": 7}).A, int, "7"),
    (collections.namedtuple("P", "x y")(1, 2), None, "[1,2]"),
]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(("value", "annotation", "text"), PLAIN, ids=range(len(PLAIN)))
def test_plain_values(value, annotation, text, is_async):
    with serving(returning(value, annotation, is_async)) as client:
        assert client.call("crash") == content(text)


@pytest.mark.parametrize("annotation", [dict, dict[str, Any], dict[str, int], Row, collections.OrderedDict, "dict"])
def test_a_declared_dict_is_structured_too(annotation):
    with serving(returning({"id": 1}, annotation)) as client:
        assert client.call("crash") == content('{"id":1}', structuredContent={"id": 1})
    with serving(returning({"id": 1}, annotation, structured=False)) as client:
        assert client.call("crash") == content('{"id":1}')


def test_a_declared_dict_must_be_one():
    with serving(returning([1], dict)) as client:
        assert client.error("crash") == "tool 'crash' returned list, but declares a dict"
    with serving(returning(None, dict)) as client:
        assert client.error("crash") == "tool 'crash' returned NoneType, but declares a dict"


def test_structured_on_request():
    with serving(returning({"a": 1}, structured=True)) as client:
        assert client.call("crash") == content('{"a":1}', structuredContent={"a": 1})
    with serving(returning([1], list, structured=True), modern=True) as client:
        assert client.call("crash")["structuredContent"] == [1]


def test_an_output_schema_is_enforced():
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    with serving(returning({"n": 1}, output_schema=schema)) as client:
        assert client.call("crash") == content('{"n":1}', structuredContent={"n": 1})
        (tool,) = client.request("tools/list")["result"]["tools"]
        assert tool["outputSchema"] == schema
    with serving(returning({"n": "x"}, output_schema=schema)) as client:
        assert "/n" in client.error("crash")


def cycle():
    value = []
    value.append({"again": value})
    return value


RUBBISH = [
    (object(), "tool 'crash' returned object, which JSON cannot hold"),
    ({1, 2}, "tool 'crash' returned set, which JSON cannot hold"),
    (b"bytes", "tool 'crash' returned bytes, which JSON cannot hold"),
    (math.nan, "tool 'crash' returned nan, which JSON cannot hold"),
    (-math.inf, "tool 'crash' returned -inf, which JSON cannot hold"),
    ("\udc80", "tool 'crash' returned a str with lone surrogates, which JSON cannot hold"),
    ({"a": [object()]}, "tool 'crash' returned object (at [\"a\"][0]), which JSON cannot hold"),
    ({1: 2}, "tool 'crash' returned a dict with a key of type int, which JSON cannot hold"),
    (cycle(), "tool 'crash' returned a value nested deeper than 128 levels, or holding itself, which JSON cannot hold"),
    (Server, "tool 'crash' returned type, which JSON cannot hold"),
]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(("value", "text"), RUBBISH, ids=range(len(RUBBISH)))
def test_rubbish(value, text, is_async):
    with serving(returning(value, is_async=is_async)) as client:
        assert client.error("crash") == text
        assert client.request("ping")["result"] == {}


def test_a_small_value_that_is_huge_as_text_is_refused():
    value = "x" * 1000
    for _ in range(8):
        value = [value] * 10
    with serving(returning(value)) as client:
        assert "more than 256 MiB" in client.error("crash")


def test_a_large_result_arrives():
    text = "é😀" * 500_000
    with serving(returning(text)) as client:
        assert client.text("crash") == text


def test_the_handler_of_one_tool_does_not_see_that_of_another():
    app = Server("t")
    for place in range(50):
        app.tool(f"t{place}")(lambda place=place: place)
    with serving(app) as client:
        ids = [client.start_call(f"t{place}") for place in range(50)]
        texts = [client.answer(id)["result"]["content"][0]["text"] for id in ids]
        assert texts == [str(place) for place in range(50)]
