"""The tool of the bench whose parameter is a pydantic model, on this engine.

Serves stdio, or with ``--http HOST:PORT`` HTTP, and then prints ``listening URL``.
"""

import sys

from pydantic import BaseModel
from tenon_mcp import Server

app = Server("bench")


class Message(BaseModel):
    text: str


@app.tool
def echo(message: Message) -> str:
    """Return the text unchanged."""
    return message.text


if sys.argv[1:2] == ["--http"]:
    # The engine says on stderr where it listens.
    sys.stderr = sys.stdout
    app.run(http=sys.argv[2])
else:
    app.run()
