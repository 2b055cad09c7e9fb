"""Tools over WebSocket, and a page that calls them from a browser."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from tenon_mcp import Server

PAGE = (Path(__file__).parent / "index.html").read_text(encoding="utf-8")
app = Server("websocket-server", "1.0.0")


@app.tool
def echo(message: str) -> str:
    """Say it again."""
    return f"Echo: {message}"


@app.tool(structured=True)
def calculate_sum(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


class Page(BaseHTTPRequestHandler):
    """Answers the one page there is, with the address that it connects to in it."""

    def do_GET(self):
        if self.path != "/":
            self.send_error(404)
            return
        body = PAGE.replace("{websocket}", app.websocket_url).encode()
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def show_page(app: Server) -> None:
    # Pages of this machine may connect; others would have to be named in `allowed_origins`.
    pages = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    Thread(target=pages.serve_forever, daemon=True).start()
    print(f"listening {app.websocket_url}, the page is http://127.0.0.1:{pages.server_port}/", file=sys.stderr)


if __name__ == "__main__":
    app.run(websocket=sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:8080", on_started=show_page)
