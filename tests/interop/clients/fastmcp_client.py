"""Enters one client of FastMCP three times, which keeps the server's process, and prints what came of it as JSON.

fastmcp_client.py COMMAND…
"""

import asyncio
import json
import sys

from fastmcp import Client
from fastmcp.client.transports import StdioTransport


async def main():
    client = Client(StdioTransport(sys.argv[1], sys.argv[2:]))
    entries = []
    for _ in range(3):
        async with client:
            heard = []

            async def on_progress(progress, total, message, heard=heard):
                heard.append(progress)

            await client.call_tool("count", {"to": 3}, progress_handler=on_progress)
            words = await client.call_tool("words", {})
            text = await client.call_tool("process", {})
            entries.append({"heard": heard, "words": words.data, "process": text.content[0].text, "data": text.data})
    await client.close()
    print(json.dumps(entries))


asyncio.run(main())
