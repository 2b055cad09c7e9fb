"""Exceptions: those for the client, those that are mapped, and unexpected ones."""

import logging
import re

import pytest
from tenon_mcp import ArgumentError, McpError, NotFound, RegistrationError, Server, ToolError
from tenon_mcp.testing import Client
from wire import Program, serving, wait_for


class OwnError(Exception):
    pass


class NarrowError(OwnError):
    pass


def raising(error, is_async=False, **options):
    app = Server("t", **options)

    def fail():
        raise error

    async def fail_async():
        raise error

    function = fail_async if is_async else fail
    app.tool("f")(function)
    app.resource("test://f")(function)
    app.prompt("f")(function)
    return app


CALLS = [
    ("tools/call", {"name": "f"}),
    ("resources/read", {"uri": "test://f"}),
    ("prompts/get", {"name": "f"}),
]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("modern", [False, True])
def test_an_error_of_the_protocol(modern, is_async):
    with serving(raising(McpError(-31999, "No more.", {"left": [0]}), is_async), modern=modern) as client:
        for method, params in CALLS:
            error = client.request(method, **params)["error"]
            assert error == {"code": -31999, "message": "No more.", "data": {"left": [0]}}
    with serving(raising(McpError(7, "Bare.")), modern=modern) as client:
        assert client.request(*CALLS[0][:1], **CALLS[0][1])["error"] == {"code": 7, "message": "Bare."}


@pytest.mark.parametrize("is_async", [False, True])
def test_texts_meant_for_the_client(is_async, caplog):
    caplog.set_level(logging.INFO, "tenon_mcp")
    with serving(raising(ToolError("try again"), is_async, mask_errors=True)) as client:
        assert client.error("f") == "try again"
        for method, params in CALLS[1:]:
            assert "try again" in client.request(method, **params)["error"]["message"]
    # Nothing went wrong with the program.
    assert [record for record in caplog.records if record.exc_info] == []


def test_not_found_from_a_tool_and_a_prompt():
    with serving(raising(NotFound(7), mask_errors=True)) as client:
        assert client.error("f") == "Not found: 7"
        for method, params in CALLS[1:]:
            error = client.request(method, **params)["error"]
            assert (error["code"], error["message"]) == (-32002, "Resource not found: 7")
    with serving(raising(NotFound())) as client:
        assert client.error("f") == "Not found"


@pytest.mark.parametrize("is_async", [False, True])
def test_masked_errors(is_async, caplog):
    with serving(raising(OwnError("secret"), is_async, mask_errors=True)) as client:
        text = client.error("f")
        assert "secret" not in text and "OwnError" not in text
        others = [client.request(method, **params)["error"]["message"] for method, params in CALLS[1:]]
        assert not any("secret" in other for other in others)
    log = caplog.text
    assert "secret" in log
    # The reference in the text leads to the record.
    assert any(word.strip(".,:()") in log for word in text.split() if len(word) >= 8 and any(map(str.isdigit, word)))
    with serving(raising(OwnError("secret"), is_async)) as client:
        assert client.error("f") == "secret"


@pytest.mark.parametrize("is_async", [False, True])
def test_mapped_errors(is_async):
    def mapped(error):
        app = raising(error, is_async)
        app.map_error(OwnError, -31001)
        app.map_error(LookupError, lambda error: NotFound(f"test://{error.args[0]}"))
        app.map_error(ZeroDivisionError, lambda error: ToolError("not by zero"))
        app.map_error(OSError, lambda error: "no exception")
        app.map_error(EOFError, lambda error: 1 / 0)
        return app

    def ended(error):
        with serving(mapped(error)) as client:
            answer = client.request("tools/call", name="f")
            return answer.get("error") or answer["result"]["content"][0]["text"]

    assert ended(OwnError("x")) == {"code": -31001, "message": "x"}
    assert ended(NarrowError()) == {"code": -31001, "message": "NarrowError"}
    assert ended(KeyError("k")) == "Not found: test://k"
    assert ended(ZeroDivisionError("z")) == "not by zero"
    assert ended(RuntimeError("r")) == "r"
    assert ended(OSError()) == "map_error: the function for OSError must return an exception, not str"
    assert ended(EOFError()) == "division by zero"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (McpError(-31002, "meant"), {"code": -31002, "message": "meant"}),
        (ToolError("meant"), "meant"),
        (ValueError("secret"), {"code": -31003, "message": "unforeseen"}),
    ],
)
def test_what_is_mapped_for_all_exceptions_leaves_those_of_the_package(error, told):
    app = raising(error)
    app.map_error(Exception, lambda _: McpError(-31003, "unforeseen"))
    with serving(app) as client:
        answer = client.request("tools/call", name="f")
        assert (answer.get("error") or answer["result"]["content"][0]["text"]) == told


WRONG = [McpError("1", "m"), McpError(1, "m", object()), McpError(1 << 40, "m")]


@pytest.mark.parametrize("error", WRONG, ids=range(len(WRONG)))
def test_wrong_errors_of_the_protocol_fail_the_call_all_the_same(error, caplog):
    with serving(raising(error)) as client:
        assert client.error("f").startswith("McpError: ")
    # The client has its answer before the log has the rest.
    wait_for(lambda: caplog.records)


def test_a_code_is_an_integer():
    with pytest.raises(RegistrationError, match="True"):
        Server("t").map_error(OwnError, True)


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("revision", ["2025-06-18", "2025-11-25", "2026-07-28"])
def test_a_handler_refuses_arguments_as_the_schema_does(revision, is_async):
    app = raising(ArgumentError("/n: too odd"), is_async, mask_errors=True)
    text = 'Invalid arguments for tool "f": /n: too odd'
    with Client(app, revision=revision) as client:
        if revision < "2025-11-25":
            with pytest.raises(McpError) as raised:
                client.call_tool("f")
            assert (raised.value.code, raised.value.message) == (-32602, text)
        else:
            with pytest.raises(ToolError, match=re.escape(text)):
                client.call_tool("f")
        with pytest.raises(McpError) as raised:
            client.get_prompt("f")
        assert (raised.value.code, raised.value.message) == (-32602, 'Invalid arguments for prompt "f": /n: too odd')


ODD = """
import sys
from tenon_mcp import Server

NAMES = ["__name__", "__qualname__", "__module__"]

def refuses(*names, base=object):
    def refuse(self, *_):
        raise RuntimeError("not to be read")
    return type("Refuses", (base,), {name: property(refuse) for name in names})

def error_class(name, meta=(), own=()):
    class Named(refuses(*(name for name in meta if name not in NAMES), base=type)):
        def __getattribute__(self, name):
            if name in meta:
                raise RuntimeError("not to be read")
            return super().__getattribute__(name)

    return Named(name, (refuses(*own, base=Exception),), {})

class Dict(dict):
    def items(self):
        raise ODD["name"]("x")

ODD = {
    "name": error_class("Odd", meta=["__name__"]),
    "names": error_class("Odd", meta=NAMES),
    "class": error_class("Odd", own=["__class__"]),
    "traceback": error_class("Odd", own=["__traceback__", "__cause__", "__context__", "exceptions", "__notes__"]),
    "text": error_class("Odd", meta=["__name__"], own=["__str__", "__repr__", "args"]),
    "order": error_class("Odd", meta=["__mro__"]),
}
app = Server("t")

def odd(kind, chained=False):
    try:
        raise ODD[kind]("boom")
    except BaseException as error:
        if not chained:
            raise
        raise ValueError("chained") from error

@app.tool
def sync(kind: str):
    odd(kind)

@app.tool("async")
async def asynchronous(kind: str):
    odd(kind)

@app.tool
def chained(kind: str):
    odd(kind, True)

@app.tool
def items():
    return Dict(a=1)

if "map" in sys.argv:
    app.map_error(KeyError, -31999)

if "around" in sys.argv:
    @app.middleware
    async def around(ctx, call_next):
        return await call_next()

app.run()
"""


@pytest.mark.parametrize("arguments", [(), ("map",), ("around",)])
def test_exceptions_whose_class_cannot_be_read_end_the_call_like_any_other(arguments):
    with Program(ODD, *arguments) as program:
        client = program.client
        calls = 0
        for kind in ("name", "names", "class", "traceback", "text", "order"):
            for tool in ("sync", "async"):
                text = client.error(tool, kind=kind)
                assert text in ("boom", "Odd"), (tool, kind, text)
                calls += 1
            assert client.error("chained", kind=kind) == "chained"
            calls += 1
        assert "a dict whose items raise " in client.error("items")
        client.close()
        code, errors = program.wait()
        assert code == 0
        # One record for each, and nothing that went wrong while it was made.
        assert errors.count("' failed") == calls, errors
        assert "Logging error" not in errors and "never retrieved" not in errors and "panicked" not in errors, errors
        assert "During handling of" not in errors, errors
