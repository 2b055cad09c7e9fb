"""A server of another maker that can do almost nothing: the control of the runner's own tests.

Two tools of the fixture, made with PyPI `mcp`; nearly every scenario must fail against it. Started like the fixtures.
"""

import socket
import sys

import uvicorn
from mcp.server.mcpserver import MCPServer

app = MCPServer("control")


@app.tool()
def test_simple_text() -> str:
    """Return a text."""
    return "This is a simple text response for testing."


@app.tool()
def test_error_handling() -> str:
    """Always fail."""
    raise RuntimeError("This tool intentionally returns an error for testing")


if __name__ == "__main__":
    host, port = sys.argv[sys.argv.index("--http") + 1].split(":")
    listener = socket.create_server((host, int(port)))
    print(f"listening http://{host}:{listener.getsockname()[1]}/mcp", flush=True)
    server = uvicorn.Server(uvicorn.Config(app.streamable_http_app(), log_level="error"))
    server.run(sockets=[listener])
