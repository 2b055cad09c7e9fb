"""A client on stdio reaches a server on HTTP through npm's mcp-remote."""

import asyncio

from hosts import HOSTS, processes
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

REMOTE = str(processes.ROOT / "tests" / "node_modules" / "mcp-remote" / "dist" / "proxy.js")


async def through_remote(url, *options):
    heard = []

    async def on_progress(progress, total, message):
        heard.append(progress)

    parameters = StdioServerParameters(command=processes.NODE, args=[REMOTE, url, *options])
    async with stdio_client(parameters) as streams, ClientSession(*streams) as session:
        await session.initialize()
        tools = {tool.name for tool in (await session.list_tools()).tools}
        said = await session.call_tool("count", {"to": 3}, progress_callback=on_progress)
        return tools, said.content[0].text, heard


def test_streamable_http():
    with processes.HttpServer(HOSTS["rust"], ["--http", "127.0.0.1:0"]) as server:
        tools, said, heard = asyncio.run(asyncio.wait_for(through_remote(server.url, "--transport", "http-only"), 60))
    assert {"add", "count"} <= tools and said == "counted to 3" and heard == [1, 2, 3]
