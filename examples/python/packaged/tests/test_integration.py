"""The server as a process of its own, over stdio."""

import json
import subprocess
import sys

INITIALIZE = {
    "protocolVersion": "2024-11-05",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1.0.0"},
}
USER = {"name": "Test User", "email": "test@example.com"}


def test_stdio():
    messages = [
        {"id": 1, "method": "initialize", "params": INITIALIZE},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "resources/read", "params": {"uri": "custom://data/users"}},
        {"id": 3, "method": "tools/call", "params": {"name": "create_user", "arguments": USER}},
    ]
    lines = "".join(json.dumps({"jsonrpc": "2.0", **message}) + "\n" for message in messages)
    command = [sys.executable, "-m", "my_mcp_server.server"]
    done = subprocess.run(
        command, check=False, input=lines, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    answers = {
        answer["id"]: answer["result"] for answer in map(json.loads, done.stdout.split("\n")[:-1])
    }
    assert answers[1]["protocolVersion"] == "2024-11-05"
    assert answers[1]["serverInfo"]["name"] == "my-mcp-server"
    assert "users" in json.loads(answers[2]["contents"][0]["text"])
    assert answers[3]["content"][0]["text"].startswith("Created user:")
