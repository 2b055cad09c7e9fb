import asyncio

import pytest
from tenon_mcp import Context, McpError, Server
from tenon_mcp.testing import Client

app = Server("demo")


@app.tool
def divide(a: float, b: float) -> float:
    if b == 0:
        raise McpError(-1, "Division by zero", {"a": a})
    return a / b


@app.tool
async def greet(ctx: Context) -> str:
    answer = await ctx.elicit("Who are you?", {"type": "object", "properties": {"name": {"type": "string"}}})
    return f"Hello {answer.content['name']}"


def test_divide():
    with Client(app) as client:
        assert client.call_tool("divide", {"a": 16, "b": 2}).data == 8
        with pytest.raises(McpError) as refused:
            client.call_tool("divide", {"a": 1, "b": 0})
        assert refused.value.code == -1


@pytest.mark.parametrize("revision", ["2025-06-18", "2026-07-28"])
def test_greet_on_a_loop(revision):
    async def main():
        async with Client(app, revision=revision, elicit={"name": "Ada"}) as client:
            assert (await client.call_tool("greet")).text == "Hello Ada"

    asyncio.run(main())
