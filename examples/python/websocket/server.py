"""Tools over WebSocket, and a page that calls them from a browser."""

import sys
from pathlib import Path

from tenon_mcp import Server

app = Server("websocket-server", "1.0.0")
app.page("/", (Path(__file__).parent / "index.html").read_text(encoding="utf-8"))


@app.tool
def echo(message: str) -> str:
    """Say it again."""
    return f"Echo: {message}"


@app.tool(structured=True)
def calculate_sum(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


def started(app: Server) -> None:
    page = app.websocket_url.replace("ws://", "http://").removesuffix("ws")
    print(f"listening {app.websocket_url}, the page is {page}", file=sys.stderr)


if __name__ == "__main__":
    # Pages of this machine may connect; others would have to be named in `allowed_origins`.
    app.run(websocket=sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:8080", on_started=started)
