"""The function ``visible`` of a program."""

import asyncio
import http.client
import json
import threading

import pytest
from http_client import listening
from tenon_mcp import Principal, RegistrationError, Server, StateError
from tenon_mcp.testing import Client
from wire import ENVELOPE, SECONDS


def asking(kind, function):
    """The function as it is, or as a coroutine function."""
    if kind == "def":
        return function

    async def visible(principal, kind, name):
        await asyncio.sleep(0)
        return function(principal, kind, name)

    return visible


def demo(**options):
    app = Server("demo", **options)

    @app.tool
    def open() -> str:
        return "opened"

    @app.tool
    def secret() -> str:
        return "hunter2"

    @app.prompt(name="secret")
    def prompt() -> str:
        return "hunter2"

    @app.resource("note://secret")
    def note() -> str:
        return "hunter2"

    @app.resource("notes://{id}")
    def notes(id: str) -> str:
        return id

    app.verifier(lambda credentials: {"subject": credentials.token, "scopes": ["use"]})
    return app


def send(url, token, method, **params):
    """The status and the result or the error of a request."""
    address, _, path = url.removeprefix("http://").partition("/")
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params | {"_meta": ENVELOPE}})
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    headers |= {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method, "Authorization": f"Bearer {token}"}
    if name := params.get("name") or params.get("uri"):
        headers["Mcp-Name"] = name
    connection = http.client.HTTPConnection(address, timeout=SECONDS)
    try:
        connection.request("POST", "/" + path, body, headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
        return response.status, answer.get("result", answer.get("error"))
    finally:
        connection.close()


def names(url, token, method="tools/list", member="tools", name="name"):
    status, result = send(url, token, method)
    assert status == 200, result
    return [entry[name] for entry in result[member]]


@pytest.mark.parametrize("kind", ["def", "async"])
def test_a_hidden_entry_does_not_exist(kind):
    app, asked = demo(), []

    def visible(principal, kind, name):
        assert isinstance(principal, Principal)
        assert principal.scopes == ("use",)
        asked.append((principal.subject, kind, name))
        return "secret" not in name or principal.subject == "ann"

    assert callable(app.visible(asking(kind, visible)))
    with listening(app) as url:
        assert names(url, "ann") == ["open", "secret"]
        assert names(url, "bob") == ["open"]
        assert names(url, "bob") == ["open"]
        assert sorted(asked) == [(who, "tool", name) for who in ("ann", "bob") for name in ("open", "secret")]
        assert names(url, "bob", "prompts/list", "prompts") == []
        assert names(url, "bob", "resources/list", "resources") == []
        assert names(url, "bob", "resources/templates/list", "resourceTemplates") == ["notes"]
        assert ("bob", "resource_template", "notes://{id}") in asked
        assert send(url, "ann", "tools/call", name="secret", arguments={})[1]["content"][0]["text"] == "hunter2"
        _, error = send(url, "bob", "tools/call", name="secret", arguments={})
        assert error["message"] == "Unknown tool: secret"
        _, error = send(url, "bob", "resources/read", uri="note://secret")
        assert "hunter2" not in json.dumps(error)
        assert send(url, "bob", "tools/call", name="open", arguments={})[0] == 200


def raising(principal, kind, name):
    raise RuntimeError("no route to hunter2")


WRONG = {"raises": raising, "none": lambda *_: None, "number": lambda *_: 1, "text": lambda *_: "no"}


@pytest.mark.parametrize("kind", ["def", "async"])
@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_decision_refuses_the_request(kind, wrong, caplog):
    app = demo(mask_errors=False)
    function = WRONG[wrong]
    app.visible(asking(kind, lambda principal, kind, name: function(principal, kind, name)))
    with listening(app) as url:
        for method, params in [("tools/list", {}), ("tools/call", {"name": "open", "arguments": {}})]:
            _, error = send(url, "ann", method, **params)
            assert error["message"] == "Internal error: the server cannot decide what the caller may see"
    assert "visible" in "\n".join(record.getMessage() for record in caplog.records)


def test_a_function_that_hangs_is_bounded():
    app, go = demo(store_timeout=0.05), threading.Event()

    @app.visible
    def late(principal, kind, name):
        go.wait(SECONDS)
        return True

    with listening(app) as url:
        _, error = send(url, "ann", "tools/list")
        assert "decide" in error["message"]
        go.set()


def test_in_process_clients_are_asked_about_too():
    app = Server("demo")
    app.tool(name="open")(lambda: "opened")
    app.tool(name="secret")(lambda: "hunter2")

    @app.visible
    async def visible(principal, kind, name):
        return name != "secret"

    async def use():
        async with Client(app) as client:
            assert [tool.name for tool in await client.list_tools()] == ["open"]

    asyncio.run(use())


def test_wrong_functions_are_named():
    app = Server("t")

    def too_few(principal):
        return True

    for wrong, why in [
        (7, "visible must be a function, not int 7"),
        (too_few, "visible 'too_few' must take the principal and the kind and the name"),
    ]:
        with pytest.raises(RegistrationError) as caught:
            app.visible(wrong)
        assert why in str(caught.value)
    app.visible(lambda principal, kind, name: True)
    with pytest.raises(StateError, match="already"):
        app.visible(lambda principal, kind, name: True)
    late = demo()
    with listening(late), pytest.raises(StateError, match="visible: the server is being served already"):
        late.visible(lambda principal, kind, name: True)
