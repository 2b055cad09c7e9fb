"""A client on stdio behind npm's `mcp-remote`, which has its own OAuth: `remote_client.py legacy URL`.

`mcp-remote` opens a browser by `xdg-open`, which starts the program that BROWSER names where there is no screen.
"""

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path

from mcp import Client, StdioServerParameters

HERE = Path(__file__).resolve().parent
REMOTE = HERE.parent.parent / "node_modules" / "mcp-remote" / "dist" / "proxy.js"
SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "XDG_CURRENT_DESKTOP", "DESKTOP_SESSION")


async def main(era, url):
    with tempfile.TemporaryDirectory() as folder:
        kept = {name: value for name, value in os.environ.items() if name not in SCREENS}
        environment = {**kept, "MCP_REMOTE_CONFIG_DIR": folder, "BROWSER": str(HERE.parent / "opener.py")}
        node = os.environ.get("TENON_NODE", "node")
        remote = StdioServerParameters(
            command=node, args=[str(REMOTE), url, "--transport", "http-only"], env=environment
        )
        async with Client(remote, mode=era) as client:
            said = {}
            for name, arguments in (("my_orders", {}), ("add_order", {"item": "tea"}), ("my_orders", {})):
                result = await client.call_tool(name, arguments)
                said[name] = result.content[0].text
            tools = sorted(tool.name for tool in (await client.list_tools()).tools)
        (tokens,) = Path(folder).glob("**/*_tokens.json")
        scope = json.loads(tokens.read_text())["scope"]
    print(json.dumps({"said": said, "tools": tools, "scope": scope, "statuses": None}))


asyncio.run(asyncio.wait_for(main(*sys.argv[1:]), 60))
