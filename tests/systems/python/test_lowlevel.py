"""The example `lowlevel`: every method is its own, data that changes, e-mail that arrives."""

import asyncio
import email
import email.policy
import json
import socket
import subprocess

import pytest
from aiosmtpd.controller import Controller
from example_servers import SECONDS, command, connected, converse, load, refused, said, text
from mcp import MCPError
from tenon_mcp.testing import Client

BODY = "Grüße,\nfrom a line that is long: " + "ü" * 2000 + "\n.\n..dots\n\ttabs, \u2028 and no end"


class Mailbox:
    def __init__(self):
        self.messages = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.messages.append(envelope)
        return "250 OK"


class OnAnyPort(Controller):
    """Says which port it has got."""

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def mailbox():
    controller = OnAnyPort(Mailbox(), hostname="127.0.0.1", port=0)
    controller.start()
    yield controller
    controller.stop()


def test_with_a_client(every_way, mailbox):
    async def use(client):
        assert client.server_info.name == "my-mcp-server" and client.server_info.version == "1.0.0"
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert list(tools) == ["create_user", "update_user", "delete_user", "send_email"]
        assert tools["send_email"].description == "Tool for send email"
        assert tools["create_user"].input_schema["required"] == ["name", "email"]

        resources = (await client.list_resources()).resources
        assert [(str(one.uri), one.name, one.description) for one in resources] == [
            (f"custom://data/{source}", f"{source.title()} Data", f"Access to {source} information")
            for source in ("users", "products", "orders")
        ]

        async def read(source):
            (contents,) = (await client.read_resource(f"custom://data/{source}")).contents
            assert contents.mime_type == "application/json"
            found = json.loads(contents.text)
            assert found["total"] == len(found[source])
            return found[source]

        assert (await read("users"))[1] == {"id": 2, "name": "Bob", "email": "bob@example.com"}
        assert (await read("products"))[0] == {"id": 1, "name": "Widget", "price": 19.99}
        assert (await read("orders"))[1] == {"id": 2, "user_id": 2, "product_id": 2, "quantity": 1}
        for uri, reason in (
            ("file:///etc/passwd", "Unsupported URI scheme: file:///etc/passwd"),
            ("custom://data/secrets", "Unknown data source: secrets"),
            ("custom://other/users", "Unknown resource: custom://other/users"),
        ):
            with pytest.raises(MCPError, match=reason):
                await client.read_resource(uri)

        made = await client.call_tool("create_user", {"name": "Cleo", "email": "cleo@example.com"})
        assert text(made) == "Created user: Cleo"
        user = {"id": 3, "name": "Cleo", "email": "cleo@example.com", "role": "user"}
        assert made.structured_content == {**user, "status": "created"} and (await read("users"))[-1] == user
        changed = await client.call_tool("update_user", {"user_id": 3, "email": "c@example.org"})
        assert changed.structured_content == {"id": 3, "updated_fields": ["email"], "status": "updated"}
        assert (await read("users"))[-1]["email"] == "c@example.org"
        gone = await client.call_tool("delete_user", {"user_id": 3})
        assert gone.structured_content == {"id": 3, "status": "deleted"} and len(await read("users")) == 2
        for tool, arguments, reason in (
            ("create_user", {"name": "x", "email": "x"}, "Validation error: email: "),
            ("create_user", {"name": "x", "email": "x@y"}, "Validation error: email: "),
            ("create_user", {"name": "x", "email": "a@b.c\nBcc: d@e.f"}, "Validation error: email: "),
            ("create_user", {"name": "x", "email": "a@b.cc\n"}, "Validation error: email: "),
            ("create_user", {"name": "x", "email": "x@example.com", "role": "root"}, "Validation error: role: "),
            ("create_user", {"name": "x"}, "Validation error: 'email'"),
            ("create_user", {"name": "x" * 201, "email": "x@example.com"}, "Validation error: name: "),
            ("update_user", {"user_id": "1"}, "Validation error: user_id: "),
            ("update_user", {"user_id": 77, "name": "x"}, "Error: there is no user 77"),
            ("delete_user", {"user_id": 3}, "Error: there is no user 3"),
            ("delete_user", {"user_id": 1, "really": True}, "Validation error: "),
        ):
            assert (await refused(client, tool, **arguments)).startswith(reason)
        assert len(await read("users")) == 2
        with pytest.raises(MCPError, match="Unknown tool: nothing"):
            await client.call_tool("nothing", {})

        sent = await said(client, "send_email", to="ann@example.com", subject="Über uns", body=BODY)
        assert sent == "Email sent to ann@example.com with subject 'Über uns'"
        (envelope,) = mailbox.handler.messages
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert envelope.rcpt_tos == ["ann@example.com"] and message["From"] == envelope.mail_from == "me@example.com"
        assert message["Subject"] == "Über uns" and message.get_payload(decode=True).decode() == BODY
        for wrong in (
            {"to": "ann@example.com\nBcc: eve@example.com"},
            {"to": "ann@example.com, eve@example.com"},
            {"subject": "x\r\nBcc: eve@example.com"},
            {"subject": "x\nBcc: eve@example.com"},
            {"to": "not an address"},
            {"to": "ann@example.com\n"},
            {"to": "friends:ann@example.com"},
            {"to": "(x)ann@example.com"},
            {"to": '"x y"@example.com'},
            {"to": "ann@example..com"},
            {"to": "a." * 50_000 + "@" + "a-" * 50_000},
            {"subject": "x\n"},
            {"subject": "x\x0bBcc: eve@example.com"},
            {"subject": "x\u2028Bcc: eve@example.com"},
            {"subject": "x\x85y"},
        ):
            arguments = {"to": "ann@example.com", "subject": "x", "body": "y", **wrong}
            assert (await refused(client, "send_email", **arguments)).startswith("Validation error: ")
        assert "550" in await refused(client, "send_email", to="nobody@example.com", subject="x", body="y")
        assert len(mailbox.handler.messages) == 1

        (prompt,) = (await client.list_prompts()).prompts
        assert prompt.description == "Data analysis prompt" and prompt.arguments[0].required
        (message,) = (await client.get_prompt("analyze_data", {"dataset": "products"})).messages
        assert message.role == "user" and message.content.text.startswith("Analyze this dataset: ")
        told = json.loads(message.content.text.removeprefix("Analyze this dataset: "))
        assert (told["id"], told["rows"], told["columns"]) == ("products", 2, ["id", "name", "price"])
        assert told["size"] == len(json.dumps(await read("products")))
        for name, arguments in (("nothing", {}), ("analyze_data", {"dataset": "secrets"}), ("analyze_data", {})):
            with pytest.raises(MCPError) as refusal:
                await client.get_prompt(name, arguments)
            assert refusal.value.error.code == -32602

    place = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(mailbox.port), "SMTP_FROM": "me@example.com"}
    converse("python/lowlevel", every_way, use, env=place)


def test_subscribers_hear_of_a_new_user():
    async def use():
        told = asyncio.Queue()

        async def hear(message):
            told.put_nowait(message)

        async with connected("python/lowlevel", ("stdio", "legacy"), message_handler=hear) as client:
            capabilities = client.server_capabilities
            assert capabilities.resources.subscribe and capabilities.resources.list_changed
            assert capabilities.tools.list_changed and capabilities.prompts.list_changed and capabilities.logging
            await client.subscribe_resource("custom://data/users")
            await client.call_tool("create_user", {"name": "Dan", "email": "dan@example.com"})
            message = await told.get()
            assert message.method == "notifications/resources/updated"
            assert str(message.params.uri) == "custom://data/users"

    asyncio.run(asyncio.wait_for(use(), SECONDS))


@pytest.mark.parametrize(
    ("method", "params", "reason"),
    [
        ("tools/call", {}, "'name' is a required property"),
        ("tools/call", {"name": ["create_user"]}, "/name: "),
        ("tools/call", {"name": "create_user", "arguments": [1]}, "arguments"),
        ("resources/read", {}, "'uri' is a required property"),
        ("resources/read", {"uri": 5}, "/uri: 5 is not of type 'string'"),
        ("prompts/get", {}, "'name' is a required property"),
        ("prompts/get", {"name": {}}, "/name: "),
        ("prompts/get", {"name": "analyze_data", "arguments": {"dataset": ["users"]}}, "dataset"),
    ],
)
def test_params_that_are_not_the_method_s(method, params, reason):
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
    calls = [
        {"id": 1, "method": "initialize", "params": hello},
        {"method": "notifications/initialized"},
        {"id": 2, "method": method, "params": params},
    ]
    lines = "".join(json.dumps({"jsonrpc": "2.0", **call}) + "\n" for call in calls)
    program = command("python/lowlevel")
    done = subprocess.run(program, input=lines, capture_output=True, text=True, timeout=SECONDS)
    answers = {answer.get("id"): answer for answer in map(json.loads, done.stdout.splitlines())}
    error = answers[2]["error"]
    assert error["code"] == -32602 and reason in error["message"], error


def test_a_dead_mail_server_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    async def use(client):
        reason = await refused(client, "send_email", to="a@example.com", subject="x", body="y")
        assert reason.startswith("Error: the e-mail was not sent: ")

    converse("python/lowlevel", ("stdio", "modern"), use, env={"SMTP_PORT": str(port)})


def test_as_the_tests_of_its_readers():
    app = load("python/lowlevel").app
    with Client(app) as client:
        assert len(client.list_resources()) == 3
        assert "users" in client.read_resource("custom://data/users").data
        created = client.call_tool("create_user", {"name": "Test", "email": "test@example.com"})
        assert created.text.startswith("Created user:")
