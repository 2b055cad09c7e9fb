"""Sampling, roots and URLs, `once`, log messages, and attributes of a context."""

import asyncio
import json
import threading

import pytest
from tenon_mcp import AskError, Content, Context, PromptMessage, Root, Server, SyncContext, ToolError, _native
from tenon_mcp.testing import Client
from wire import SECONDS, VERSION, serving

ALL = {"elicitation": {"form": {}, "url": {}}, "sampling": {"tools": {}}, "roots": {}}
MODEL = {"role": "assistant", "model": "m", "content": {"type": "text", "text": "Paris."}}
ROOTS = {"roots": [{"uri": "file:///a", "name": "A"}, {"uri": "file:///b"}]}
FORM = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


def exchange(client, method, answers, **params):
    """Sends a request and answers its questions, in either era; gives the response and what was asked."""
    asked = []
    if not client.modern:
        request = client.start(method, **params)
        while "method" in (message := client.receive()):
            asked.append((message["method"], message["params"]))
            client.send(id=message["id"], result=answers[message["method"]])
        assert message["id"] == request
        return message, asked
    more = {}
    while True:
        response = client.request(method, **params, **more)
        result = response.get("result", {})
        if result.get("resultType") != "input_required":
            return response, asked
        questions = result["inputRequests"]
        asked += [(question["method"], question["params"]) for question in questions.values()]
        more = {"inputResponses": {key: answers[question["method"]] for key, question in questions.items()}}
        if "requestState" in result:
            more["requestState"] = result["requestState"]


ANSWERS = {
    "elicitation/create": {"action": "accept", "content": {"name": "Bo"}},
    "sampling/createMessage": MODEL,
    "roots/list": ROOTS,
}


@pytest.fixture
def app():
    app = Server("t")

    @app.tool("sample_async")
    async def sample_async(ctx: Context) -> dict:
        answer = await ctx.sample("Capital?", max_tokens=9, system_prompt="Be brief.", temperature=0.5)
        return {"text": answer.text, "action": answer.action, "content": answer.content, "model": answer.json["model"]}

    @app.tool("sample_sync")
    def sample_sync(ctx: SyncContext) -> dict:
        answer = ctx.sample("Capital?", max_tokens=9, system_prompt="Be brief.", temperature=0.5)
        return {"text": answer.text, "action": answer.action, "content": answer.content, "model": answer.json["model"]}

    @app.tool("roots_async")
    async def roots_async(ctx: Context) -> list:
        roots = await ctx.roots()
        assert all(isinstance(root, Root) for root in roots)
        return roots

    @app.tool("roots_sync")
    def roots_sync(ctx: SyncContext) -> list:
        return ctx.roots()

    @app.tool("url_async")
    async def url_async(ctx: Context) -> str:
        answer = await ctx.elicit_url("Sign in.", "https://example.com/", id="visit-1")
        return f"{answer.action} {answer.content}"

    @app.tool("url_sync")
    def url_sync(ctx: SyncContext) -> str:
        answer = ctx.elicit_url("Sign in.", "https://example.com/", id="visit-1")
        return f"{answer.action} {answer.content}"

    @app.tool("require_async")
    async def require_async(ctx: Context) -> str:
        await ctx.require_urls(("Sign in.", "https://example.com/", "visit-2"))

    @app.tool("require_sync")
    def require_sync(ctx: SyncContext) -> str:
        ctx.require_urls(("Sign in.", "https://example.com/", "visit-2"))

    return app


@pytest.mark.parametrize("modern", [False, True])
@pytest.mark.parametrize("suffix", ["async", "sync"])
def test_a_model_is_asked(app, modern, suffix):
    with serving(app, modern=modern, capabilities=ALL) as client:
        response, asked = exchange(client, "tools/call", ANSWERS, name=f"sample_{suffix}", arguments={})
        wanted = {"text": "Paris.", "action": "accept", "content": MODEL["content"], "model": "m"}
        assert json.loads(response["result"]["content"][0]["text"]) == wanted
        assert asked == [("sampling/createMessage", {
            "messages": [{"role": "user", "content": {"type": "text", "text": "Capital?"}}], "maxTokens": 9,
            "systemPrompt": "Be brief.", "temperature": 0.5,
        })]


def test_everything_a_model_can_be_asked():
    app = Server("t")
    tool = {"name": "n", "inputSchema": {"type": "object"}}
    history = [PromptMessage("a"), PromptMessage("b", role="assistant"), "c", Content.text("d"),
               {"role": "user", "content": [{"type": "text", "text": "e"}]}]

    @app.tool
    async def ask(ctx: Context) -> str:
        answer = await ctx.sample(
            history, max_tokens=1, stop_sequences=["."], model_preferences={"costPriority": 1},
            include_context="none", metadata={"x": 1}, tools=[tool], tool_choice={"mode": "auto"},
        )
        return answer.text

    with serving(app, capabilities=ALL) as client:
        response, ((_, params),) = exchange(client, "tools/call", ANSWERS, name="ask", arguments={})
        assert response["result"]["content"][0]["text"] == "Paris."
        roles = [message["role"] for message in params.pop("messages")]
        assert roles == ["user", "assistant", "user", "user", "user"]
        assert params == {
            "maxTokens": 1, "stopSequences": ["."], "modelPreferences": {"costPriority": 1}, "includeContext": "none",
            "metadata": {"x": 1}, "tools": [tool], "toolChoice": {"mode": "auto"},
        }


@pytest.mark.parametrize("modern", [False, True])
@pytest.mark.parametrize("suffix", ["async", "sync"])
def test_roots_are_asked_for(app, modern, suffix):
    with serving(app, modern=modern, capabilities=ALL) as client:
        response, asked = exchange(client, "tools/call", ANSWERS, name=f"roots_{suffix}", arguments={})
        text = response["result"]["content"][0]["text"]
        assert json.loads(text) == [["file:///a", "A"], ["file:///b", None]]
        assert [method for method, _ in asked] == ["roots/list"]


@pytest.mark.parametrize("modern", [False, True])
@pytest.mark.parametrize("suffix", ["async", "sync"])
def test_a_page_is_to_be_visited(app, modern, suffix):
    with serving(app, modern=modern, capabilities=ALL) as client:
        response, ((_, params),) = exchange(client, "tools/call", ANSWERS, name=f"url_{suffix}", arguments={})
        assert response["result"]["content"][0]["text"] == "accept None"
        assert (params["message"], params["url"], params["mode"]) == ("Sign in.", "https://example.com/", "url")
        if not modern:
            assert params["elicitationId"] == "visit-1"
            assert app.elicitation_complete("visit-1")
            done = client.receive()
            assert done["params"] == {"elicitationId": "visit-1"}
        assert not app.elicitation_complete("visit-1")


@pytest.mark.parametrize("suffix", ["async", "sync"])
def test_pages_are_required(app, suffix):
    with serving(app, capabilities=ALL) as client:
        error = client.request("tools/call", name=f"require_{suffix}", arguments={})["error"]
        assert error["code"] == -32042
        assert error["data"]["elicitations"][0]["elicitationId"] == "visit-2"
    with serving(app, modern=True, capabilities=ALL) as client:
        result = client.request("tools/call", name=f"require_{suffix}", arguments={})["result"]
        assert result["resultType"] == "input_required"


@pytest.mark.parametrize("kind", ["sample", "roots", "url"])
@pytest.mark.parametrize("modern", [False, True])
def test_a_client_that_cannot_be_asked(app, kind, modern):
    with serving(app, modern=modern, capabilities={}) as client:
        for suffix in ("async", "sync"):
            response = client.request("tools/call", name=f"{kind}_{suffix}", arguments={})
            if modern:
                assert response["error"]["code"] == -32021
            else:
                assert response["result"]["isError"]


@pytest.mark.parametrize("modern", [False, True])
def test_resources_and_prompts_ask_too(modern):
    app = Server("t")

    @app.resource("test://a")
    async def resource(ctx: Context) -> str:
        return (await ctx.elicit("Name?", FORM)).content["name"]

    @app.resource("test://{b}")
    def template(b: str, ctx: SyncContext) -> str:
        return b + ctx.elicit("Name?", FORM).content["name"]

    @app.prompt
    def prompt(ctx: SyncContext) -> str:
        return ctx.elicit("Name?", FORM).content["name"]

    with serving(app, modern=modern, capabilities=ALL) as client:
        for uri, text in [("test://a", "Bo"), ("test://b", "bBo")]:
            response, _ = exchange(client, "resources/read", ANSWERS, uri=uri)
            assert response["result"]["contents"][0]["text"] == text
        response, _ = exchange(client, "prompts/get", ANSWERS, name="prompt")
        assert response["result"]["messages"][0]["content"]["text"] == "Bo"


@pytest.mark.parametrize("modern", [False, True])
@pytest.mark.parametrize("name", ["once_async", "once_coroutine", "once_sync"])
def test_an_effect_happens_once(modern, name):
    app = Server("t")
    effects = []

    def effect():
        effects.append("effect")
        return (len(effects), "done")

    async def coroutine():
        await asyncio.sleep(0)
        return effect()

    @app.tool
    async def once_async(ctx: Context) -> list:
        return [await ctx.once("k", effect), (await ctx.elicit("Name?", FORM)).content, await ctx.once("k", effect)]

    @app.tool
    async def once_coroutine(ctx: Context) -> list:
        return [await ctx.once("k", coroutine), (await ctx.elicit("N?", FORM)).content, await ctx.once("k", coroutine)]

    @app.tool
    def once_sync(ctx: SyncContext) -> list:
        return [ctx.once("k", effect), ctx.elicit("Name?", FORM).content, ctx.once("k", effect)]

    with serving(app, modern=modern, capabilities=ALL) as client:
        response, _ = exchange(client, "tools/call", ANSWERS, name=name, arguments={})
        # A tuple is a list in every attempt.
        assert response["result"]["content"][0]["text"] == '[[1,"done"],{"name":"Bo"},[1,"done"]]'
    assert effects == ["effect"]


def test_questions_wait_for_effects():
    app = Server("t")
    effects = []

    async def slow():
        for _ in range(5):
            await asyncio.sleep(0.001)
        effects.append("effect")
        return 1

    @app.tool
    async def at_once(ctx: Context) -> int:
        _, kept = await asyncio.gather(ctx.elicit("Name?", FORM), ctx.once("slow", slow))
        return kept

    @app.tool
    async def within(ctx: Context) -> str:
        async def asking():
            return (await ctx.elicit("Name?", FORM)).content

        return await ctx.once("asking", asking)

    with serving(app, modern=True, capabilities=ALL) as client:
        response, asked = exchange(client, "tools/call", ANSWERS, name="at_once", arguments={})
        assert response["result"]["content"][0]["text"] == "1" and len(asked) == 1
        assert effects == ["effect"]
        assert "an effect cannot ask" in client.error("within")


def test_a_state_that_is_good_for_one_time():
    app = Server("t")

    @app.tool(once_only=True)
    async def pay(ctx: Context) -> str:
        return (await ctx.elicit("Name?", FORM)).content["name"]

    with serving(app, modern=True, capabilities=ALL) as client:
        call = {"name": "pay", "arguments": {}}
        result = client.request("tools/call", **call)["result"]
        (key,) = result["inputRequests"]
        again = {**call, "requestState": result["requestState"], "inputResponses": {key: ANSWERS["elicitation/create"]}}
        assert client.request("tools/call", **again)["result"]["content"][0]["text"] == "Bo"
        assert "requestState" in client.request("tools/call", **again)["error"]["message"]


@pytest.mark.parametrize("suffix", ["async", "sync"])
def test_effects_that_cannot_be_kept(suffix):
    app = Server("t")
    causes = []

    def fails():
        raise OSError("no effect")

    @app.tool("kept_async")
    async def kept_async(ctx: Context):
        for effect in (lambda: object(), fails, lambda: "x" * (1 << 20)):
            try:
                await ctx.once("k", effect)
            except (AskError, OSError) as error:
                causes.append(str(error))
        return await ctx.once("k", lambda: None) is None is await ctx.once("k", fails)

    @app.tool("kept_sync")
    def kept_sync(ctx: SyncContext):
        for effect in (lambda: object(), fails, lambda: "x" * (1 << 20)):
            try:
                ctx.once("k", effect)
            except (AskError, OSError) as error:
                causes.append(str(error))
        return ctx.once("k", lambda: None) is None is ctx.once("k", fails)

    with serving(app, modern=True) as client:
        assert client.text(f"kept_{suffix}") == "true"
    assert "object is not JSON" in causes[0] and causes[1] == "no effect" and "max_state_bytes" in causes[2]


@pytest.mark.parametrize("suffix", ["async", "sync"])
def test_messages_for_the_clients_log(suffix):
    app = Server("t")

    @app.tool("log_sync")
    def log_sync(ctx: SyncContext) -> str:
        ctx.log("debug", "little")
        ctx.log("warning", {"a": [1]}, logger="part")
        return "logged"

    @app.tool("log_async")
    async def log_async(ctx: Context) -> str:
        ctx.log("debug", "little")
        ctx.log("warning", {"a": [1]}, logger="part")
        return "logged"

    little = {"level": "debug", "data": "little"}
    much = {"level": "warning", "logger": "part", "data": {"a": [1]}}
    with serving(app) as client:
        assert client.text(f"log_{suffix}") == "logged"
        client.request("logging/setLevel", level="debug")
        assert client.text(f"log_{suffix}") == "logged"
        assert [message["params"] for message in client.rest()] == [much, little, much]
    level = {"io.modelcontextprotocol/logLevel": "info"}
    with serving(app, modern=True) as client:
        assert client.text(f"log_{suffix}") == "logged"
        client.answer(client.start_call(f"log_{suffix}", _meta=level))
        assert [message["params"] for message in client.rest()] == [much]


def test_a_message_that_is_none():
    app = Server("t")

    @app.tool
    def wrong_data(ctx: SyncContext) -> None:
        ctx.log("info", object())

    with serving(app) as client:
        assert "object (at [\"data\"]) is not JSON" in client.error("wrong_data")


def test_every_field_of_a_context_is_a_property():
    for field in _native.context_fields():
        assert isinstance(getattr(Context, field), property) and isinstance(getattr(SyncContext, field), property)


@pytest.mark.parametrize("modern", [False, True])
def test_what_a_context_knows_of_its_call(modern):
    app = Server("t")
    seen = {}

    @app.tool
    def look(ctx: SyncContext) -> None:
        seen.update({name: getattr(ctx, name) for name in _native.context_fields()})
        seen["extension"] = ctx.extension("com.example/x"), ctx.extension("com.example/y")

    capabilities = {"extensions": {"com.example/x": {"a": 1}}}
    traced = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    with serving(app, modern=modern, capabilities=capabilities) as client:
        client.answer(client.start_call("look", _meta={**traced, "io.modelcontextprotocol/logLevel": "error"}))
    assert (seen["kind"], seen["name"], seen["uri"]) == ("tool", "look", None)
    assert seen["protocol_version"] == ("2026-07-28" if modern else VERSION)
    assert seen["trace"] == traced and seen["client_capabilities"] == capabilities
    assert seen["meta"]["traceparent"] == traced["traceparent"]
    assert seen["extension"] == ({"a": 1}, None)
    assert (seen["headers"], seen["principal"], seen["session_id"]) == ({}, None, None)
    assert modern is False or seen["log_level"] == "error"


def test_cancelling_a_call_in_the_middle_of_an_effect():
    app = Server("t")
    begun, ended = threading.Event(), threading.Event()

    async def slow():
        begun.set()
        await asyncio.get_running_loop().create_future()

    @app.tool
    async def effect(ctx: Context) -> None:
        try:
            await ctx.once("k", slow)
        finally:
            ended.set()

    with serving(app) as client:
        request = client.start_call("effect")
        assert begun.wait(SECONDS)
        client.cancel(request)
        assert ended.wait(SECONDS)
        assert client.request("ping")["result"] == {}


@pytest.mark.parametrize("level", ["warn", "WARNING", "", None])
def test_a_level_that_there_is_not_is_refused(level):
    app = Server("t")

    @app.tool
    def say(ctx: SyncContext) -> None:
        ctx.log(level, "lost")

    with Client(app) as client, pytest.raises(ToolError, match="level must be one of debug, info, .*emergency, not"):
        client.call_tool("say")
