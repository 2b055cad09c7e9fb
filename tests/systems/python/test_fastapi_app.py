"""The example `fastapi-app`: its own routes beside its tools, and one login for both."""

import asyncio
import threading

import httpx2
import pytest
import uvicorn
from example_servers import MODES, SECONDS, http, load, refused, said
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

EXAMPLE = "python/fastapi-app"
KEY = {"Authorization": "Bearer k3y"}
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}
ACCEPT = {"Accept": "application/json, text/event-stream"}


async def check_tools(client):
    assert [tool.name for tool in (await client.list_tools()).tools] == ["echo", "calculate_sum"]
    assert await said(client, "echo", message="hi") == "Echo: hi"
    assert float(await said(client, "calculate_sum", a=5, b=3)) == 8
    assert "/b" in await refused(client, "calculate_sum", a=1, b="x")


def run(test):
    asyncio.run(asyncio.wait_for(test, SECONDS))


@pytest.mark.parametrize("era", MODES)
@pytest.mark.parametrize("slash", ["", "/"])
def test_tools_beside_routes(era, slash):
    async def use(base):
        async with Client(f"{base}/mcp{slash}", mode=MODES[era]) as client:
            await check_tools(client)
        async with httpx2.AsyncClient(base_url=base) as web:
            health = await web.get("/health")
            assert (health.status_code, health.json()) == (200, {"status": "healthy"})
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "k3y"}, {"Authorization": ""}):
                me = await web.get("/me", headers=headers)
                assert me.status_code == 401 and me.headers["www-authenticate"] == "Bearer"
            assert (await web.get("/me", headers=KEY)).json() == {"user": "owner"}
            for nothing in ("/nothing", "/mcpx", "/mcp/x"):
                missing = await web.get(nothing)
                assert (missing.status_code, missing.json()) == (404, {"detail": "Not Found"})
            foreign = await web.post("/mcp", json=INITIALIZE, headers={**ACCEPT, "Origin": "https://evil.example"})
            assert foreign.status_code == 403

    with http(EXAMPLE, env={"API_KEY": "k3y"}) as url:
        run(use(url.rstrip("/")))


@pytest.mark.parametrize("era", MODES)
def test_the_login_guards_the_tools(era):
    async def use(base):
        async with httpx2.AsyncClient(base_url=base) as web:
            for path in ("/mcp", "/mcp/"):
                for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer"}):
                    for method in ("POST", "GET", "DELETE"):
                        answer = await web.request(method, path, json=INITIALIZE, headers={**ACCEPT, **headers})
                        assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
            assert (await web.get("/health")).status_code == 200
        async with httpx2.AsyncClient(headers=KEY) as web:
            transport = streamable_http_client(f"{base}/mcp", http_client=web)
            async with Client(transport, mode=MODES[era]) as client:
                await check_tools(client)

    with http(EXAMPLE, env={"API_KEY": "k3y", "PROTECT_MCP": "true"}) as url:
        run(use(url.rstrip("/")))


def test_without_a_key_nobody_is_logged_in():
    async def use(base):
        async with httpx2.AsyncClient(base_url=base) as web:
            for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Bearer"}):
                assert (await web.get("/me", headers=headers)).status_code == 401
                assert (await web.post("/mcp", json=INITIALIZE, headers={**ACCEPT, **headers})).status_code == 401

    with http(EXAMPLE, env={"API_KEY": "", "PROTECT_MCP": "true"}) as url:
        run(use(url.rstrip("/")))


def test_routes_answer_while_calls_run():
    """One call on the application's loop and one on a worker wait for what a route is asked meanwhile."""
    module = load(EXAMPLE)
    asked = asyncio.Event()
    asked_too = threading.Event()

    @module.mcp.tool
    async def wait_on_the_loop() -> str:
        await asked.wait()
        return "done"

    @module.mcp.tool
    def wait_on_a_thread() -> str:
        assert asked_too.wait(SECONDS)
        return "done"

    @module.app.get("/release")
    async def release() -> str:
        asked.set()
        asked_too.set()
        return "released"

    async def use():
        server = uvicorn.Server(uvicorn.Config(module.app, host="127.0.0.1", port=0, log_level="warning"))
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
            assert not serving.done()
        port = server.servers[0].sockets[0].getsockname()[1]
        base = f"http://127.0.0.1:{port}"
        async with Client(f"{base}/mcp") as client, httpx2.AsyncClient(base_url=base) as web:
            names = ("wait_on_the_loop", "wait_on_a_thread")
            calls = [asyncio.create_task(said(client, name)) for name in names]
            assert (await web.get("/health")).json() == {"status": "healthy"}
            assert not any(call.done() for call in calls)
            assert (await web.get("/release")).json() == "released"
            assert await asyncio.gather(*calls) == ["done", "done"]
        server.should_exit = True
        await serving

    run(use())
