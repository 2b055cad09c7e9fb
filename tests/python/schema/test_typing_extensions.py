"""Types of `typing_extensions` on versions of Python that lack them."""

import datetime
import subprocess
import sys

import typing_extensions
from tenon_mcp import Server
from tenon_mcp.testing import Client


class Postal(typing_extensions.TypedDict, total=False):
    """As those have them whose Python is older than what they use of it."""

    street: typing_extensions.Required[str]
    number: int
    since: datetime.date


def test_what_comes_from_typing_extensions():
    app = Server("t")

    @app.tool
    def move(to: Postal, note: typing_extensions.Any = None, **more: typing_extensions.Unpack[Postal]) -> Postal:
        assert more == {"street": "b", "since": datetime.date(2026, 7, 28)}
        return {**to, "number": to["number"] + 1}

    address = {
        "type": "object",
        "description": "As those have them whose Python is older than what they use of it.",
        "properties": {
            "street": {"type": "string"},
            "number": {"type": "integer"},
            "since": {"type": "string", "format": "date"},
        },
        "required": ["street"],
    }
    with Client(app) as client:
        (tool,) = client.list_tools()
        assert tool["inputSchema"]["properties"]["to"] == {**address, "additionalProperties": False}
        assert tool["inputSchema"]["properties"]["note"] == {"default": None}
        assert tool["inputSchema"]["required"] == ["to", "street"]
        assert tool["outputSchema"] == address
        given = {"street": "a", "number": 1, "since": "2026-07-28"}
        result = client.call_tool("move", {"to": given, "street": "b", "since": "2026-07-28"})
        assert result.data == {**given, "number": 2}


def test_typing_extensions_is_not_loaded_for_a_server():
    source = """
import sys
from typing import Any, TypedDict
from tenon_mcp import Server

class Row(TypedDict):
    a: Any

app = Server("t")

@app.tool
def tool(row: Row, b: Any) -> Row:
    return row

assert "typing_extensions" not in sys.modules
"""
    subprocess.run([sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{source}"], check=True)
