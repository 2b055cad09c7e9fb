"""Resources, prompts, completion, methods, notifications and hooks: what is registered and how functions are called."""

import asyncio
import functools
import queue
import threading
from typing import Annotated, Literal

import pytest
from tenon_mcp import (
    Content,
    Context,
    Entry,
    File,
    Image,
    NotFound,
    PromptMessage,
    RegistrationError,
    ResourceContents,
    Server,
    SyncContext,
    ToolError,
)
from wire import SECONDS, serving


def both(function):
    """The function, and the same as a coroutine function."""
    async def as_async(**arguments):
        return function(**arguments)

    return [function, functools.wraps(function)(as_async)]


def read(client, uri):
    return client.request("resources/read", uri=uri)["result"]["contents"]


def get(client, name, **arguments):
    return client.request("prompts/get", name=name, arguments=arguments)["result"]["messages"]


def complete(client, reference, argument, value, **context):
    params = {"ref": reference, "argument": {"name": argument, "value": value}}
    if context:
        params["context"] = {"arguments": context}
    return client.request("completion/complete", **params)["result"]["completion"]


@pytest.mark.parametrize(
    ("value", "contents"),
    [
        ("text", {"text": "text"}),
        (b"\x00\xff", {"mimeType": "application/octet-stream", "blob": "AP8="}),
        (bytearray(b"a"), {"mimeType": "application/octet-stream", "blob": "YQ=="}),
        ({"a": [1, None]}, {"mimeType": "application/json", "text": '{"a":[1,null]}'}),
        ("text\x00", {"text": "text\x00"}),
    ],
    ids=range(5),
)
@pytest.mark.parametrize("is_async", [False, True])
def test_what_a_resource_returns(value, contents, is_async):
    app = Server("t")

    def thing():
        """What it is."""
        return value

    app.resource("test://a")(both(thing)[is_async])
    with serving(app) as client:
        assert read(client, "test://a") == [{"uri": "test://a", **contents}]
        listed = {"uri": "test://a", "name": "thing", "description": "What it is."}
        assert client.request("resources/list")["result"]["resources"] == [listed]


def test_a_resource_with_several_contents_and_members():
    app = Server("t")
    icon = {"src": "https://example.com/i.png"}

    @app.resource(
        "test://a",
        name="n",
        title="T",
        description="D",
        mime_type="text/html",
        size=3,
        annotations={"priority": 1},
        icons=[icon],
        meta={"example.com/a": 1},
    )
    def parts():
        return [ResourceContents("one"), ResourceContents(b"2", uri="test://b", mime_type="a/b", meta={"x": 1}), b"3"]

    with serving(app) as client:
        assert client.request("resources/list")["result"]["resources"] == [{
            "uri": "test://a", "name": "n", "title": "T", "description": "D", "mimeType": "text/html", "size": 3,
            "annotations": {"priority": 1}, "icons": [icon], "_meta": {"example.com/a": 1},
        }]
        assert read(client, "test://a") == [
            {"uri": "test://a", "mimeType": "text/html", "text": "one"},
            {"uri": "test://b", "mimeType": "a/b", "blob": "Mg==", "_meta": {"x": 1}},
            {"uri": "test://a", "mimeType": "text/html", "blob": "Mw=="},
        ]


def test_a_template_hands_over_its_variables():
    app = Server("t")

    @app.resource("test://{user}/posts{?limit,tags*}", mime_type="text/plain")
    async def posts(user: str, ctx: Context, limit: str | None = None, tags: list[str] | None = None) -> str:
        return f"{user} {limit} {tags} {ctx.uri} {ctx.name} {ctx.kind}"

    @app.resource("test://any/{+path}")
    def anything(**variables) -> dict:
        return variables

    with serving(app) as client:
        name = "test://{user}/posts{?limit,tags*}"
        (listed, _) = client.request("resources/templates/list")["result"]["resourceTemplates"]
        assert listed == {"uriTemplate": name, "name": "posts", "mimeType": "text/plain"}
        text = read(client, "test://a%20b/posts?limit=3")[0]["text"]
        assert text == f"a b 3 None test://a%20b/posts?limit=3 {name} resource_template"
        assert read(client, "test://u/posts")[0]["text"].startswith("u None None")
        assert read(client, "test://any/x/y")[0]["text"] == '{"path":"x/y"}'


OUTSIDE = ["test://any//etc/x", "test://any/C:/x", "test://any/c%3Ax", "test://any/x?d=..", "test://any/x?d=a%2F.%2e"]


def test_no_variable_leads_out_of_a_folder():
    app = Server("t")

    def read(path: str, d: str = "") -> str:
        return f"{path} {d}"

    app.resource("test://any/{+path}{?d}")(read)
    app.resource("test://every/{+path}{?d}", unsafe_paths=True)(read)
    app.resource_provider("test://rows/{+path}", list=lambda: [], read=lambda path: path)
    app.resource_provider("test://free/{+path}", list=lambda: [], read=lambda path: path, unsafe_paths=True)
    with pytest.raises(RegistrationError, match="unsafe_paths is for resource templates"):
        app.resource("test://one", unsafe_paths=True)(lambda: "")

    with serving(app) as client:

        def found(uri):
            answer = client.request("resources/read", uri=uri)
            if "error" in answer:
                assert (answer["error"]["code"], answer["error"]["data"]) == (-32002, {"uri": uri})
                return None
            return answer["result"]["contents"][0]["text"]

        assert found("test://any/a/b?d=c/d") == "a/b c/d"
        for uri in OUTSIDE:
            assert found(uri) is None, uri
            assert found(uri.replace("any", "every")), uri
        assert found("test://rows//x") is None
        assert found("test://free//x") == "/x"


@pytest.mark.parametrize(("modern", "code"), [(False, -32002), (True, -32602)])
def test_what_is_not_found(modern, code):
    app = Server("t")

    @app.resource("test://rows/{id}")
    def row(id: str) -> str:
        raise NotFound

    @app.resource("test://other/{id}")
    async def other(id: str) -> str:
        raise NotFound("that one")

    with serving(app, modern=modern) as client:
        for asked, told in [("test://rows/1", "test://rows/1"), ("test://other/1", "that one"), ("x:y", "x:y")]:
            error = client.request("resources/read", uri=asked)["error"]
            assert error == {"code": code, "message": f"Resource not found: {told}", "data": {"uri": asked}}


@pytest.mark.parametrize("is_async", [False, True])
def test_a_provider_lists_and_reads(is_async):
    app = Server("t")

    def rows(cursor: str | None = None):
        more = {"nextCursor": "b"} if cursor is None else {}
        row = {"uri": f"test://rows/{cursor or 'a'}", "name": "row", "mime_type": "text/plain"}
        return {"resources": [row], **more}

    def row(id: str):
        return f"row {id}"

    app.resource_provider("test://rows/{id}", list=both(rows)[is_async], read=both(row)[is_async])
    with serving(app) as client:
        assert client.request("resources/templates/list")["result"]["resourceTemplates"] == []
        first = client.request("resources/list")["result"]
        assert first["resources"] == [{"uri": "test://rows/a", "name": "row", "mimeType": "text/plain"}]
        then = client.request("resources/list", cursor=first["nextCursor"])["result"]
        assert [one["uri"] for one in then["resources"]] == ["test://rows/b"] and "nextCursor" not in then
        assert read(client, "test://rows/7")[0]["text"] == "row 7"
        assert app.disable("resource_provider", "test://rows/{id}")
        assert "error" in client.request("resources/read", uri="test://rows/7")
        assert app.enable("resource_provider", "test://rows/{id}")
        assert read(client, "test://rows/7")[0]["text"] == "row 7"
        assert app.remove("resource_provider", "test://rows/{id}")
        assert "error" in client.request("resources/read", uri="test://rows/7")
        assert not app.remove("resource_provider", "test://rows/{id}")


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


WRONG = [
    (lambda app: app.resource("no uri")(lambda: ""), ["resource", "uri"]),
    (lambda app: app.resource("test://{a")(lambda a: ""), ["resource template", "test://{a"]),
    (lambda app: app.resource("test://{a}")(lambda: ""), ["has no parameter 'a'"]),
    (lambda app: app.resource("test://{a}")(lambda a, b: ""), ["'b'", "is not one of the variables"]),
    (lambda app: app.resource("test://a")(lambda a: ""), ["'a'", "there are none"]),
    (lambda app: app.resource("test://a", size=-1)(lambda: ""), ["size"]),
    (lambda app: app.resource("test://{a}", size=1)(lambda a: ""), ["size"]),
    (lambda app: app.resource("test://a", annotations={"priority": 2})(lambda: ""), ["priority"]),
    (lambda app: app.resource("test://a", icons=[{}])(lambda: ""), ["icons", "src"]),
    (lambda app: app.resource("test://a", cache={"time": 1})(lambda: ""), ["time", "ttl, scope"]),
    (lambda app: app.resource("test://a", cache={"scope": "mine"})(lambda: ""), ["scope", "mine"]),
    (lambda app: app.resource("test://a")(3), ["function", "int"]),
    (lambda app: app.prompt("a")(positional_only), ["positional"]),
    (lambda app: app.prompt("a", arguments=[{"name": "x"}])(lambda: ""), ["has no parameter 'x'"]),
    (lambda app: app.prompt("a", arguments=[{"name": "x"}] * 2)(lambda x: ""), ["twice"]),
    (lambda app: app.prompt(number), ["'x'", "complex"]),
    (lambda app: app.prompt("a")(yields), ["generator", "prompt"]),
    (lambda app: app.completion(argument="a"), ["either"]),
    (lambda app: app.completion(prompt="a", template="b", argument="a"), ["either"]),
    (lambda app: app.completion(prompt="a", argument="b")(lambda text: []), ["'text'", "value, arguments"]),
    (lambda app: app.method("ping")(lambda: None), ["ping"]),
    (lambda app: app.method("example/a", input_schema={"type": "array"})(lambda: None), ["object"]),
    (lambda app: app.on("session")(lambda: None), ["session_start"]),
    (lambda app: app.tool("a", title=3)(lambda: None), ["title"]),
    (lambda app: app.tool("a", annotations={"readonly": True})(lambda: None), ["readonly"]),
    (lambda app: app.tool("a", meta={"mcp.dev/x": 1})(lambda: None), ["_meta"]),
    (lambda app: app.tool("a", unknown_arguments="maybe")(lambda: None), ["unknown_arguments", "maybe"]),
    (lambda app: app.tool("a", coerce_arguments=1)(lambda: None), ["coerce_arguments"]),
    (lambda app: app.resource_provider("test://{a}", list=lambda x: [], read=lambda a: ""), ["'x'"]),
    (lambda app: app.map_error("KeyError", 3), ["map_error"]),
    (lambda app: app.map_error(KeyError, "3"), ["KeyError"]),
]


def positional_only(a, /):
    return ""


def number(x: complex):
    return ""


def yields():
    yield ""


@pytest.mark.parametrize(("register", "parts"), WRONG, ids=range(len(WRONG)))
def test_wrong_registrations_are_refused_by_name(register, parts):
    app = Server("t")
    with pytest.raises(RegistrationError) as caught:
        register(app)
    for part in parts:
        assert part in str(caught.value), caught.value
    kinds = ("tool", "resource", "resource_template", "resource_provider", "prompt", "completion", "method", "hook")
    assert all(app.entries(kind) == [] for kind in kinds)


def test_a_provider_is_registered_whole_or_not_at_all():
    app = Server("t")
    app.resource_provider("test://{a}", list=lambda: [], read=lambda a: "")
    with pytest.raises(RegistrationError):
        app.resource_provider("test://{a}", list=lambda: [], read=lambda a: "")
    assert len(app.entries("resource_template")) == len(app.entries("resource_provider")) == 1


def test_what_no_kind_can_return():
    app = Server("t")
    app.resource("test://none")(lambda: None)
    app.resource("test://object")(lambda: object())
    app.prompt("dict")(lambda: {"a": 1})
    app.method("example/list")(lambda: [])
    with serving(app) as client:
        for method, params, part in [
            ("resources/read", {"uri": "test://none"}, "resource 'test://none' returned nothing"),
            ("resources/read", {"uri": "test://object"}, "returned object, which JSON cannot hold"),
            ("prompts/get", {"name": "dict"}, "must return messages"),
            ("example/list", {}, "must return an object"),
        ]:
            error = client.request(method, **params)["error"]
            assert error["code"] == -32603 and part in error["message"], error


@pytest.mark.parametrize("is_async", [False, True])
def test_functions_are_added_while_the_server_runs(is_async):
    app = Server("t")
    with serving(app) as client:
        def later():
            return "later"

        app.resource("test://later")(both(later)[is_async])
        assert read(client, "test://later")[0]["text"] == "later"
