"""The server as clients see it, in this process."""

import json

import pytest
from tenon_mcp import McpError, ToolError
from tenon_mcp.testing import Client

from my_mcp_server.server import make_server


@pytest.fixture
def app():
    return make_server()


async def test_resources(app):
    async with Client(app) as client:
        resources = await client.list_resources()
        assert len(resources) == 3
        assert "custom://data/users" in [resource.uri for resource in resources]
        users = (await client.read_resource("custom://data/users")).data
        assert users["total"] == len(users["users"]) == 2
        with pytest.raises(McpError):
            await client.read_resource("custom://data/nothing")


async def test_users(app):
    async with Client(app) as client:
        created = await client.call_tool(
            "create_user", {"name": "Test User", "email": "test@example.com"}
        )
        assert created.text.startswith("Created user:")
        assert created.data["id"] == 3 and created.data["role"] == "user"
        changed = await client.call_tool("update_user", {"user_id": 3, "name": "Other"})
        assert changed.data["updated_fields"] == ["name"]
        users = (await client.read_resource("custom://data/users")).data["users"]
        assert users[-1]["name"] == "Other"
        assert (await client.call_tool("delete_user", {"user_id": 3})).data["status"] == "deleted"
        with pytest.raises(ToolError, match="no user 3"):
            await client.call_tool("delete_user", {"user_id": 3})


@pytest.mark.parametrize(
    "arguments",
    [
        {"name": "x"},
        {"name": "", "email": "x@example.com"},
        {"name": "x", "email": "not an address"},
        {"name": "x", "email": "x@example.com", "role": "root"},
    ],
)
async def test_what_is_no_user_is_refused(app, arguments):
    async with Client(app) as client:
        with pytest.raises(ToolError):
            await client.call_tool("create_user", arguments)
        assert (await client.read_resource("custom://data/users")).data["total"] == 2


async def test_prompt(app):
    async with Client(app) as client:
        (message,) = (await client.get_prompt("analyze_data", {"dataset": "orders"})).messages
        text = message.content["text"]
        assert text.startswith("Analyze this dataset: ")
        assert json.loads(text.partition(": ")[2])["rows"] == 2
        with pytest.raises(McpError, match="Unknown dataset"):
            await client.get_prompt("analyze_data", {"dataset": "nothing"})
