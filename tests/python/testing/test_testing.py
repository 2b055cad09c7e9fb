"""Clients in the process of their server: in every revision, as blocking and as async functions."""

import asyncio
import subprocess
import sys

import pytest
from tenon_mcp import Context, McpError, Server, SyncContext, ToolError
from tenon_mcp.testing import Client

REVISIONS = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"]
ASKING = REVISIONS[2:]


def server(**options) -> Server:
    app = Server("t", page_size=1, **options)

    @app.tool
    def add(a: int, b: int) -> int:
        return a + b

    @app.tool
    async def double(n: int, ctx: Context) -> int:
        await asyncio.sleep(0)
        ctx.progress(1, 2, "half")
        ctx.log("info", "doubles")
        return 2 * n

    @app.tool
    def describe() -> dict:
        return {"v": 1}

    @app.tool
    def fail() -> str:
        raise ToolError("no luck")

    @app.tool
    def refuse() -> str:
        raise McpError(7, "not you", {"why": "me"})

    @app.tool
    def greet(ctx: SyncContext) -> str:
        answer = ctx.elicit("Who?", {"type": "object", "properties": {"name": {"type": "string"}}})
        return f"{answer.action} {answer.content}"

    @app.resource("config://app", mime_type="application/json")
    def config() -> dict:
        return {"v": 1}

    @app.resource("blob://b")
    def blob() -> bytes:
        return b"\x00\xff"

    @app.resource("note://{id}")
    def note(id: str) -> str:
        return f"note {id}"

    @app.prompt
    def ask(count: str) -> str:
        return f"{count} times"

    @app.completion(prompt="ask", argument="count")
    def counts(value: str) -> list:
        return [value + "0", value + "1"]

    return app


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_client_waits_for_everything(revision):
    with Client(server(), revision=revision) as client:
        assert client.call_tool("add", {"a": 3, "b": 5}).data == 8
        assert client.call_tool("double", {"n": 4}).text == "8"
        tools = client.list_tools()
        assert [tool.name for tool in tools] == ["add", "double", "describe", "fail", "refuse", "greet"]
        assert tools[0].input_schema["required"] == ["a", "b"] and tools[0]["inputSchema"]
        assert client.read_resource("config://app").data == {"v": 1}
        assert client.read_resource("blob://b").data == b"\x00\xff"
        assert client.read_resource("note://7").text == "note 7"
        assert [resource.uri for resource in client.list_resources()] == ["config://app", "blob://b"]
        assert client.list_resource_templates()[0].uri_template == "note://{id}"
        prompt = client.get_prompt("ask", {"count": 3})
        assert prompt.text == "3 times" and prompt.messages[0].role == "user"
        assert client.list_prompts()[0].name == "ask"
        assert client.complete("count", "2", prompt="ask").values == ["20", "21"]
        client.ping()


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_client_awaits_everything(revision):
    async def main():
        async with Client(server(), revision=revision) as client:
            sums = await asyncio.gather(*(client.call_tool("add", {"a": n, "b": 1}) for n in range(20)))
            assert [one.data for one in sums] == list(range(1, 21))
            assert (await client.call_tool("double", {"n": 4})).data == 8
            assert len(await client.list_tools()) == 6
            assert (await client.read_resource("config://app")).data == {"v": 1}
            assert (await client.list_resources())[0].uri == "config://app"
            assert (await client.list_resource_templates())[0].uri_template == "note://{id}"
            assert (await client.get_prompt("ask", {"count": 3})).text == "3 times"
            assert (await client.list_prompts())[0].name == "ask"
            assert (await client.complete("count", "2", prompt="ask")).values == ["20", "21"]
            await client.ping()

    asyncio.run(main())


def test_failures_and_errors_are_told_apart():
    with Client(server()) as client:
        with pytest.raises(ToolError, match="no luck"):
            client.call_tool("fail")
        failed = client.call_tool("fail", raise_on_error=False)
        assert failed.is_error and failed.text == "no luck"
        with pytest.raises(McpError) as refused:
            client.call_tool("refuse")
        assert (refused.value.code, refused.value.message, refused.value.data) == (7, "not you", {"why": "me"})
        with pytest.raises(McpError) as unknown:
            client.request("no/such")
        assert unknown.value.code == -32601

    async def main():
        async with Client(server()) as client:
            with pytest.raises(ToolError, match="no luck"):
                await client.call_tool("fail")
            with pytest.raises(McpError, match="not you"):
                await client.call_tool("refuse")

    asyncio.run(main())


def test_structured_content_and_text():
    with Client(server()) as client:
        described = client.call_tool("describe")
        assert described.structured == described.data == {"v": 1}
        assert described.content[0].type == "text"


@pytest.mark.parametrize("revision", ASKING)
def test_questions_are_answered(revision):
    app = server()
    asked = []

    def elicit(params):
        asked.append(params["message"])
        return {"name": "Ada"}

    async def later(params):
        await asyncio.sleep(0)
        return elicit(params)

    with Client(app, revision=revision, elicit=elicit) as client:
        assert client.call_tool("greet").text == "accept {'name': 'Ada'}"
    with Client(app, revision=revision, elicit=False) as client:
        assert client.call_tool("greet").text.startswith("decline")

    async def main():
        async with Client(app, revision=revision, elicit=later) as client:
            assert (await client.call_tool("greet")).text == "accept {'name': 'Ada'}"

    asyncio.run(main())
    assert asked == ["Who?", "Who?"]


@pytest.mark.parametrize("revision", ASKING)
def test_a_question_that_fails_or_cannot_be_asked(revision):
    def elicit(params):
        raise ValueError("out of order")

    with Client(server(), revision=revision, elicit=elicit) as client:
        with pytest.raises((ToolError, McpError), match="out of order"):
            client.call_tool("greet")
    with Client(server(), revision=revision) as client, pytest.raises((ToolError, McpError)):
        client.call_tool("greet")


def test_roots_and_sampling():
    app = Server("t")

    @app.tool
    def look(ctx: SyncContext) -> str:
        said = ctx.sample("hi", max_tokens=5)
        return f"{[root.uri for root in ctx.roots()]} {said.text}"

    for revision in REVISIONS:
        with Client(app, revision=revision, roots=["file:///a"], sample="hello") as client:
            assert client.call_tool("look").text == "['file:///a'] hello"


@pytest.mark.parametrize("revision", REVISIONS)
def test_progress_and_logs_are_heard(revision):
    heard = []
    with Client(server(), revision=revision, on_log=lambda log: heard.append(log["data"])) as client:
        client.call_tool("double", {"n": 1}, on_progress=lambda *told: heard.append(told))
    assert heard == [(1, 2, "half" if revision != "2024-11-05" else None), "doubles"]


def test_the_client_says_who_it_is():
    app = Server("t")

    @app.tool
    def who(ctx: SyncContext) -> list:
        return [ctx.client_info["name"], str(ctx.principal), ctx.protocol_version, ctx.meta.get("example.com/x")]

    with Client(app, revision="2025-06-18", name="me", principal="ada") as client:
        said = client.call_tool("who", meta={"example.com/x": 1})
        assert said.data == ["me", "ada", "2025-06-18", 1]


def test_the_default_is_the_newest_that_the_server_speaks():
    app = Server("t", revisions=["2025-03-26", "2025-06-18"])

    @app.tool
    def which(ctx: SyncContext) -> str:
        return ctx.protocol_version

    with Client(app) as client:
        assert client.call_tool("which").text == "2025-06-18"


def test_it_is_not_imported_with_the_package():
    program = "import sys, tenon_mcp; print([name for name in sys.modules if name.startswith('tenon_mcp')])"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert "testing" not in loaded


def test_functions_are_reached_by_name():
    app = server()
    assert app.tools["add"].fn(3, 5) == 8
    assert app.tools["add"].input_schema["required"] == ["a", "b"] and app.tools["add"].name == "add"
    assert list(app.tools) == ["add", "double", "describe", "fail", "refuse", "greet"] and len(app.tools) == 6
    assert app.resources["config://app"].fn() == {"v": 1} and app.resources["config://app"].mime_type
    assert app.resource_templates["note://{id}"].fn("7") == "note 7"
    assert app.prompts["ask"].fn("3") == "3 times"
    assert "none" not in app.tools and app.tools.get("none") is None
    with pytest.raises(KeyError):
        app.tools["none"]
    tools = app.tools
    app.remove("tool", "add")
    assert "add" not in tools


def test_a_server_calls_its_own_tools():
    app = server()

    @app.tool
    async def both(a: int) -> int:
        return (await app.call_tool("add", {"a": a, "b": a})).data

    async def main():
        assert (await app.call_tool("both", {"a": 2})).data == 4
        with pytest.raises(ToolError, match="no luck"):
            await app.call_tool("fail")
        assert (await app.call_tool("fail", raise_on_error=False)).is_error

    asyncio.run(main())
    assert app._running is None
