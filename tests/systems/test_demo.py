"""Each example that `make demo` lists, started as `make demo EXAMPLE=name` starts it, with one call over its transport.

What the command builds and installs first is there already, and left out.
"""

import asyncio
import base64
import json
import re
import socket
import sqlite3
import subprocess
import sys
from contextlib import ExitStack
from urllib.parse import urlsplit

import postgres
import pytest
from example_servers import EXAMPLES, MODES, ROOT, SECONDS, http, text
from mcp import Client

EXAMPLE = str(ROOT / "scripts" / "example.py")
ECHO = ("echo", {"message": "a"}, "Echo: a")
CUSTOMER = ("create_customer", {"name": "Ada", "email": "ada@example.com"}, "Customer created successfully: ")
USER = ("create_user", {"name": "Ada", "email": "ada@example.com"}, "Created user: Ada")
FILES = ("list_files", {}, "Contents of .:\na.txt")

# One call of each: the tool, its arguments, and what is in its text.
CALLS = {
    "python/basic": ECHO,
    "python/batch": ("batch_process", {"items": ["a"]}, "processed: a"),
    "python/configuration": ("show_config", {}, "max_connections"),
    "python/devtools": ("project_stats", {}, "Project Statistics:"),
    "python/fastapi-app": ECHO,
    "python/files": FILES,
    "python/lowlevel": USER,
    "python/packaged": USER,
    "python/postgres": ("execute_query", {"query": "SELECT 1 + 1 AS two"}, "two"),
    "python/prompts": None,
    "python/robust": ("divide_numbers", {"a": 9, "b": 2}, "4.5"),
    "python/sqlite": ("list_tables", {}, "Tables in database:"),
    "python/websocket": ECHO,
    "node/customers": CUSTOMER,
    "node/customers/lowlevel": USER,
    "node/express": ECHO,
    "node/fastify": ECHO,
    "node/files": FILES,
    "node/hono": ECHO,
    "node/packaged": USER,
    "c/devices": ("list_devices", {}, "temperature"),
    "cpp/shell": ("execute_select", {"query": "SELECT 1 + 1 AS two"}, "two"),
}


def test_the_list_is_that_of_make_demo():
    said = subprocess.run([sys.executable, EXAMPLE], capture_output=True, text=True, check=True, timeout=SECONDS).stdout
    assert re.findall(r"^  (\S+) +\S.*$", said, re.M) == list(CALLS)
    folders = {f"{page.parent.parent.name}/{page.parent.name}" for page in EXAMPLES.glob("*/*/README.md")}
    assert {"/".join(name.split("/")[:2]) for name in CALLS} == folders


@pytest.mark.parametrize("name", CALLS)
def test_a_call(name, tmp_path):
    (tmp_path / "a.txt").write_text("a")
    sqlite3.connect(tmp_path / "shop.db").execute("CREATE TABLE tea (name)").connection.close()
    env = {
        "BASE_PATH": str(tmp_path),
        "PROJECT_ROOT": str(tmp_path),
        "DATABASE_PATH": str(tmp_path / "shop.db"),
        "LOG_FILE": str(tmp_path / "log"),
    }
    start = [sys.executable, EXAMPLE, "--built", name]
    with ExitStack() as stack:
        if name == "python/postgres":
            env["DATABASE_URL"] = stack.enter_context(postgres.cluster())()
        # What reads from a terminal goes on as long as that is there.
        url = stack.enter_context(http(name, env=env, start=start, stdin=subprocess.PIPE))
        if url.startswith("ws"):
            over_websocket(url, *CALLS[name])
        else:
            # An application says its own address, where tools are one path of several.
            url = url if urlsplit(url).path.strip("/") else url.rstrip("/") + "/mcp"
            asyncio.run(asyncio.wait_for(over_http(url, CALLS[name]), SECONDS))


async def over_http(url, call):
    async with Client(url, mode=MODES["modern"], read_timeout_seconds=SECONDS) as client:
        if call is None:
            (prompt,) = (await client.list_prompts()).prompts
            assert (await client.get_prompt(prompt.name, {})).messages
            return
        tool, arguments, part = call
        result = await client.call_tool(tool, arguments)
        assert part in text(result) and not result.is_error, text(result)


def over_websocket(url, tool, arguments, part):
    """The handshake, a frame of 125 bytes at most for each message, and what comes back."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=SECONDS) as connection:
        head = [
            f"GET {address.path} HTTP/1.1",
            f"Host: {address.netloc}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}",
            "Sec-WebSocket-Protocol: mcp",
        ]
        connection.sendall("\r\n".join([*head, "", ""]).encode())
        answers = connection.makefile("rb")
        assert b" 101 " in answers.readline()
        while answers.readline() != b"\r\n":
            pass

        def ask(number, method, params):
            message = json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode()
            # Final, text; masked with zeros.
            connection.sendall(b"\x81\xfe" + len(message).to_bytes(2, "big") + bytes(4) + message)
            first, length = answers.read(2)
            assert first == 0x81
            length = int.from_bytes(answers.read(2), "big") if length == 126 else length
            return json.loads(answers.read(length))

        client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
        assert "result" in ask(1, "initialize", client)
        answer = ask(2, "tools/call", {"name": tool, "arguments": arguments})
        assert part in answer["result"]["content"][0]["text"]
