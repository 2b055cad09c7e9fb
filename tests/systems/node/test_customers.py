"""Node: customers and orders, and the variant that answers the protocol's methods itself."""

import asyncio
import json
import os
import subprocess
import threading

import pytest
from example_servers import EXAMPLES, MODES, SECONDS, converse, http, refused, said
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.subscriptions import ResourceUpdated

EXAMPLE = "node/customers"
CUSTOMERS, ORDERS, USERS = "custom://database/customers", "custom://api/orders", "myserver://data/users"


async def rows(client, uri):
    content = (await client.read_resource(uri)).contents[0]
    assert content.mime_type == "application/json"
    found = json.loads(content.text)
    assert content.text == json.dumps(found, indent=2)
    return found


def test_customers_and_orders(way):
    async def use(client):
        assert (client.server_info.name, client.server_info.version) == ("typescript-server", "1.0.0")
        listed = {one.name: str(one.uri) for one in (await client.list_resources()).resources}
        assert listed == {"customers": CUSTOMERS, "orders": ORDERS}
        assert await rows(client, CUSTOMERS) == [
            {"id": 1, "name": "John Doe", "email": "john@example.com"},
            {"id": 2, "name": "Jane Smith", "email": "jane@example.com"},
        ]
        assert await rows(client, ORDERS) == [
            {"id": 1, "customerId": 1, "status": "completed", "amount": 99.99},
            {"id": 2, "customerId": 2, "status": "shipped", "amount": 149.99},
        ]
        begins = "Customer created successfully: "
        created = await said(client, "create_customer", name="Ada", email="ada@example.com")
        assert created == begins + '{"id":3,"name":"Ada","email":"ada@example.com"}'
        placed = await said(client, "place_order", customerId=3, amount=5.5)
        assert placed == 'Order placed successfully: {"id":3,"customerId":3,"status":"pending","amount":5.5}'
        assert (await rows(client, CUSTOMERS))[2]["name"] == "Ada"
        assert (await rows(client, ORDERS))[2]["customerId"] == 3

        assert await refused(client, "place_order", customerId=99, amount=1) == "Customer with ID 99 not found"
        assert "/amount" in await refused(client, "place_order", customerId=1, amount=0)
        assert "/amount" in await refused(client, "place_order", customerId=1, amount=-5)
        assert "/email" in await refused(client, "create_customer", name="Eve", email="nobody")
        assert "/name" in await refused(client, "create_customer", name=" ", email="a@example.com")
        assert "/name" in await refused(client, "create_customer", name="x" * 100_000, email="a@example.com")
        assert "/name" in await refused(client, "create_customer", name={"$ne": 1}, email="a@example.com")
        assert (len(await rows(client, CUSTOMERS)), len(await rows(client, ORDERS))) == (3, 3)
        with pytest.raises(MCPError):
            await client.read_resource("custom://database/suppliers")

    converse(EXAMPLE, way, use)


def test_subscribers_hear_of_a_new_customer():
    async def main(url):
        async with Client(url, mode=MODES["modern"], read_timeout_seconds=SECONDS) as client:
            async with client.listen(resource_subscriptions=[CUSTOMERS]) as changes:
                await said(client, "create_customer", name="Ada", email="ada@example.com")
                assert await anext(changes) == ResourceUpdated(CUSTOMERS)

    with http(EXAMPLE) as url:
        asyncio.run(asyncio.wait_for(main(url), SECONDS))


def test_a_port_alone_is_an_address():
    with http(EXAMPLE, address="0", pattern=r"MCP Server running on port \d+") as line:
        assert int(line.rsplit(" ", 1)[1]) > 0


def test_it_listens_on_port_3000_unless_told_otherwise():
    program = ["node", str(EXAMPLES / EXAMPLE / "server.mjs"), "http"]
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    run = subprocess.Popen(program, text=True, **streams)
    watch = threading.Timer(SECONDS, run.kill)
    watch.start()
    said = []
    try:
        for line in run.stdout:
            said.append(line)
            # Somebody else may have the port.
            if "MCP Server running on port 3000: " in line or "cannot listen on 127.0.0.1:3000" in line:
                return
    finally:
        watch.cancel()
        run.terminate()
        run.communicate()
    pytest.fail("".join(said))


@pytest.mark.parametrize("era", MODES)
def test_low_level(era):
    async def main():
        program = str(EXAMPLES / EXAMPLE / "lowlevel.mjs")
        server = StdioServerParameters(command="node", args=[program], env={**os.environ})
        async with Client(server, mode=MODES[era], read_timeout_seconds=SECONDS) as client:
            assert (client.server_info.name, client.server_info.version) == ("my-mcp-server", "1.0.0")
            able = client.server_capabilities
            assert able.resources.subscribe and able.resources.list_changed and able.tools.list_changed
            [resource] = (await client.list_resources()).resources
            assert (str(resource.uri), resource.name, resource.description) == (USERS, "Users", "User database")
            assert [each["name"] for each in await rows(client, USERS)] == ["Alice", "Bob"]
            [tool] = (await client.list_tools()).tools
            assert tool.name == "create_user" and tool.input_schema["required"] == ["name", "email"]
            assert await said(client, "create_user", name="Eve", email="eve@example.com") == "Created user: Eve"
            assert [each["name"] for each in await rows(client, USERS)] == ["Alice", "Bob", "Eve"]
            reason = await refused(client, "create_user", name="Eve", email="nobody")
            assert reason.startswith("Validation error: email: ")
            with pytest.raises(MCPError, match="^Unknown tool: drop_user$"):
                await client.call_tool("drop_user", {})
            with pytest.raises(MCPError, match="^Unknown resource: myserver://data/cats$") as unknown:
                await client.read_resource("myserver://data/cats")
            assert unknown.value.error.code == (-32002 if era == "legacy" else -32602)
            assert len(await rows(client, USERS)) == 3

    asyncio.run(asyncio.wait_for(main(), SECONDS))


def test_low_level_params_are_checked():
    given = [
        ("tools/call", {}, "name: "),
        ("tools/call", {"name": 5}, "name: "),
        ("tools/call", {"name": "create_user", "arguments": [1]}, "arguments: "),
        ("tools/call", {"name": "create_user", "arguments": "x"}, "arguments: "),
        ("resources/read", {}, "uri: "),
        ("resources/read", {"uri": {}}, "uri: "),
    ]
    client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
    requests = [("initialize", client, None), *given]
    lines = [
        json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}) + "\n"
        for number, (method, params, _) in enumerate(requests)
    ]
    program = ["node", str(EXAMPLES / EXAMPLE / "lowlevel.mjs")]
    run = subprocess.run(program, input="".join(lines), capture_output=True, text=True, timeout=SECONDS)
    answers = {answer["id"]: answer for answer in map(json.loads, run.stdout.splitlines())}
    for number, (method, params, reason) in enumerate(given, 1):
        error = answers[number]["error"]
        wanted = "Invalid params: " + reason
        assert error["code"] == -32602 and error["message"].startswith(wanted), (method, params, error)


def test_an_address_in_use_is_said():
    with http(EXAMPLE) as url:
        program = ["node", str(EXAMPLES / EXAMPLE / "server.mjs"), url.removeprefix("http://").removesuffix("/mcp")]
        run = subprocess.run(program, capture_output=True, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL)
    assert run.returncode != 0 and "address already in use" in run.stderr.lower(), run.stderr
