"""Prompts, completion, methods, notifications and hooks: what is registered and how functions are called."""

import asyncio
import queue
import threading
from typing import Annotated, Literal

import pytest
from kind_requests import both, complete, get, read
from tenon_mcp import (
    Content,
    Context,
    Entry,
    File,
    Image,
    PromptMessage,
    RegistrationError,
    Server,
    SyncContext,
    ToolError,
)
from wire import SECONDS, serving


def test_a_prompt_gets_its_arguments_from_its_signature():
    app = Server("t")

    @app.prompt
    def review(
        code: Annotated[str, "What to review."],
        style: Annotated[str | None, "How."] = None,
        tone: Literal["kind", "blunt"] = "kind",
        *,
        ctx: SyncContext,
    ) -> str:
        """Review code."""
        return f"{code} {style} {tone} {ctx.kind}"

    @app.prompt("explicit", title="T", description="D", arguments=[{"name": "x", "title": "X", "required": True}],
                icons=[{"src": "https://example.com/i"}], meta={"a": 1})
    async def other(**arguments):
        return [arguments["x"], Content.text("b"), PromptMessage("c", "assistant")]

    with serving(app) as client:
        assert client.request("prompts/list")["result"]["prompts"] == [
            {"name": "review", "description": "Review code.", "arguments": [
                {"name": "code", "description": "What to review.", "required": True},
                {"name": "style", "description": "How."},
                {"name": "tone"},
            ]},
            {"name": "explicit", "title": "T", "description": "D",
             "arguments": [{"name": "x", "title": "X", "required": True}],
             "icons": [{"src": "https://example.com/i"}], "_meta": {"a": 1}},
        ]
        (message,) = get(client, "review", code="x = 1", tone="blunt")
        assert message == {"role": "user", "content": {"type": "text", "text": "x = 1 None blunt prompt"}}
        texts = [(message["role"], message["content"]["text"]) for message in get(client, "explicit", x="a")]
        assert texts == [("user", "a"), ("user", "b"), ("assistant", "c")]
        error = client.request("prompts/get", name="review")["error"]
        assert error["code"] == -32602 and '"code"' in error["message"]


def test_a_prompt_with_an_image_and_a_file(tmp_path):
    app = Server("t")
    path = tmp_path / "a.md"
    path.write_text("# A")

    @app.prompt
    def shown():
        return [PromptMessage(Image(b"1", "image/png")), File(path), PromptMessage("ok", role="assistant")]

    with serving(app) as client:
        image, file, _ = get(client, "shown")
        assert image["content"] == {"type": "image", "data": "MQ==", "mimeType": "image/png"}
        assert file["content"]["resource"] == {"uri": path.as_uri(), "mimeType": "text/markdown", "text": "# A"}


def test_completion():
    app = Server("t")

    @app.prompt
    def greet(style: str, name: str = "") -> str:
        return style

    @app.resource("test://{id}")
    def thing(id: str) -> str:
        return id

    @app.completion(prompt="greet", argument="style")
    def styles(value: str, arguments: dict) -> list:
        return [style for style in ["formal", "funny", arguments.get("name", "")] if style.startswith(value)]

    @app.completion(template="test://{id}", argument="id")
    async def ids(value, ctx: Context):
        return [str(id) for id in range(150)]

    with serving(app) as client:
        prompt = {"type": "ref/prompt", "name": "greet"}
        assert complete(client, prompt, "style", "f")["values"] == ["formal", "funny"]
        assert complete(client, prompt, "style", "A", name="Ada")["values"] == ["Ada"]
        assert complete(client, prompt, "name", "A")["values"] == []
        many = complete(client, {"type": "ref/resource", "uri": "test://{id}"}, "id", "")
        assert (len(many["values"]), many["total"], many["hasMore"]) == (100, 150, True)
        (entry, _) = app.entries("completion")
        assert app.remove("completion", entry.definition["name"])
        assert complete(client, prompt, "style", "f")["values"] == []


def test_a_completion_of_what_does_not_exist_is_refused():
    def starts(app, match):
        with pytest.raises(RegistrationError, match=match):
            app.run(http=0)

    app = Server("t")
    app.completion(prompt="gret", argument="style")(lambda value: [])
    starts(app, 'completion: there is no prompt "gret"; none is registered')
    app.prompt("greet")(lambda style: style)
    starts(app, 'completion: there is no prompt "gret"; the nearest name is "greet"')

    app = Server("t")
    app.prompt("greet")(lambda style, name: style)
    app.completion(prompt="greet", argument="stile")(lambda value: [])
    starts(app, 'completion: prompt "greet" has no argument "stile"; the nearest name is "style"')

    app = Server("t")
    app.resource("test://{id}")(lambda id: id)
    app.completion(template="test://{id}", argument="ids")(lambda value: [])
    starts(app, 'resource template "test://{id}" has no variable "ids"; the nearest name is "id"')

    # Also where it is mounted, and while the server runs.
    app, part = Server("t"), Server("part")
    part.prompt("greet")(lambda style: style)
    part.completion(prompt="greet", argument="style")(lambda value: ["a"])
    app.mount(part, "sub")
    with serving(app) as client:
        assert complete(client, {"type": "ref/prompt", "name": "sub_greet"}, "style", "")["values"] == ["a"]
        with pytest.raises(RegistrationError, match='there is no prompt "greet"; the nearest name is "sub_greet"'):
            app.completion(prompt="greet", argument="style")(lambda value: [])
        with pytest.raises(RegistrationError, match='there is no prompt "sub_gret"; the nearest name is "sub_greet"'):
            part.completion(prompt="gret", argument="style")(lambda value: [])
        app.prompt("late")(lambda style: style)
        app.completion(prompt="late", argument="style")(lambda value: ["b"])
        assert complete(client, {"type": "ref/prompt", "name": "late"}, "style", "")["values"] == ["b"]


def test_an_update_before_the_start_does_nothing():
    app = Server("t")
    app.resource("test://a")(lambda: "a")
    app.resource_updated("test://a")
    app.resource_updated("test://none")
    with serving(app) as client:
        assert client.request("resources/subscribe", uri="test://a")["result"] == {}
        app.resource_updated("test://a")
        assert client.receive()["method"] == "notifications/resources/updated"


def test_methods_and_notifications_of_the_programs_own():
    app = Server("t")
    told = threading.Event()
    seen = []

    @app.method("example/add")
    def add(a: int, b: int = 1) -> dict:
        return {"sum": a + b}

    @app.method("example/any", input_schema={"type": "object"})
    async def anything(ctx: Context, **params) -> None:
        seen.append((ctx.kind, ctx.name, params["x"]))

    @app.notification("notifications/example")
    async def example(value: str):
        seen.append(value)
        told.set()

    with serving(app) as client:
        assert client.request("example/add", a=2)["result"] == {"sum": 3}
        assert client.request("example/add", a=2, b=5, c=7)["result"] == {"sum": 7}
        error = client.request("example/add", a="x")["error"]
        assert error["code"] == -32602 and "/a" in error["message"]
        assert client.request("example/any", x=[1])["result"] == {}
        client.send(method="notifications/example", params={"value": "v", "more": 1})
        assert told.wait(SECONDS)
        assert seen == [("method", "example/any", [1]), "v"]
        assert client.request("example/other")["error"]["code"] == -32601


def test_replacing_a_method_of_the_protocol():
    app = Server("t")

    @app.tool
    def add(a: int, b: int) -> int:
        return a + b

    def tools(**params):
        return {"tools": [{"name": "other", "inputSchema": {"type": "object"}}]}

    @app.replace("resources/list")
    async def resources(cursor: str | None = None):
        return {"resources": [{"uri": f"test://{cursor}", "name": "n"}]}

    assert app.replace("tools/list", tools) is tools
    with pytest.raises(RegistrationError, match='method "tool/list": the protocol has no such request'):
        app.replace("tool/list", tools)
    with serving(app) as client:
        assert [tool["name"] for tool in client.request("tools/list")["result"]["tools"]] == ["other"]
        assert client.text("add", a=1, b=2) == "3"
        listed = client.request("resources/list", cursor="c")["result"]["resources"]
        assert [resource["uri"] for resource in listed] == ["test://c"]
        assert app.remove("method", "tools/list")
        assert [tool["name"] for tool in client.request("tools/list")["result"]["tools"]] == ["add"]


@pytest.mark.parametrize("is_async", [False, True])
def test_the_hook_of_what_fails(is_async):
    app, seen, told = Server("t", mask_errors=True), [], threading.Event()

    def heard(kind, name, message):
        seen.append((kind, name, message))
        told.set()
        raise RuntimeError("told to nobody")

    async def heard_on_loop(kind, name, message):
        heard(kind, name, message)

    app.on("error")(heard_on_loop if is_async else heard)

    @app.tool
    def breaks() -> int:
        raise OSError("no disk")

    @app.tool
    def wrong() -> dict:
        return {1}

    @app.tool
    def meant() -> int:
        raise ToolError("try again")

    with serving(app) as client:
        assert client.error("meant") == "try again"
        for name, why in [("breaks", "no disk"), ("wrong", "returned set")]:
            told.clear()
            assert why not in client.error(name)
            assert told.wait(SECONDS)
            assert seen[-1][:2] == ("tool", name) and why in seen[-1][2]
    assert len(seen) == 2


@pytest.mark.parametrize("is_async", [False, True])
def test_hooks(is_async):
    app = Server("t")
    seen, told = [], {name: threading.Event() for name in ("session_start", "session_end", "roots_changed")}

    for name in told:
        def hook(ctx: SyncContext, name=name, **what):
            seen.append((name, ctx.kind, ctx.client_info["name"]))
            told[name].set()

        async def async_hook(ctx: Context, name=name, **what):
            seen.append((name, ctx.kind, ctx.client_info["name"]))
            told[name].set()

        app.on(name)(async_hook if is_async else hook)
    with serving(app, capabilities={"roots": {"listChanged": True}}) as client:
        assert told["session_start"].wait(SECONDS)
        client.send(method="notifications/roots/list_changed")
        assert told["roots_changed"].wait(SECONDS)
    assert seen[:2] == [("session_start", "hook", "test"), ("roots_changed", "hook", "test")]


def test_a_second_initialize_is_another_session():
    app = Server("t")
    told, entered, ended = queue.Queue(), threading.Event(), threading.Event()

    for name in ("session_start", "session_end"):
        def hook(ctx: SyncContext, name=name, **what):
            told.put((name, ctx.protocol_version))

        app.on(name)(hook)

    @app.tool
    async def wait():
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    @app.tool
    def version(ctx: SyncContext) -> str:
        return ctx.protocol_version

    old, new = "2025-06-18", "2025-11-25"
    with serving(app, version=old) as client:
        assert told.get(timeout=SECONDS) == ("session_start", old)
        waiting = client.start_call("wait")
        assert entered.wait(SECONDS)
        again = client.request(
            "initialize", protocolVersion=new, capabilities={}, clientInfo={"name": "test", "version": "1"}
        )
        assert again["result"]["protocolVersion"] == new
        client.send(method="notifications/initialized")
        assert ended.wait(SECONDS)
        assert [told.get(timeout=SECONDS) for _ in range(2)] == [("session_end", old), ("session_start", new)]
        # Its id is free again, and nothing else answers to it.
        client.send(id=waiting, method="tools/call", params={"name": "version", "arguments": {}})
        assert client.answer(waiting)["result"]["content"][0]["text"] == new
        assert all(message.get("id") != waiting for message in client.rest())


def test_remove_enable_disable_and_entries_for_every_kind():
    app = Server("t")
    app.tool("a")(lambda: 1)
    app.resource("test://a")(lambda: "")
    app.resource("test://{a}")(lambda a: "")
    app.prompt("a")(lambda: "")
    app.method("example/a")(lambda: None)
    app.notification("notifications/a")(lambda: None)
    app.on("session_end")(lambda: None)
    kinds = {
        "tool": "a", "resource": "test://a", "resource_template": "test://{a}", "prompt": "a", "method": "example/a",
        "notification": "notifications/a", "hook": "session_end",
    }
    for kind, name in kinds.items():
        (entry,) = app.entries(kind)
        assert isinstance(entry, Entry) and entry.enabled and name in entry.definition.values()
        assert app.disable(kind, name) and not app.entries(kind)[0].enabled
        assert app.enable(kind, name) and app.entries(kind)[0].enabled
        assert app.remove(kind, name) and app.entries(kind) == []
        assert not (app.remove(kind, name) or app.enable(kind, name) or app.disable(kind, name))
    with pytest.raises(ValueError, match="there is no kind \"tools\"; the kinds are tool, resource"):
        app.remove("tools", "a")


def test_changes_are_told():
    app = Server("t")
    app.tool("a")(lambda: 1)
    app.tool("b")(lambda: 1)
    app.prompt("p")(lambda: "")
    with serving(app) as client:
        client.request("tools/list")
        app.disable("tool", "a")
        assert client.receive()["method"] == "notifications/tools/list_changed"
        assert [tool["name"] for tool in client.request("tools/list")["result"]["tools"]] == ["b"]
        app.prompt("q")(lambda: "")
        assert client.receive()["method"] == "notifications/prompts/list_changed"


@pytest.mark.parametrize("is_async", [False, True])
def test_functions_are_added_while_the_server_runs(is_async):
    app = Server("t")
    with serving(app) as client:
        def later():
            return "later"

        app.resource("test://later")(both(later)[is_async])
        assert read(client, "test://later")[0]["text"] == "later"
