"""Clients of FastMCP 2 and 3, each in an environment of its own: they need another `mcp` than the other tests."""

import json
from pathlib import Path

import pytest
from hosts import processes

HERE = Path(__file__).resolve().parent
SERVER = [processes.PYTHON, str(HERE / "fastmcp_server.py")]


@pytest.mark.parametrize("version", [2, 3])
def test_a_client_is_entered_again(version):
    python = str(processes.ROOT / f".venv-fastmcp{version}" / "bin" / "python")
    client = [python, "-W", "ignore", str(HERE / "clients" / "fastmcp_client.py")]
    code, output = processes.run_to_end([*client, *processes.from_root(SERVER)], 60)
    assert code == 0, output
    entries = json.loads(output.strip().splitlines()[-1])
    assert [entry["heard"] for entry in entries] == [[1, 2, 3]] * 3
    assert [entry["words"] for entry in entries] == [["a", "b"]] * 3, "taken out of its object"
    assert len({entry["process"] for entry in entries}) == 1, "the process was kept"
    assert [entry["data"] for entry in entries] == [None] * 3, "a text is no structured content"
