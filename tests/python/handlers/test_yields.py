"""Tools that yield their content."""

import asyncio
import threading

import pytest
from tenon_mcp import Context, Image, RegistrationError, Server, SyncContext
from wire import SECONDS, serving

PICTURE = Image(b"1", "image/png")


def text(text):
    return {"type": "text", "text": text}


def progress(client, count):
    found = []
    while len(found) < count:
        message = client.receive()
        assert message["method"] == "notifications/progress", message
        found.append((message["params"]["progress"], message["params"]["message"]))
    return found


def server():
    app = Server("t")

    @app.tool
    def sync(n: int):
        """Yields."""
        for place in range(n):
            yield f"step {place}"
        yield PICTURE
        yield {"done": True}

    @app.tool("async")
    async def on_loop(n: int, ctx: Context):
        assert ctx.kind == "tool"
        for place in range(n):
            await asyncio.sleep(0)
            yield f"step {place}"
        yield PICTURE
        yield {"done": True}

    return app


@pytest.mark.parametrize("name", ["sync", "async"])
def test_what_is_yielded_is_content_and_its_texts_are_progress(name):
    content = [text("step 0"), text("step 1"), PICTURE.json, text('{"done":true}')]
    with serving(server()) as client:
        assert client.call(name, n=2) == {"content": content}
        (tool, _) = client.request("tools/list")["result"]["tools"]
        assert list(tool["inputSchema"]["properties"]) == ["n"] and "outputSchema" not in tool
        id = client.start_call(name, {"n": 2}, _meta={"progressToken": "p"})
        result = client.answer(id)["result"]
        assert result == {"content": content}
        assert progress(client, 3) == [(1, "step 0"), (2, "step 1"), (3, '{"done":true}')]


def test_nothing_yielded_is_no_content():
    app = Server("t")

    @app.tool
    def nothing():
        return
        yield

    with serving(app) as client:
        assert client.call("nothing") == {"content": []}


@pytest.mark.parametrize("is_async", [False, True])
def test_it_ends_with_its_call(is_async):
    app = Server("t", max_result_bytes=1000)
    ended = threading.Event()
    started = threading.Event()

    def sync(how: str, ctx: SyncContext):
        try:
            started.set()
            yield "first"
            if how == "raise":
                raise ValueError("broken")
            while True:
                yield "x" * 100 if how == "endless" else ""
        finally:
            ended.set()

    async def on_loop(how: str):
        try:
            started.set()
            yield "first"
            if how == "raise":
                raise ValueError("broken")
            if how == "cancel":
                await asyncio.sleep(SECONDS)
            while True:
                yield "x" * 100
        finally:
            await asyncio.sleep(0)
            ended.set()

    app.tool("tool")(on_loop if is_async else sync)
    with serving(app) as client:
        assert client.error("tool", how="raise") == "broken"
        assert ended.wait(SECONDS)
        ended.clear()
        assert "more than 1000 bytes, the limit max_result_bytes" in client.error("tool", how="endless")
        assert ended.wait(SECONDS)
        ended.clear()
        started.clear()
        id = client.start_call("tool", {"how": "cancel"})
        assert started.wait(SECONDS)
        client.cancel(id)
        assert ended.wait(SECONDS)
        assert client.request("ping")["result"] == {}


def test_a_question_between_two_blocks():
    app = Server("t")

    @app.tool
    async def ask(ctx: Context):
        yield "before"
        answer = await ctx.elicit("Name?", {"type": "object", "properties": {"name": {"type": "string"}}})
        yield answer.content["name"]

    with serving(app) as client:
        id = client.start_call("ask")
        question = client.question()
        client.send(id=question["id"], result={"action": "accept", "content": {"name": "Ada"}})
        assert client.answer(id)["result"]["content"] == [text("before"), text("Ada")]


def generator():
    yield ""


def test_only_tools_yield_and_nothing_structured():
    with pytest.raises(RegistrationError, match="prompt.*generator"):
        Server("t").prompt(generator)
    with pytest.raises(RegistrationError, match="resource.*generator"):
        Server("t").resource("test://a")(generator)
    with pytest.raises(RegistrationError, match="'generator'.*generator.*remove structured and output_schema"):
        Server("t").tool(structured=True)(generator)
    with pytest.raises(RegistrationError, match="remove structured and output_schema"):
        Server("t").tool(output_schema={"type": "object"})(generator)
