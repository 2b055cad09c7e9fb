"""What a tool returns, and what the client gets."""

import collections
import enum
import math
from typing import Any, TypedDict

import pytest
from tenon_mcp import Server
from wire import Program, serving


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
    app.function = tool
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
        assert client.call("crash")["content"] == content(text)["content"]


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
    ({"a": b"bytes"}, "tool 'crash' returned bytes (at [\"a\"]), which JSON cannot hold"),
    (math.nan, "tool 'crash' returned nan, which JSON cannot hold"),
    (-math.inf, "tool 'crash' returned -inf, which JSON cannot hold"),
    ("\udc80", "tool 'crash' returned a str with lone surrogates, which JSON cannot hold"),
    ({"a": [object()]}, "tool 'crash' returned object (at [\"a\"][0]), which JSON cannot hold"),
    ({1: 2}, "tool 'crash' returned a dict with a key of type int, which JSON cannot hold"),
    (
        cycle(),
        "tool 'crash' returned a value nested deeper than 128 levels, the limit max_depth, or holding itself "
        '(at [0]["again"][0]["again"][0]["again"][0]["again"]…), which JSON cannot hold',
    ),
    (Server, "tool 'crash' returned type, which JSON cannot hold"),
]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(("value", "text"), RUBBISH, ids=range(len(RUBBISH)))
def test_rubbish(value, text, is_async):
    with serving(returning(value, is_async=is_async)) as client:
        assert client.error("crash") == text
        assert client.request("ping")["result"] == {}


def nested(depth):
    value = []
    for _ in range(depth - 1):
        value = [value]
    return value


def wide():
    value = "x" * 1000
    for _ in range(8):
        value = [value] * 10
    return value


MEBI = 1 << 20
# Each is little in memory, or would be much as text, or both. Repeated parts cost nothing.
LARGE = {
    "a flat list": [0] * MEBI,
    "one string in a list": ["x" * MEBI],
    "one string": "x" * (MEBI + 1),
    "one string, not ASCII": "é" * (MEBI // 2 + 1),
    "one string that escaping makes longer": ["\x01" * (MEBI // 4)],
    "strings in a list": ["x" * 1000] * 2000,
    "keys": {f"{n}" + "k" * 1000: None for n in range(1100)},
    "lists of lists": wide(),
    "dicts of dicts": {"a": [{"b": "x" * 1000, "c": [1.5]}] * 2000},
    "a float": [1.5] * MEBI,
    "a long int": [10**300] * 4000,
}


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("what", LARGE)
def test_a_result_over_the_limit_is_refused_wherever_it_passes_it(what, is_async):
    app = returning(LARGE[what], is_async=is_async)
    limited = Server("t", max_result_bytes=MEBI)
    limited.tool("crash")(app.function)
    with serving(limited) as client:
        error = client.error("crash")
        assert error == "tool 'crash' returned a value of more than 1048576 bytes, the limit max_result_bytes"
        assert client.request("ping")["result"] == {}


def test_the_limit_of_results_is_16_mib():
    with serving(returning("x" * (16 * MEBI))) as client:
        assert len(client.text("crash")) == 16 * MEBI
    for value in ("x" * (16 * MEBI + 1), ["x" * (16 * MEBI - 3)]):
        with serving(returning(value)) as client:
            assert "more than 16777216 bytes, the limit max_result_bytes" in client.error("crash")
    with serving(returning(["x" * (16 * MEBI - 4)])) as client:
        assert len(client.text("crash")) == 16 * MEBI


def test_a_result_over_the_limit_takes_little_memory():
    source = """
import resource, sys
from tenon_mcp import Server

app = Server("t")
parts = {"text": "x" * 1000, "wide": ["x" * 1000] * 1000}
for _ in range(5):
    parts["wide"] = [parts["wide"]] * 10
huge = "\\x01" * (15 << 20)

@app.tool
def wide():
    return parts

@app.tool
def escaped():
    return [huge]

@app.tool
def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10

app.run()
"""
    with Program(source) as program:
        before = int(program.client.text("peak"))
        for name in ("wide", "escaped"):
            assert "the limit max_result_bytes" in program.client.error(name)
        # The text may be 16 MiB; a buffer that grows holds up to twice that, and its former self while it moves.
        assert int(program.client.text("peak")) - before < 64


@pytest.mark.parametrize("is_async", [False, True])
def test_the_depth_of_a_result_is_the_limit_of_the_server(is_async):
    value = {"rows": [nested(10)]}
    app = Server("t", max_depth=12)
    app.tool("fits")(returning(value, is_async=is_async).function)
    app.tool("deeper")(returning([value], is_async=is_async).function)
    app.tool("again")(returning(cycle(), is_async=is_async).function)
    with serving(app) as client:
        assert client.text("fits") == '{"rows":[' + "[" * 10 + "]" * 10 + "]}"
        what = "a value nested deeper than 12 levels, the limit max_depth, or holding itself"
        path = '[0]["rows"]' + "[0]" * 6 + "…"
        assert client.error("deeper") == f"tool 'deeper' returned {what} (at {path}), which JSON cannot hold"
        path = '[0]["again"]' * 4 + "…"
        assert client.error("again") == f"tool 'again' returned {what} (at {path}), which JSON cannot hold"
    with serving(Server("t", max_depth=1000)) as client:
        assert client.request("ping")["result"] == {}


def test_a_deep_result_is_within_what_any_scan_allows():
    app = Server("t", max_depth=1000)
    app.tool("deep")(returning(nested(512)).function)
    app.tool("deeper")(returning(nested(513)).function)
    with serving(app) as client:
        assert client.text("deep") == "[" * 512 + "]" * 512
        assert "deeper than 512 levels" in client.error("deeper")


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


class Rows(list):
    pass


MANY = [object(), *[0] * 600]
LONG = [
    MANY,
    {"rows": [MANY]},
    Rows(MANY),
    [tuple(MANY)],
    {str(place): object() for place in range(201)},
    [[MANY], object()],
]


@pytest.mark.parametrize("value", LONG, ids=range(len(LONG)))
def test_what_is_sure_to_be_too_long_is_refused_by_its_length(value):
    app = Server("t", max_result_bytes=1000)
    app.tool("t")(lambda: value)
    with serving(app) as client:
        # Its first item is refused for what it is, if it is looked at.
        assert client.error("t") == "tool 't' returned a value of more than 1000 bytes, the limit max_result_bytes"


FITS = [[0] * 499, [[]] * 333, {name: "x" * 94 for name in "abcdefghi"}]


@pytest.mark.parametrize("value", FITS, ids=range(len(FITS)))
def test_what_just_fits_is_not_refused_by_its_length(value):
    app = Server("t", max_result_bytes=1000)
    app.tool("t")(lambda: value)
    with serving(app) as client:
        client.text("t")
