"""PyPI `mcp` with its own OAuth: `mcp_client.py ERA URL`. It prints what came of its calls as one line of JSON."""

import asyncio
import json
import logging
import sys
import urllib.parse
from pathlib import Path

from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from opener import visit  # noqa: E402

REDIRECT = "http://127.0.0.1/callback"
MODES = {"legacy": "legacy", "modern": "auto"}


class Storage:
    """Keeps tokens and the client's registration as long as the program runs."""

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


async def main(era, url):
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
            said = {}
            for name, arguments in (("my_orders", {}), ("add_order", {"item": "tea"}), ("my_orders", {})):
                result = await client.call_tool(name, arguments)
                said[name] = result.content[0].text
            tools = sorted(tool.name for tool in (await client.list_tools()).tools)
    print(json.dumps({"said": said, "tools": tools, "scope": storage.tokens.scope, "statuses": statuses}))


logging.disable()
asyncio.run(asyncio.wait_for(main(*sys.argv[1:]), 60))
