"""PyPI `mcp` with its own OAuth, and behind npm's `mcp-remote`, which has one too. Each returns what its calls gave."""

import asyncio
import json
import os
import tempfile
import urllib.parse
from pathlib import Path

from identity import HERE, REDIRECT, processes
from mcp import Client, StdioServerParameters
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata
from opener import visit

MODES = {"legacy": "legacy", "modern": "auto"}
REMOTE = HERE.parent / "node_modules" / "mcp-remote" / "dist" / "proxy.js"
SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "XDG_CURRENT_DESKTOP", "DESKTOP_SESSION")


class Storage:
    """Keeps tokens and the client's registration as long as the client."""

    def __init__(self):
        self.tokens = self.client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


async def calls(client):
    said = {}
    for name, arguments in (("my_orders", {}), ("add_order", {"item": "tea"}), ("my_orders", {})):
        result = await client.call_tool(name, arguments)
        said[name] = result.content[0].text
    return {"said": said, "tools": [tool.name for tool in (await client.list_tools()).tools]}


async def own(era, url):
    sent_to, statuses = [], []

    async def redirect(page):
        sent_to.append(await asyncio.to_thread(visit, page))

    async def callback():
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(sent_to[-1]).query))
        return AuthorizationCodeResult(code=query["code"], state=query["state"], iss=query["iss"])

    async def note(response):
        if str(response.url) == url:
            statuses.append(response.status_code)

    about = {"client_name": f"mcp-{era}", "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none"}
    storage = Storage()
    oauth = OAuthClientProvider(url, OAuthClientMetadata(**about), storage, redirect, callback)
    async with create_mcp_http_client(auth=oauth) as http:
        http.event_hooks["response"].append(note)
        async with Client(streamable_http_client(url, http_client=http), mode=MODES[era]) as client:
            result = await calls(client)
    return {**result, "scope": storage.tokens.scope, "statuses": statuses}


async def remote(era, url):
    """`mcp-remote` opens a browser by `xdg-open`. If there is no screen, that starts the program that BROWSER names."""
    with tempfile.TemporaryDirectory() as folder:
        variables = {name: value for name, value in os.environ.items() if name not in SCREENS}
        variables |= {"MCP_REMOTE_CONFIG_DIR": folder, "BROWSER": str(HERE / "opener.py")}
        command = [str(REMOTE), url, "--transport", "http-only"]
        proxy = StdioServerParameters(command=processes.NODE, args=command, env=variables)
        async with Client(proxy, mode=MODES[era]) as client:
            result = await calls(client)
        (tokens,) = Path(folder).glob("**/*_tokens.json")
        return {**result, "scope": json.loads(tokens.read_text())["scope"], "statuses": None}
